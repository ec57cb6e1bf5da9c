#!/bin/sh
# Grain leaves out records of the first shards although drop_remainder is False.
#
# Expectation: ShardOptions deals 10 records to 3 shards as 4, 3 and 3 when drop_remainder is False, as its
# documentation says, and together the shards read every record once an epoch.
# Behaviour: the records are dealt so, but DataLoader stops every shard after as many as the smallest has: shard 0 holds
# the records 0 to 3 and reads three of them. Without shuffling it is always the last that is never read in a single
# epoch, as in validation. Over several epochs each shard reads equally many records in all, so an epoch of shard 0
# takes longer than one of the others, and its records come less often: over 30 epochs 25 times where the others come 33
# or 34 times. grain.load does the same. Nothing warns; MapDataset sliced by [shard::3] reads all.
# Versions: numpy==2.4.6, grain==0.2.18, array_record==0.8.6.
# Source: documentation of ShardOptions, drop_remainder; IndexSampler in grain/_src/python/samplers.py. Found by
# counting records.
# Output seen: one epoch [0, 1, 2] [4, 5, 6] [7, 8, 9]; 30 epochs: records 0 to 3 25 times, the others 33 or 34 times
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 grain==0.2.18 array_record==0.8.6
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
from collections import Counter

import grain
import grain.python

records = list(range(10))


def read(shard, epochs, shuffle):
    options = grain.python.ShardOptions(shard, 3, drop_remainder=False)
    sampler = grain.python.IndexSampler(10, shard_options=options, shuffle=shuffle, num_epochs=epochs, seed=0)
    loader = grain.python.DataLoader(data_source=records, sampler=sampler, worker_count=0)
    return [int(record) for record in loader]


first = grain.python.ShardOptions(0, 3, drop_remainder=False)
sampler = grain.python.IndexSampler(10, shard_options=first, num_epochs=1)
dealt = [sampler[index].record_key for index in (0, 3, 6, 9)]
epoch = [read(shard, 1, False) for shard in range(3)]
helper = [[int(record) for record in grain.python.load(records, num_epochs=1, worker_count=0,
                                                       shard_options=grain.python.ShardOptions(shard, 3))]
          for shard in range(3)]
counts = Counter(sum((read(shard, 30, True) for shard in range(3)), []))
sliced = [list(grain.MapDataset.source(records)[shard::3]) for shard in range(3)]
print("shard 0 holds", dealt, "one epoch", epoch, "grain.load", helper)
print("30 epochs", sorted(counts.items()), "MapDataset", sliced)
assert dealt == [0, 1, 2, 3] and sorted(sum(sliced, [])) == records
assert epoch == helper == [[0, 1, 2], [4, 5, 6], [7, 8, 9]], "the behaviour has changed"
assert all(counts[record] == 25 for record in range(4)), "the behaviour has changed"
assert all(counts[record] >= 33 for record in range(4, 10)), "the behaviour has changed"
EOF

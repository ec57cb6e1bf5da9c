#!/bin/sh
# WebDataset makes one sample of files whose names are different UIDs.
#
# Expectation: 1.2.840.1.npy and 1.2.840.2.npy are two samples, with the keys 1.2.840.1 and 1.2.840.2.
# Behaviour: the key ends at the first dot, so both have the key 1 and become one sample with the fields 2.840.1.npy and
# 2.840.2.npy. A data set named by SOP Instance UID comes out as a single sample, without a warning.
# Versions: webdataset==1.0.2, numpy==2.4.6.
# Source: documentation of webdataset, naming of files. Found by running.
# Output seen: one sample, fields ['2.840.1.npy', '2.840.2.npy']
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 webdataset==1.0.2
cd "$folder"
venv/bin/python - <<'EOF'
import io
import tarfile

import numpy as np
import webdataset

array = io.BytesIO()
np.save(array, np.zeros(3))
with tarfile.open("shard.tar", "w") as shard:
    for uid in ("1.2.840.1", "1.2.840.2"):
        member = tarfile.TarInfo(f"{uid}.npy")
        member.size = len(array.getvalue())
        shard.addfile(member, io.BytesIO(array.getvalue()))
samples = [sorted(key for key in sample if not key.startswith("__")) for sample in webdataset.WebDataset("shard.tar", shardshuffle=False)]
print(samples)
assert samples == [["2.840.1.npy", "2.840.2.npy"]], "the behaviour has changed"
EOF

#!/bin/sh
# TensorSocket leaves out the last batches of every epoch.
#
# Expectation: an epoch of its consumer has as many batches as its length says, which is that of the loader.
# Behaviour: the producer sends groups of producer_batch_size batches of the loader, 8 by default. Once it has loaded the last
# batch it ends the epoch, before the group that it belongs to is sent, full or not: the last 1 to 8 batches are dropped
# without a word, and the next epoch begins anew. With a loader that does not shuffle, the last samples of a data set
# never reach a reader; the consumer's length counts them.
# Versions: tensorsocket==0.0.5, torch==2.15.0, numpy==2.4.6.
# Source: get_sample and _reset_producer in tensorsocket/producer.py, TensorConsumer.__len__; README of TensorSocket.
# Found while measuring it: of 79 batches, readers got 72 with groups of 8, 78 with groups of 2, and of 32 they got 30.
# Output seen: length 16; epochs of 8, 8 batches; samples that came: 0 to 31 of 64
set -eu
folder=$(mktemp -d)
trap 'kill $producer 2>/dev/null || true; rm -rf "$folder"' EXIT
producer=
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorsocket==0.0.5 torch==2.15.0 numpy==2.4.6
cd "$folder"
cat > produce.py <<'EOF'
import torch
from tensorsocket import TensorProducer
from torch.utils.data import DataLoader, TensorDataset

producer = TensorProducer(DataLoader(TensorDataset(torch.arange(64)), batch_size=4))
while True:
    for _ in producer:
        pass
EOF
cat > consume.py <<'EOF'
from tensorsocket import TensorConsumer

consumer = TensorConsumer(batch_size=4)
# The first epoch may have begun before.
epochs = [[int(number) for (batch,) in consumer for number in batch] for _ in range(3)][1:]
print("length", len(consumer))
print("epochs of", ", ".join(str(len(epoch) // 4) for epoch in epochs), "batches")
print("samples that came:", min(map(min, epochs)), "to", max(map(max, epochs)), "of 64")
assert len(consumer) == 16, "the behaviour has changed"
assert all(epoch == list(range(32)) for epoch in epochs), "the behaviour has changed"
EOF
"$folder/venv/bin/python" -W ignore produce.py >/dev/null 2>&1 &
producer=$!
timeout 120 "$folder/venv/bin/python" -W ignore consume.py

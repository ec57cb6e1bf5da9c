#!/bin/sh
# TensorSocket sends the memory of eight batches with each batch of tensors of the CPU.
#
# Expectation: readers share the memory of the producer, as its payload promises, and what goes through the socket
# is a handle of some hundred bytes; or, if tensors are copied, the batch.
# Behaviour: eight batches of the loader are joined to one tensor, of which each reader is sent views. The payload of a
# view holds its typed storage, which is that of all eight; the socket pickles with pickle itself, not with the pickler of
# torch.multiprocessing that turns shared storages into handles, so every batch carries the bytes of eight. They are
# pickled anew for each reader, and all goes to all readers: an epoch sends 8 k^2 times its bytes.
# Versions: tensorsocket==0.0.5, torch==2.15.0, numpy==2.4.6.
# Source: TensorPayload._from_tensor in tensorsocket/payload.py, _broadcast in tensorsocket/producer.py (send_pyobj);
# README of TensorSocket ("sharing data one-to-many"). Found while measuring it beside k processes of h5py.
# Output seen: a batch of 32 images has 4194304 bytes, its message 33554903
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorsocket==0.0.5 torch==2.15.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import pickle

import torch
from tensorsocket.producer import pack, slice

# What the producer joins by default: eight batches of its loader.
images = torch.zeros(8 * 32, 256, 256, dtype=torch.int16)
(batch,) = slice((images,), 32, 64)
message = len(pickle.dumps(pack((batch,))))
print("a batch of", len(batch), "images has", batch.nbytes, "bytes, its message", message)
assert batch.nbytes == 4194304, "the behaviour has changed"
assert 8 * batch.nbytes < message < 8.1 * batch.nbytes, "the behaviour has changed"
EOF

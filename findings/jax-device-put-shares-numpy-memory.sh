#!/bin/sh
# jax.device_put shares the memory of a NumPy array even with may_alias=False.
#
# Expectation: a value on the device does not change when the array it came from is filled again.
# Behaviour: on the CPU an array that begins at a multiple of 64 bytes is not copied, so a loader that reuses its
# buffer changes the batch that the model already has. jnp.array copies.
# Versions: numpy==2.4.6, jax==0.10.2.
# Source: documentation of jax.device_put, may_alias. Found by running.
# Output seen: device_put 9.0, with may_alias=False 7.0, jnp.array 0.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 jax==0.10.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import jax
import numpy as np

memory = np.zeros(1 << 16, np.float32)
first = (-memory.ctypes.data // 4) % 16
batch = memory[first : first + 4096]
assert batch.ctypes.data % 64 == 0


def seen(put, value):
    batch[:] = 0
    placed = put(batch)
    batch[:] = value
    return float(placed[0])


shared = [seen(jax.device_put, 9), seen(lambda a: jax.device_put(a, may_alias=False), 7), seen(jax.numpy.array, 5)]
print("device_put", shared[0], "may_alias=False", shared[1], "jnp.array", shared[2])
assert shared == [9, 7, 0], "the behaviour has changed"
EOF

#!/bin/sh
# Keras calls on_epoch_end of a PyDataset before the first epoch, and twice for each validation.
#
# Expectation: on_epoch_begin and on_epoch_end of a PyDataset enclose each epoch once.
# Behaviour: fit reads batch 0 to learn shapes and calls on_epoch_end after it; each validation calls on_epoch_end
# before and after. State that moves in the hook (epoch number, shuffle, curriculum) is one or more steps ahead.
# Versions: numpy==2.4.6, keras==3.15.1, jax==0.10.2.
# Source: documentation of keras.utils.PyDataset. Found by running with the JAX backend.
# Output seen: begin 0 end begin 0 1 2 end ... and v-end v-begin v-0 v-1 v-end
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 keras==3.15.1 jax==0.10.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

events = []


class Data(keras.utils.PyDataset):
    def __init__(self, name, batches):
        super().__init__()
        self.name, self.batches = name, batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        events.append(f"{self.name}-{index}")
        return np.zeros((1, 2), "float32"), np.zeros((1, 1), "float32")

    def on_epoch_begin(self):
        events.append(f"{self.name}-begin")

    def on_epoch_end(self):
        events.append(f"{self.name}-end")


model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(Data("t", 3), validation_data=Data("v", 2), epochs=1, verbose=0, shuffle=False)
print(*events)
assert events[:4] == ["t-begin", "t-0", "t-end", "t-begin"], "training has changed"
assert events[-5:] == ["v-end", "v-begin", "v-0", "v-1", "v-end"], "validation has changed"
EOF

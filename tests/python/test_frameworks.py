"""The adaptors and recipes for Keras, PyTorch, TensorFlow and JAX; each is skipped where its package is missing."""

import itertools
import pathlib
import pickle
import time

import numpy as np
import pytest


def of(data, **options):
    return [(batch.images, batch.masks) for batch in data.batches(**options)]


def equal(got, expected):
    assert len(got) == len(expected) > 0
    for (images, masks), (expected_images, expected_masks) in zip(got, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(images), expected_images)
        np.testing.assert_array_equal(np.asarray(masks), expected_masks)


OPTIONS = {"split": "train", "batch_size": 3, "seed": 4, "augment": "cardiac", "normalize": "zscore"}


def test_jax(data):
    jax = pytest.importorskip("jax")
    # Whether arrays are shared with the device or copied, no batch is written over another.
    got = [(jax.device_put(images), jax.device_put(masks)) for images, masks in data.batches(**OPTIONS, epochs=3)]
    equal(got, of(data, **OPTIONS, epochs=3))


def test_tf_data(data):
    tf = pytest.importorskip("tensorflow")
    shape, planes = data.image_shape, len(data.structures)
    signature = (tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None, *shape[:2], planes), tf.uint8))
    train = tf.data.Dataset.from_generator(
        lambda: map(tuple, data.batches(**OPTIONS)), output_signature=signature
    ).prefetch(2)
    for _ in range(2):
        equal([(images.numpy(), masks.numpy()) for images, masks in train], of(data, **OPTIONS))


def test_keras_batches_at_any_index(file, data):
    pytest.importorskip("keras")
    import dicomprep.keras

    train = dicomprep.keras.Batches(file, **OPTIONS)
    expected = of(data, **OPTIONS, epochs=2)
    assert train.num_batches is None and train.steps_per_epoch == len(expected) // 2
    order = [*reversed(range(len(expected))), 0]
    equal([train[index] for index in order], [expected[index] for index in order])
    val = train.validation()
    equal([val[index] for index in range(val.num_batches)],
          of(data, split="val", batch_size=3, normalize="zscore", shuffle=False))


@pytest.mark.parametrize("workers", [1, 2])
def test_keras_batches_in_order_are_decoded_ahead(file, data, workers):
    pytest.importorskip("keras")
    import dicomprep.keras

    def decoding():
        return sum(thread.read_text().startswith("decode") for thread in pathlib.Path("/proc/self/task").glob("*/comm"))

    before = decoding()
    train = dicomprep.keras.Batches(file, **OPTIONS, workers=workers, threads=2)
    expected = of(data, **OPTIONS, epochs=4)
    # All are held: none is written over another.
    got = [train[index] for index in range(len(expected) // 2)]
    assert decoding() - before == (2 if workers == 1 else 0)
    # Back to a batch, and on from there.
    order = [3, 4, 5, 6, 0, 1, 2]
    back = [train[index] for index in order]
    clone = pickle.loads(pickle.dumps(train))
    train.close()
    got += [train[index] for index in range(len(got), len(expected))]
    equal(got, expected)
    equal(back, [expected[index] for index in order])
    equal([clone[index] for index in range(len(expected))], expected)
    val = train.validation(workers=workers)
    for _ in range(2):
        equal([val[index] for index in range(val.num_batches)],
              of(data, split="val", batch_size=3, normalize="zscore", shuffle=False))
    for batches in (train, clone):
        batches.close()
    # A thread that has ended is listed a moment longer.
    assert any(decoding() == before or time.sleep(0.01) for _ in range(200))


def test_keras_fit(file):
    keras = pytest.importorskip("keras")
    import dicomprep.keras

    train = dicomprep.keras.Batches(file, split="train", batch_size=4, structures=["inner"], normalize="zscore")
    model = keras.Sequential([keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    history = model.fit(train, steps_per_epoch=train.steps_per_epoch, epochs=2, validation_data=train.validation(),
                        shuffle=False, verbose=0)
    assert len(history.history["val_loss"]) == 2 and np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_torch(file, data, workers, context):
    torch = pytest.importorskip("torch")
    import dicomprep.torch

    options = {**OPTIONS, "shuffle": False, "augment": None}
    train = dicomprep.torch.Batches(file, **options)
    loader = torch.utils.data.DataLoader(train, batch_size=None, num_workers=workers,
                                         multiprocessing_context=context if workers else None)
    images = np.concatenate([images.numpy() for images, _ in loader])
    whole = np.concatenate([images for images, _ in of(data, **options, layout="nchw")])
    assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in whole)


def test_torch_samples(file, data):
    torch = pytest.importorskip("torch")
    import dicomprep.torch

    samples = dicomprep.torch.Samples(file, split="val")
    image, mask = samples[0]
    assert image.dtype == torch.float32 and image.shape == (1, *data.image_shape[:2]) and mask.dtype == torch.uint8
    loader = torch.utils.data.DataLoader(samples, batch_size=2, num_workers=2)
    assert sum(len(images) for images, _ in loader) == len(samples) == len(data.split("val"))


def test_flow_of_a_file_has_no_end(data):
    import dicomprep

    flow = dicomprep.flow(data, batch_size=3, seed=4)
    got = list(itertools.islice(flow, 20))
    equal(got, list(itertools.islice(of(data, batch_size=3, seed=4, epochs=20), 20)))

#!/usr/bin/env python3
"""The others' augmentation of images and masks in memory; prints CPU and wall seconds as one JSON line.

    augmenters.py NAME KIND FILE --samples N [--processes N]
    augmenters.py --list    the kinds of each, and what each needs that is not installed

Images are float32 from 0 to 1, masks uint8 of 0 and 1; both get the same geometry, masks the nearest pixel. All do a kind
with equal strength. What they draw is not on trial: each draws with what it is used with.
"""

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import sys
import time
import typing

import h5py
import numpy as np

GEOMETRY, ELASTIC, BIAS_FIELD, BLUR, LOW_RESOLUTION = KINDS = [
    "rotation, shift, zoom, flip", "elastic", "bias field", "blur", "low resolution"]
SIDE = 256
MOST_HELD = 512
# So many are made ready, off the clock, at a time.
BLOCK = 32


@dataclasses.dataclass
class Augmenter:
    """`augment` is on the clock. It takes what `given` makes of image and mask, both (H, W, 1), and their number;
    `taken` makes image and mask, of the same pixels in the same order, of what it returns."""

    augment: typing.Callable
    given: typing.Callable = lambda image, mask, _number: {"image": image, "mask": mask}
    taken: typing.Callable = lambda made: (made["image"], made["mask"])


def keras():
    """Two generators that draw the same, as its documentation has it for images and masks."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    ranges = dict(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=[0.9, 1.1],
                  horizontal_flip=True, data_format="channels_last")
    images = ImageDataGenerator(fill_mode="nearest", interpolation_order=1, **ranges)
    masks = ImageDataGenerator(fill_mode="constant", interpolation_order=0, **ranges)

    def augment(pair):
        image, mask, number = pair
        return images.random_transform(image, number), masks.random_transform(mask, number)

    return {GEOMETRY: Augmenter(augment, lambda *pair: pair, lambda made: made)}


def albumentations():
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)
    shift = {"x": (-0.1, 0.1), "y": (-0.1, 0.1)}
    zoom = {"x": (0.9, 1.1), "y": (0.9, 1.1)}
    linear = dict(interpolation=cv2.INTER_LINEAR, mask_interpolation=cv2.INTER_NEAREST,
                  border_mode=cv2.BORDER_REPLICATE, p=1.0)
    transforms = {
        GEOMETRY: [A.Affine(rotate=(-15, 15), translate_percent=shift, scale=zoom, **linear), A.HorizontalFlip(p=0.5)],
        # Its alpha is a factor of the smoothed noise: the largest displacement is about 6 pixels.
        ELASTIC: [A.ElasticTransform(alpha=140, sigma=12, **linear)],
        BLUR: [A.GaussianBlur(sigma_limit=(0.5, 1.0), blur_limit=0, p=1.0)],
        LOW_RESOLUTION: [A.Downscale(scale_range=(0.5, 1.0), p=1.0, interpolation_pair={
            "downscale": cv2.INTER_NEAREST, "upscale": cv2.INTER_LINEAR})],
    }
    composed = {kind: A.Compose(parts) for kind, parts in transforms.items()}
    return {kind: Augmenter(lambda pair, both=both: both(**pair)) for kind, both in composed.items()}


def cv2():
    """By hand: one matrix for all of it, with the flip."""
    import cv2

    cv2.setNumThreads(1)
    chance = np.random.default_rng(7)
    linear, nearest = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP

    def augment(pair):
        image, mask = pair["image"], pair["mask"]
        height, width = image.shape[:2]
        theta = np.deg2rad(chance.uniform(-15, 15))
        dx, dy = chance.uniform(-0.1, 0.1) * width, chance.uniform(-0.1, 0.1) * height
        zx, zy = chance.uniform(0.9, 1.1, 2)
        flip = -1.0 if chance.random() < 0.5 else 1.0
        cos, sin = np.cos(theta), np.sin(theta)
        a, b, c, d = cos * zx * flip, -sin * zy, sin * zx * flip, cos * zy
        x, y = width / 2 - 0.5, height / 2 - 0.5
        matrix = np.array([[a, b, x + cos * dx - sin * dy - a * x - b * y],
                           [c, d, y + sin * dx + cos * dy - c * x - d * y]])
        return {
            "image": cv2.warpAffine(image, matrix, (width, height), flags=linear, borderMode=cv2.BORDER_REPLICATE),
            "mask": cv2.warpAffine(mask, matrix, (width, height), flags=nearest, borderMode=cv2.BORDER_CONSTANT),
        }

    return {GEOMETRY: Augmenter(augment)}


def tensors(image, mask, _number):
    """Channels first."""
    import torch

    return {"image": torch.from_numpy(image[None, ..., 0]), "mask": torch.from_numpy(mask[None, ..., 0])}


def arrays(made):
    return np.asarray(made["image"])[0], np.asarray(made["mask"])[0]


def monai():
    import monai.transforms as M
    import torch

    torch.set_num_threads(1)
    both = dict(keys=["image", "mask"], mode=["bilinear", "nearest"], padding_mode="border")
    transforms = {
        # Displacements of points 24 pixels apart, between which it is a cubic spline.
        ELASTIC: M.Rand2DElasticd(spacing=(24, 24), magnitude_range=(6, 6), prob=1.0, **both),
        BIAS_FIELD: M.RandBiasFieldd(keys="image", degree=3, coeff_range=(-0.3, 0.3), prob=1.0),
        BLUR: M.RandGaussianSmoothd(keys="image", sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0), prob=1.0),
        LOW_RESOLUTION: M.RandSimulateLowResolutiond(keys="image", zoom_range=(0.5, 1.0), upsample_mode="bilinear",
                                                     prob=1.0),
    }
    return {kind: Augmenter(transform, tensors, arrays) for kind, transform in transforms.items()}


def torchio():
    import SimpleITK
    import torch
    import torchio as tio

    torch.set_num_threads(1)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def given(image, mask, _number):
        volumes = (torch.from_numpy(part[None]) for part in (image, mask))
        return tio.Subject(image=tio.ScalarImage(tensor=next(volumes)), mask=tio.LabelMap(tensor=next(volumes)))

    def taken(made):
        return made["image"].numpy()[0], made["mask"].numpy()[0]

    transforms = {
        ELASTIC: tio.RandomElasticDeformation(num_control_points=(13, 13, 5), max_displacement=(6, 6, 0)),
        BIAS_FIELD: tio.RandomBiasField(coefficients=0.3, order=3),
        BLUR: tio.RandomBlur(std=(0.5, 1.0, 0.5, 1.0, 0, 0)),
        # Along one of the axes.
        LOW_RESOLUTION: tio.RandomAnisotropy(axes=(0, 1), downsampling=(1, 2)),
    }
    return {kind: Augmenter(transform, given, taken) for kind, transform in transforms.items()}


def batchgenerators():
    import torch
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform

    torch.set_num_threads(1)

    def given(*pair):
        parts = tensors(*pair)
        return {"image": parts["image"], "segmentation": parts["mask"]}

    def taken(made):
        return arrays({"image": made["image"], "mask": made["segmentation"]})

    elastic = SpatialTransform((SIDE, SIDE), 0, False, p_elastic_deform=1, elastic_deform_scale=(12 / SIDE, 12 / SIDE),
                               elastic_deform_magnitude=(6, 6), mode_seg="nearest", padding_mode_image="border")
    blur = GaussianBlurTransform((0.5, 1.0), synchronize_channels=False, synchronize_axes=False, p_per_channel=1)
    low = SimulateLowResolutionTransform((0.5, 1.0), synchronize_channels=True, synchronize_axes=True, ignore_axes=(),
                                         p_per_channel=1)
    transforms = {ELASTIC: elastic, BLUR: blur, LOW_RESOLUTION: low}
    return {kind: Augmenter(lambda pair, one=one: one(**pair), given, taken) for kind, one in transforms.items()}


@dataclasses.dataclass
class Peer:
    """What imports it and makes its augmenters, one for each of `kinds`, and its packages: {module: package}."""

    make: typing.Callable
    kinds: list
    packages: dict


PEERS = {
    "Keras": Peer(keras, [GEOMETRY], {"keras": "keras", "scipy": "scipy", "jax": "jax"}),
    "cv2": Peer(cv2, [GEOMETRY], {"cv2": "opencv-python-headless"}),
    "albumentations": Peer(albumentations, [GEOMETRY, ELASTIC, BLUR, LOW_RESOLUTION],
                           {"albumentations": "albumentations", "cv2": "opencv-python-headless"}),
    "MONAI": Peer(monai, [ELASTIC, BIAS_FIELD, BLUR, LOW_RESOLUTION], {"monai": "monai", "torch": "torch"}),
    "TorchIO": Peer(torchio, [ELASTIC, BIAS_FIELD, BLUR, LOW_RESOLUTION], {"torchio": "torchio", "torch": "torch"}),
    "batchgeneratorsv2": Peer(batchgenerators, [ELASTIC, BLUR, LOW_RESOLUTION],
                              {"batchgeneratorsv2": "batchgeneratorsv2", "torch": "torch"}),
}
# Pixels of a bias field grow by e to the power of ten terms of at most 0.3.
LARGEST = {BIAS_FIELD: np.exp(3)}


def held(path):
    """The samples of a file, or as many as fit: float32 images from 0 to 1 and uint8 masks."""
    with h5py.File(path) as file:
        images, masks = file["images"][:MOST_HELD].astype(np.float32), file["masks"][:MOST_HELD]
    assert images.shape[1:3] == (SIDE, SIDE)
    return (images - images.min()) / (images.max() - images.min()), masks


def check(kind, augmenter, images, masks):
    """That it does what is asked for to each image, and to each mask if it is geometry. Returns by how much pixels change on
    the average."""
    area, changed = 0, []
    for number, (image, mask) in enumerate(zip(images, masks)):
        item = augmenter.given(image.copy(), mask.copy(), number)
        new_image, new_mask = (np.asarray(part).reshape(part.shape[:2]) for part in augmenter.taken(augmenter.augment(item)))
        image, mask = image[..., 0], mask[..., 0]
        assert new_image.dtype == np.float32 and new_image.shape == new_mask.shape == mask.shape
        assert np.isfinite(new_image).all()
        assert new_image.min() >= -0.01 and new_image.max() <= image.max() * LARGEST.get(kind, 1) + 0.01
        assert set(np.unique(new_mask)) <= {0, 1}
        assert kind in (GEOMETRY, ELASTIC) or (new_mask == mask).all(), "the mask stays"
        changed.append(float(np.abs(new_image - image).mean()))
        area += int(new_mask.sum())
    assert sum(change > 1e-5 for change in changed) >= 0.9 * len(changed), "images should change"
    assert 0.85 < area / masks.sum() < 1.15, "masks should be as large as before, on the average"
    return sum(changed) / len(changed)


def work(name, kind, images, masks, samples, ready, results):
    augmenter = PEERS[name].make()[kind]
    changed = check(kind, augmenter, images, masks)
    order = np.random.default_rng(os.getpid()).integers(0, len(images), samples)
    wall = cpu = 0
    ready.wait()
    for start in range(0, samples, BLOCK):
        block = [augmenter.given(images[row].copy(), masks[row].copy(), start) for row in order[start:start + BLOCK]]
        begin, before = time.monotonic(), time.process_time()
        for item in block:
            augmenter.augment(item)
        wall, cpu = wall + time.monotonic() - begin, cpu + time.process_time() - before
    results.put((wall, cpu, changed))


def measure(name, kind, path, samples, processes):
    images, masks = held(path)
    context = multiprocessing.get_context("fork")
    results, each = context.Queue(), -(-samples // processes)
    arguments = (name, kind, images, masks, each, context.Barrier(processes), results)
    workers = [context.Process(target=work, args=arguments) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            sys.exit(f"{name} ended with {worker.exitcode}")
    times = [results.get() for _ in workers]
    return {"samples": each * processes, "wall": max(wall for wall, *_ in times), "cpu": sum(cpu for _, cpu, _ in times),
            "changed": times[0][2]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", choices=PEERS)
    parser.add_argument("kind", nargs="?", choices=KINDS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    words = parser.parse_args()
    if words.list:
        absent = lambda packages: [package for module, package in packages.items() if importlib.util.find_spec(module) is None]
        print(json.dumps({name: {"kinds": peer.kinds, "absent": absent(peer.packages)} for name, peer in PEERS.items()}))
        return
    result = measure(words.name, words.kind, words.file, words.samples, words.processes)
    versions = [f"{package} {importlib.metadata.version(package)}" for package in PEERS[words.name].packages.values()]
    print(json.dumps({**result, "versions": versions}))


if __name__ == "__main__":
    main()

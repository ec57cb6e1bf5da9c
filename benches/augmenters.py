#!/usr/bin/env python3
"""The others' augmentation of images and masks in memory; prints CPU and wall seconds as one JSON line.

    augmenters.py keras|albumentations|cv2 FILE --samples N [--processes N]
    augmenters.py --list    what each needs that is not installed

Each gives (image, mask) -> (image, mask): float32 (H, W, 1) linear with the nearest pixel outside, uint8 (H, W, 1)
nearest with 0 outside. What they draw is not on trial: each draws with what it is used with.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import sys
import time

import h5py
import numpy as np

PACKAGES = {
    "keras": {"keras": "keras", "scipy": "scipy", "jax": "jax"},
    "albumentations": {"albumentations": "albumentations", "cv2": "opencv-python-headless"},
    "cv2": {"cv2": "opencv-python-headless"},
}
MOST_HELD = 512


def keras():
    """Two generators that draw the same, as its documentation has it for images and masks."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    ranges = dict(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=[0.9, 1.1],
                  horizontal_flip=True, data_format="channels_last")
    images = ImageDataGenerator(fill_mode="nearest", interpolation_order=1, **ranges)
    masks = ImageDataGenerator(fill_mode="constant", interpolation_order=0, **ranges)

    def augment(image, mask, number):
        return images.random_transform(image, number), masks.random_transform(mask, number)

    return augment


def albumentations():
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)
    shift = {"x": (-0.1, 0.1), "y": (-0.1, 0.1)}
    zoom = {"x": (0.9, 1.1), "y": (0.9, 1.1)}
    both = A.Compose([
        A.Affine(rotate=(-15, 15), translate_percent=shift, scale=zoom, interpolation=cv2.INTER_LINEAR,
                 mask_interpolation=cv2.INTER_NEAREST, border_mode=cv2.BORDER_REPLICATE, p=1.0),
        A.HorizontalFlip(p=0.5),
    ])

    def augment(image, mask, _number):
        made = both(image=image, mask=mask)
        return made["image"], made["mask"]

    return augment


def cv2():
    """By hand: one matrix for all of it, with the flip."""
    import cv2

    cv2.setNumThreads(1)
    chance = np.random.default_rng(7)
    linear, nearest = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP

    def augment(image, mask, _number):
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
        return (cv2.warpAffine(image, matrix, (width, height), flags=linear, borderMode=cv2.BORDER_REPLICATE),
                cv2.warpAffine(mask, matrix, (width, height), flags=nearest, borderMode=cv2.BORDER_CONSTANT))

    return augment


AUGMENTERS = {"keras": keras, "albumentations": albumentations, "cv2": cv2}


def held(path):
    """The samples of a file, or as many as fit: float32 images and uint8 masks."""
    with h5py.File(path) as file:
        return file["images"][:MOST_HELD].astype(np.float32), file["masks"][:MOST_HELD]


def check(augment, images, masks):
    """That it does to both what is asked for."""
    area = 0
    for number, (image, mask) in enumerate(zip(images, masks)):
        image, made = augment(image, mask, number)
        assert image.dtype == np.float32 and image.shape[:2] == made.shape[:2] == mask.shape[:2]
        assert image.min() >= images.min() - 1 and image.max() <= images.max() + 1
        assert set(np.unique(made)) <= {0, 1}
        area += int(made.sum())
    assert 0.85 < area / masks.sum() < 1.15, "masks should be as large as before, on the average"


def work(name, images, masks, samples, ready, results):
    augment = AUGMENTERS[name]()
    check(augment, images, masks)
    order = np.random.default_rng(os.getpid()).integers(0, len(images), samples)
    pairs = [(images[row], masks[row], number) for number, row in enumerate(order)]
    ready.wait()
    start, before = time.monotonic(), time.process_time()
    for image, mask, number in pairs:
        augment(image, mask, number)
    results.put((start, time.monotonic(), time.process_time() - before))


def measure(name, path, samples, processes):
    images, masks = held(path)
    context = multiprocessing.get_context("fork")
    results, each = context.Queue(), -(-samples // processes)
    arguments = (name, images, masks, each, context.Barrier(processes), results)
    workers = [context.Process(target=work, args=arguments) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            sys.exit(f"{name} ended with {worker.exitcode}")
    times = [results.get() for _ in workers]
    wall = max(end for _, end, _ in times) - min(start for start, _, _ in times)
    return {"samples": each * processes, "wall": wall, "cpu": sum(cpu for *_, cpu in times)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", choices=AUGMENTERS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    words = parser.parse_args()
    if words.list:
        absent = {name: [package for module, package in packages.items() if importlib.util.find_spec(module) is None]
                  for name, packages in PACKAGES.items()}
        print(json.dumps(absent))
        return
    result = measure(words.name, words.file, words.samples, words.processes)
    versions = [f"{package} {importlib.metadata.version(package)}" for package in PACKAGES[words.name].values()]
    print(json.dumps({**result, "versions": versions}))


if __name__ == "__main__":
    main()

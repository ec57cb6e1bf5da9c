"""What a packed file must hold, worked out from the inputs by other means than dicomprep's."""

import csv
import hashlib
import itertools
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pydicom

ONE = 1 << 16
CONTOUR = re.compile(r"IM-\d+-(\d+)-([io])contour-manual\.txt")


@dataclass
class Sample:
    """An image and the contour files that belong to it, by structure."""

    patient_id: str
    original_id: str
    image: Path
    source: str
    contours: dict = field(default_factory=dict)

    @property
    def instance(self):
        return int(self.image.stem)


def samples(root, structures, unlabelled):
    """The samples that a clean tree gives, by their path relative to `root`."""
    found = {}
    with open(root / "link.csv", newline="", encoding="utf-8-sig") as table:
        for row in csv.DictReader(table):
            patient, original = row["patient_id"], row["original_id"]
            contours = {}
            for file in sorted((root / "contourfiles" / original).glob("*-contours/*.txt")):
                number, letter = CONTOUR.fullmatch(file.name).groups()
                structure = {"i": "inner", "o": "outer"}[letter]
                if structure in structures:
                    contours.setdefault(int(number), {})[structure] = file
            for image in (root / "dicoms" / patient).glob("*.dcm"):
                source = image.relative_to(root).as_posix()
                sample = Sample(patient, original, image, source, contours.get(int(image.stem), {}))
                if sample.contours or unlabelled:
                    found[source] = sample
    return found


def points(file):
    """The points of a contour file, x and y."""
    return [tuple(map(float, line.split())) for line in file.read_text().splitlines() if line.strip()]


def center_mask(polygon, rows, columns):
    """The pixels whose centre is inside `polygon`, by trying every pixel against every side.

    Even-odd; a centre on a side counts where the inside lies right of it or below it. Coordinates are
    integers in 1/65536 pixel, so that ties are exact.
    """
    snapped = [(round(x * ONE), round(y * ONE)) for x, y in polygon]
    x = np.arange(columns, dtype=np.int64) * ONE
    y = np.arange(rows, dtype=np.int64) * ONE
    inside = np.zeros((rows, columns), bool)
    for a, b in zip(snapped, snapped[1:] + snapped[:1]):
        (x0, y0), (x1, y1) = sorted((a, b), key=lambda point: point[1])
        crossed = np.flatnonzero((y0 <= y) & (y < y1))
        # The side is at x0 + (y - y0) * (x1 - x0) / (y1 - y0): compare without dividing.
        side = x0 * (y1 - y0) + (y[crossed, None] - y0) * (x1 - x0)
        inside[crossed] ^= side <= x * (y1 - y0)
    return inside.astype(np.uint8)


def area(polygon):
    """The shoelace area."""
    pairs = zip(polygon, polygon[1:] + polygon[:1])
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def sha256(file):
    return np.frombuffer(hashlib.sha256(file.read_bytes()).digest(), np.uint8)


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    """CRC-32C (Castagnoli), a byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


ROOT_TEXTS = ["format", "format_version", "generator", "mask_rule", "structures", "split_rule", "split_joined",
              "split_left_out", "split_disjoint", "config", "source_digest", "row_major_note"]


def text_checksum(file):
    """The `text_checksum` that fits the attributes of `file`, as docs/format.md defines it."""
    named = [("", name) for name in ROOT_TEXTS if name in file.attrs]
    named += [("images", "DIMENSION_LABELS"), ("images", "units"), ("masks", "DIMENSION_LABELS")]
    data = b""
    for place, name in named:
        value = (file[place] if place else file).attrs[name]
        texts = [value] if isinstance(value, (str, bytes)) else list(value)
        parts = [f"/{place}@{name}", *texts]
        data += b"".join((part.encode() if isinstance(part, str) else part) + b"\0" for part in parts)
    return np.uint32(crc32c(data))


def percentile(values, per_mille):
    """The smallest value that at least `per_mille` thousandths of `values` do not exceed."""
    ordered = np.sort(values, axis=None)
    return ordered[max(math.ceil(len(ordered) * per_mille / 1000), 1) - 1]


def geometry(file):
    """Rows, columns and the geometry columns of an image, as pydicom reads them."""
    header = pydicom.dcmread(file, stop_before_pixels=True)
    first = lambda value: value if not isinstance(value, pydicom.multival.MultiValue) else value[0]
    return {
        "rows": header.Rows,
        "columns": header.Columns,
        "pixel_spacing": np.array(header.PixelSpacing, np.float32),
        "image_position": np.array(header.ImagePositionPatient, np.float64),
        "image_orientation": np.array(header.ImageOrientationPatient, np.float64),
        "window": np.array([first(header.WindowCenter), first(header.WindowWidth)], np.float32),
    }


def check_statistics(file):
    """The statistics in the attributes of `/images` are numpy's, over the train split or over all rows, without padding."""
    images, splits = file["images"], file["samples/split"].asstr()[:]
    named = set(splits) - {""}
    low, high = (bound[:, None, None, None] for bound in file["samples/padding_range"][:].T)
    counted = ~((images[:] >= low) & (images[:] <= high))
    counted &= (splits == "train" if named else np.ones(len(splits), bool))[:, None, None, None]
    values = images[:][counted].astype(np.float64)
    found = images.attrs
    assert values.size and (found["train_min"], found["train_max"]) == (values.min(), values.max())
    np.testing.assert_allclose(found["train_mean"], values.mean(), rtol=1e-6)
    np.testing.assert_allclose(found["train_std"], values.std(), rtol=1e-6)
    exact = np.array([percentile(values, level) for level in (5, 20, 500, 980, 995)])
    assert found["train_percentiles"].tolist() == exact.tolist()


def split_number(seed, patient_id):
    """A patient's number in the rule of the splits, 0 to 1, as a fraction."""
    message = b"dicomprep split v1" + seed.to_bytes(8, "little") + patient_id.encode()
    return Fraction(int.from_bytes(hashlib.sha256(message).digest()[:8], "big"), 1 << 64)


def splits(patient_ids, seed=0, fractions=(("train", "0.8"), ("val", "0.1"), ("test", "0.1"))):
    """The split of each patient by the rule in the attribute `split_rule`."""
    wanted = {name: Fraction(share) for name, share in fractions if Fraction(share)}

    def fall(patient, among):
        place = split_number(seed, patient) * sum(among.values())
        reached = list(itertools.accumulate(among.values()))
        return list(among)[next(i for i, end in enumerate(reached) if place < end)]

    found = {patient: fall(patient, wanted) for patient in patient_ids}
    if set(found.values()) == set(wanted):
        return found
    empty, found = dict(wanted), {}
    for patient in patient_ids:
        found[patient] = fall(patient, empty or wanted) if found else max(wanted, key=lambda name: wanted[name])
        empty.pop(found[patient], None)
    return found

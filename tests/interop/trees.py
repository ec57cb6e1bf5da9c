"""Data directories made for one test: small images with the header and the pixels that the test is about."""

import hashlib
import math
import os

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, MRImageStorage

# A contour that covers the middle of an image of at least 8 x 8 pixels.
SQUARE = [(1.5, 1.5), (6.0, 1.5), (6.0, 6.0), (1.5, 6.0)]
FOLDERS = {"inner": "i", "outer": "o"}


def noise(shape, low, high, *key):
    """Integers from `low` to `high`, both included and both present; the same for the same `key`."""
    seed = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "little")
    pixels = np.random.default_rng(seed).integers(low, high, shape, endpoint=True)
    pixels.flat[:2] = low, high
    return pixels


def dicom(stored, *, bits=None, high_bit=None, photometric="MONOCHROME2", slope=None, intercept=None, window=None,
          syntax=ExplicitVRLittleEndian, **more):
    """An image object with the `stored` values, an array of uint8, int8, uint16 or int16.

    `more` are further attributes by keyword.
    """
    allocated = 8 * stored.dtype.itemsize
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    image = FileDataset(None, {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=syntax.is_implicit_VR,
                        is_little_endian=syntax.is_little_endian)
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, "2.25.1"
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = photometric
    image.Rows, image.Columns = stored.shape
    image.BitsAllocated = allocated
    image.BitsStored = bits or allocated
    image.HighBit = image.BitsStored - 1 if high_bit is None else high_bit
    image.PixelRepresentation = int(stored.dtype.kind == "i")
    if window is not None:
        image.WindowCenter, image.WindowWidth = window
    if intercept is not None:
        image.RescaleIntercept = intercept
    if slope is not None:
        image.RescaleSlope = slope
    for keyword, value in more.items():
        setattr(image, keyword, value)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
    image.PixelData = data + bytes(len(data) % 2)
    image["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return image


def lut(entries, first=0, bits=16):
    """A Modality LUT Sequence."""
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "US", list(entries))
    return pydicom.Sequence([item])


def write(path, image):
    """Writes `image`, whatever its transfer syntax."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)


class Study:
    """A data directory that grows patient by patient."""

    def __init__(self, root):
        self.root = root
        self.originals = {}
        for folder in ("dicoms", "contourfiles"):
            (root / folder).mkdir(parents=True)

    def patient(self, patient_id, original_id=None):
        """Appends a row to the link table."""
        self.originals[patient_id] = original_id or f"ORIG-{patient_id}"
        rows = [f"{patient},{original}\n" for patient, original in self.originals.items()]
        (self.root / "link.csv").write_text("patient_id,original_id\n" + "".join(rows), encoding="utf-8")

    def image_path(self, patient_id, number):
        return self.root / "dicoms" / patient_id / f"{number}.dcm"

    def contour_path(self, patient_id, number, structure="inner"):
        letter = FOLDERS[structure]
        name = f"IM-0001-{number:04}-{letter}contour-manual.txt"
        return self.root / "contourfiles" / self.originals[patient_id] / f"{letter}-contours" / name

    def contour(self, patient_id, number, points=SQUARE, structure="inner"):
        path = self.contour_path(patient_id, number, structure)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{x!r} {y!r}\n" for x, y in points))
        return path

    def add(self, patient_id, number, image, points=SQUARE):
        """Adds an image (an array, an object of `dicom`, or the bytes of a file), and its inner contour."""
        if patient_id not in self.originals:
            self.patient(patient_id)
        path = self.image_path(patient_id, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(image, bytes):
            path.write_bytes(image)
        else:
            write(path, dicom(image) if isinstance(image, np.ndarray) else image)
        if points is not None:
            self.contour(patient_id, number, points)
        return path


def small_study(root, patients, images=1, size=8, link_order=None):
    """A study of `patients`, each with `images` different images of signed 16-bit noise."""
    study = Study(root)
    for patient in patients:
        study.patient(patient)
    for patient in link_order or patients:
        for number in range(1, images + 1):
            study.add(patient, number, noise((size, size), -200, 900, patient, number).astype(np.int16))
    return study


def ring(cx, cy, radius, points=60):
    """A circle whose points run clockwise on the screen."""
    angles = [2 * math.pi * k / points for k in range(points)]
    return [(round(cx + radius * math.cos(a), 2), round(cy + radius * math.sin(a), 2)) for a in angles]


class Heart:
    """A patient of a study: slices 8 mm apart with six phases each, numbered one after the other, of which two have an
    inner and an outer contour. Blood is bright and the wall dark, or with MONOCHROME1 the stored values say so in their
    way."""

    SLICES, PHASES, DRAWN = 8, 6, (1, 4)

    def __init__(self, study, patient="P", lacking=(), photometric="MONOCHROME2", seed=0):
        self.study, self.patient, self.photometric, self.seed = study, patient, photometric, seed
        self.numbers = {}
        study.patient(patient)
        for at in ((s, p) for s in range(self.SLICES) for p in range(self.PHASES) if (s, p) not in lacking):
            self.numbers[at] = len(self.numbers) + 1
            self.add(*at)

    def radii(self, slice, phase):
        """Of the inner and of the outer contour, in pixels of 1 mm."""
        inner = (14.1 - 0.97 * slice + 0.173 * self.seed) * (0.8 if phase == self.DRAWN[0] else 1)
        return inner, inner + 6.31

    def add(self, slice, phase):
        number = self.numbers[slice, phase]
        inner, outer = self.radii(slice, phase)
        far = np.hypot(*(np.indices((64, 64)) - 32))
        grains = noise((64, 64), 0, 60, self.patient, number)
        values = np.where(far < inner, 800, np.where(far < outer, 200, 350)) + grains
        stored = 1000 - values if self.photometric == "MONOCHROME1" else values
        image = dicom(stored.astype(np.uint16), photometric=self.photometric, bits=12, PixelSpacing=[1, 1],
                      ImagePositionPatient=[0, 0, 8 * slice], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                      TriggerTime=str(100 * phase), InstanceNumber=str(number))
        drawn = phase in self.DRAWN
        self.study.add(self.patient, number, image, ring(32, 32, inner) if drawn else None)
        if drawn:
            self.study.contour(self.patient, number, ring(32, 32, outer, 64), "outer")

    def image(self, slice, phase):
        return self.study.image_path(self.patient, self.numbers[slice, phase])

    def contour(self, slice, phase, structure="inner"):
        return self.study.contour_path(self.patient, self.numbers[slice, phase], structure)


def entries(tree):
    """How many files there are: links count as they are, and are not followed."""
    count = 0
    for folder, folders, files in os.walk(tree):
        count += len(files) + sum(os.path.islink(os.path.join(folder, name)) for name in folders)
    return count

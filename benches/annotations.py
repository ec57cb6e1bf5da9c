#!/usr/bin/env python3
"""Measures annotations of DICOM trees: RTSTRUCT beside rt-utils and dcmrtstruct2nii, SEG beside highdicom, and planning of
the layout `dicom` beside that of `link`.

A series of 512 x 512 images is written once, with an RT Structure Set of ten regions of interest on every slice and a
segmentation of one frame a slice. Each reader makes the same masks of the same files, in a process of its own; times are
those of the work alone in Python, which imports before, and of the whole program for dicomprep, which also writes its
file. Files are in the page cache.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import common

SIDE, ROIS = 512, 10
SPACING, DISTANCE = 0.8, 2.5
STUDY, SERIES, SPACE = "2.25.1001", "2.25.1002", "2.25.1003"


# ---------------------------------------------------------------- the data, made with pydicom


def identity(kind, uid, series, modality):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = kind
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = uid
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = STUDY, series, SPACE
    made.PatientID, made.PatientName, made.PatientBirthDate, made.PatientSex = "P1", "a", "", ""
    made.StudyDate = made.StudyTime = made.AccessionNumber = made.ReferringPhysicianName = made.StudyID = ""
    made.Modality, made.SeriesNumber, made.PositionReferenceIndicator = modality, 1, ""
    return made


def image(number, pixels):
    from pydicom.uid import CTImageStorage

    made = identity(CTImageStorage, f"2.25.2000{number:04}", SERIES, "CT")
    made.InstanceNumber, made.ImagePositionPatient = number, [-200, -180, DISTANCE * number]
    made.ImageOrientationPatient, made.PixelSpacing, made.SliceThickness = [1, 0, 0, 0, 1, 0], [SPACING] * 2, DISTANCE
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows = made.Columns = SIDE
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.RescaleSlope, made.RescaleIntercept = 1, -1024
    made.PixelData = pixels.tobytes()
    return made


def body(number, random):
    """Stored values of a slice of CT: tissue of several densities in air, with the noise of a scanner of 12 HU, and nothing
    outside of the field of view."""
    import numpy as np

    rows, columns = np.indices((SIDE, SIDE)) - SIDE / 2
    distance = np.hypot(rows * 1.4, columns)
    density = np.where(distance < 200, 40 + 15 * np.sin(rows / 23 + number / 9) * np.cos(columns / 31), -1000)
    density[np.hypot(rows, columns - 60) < 50] = 120
    density[np.hypot(rows - 80, columns) < 25] = 700
    seen = density + random.normal(0, 12, density.shape)
    seen[np.hypot(rows, columns) > SIDE / 2] = -1024
    return np.clip(np.rint(seen) + 1024, 0, 4095).astype(np.uint16)


def outline(roi, number, points=120):
    """The corners of a bumpy closed curve in pixels."""
    centre = 130 + 25 * (roi % 5), 150 + 180 * (roi // 5)
    angles = [2 * math.pi * k / points for k in range(points)]
    radius = [20 + 3 * roi + 4 * math.sin(5 * a + number / 7) for a in angles]
    return [(centre[0] + r * math.cos(a), centre[1] + r * math.sin(a)) for a, r in zip(angles, radius)]


def structures(images):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence
    from pydicom.uid import RTStructureSetStorage

    made = identity(RTStructureSetStorage, "2.25.3001", "2.25.3000", "RTSTRUCT")
    made.StructureSetLabel, made.StructureSetDate, made.StructureSetTime = "a", "20260101", "000000"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID, series.ContourImageSequence = SERIES, Sequence()
    for one in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
        series.ContourImageSequence.append(reference)
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", STUDY
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = SPACE, Sequence([study])
    made.ReferencedFrameOfReferenceSequence = Sequence([frame])
    made.StructureSetROISequence, made.ROIContourSequence, made.RTROIObservationsSequence = (Sequence() for _ in range(3))
    for roi in range(ROIS):
        name, drawn, seen = Dataset(), Dataset(), Dataset()
        name.ROINumber, name.ROIName, name.ReferencedFrameOfReferenceUID = roi + 1, f"organ {roi}", SPACE
        name.ROIGenerationAlgorithm = "MANUAL"
        drawn.ReferencedROINumber, drawn.ROIDisplayColor, drawn.ContourSequence = roi + 1, [255, 0, 0], Sequence()
        seen.ObservationNumber = seen.ReferencedROINumber = roi + 1
        seen.RTROIInterpretedType, seen.ROIInterpreter = "ORGAN", ""
        for one in images:
            contour, reference = Dataset(), Dataset()
            reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
            x0, y0, z = one.ImagePositionPatient
            points = outline(roi, one.InstanceNumber)
            contour.ContourImageSequence, contour.ContourGeometricType = Sequence([reference]), "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{v:.3f}" for x, y in points for v in (x0 + x * SPACING, y0 + y * SPACING, float(z))]
            drawn.ContourSequence.append(contour)
        made.StructureSetROISequence.append(name)
        made.ROIContourSequence.append(drawn)
        made.RTROIObservationsSequence.append(seen)
    return made


def segmentation(images):
    import highdicom as hd
    import numpy as np
    from pydicom.sr.codedict import codes

    rows, columns = np.indices((SIDE, SIDE))
    mask = np.stack([np.hypot(rows - 256, columns - 256 - number) < 90 for number in range(len(images))])
    what = hd.seg.SegmentDescription(1, "spot", codes.SCT.Tissue, codes.SCT.Tissue,
                                     hd.seg.SegmentAlgorithmTypeValues.MANUAL)
    return hd.seg.Segmentation(images, mask.astype(np.uint8), hd.seg.SegmentationTypeValues.BINARY, [what],
                               "2.25.4000", 1, "2.25.4001", 1, "m", "m", "1", "1")


def series(slices):
    """A folder `images`, `rt.dcm` and `seg.dcm`."""
    import numpy as np

    def make(folder):
        (folder / "images").mkdir(parents=True)
        random = np.random.default_rng(1)
        images = []
        for number in range(1, slices + 1):
            one = image(number, body(number, random))
            one.save_as(folder / "images" / f"{number:04}.dcm", enforce_file_format=True)
            images.append(one)
        structures(images).save_as(folder / "rt.dcm", enforce_file_format=True)
        segmentation(images).save_as(folder / "seg.dcm")

    return common.make_once(common.DATA / f"annotations-{slices}", make)


# ---------------------------------------------------------------- the contenders, each in a process of its own


def rt_utils(folder):
    from rt_utils import RTStructBuilder

    yield
    read = RTStructBuilder.create_from(dicom_series_path=str(folder / "images"), rt_struct_path=str(folder / "rt.dcm"))
    yield {name: int(read.get_roi_mask_by_name(name).sum()) for name in read.get_roi_names()}


def dcmrtstruct2nii(folder):
    import pydicom

    # Its newest version calls a function that pydicom 3 has dropped.
    pydicom.read_file = pydicom.dcmread
    from dcmrtstruct2nii import dcmrtstruct2nii as convert

    yield
    out = folder / "nii"
    shutil.rmtree(out, ignore_errors=True)
    convert(str(folder / "rt.dcm"), str(folder / "images"), str(out), convert_original_dicom=False)
    yield {"files": len(list(out.iterdir()))}


def images_and_masks(folder):
    import highdicom as hd
    import pydicom

    read = hd.seg.segread(folder / "seg.dcm")
    images = [pydicom.dcmread(path) for path in sorted((folder / "images").iterdir())]
    uids = [image.SOPInstanceUID for image in images]
    masks = read.get_pixels_by_source_instance(source_sop_instance_uids=uids, segment_numbers=[1])
    return [image.pixel_array for image in images], masks[..., 0]


def highdicom_masks(folder):
    """The masks alone; the UIDs of the images are known before."""
    import highdicom as hd
    import pydicom

    paths = sorted((folder / "images").iterdir())
    uids = [pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in paths]
    yield
    read = hd.seg.segread(folder / "seg.dcm")
    masks = read.get_pixels_by_source_instance(source_sop_instance_uids=uids, segment_numbers=[1])
    yield {"spot": int(masks.sum())}


def highdicom(folder):
    import highdicom as hd  # noqa: F401

    yield
    images, masks = images_and_masks(folder)
    yield {"spot": int(masks.sum()), "images": len(images)}


def highdicom_h5py(folder):
    """Written as most people write it: a chunk a sample, shuffled, gzip 4."""
    import h5py
    import highdicom as hd  # noqa: F401
    import numpy as np

    yield
    images, masks = images_and_masks(folder)
    images = np.stack(images)
    with h5py.File(folder / "script.h5", "w") as file:
        for name, data in (("images", images), ("masks", masks.astype(np.uint8))):
            file.create_dataset(name, data=data, chunks=(1, SIDE, SIDE), shuffle=True, compression="gzip", compression_opts=4)
    yield {"spot": int(masks.sum()), "images": len(images)}


MASKS_ALONE = "highdicom, masks alone"
READERS = {"rt-utils": rt_utils, "dcmrtstruct2nii": dcmrtstruct2nii, MASKS_ALONE: highdicom_masks, "highdicom": highdicom,
           "highdicom and h5py": highdicom_h5py}


def read(name, folder):
    """Seconds of the work of one reader, and what it counted, as JSON."""
    work = READERS[name](Path(folder))
    next(work)
    start = time.perf_counter()
    counted = next(work)
    print(json.dumps({"seconds": time.perf_counter() - start, "counted": counted}))


def seconds_of(name, folder, rounds):
    best, counted = math.inf, None
    for _ in range(rounds):
        done = subprocess.run([sys.executable, __file__, "--read", name, folder], capture_output=True, text=True)
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None, None
        result = json.loads(done.stdout.strip().splitlines()[-1])
        best, counted = min(best, result["seconds"]), result["counted"]
    return best, counted


def ours(binary, folder, annotation, rounds):
    """Seconds of a whole run of `prep` on the images and one annotation file, and by how much it is longer than one on the
    images alone, each the shortest of runs in turns."""
    tree = folder / f"tree-{annotation}"
    if not tree.is_dir():
        shutil.copytree(folder / "images", tree / "images", copy_function=os.link)
        os.link(folder / annotation, tree / annotation)
    out, best = folder / "x.h5", {}
    options = ["--layout", "dicom", "--force", "--fresh", "-q", "--on-finding", "keep", "--unlabelled", "include"]
    for _ in range(rounds):
        for source, to in ((folder / "images", folder / "images.h5"), (tree, out)):
            wall = common.run([binary, "prep", source, "-o", to, *options])[1]["wall"]
            best[to] = min(best.get(to, math.inf), wall)
    import h5py

    with h5py.File(out) as file:
        names = [name.decode() if isinstance(name, bytes) else name for name in file.attrs["structures"]]
        pixels = file["samples/mask_pixels"][:].sum(0)
        return best[out], best[out] - best[folder / "images.h5"], dict(zip(names, map(int, pixels)))


# ---------------------------------------------------------------- planning


def planning(binary, files, rounds):
    """CPU microseconds a file of `--dry-run`: layout link, layout dicom."""
    import planning as trees

    folder = common.DATA / "annotation-planning"
    shutil.rmtree(folder, ignore_errors=True)
    trees.make(folder / "link", files)
    flat = folder / "dicom"
    sources = sorted((folder / "link" / "dicoms").glob("*/*.dcm"))
    copies = -(-files // len(sources))
    for number in range(files):
        target = flat / f"{number // 100:05}" / f"{number}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(sources[number // copies], target)
    found = {}
    for name, tree, more in (("link", folder / "link", []), ("dicom", flat, ["--unlabelled", "include"])):
        command = [binary, "prep", tree, "--layout", name, "--dry-run", "-q", "--on-finding", "keep", *more]
        command = ["sh", "-c", '"$@" > /dev/null || test $? = 3', "sh", *command]
        cpu = min(common.run(command)[1]["cpu"] for _ in range(rounds))
        found[name] = cpu / files * 1e6
    shutil.rmtree(folder, ignore_errors=True)
    return found


def main():
    words = common.parser(__doc__)
    words.add_argument("--slices", type=int, default=200)
    words.add_argument("--files", type=int, default=100_000, help="files of the trees that are planned; 0 leaves it out")
    words.add_argument("--binary", type=Path, help="the program, instead of that of --target")
    words.add_argument("--read", nargs=2, help="one reader on one folder, for the script itself")
    args = words.parse_args()
    if args.read:
        return read(*args.read)
    binary = (args.binary or args.target / "dicomprep").resolve()
    folder = series(args.slices)
    print(f"{common.version(binary)}, {common.machine()}, {args.slices} slices of {SIDE} x {SIDE}\n")
    print("| annotations | reader | seconds | times as long |\n|---|---|---|---|")
    for annotation, readers in (("rt.dcm", ("rt-utils", "dcmrtstruct2nii")),
                                ("seg.dcm", (MASKS_ALONE, "highdicom", "highdicom and h5py"))):
        whole, more, counted = ours(binary, folder, annotation, args.rounds)
        print(f"| {annotation} | dicomprep | {whole:.3f} | 1 |  <!-- {sum(counted.values())} pixels -->")
        print(f"| {annotation} | dicomprep, less the same of the images alone | {more:.3f} | |", flush=True)
        for name in readers:
            seconds, theirs = seconds_of(name, folder, args.rounds)
            if seconds is not None:
                mine = more if name == MASKS_ALONE else whole
                print(f"| {annotation} | {name} | {seconds:.3f} | {seconds / mine:.1f} |  <!-- {theirs} -->", flush=True)
    if args.files:
        found = planning(binary, args.files, args.rounds)
        print("\n| planning | CPU us/file |\n|---|---|")
        for name, cost in found.items():
            print(f"| layout {name} | {cost:.1f} |")
        print(f"\nlayout dicom costs {found['dicom'] / found['link']:.2f} times the CPU of layout link")


if __name__ == "__main__":
    sys.exit(main())

"""Each kind of input under each command: resumed after a kill, reused, in shards, verified, repaired, audited and shown."""

import json
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

import dicom_objects
import test_frames
from journal import has_rows
from test_labels import Series, nifti
from test_layouts import rvsc2012, scd2009, table
from trees import small_study, write

ROWS = 6


def linked(root):
    small_study(root, ["P0", "P1", "P2"], ROWS // 3, 64)
    return ["--split", "train=0.5,val=0.5"]


def by_folders(arrange, *words):
    def build(root):
        arrange(root)
        return [root / word if word.endswith(".csv") else word for word in words]
    return build


def rtstruct(root):
    for patient in ("P1", "P2", "P3"):
        images = [dicom_objects.image(patient, number, 3 * number) for number in (1, 2)]
        for one in images:
            dicom_objects.save(one, root / patient / f"{one.InstanceNumber}.dcm")
        drawn = [(one, dicom_objects.square(5, 20 + one.InstanceNumber)) for one in images]
        dicom_objects.save(dicom_objects.structures(patient, [(1, "spot", drawn)]), root / patient / "rt.dcm")
    return ["--layout", "dicom"]


def segmentation(root):
    hd = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes

    what = hd.seg.SegmentDescription(1, "spot", codes.SCT.Tissue, codes.SCT.Tissue,
                                     hd.seg.SegmentAlgorithmTypeValues.MANUAL)
    for patient in ("P1", "P2", "P3"):
        images = [dicom_objects.image(patient, number, 3 * number) for number in (1, 2)]
        for one in images:
            one.PatientName, one.PatientBirthDate, one.PatientSex = "a", "", ""
            one.StudyDate = one.StudyTime = one.AccessionNumber = one.ReferringPhysicianName = one.StudyID = ""
            one.SliceThickness = 2
            dicom_objects.save(one, root / patient / f"{one.InstanceNumber}.dcm")
        mask = np.zeros((2, 50, 50), np.uint8)
        mask[0, 3:17, 5:9], mask[1, 30:41, 20:33] = 1, 1
        made = hd.seg.Segmentation(images, mask, hd.seg.SegmentationTypeValues.BINARY, [what],
                                   hd.UID(), 1, hd.UID(), 1, "m", "m", "1", "1")
        made.save_as(root / patient / "seg.dcm")
    return ["--layout", "dicom"]


def label_volume(root):
    root.mkdir()
    rows = ["patient_id,image,mask.one,mask.five"]
    for number, patient in enumerate("pq", 1):
        nifti(Series(root / patient, patient=number), root / patient / "labels.nii.gz")
        rows.append(f"{patient},{patient}/images,{patient}/labels.nii.gz#1,{patient}/labels.nii.gz#5")
    (root / "table.csv").write_text("\n".join(rows) + "\n")
    return ["--table", root / "table.csv"]


def multi_frame(root):
    root.mkdir()
    write(root / "image.dcm", test_frames.enhanced(ExplicitVRLittleEndian))
    write(root / "rt.dcm", test_frames.structures(range(test_frames.COUNT)))
    return ["--layout", "dicom"]


KINDS = {
    "link": linked,
    "scd2009": by_folders(scd2009),
    "rvsc2012": by_folders(rvsc2012),
    "table-contours": by_folders(table, "--table", "images.csv"),
    "table-volume": label_volume,
    "dicom-rtstruct": rtstruct,
    "dicom-seg": segmentation,
    "dicom-frames": multi_frame,
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, dicomprep, tmp_path_factory):
    """A data directory, the options that read it, and the file that comes of it."""
    folder = tmp_path_factory.mktemp(request.param)
    words = [*KINDS[request.param](folder / "data"), "--on-finding", "keep"]
    result = dicomprep("prep", folder / "data", *words, "-o", folder / "whole.h5")
    assert result.returncode in (0, 3), result.stderr
    return folder / "data", words, folder / "whole.h5"


def sources(words):
    """The options that `verify` and `repair` take too."""
    return [word for at, word in enumerate(words)
            if word in ("--layout", "--table") or (at and words[at - 1] in ("--layout", "--table"))]


def test_a_killed_run_goes_on(kind, dicomprep, out):
    data, words, whole = kind
    command = [dicomprep.path, "prep", data, "-o", out / "x.h5", *words, "--segment-rows", "1", "--threads", "1"]
    parts = out / "x.h5.parts"
    for _ in range(20):
        # Waiting for standard error to be read, the run cannot end before it is killed.
        run = subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL)
        while run.poll() is None and not has_rows(out / "x.h5"):
            time.sleep(0.0005)
        run.send_signal(signal.SIGKILL)
        if run.wait() == -signal.SIGKILL and has_rows(out / "x.h5"):
            break
        (out / "x.h5").unlink(missing_ok=True)
    else:
        pytest.skip("every run was over before it could be killed")
    assert not (out / "x.h5").exists()
    _, report = dicomprep.report(data, out / "x.h5", *words, "--segment-rows", "1", code=code_of(kind, dicomprep))
    assert report["rows"]["reused"] > 0
    assert (out / "x.h5").read_bytes() == whole.read_bytes() and not parts.exists()


def code_of(kind, dicomprep):
    data, words, _ = kind
    return dicomprep("prep", data, *words, "--dry-run", "-q").returncode


def test_rows_are_reused_and_rebuilt_where_an_annotation_differs(kind, dicomprep, out):
    data, words, whole = kind
    code = code_of(kind, dicomprep)
    _, report = dicomprep.report(data, out / "again.h5", *words, "--reuse", whole, code=code)
    assert report["rows"] == {"reused": report["samples"], "made": 0, "rebuilt": {}}
    assert (out / "again.h5").read_bytes() == whole.read_bytes()


def test_shards_merge_to_the_whole(kind, dicomprep, out):
    data, words, whole = kind
    code = code_of(kind, dicomprep)
    for index in (0, 1):
        dicomprep.prep(data, out / f"{index}.h5", *words, "--shard", f"{index}/2", code=code)
    merged = dicomprep("merge", out / "0.h5", out / "1.h5", "-o", out / "m.h5")
    assert merged.returncode == 0, merged.stderr
    assert (out / "m.h5").read_bytes() == whole.read_bytes()


def test_verify_repair_audit_preview_and_structures(kind, dicomprep, out):
    data, words, whole = kind
    result = dicomprep("verify", whole, "--against", data, *sources(words))
    assert result.returncode == 0, result.stdout + result.stderr
    damaged = out / "damaged.h5"
    shutil.copy(whole, damaged)
    with h5py.File(whole) as file:
        chunk, names = file["masks"].id.get_chunk_info(1), list(file.attrs["structures"])
        annotated_rows = file["samples/annotated"][:]
    annotated = annotated_rows.sum(0)
    spoiled = bytearray(damaged.read_bytes())
    spoiled[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    damaged.write_bytes(spoiled)
    assert dicomprep("verify", damaged).returncode == 1
    repaired = dicomprep("repair", damaged, "--against", data, *sources(words), "-o", out / "r.h5")
    assert repaired.returncode == 0, repaired.stderr
    assert (out / "r.h5").read_bytes() == whole.read_bytes()
    for options in ([], ["--structures", names[0], "--resample-labels", "--plane-tol", "0.5", "--combine", "union"]):
        audited = dicomprep("audit", data, *sources(words), *options, "--json")
        found = json.loads(audited.stdout)
        assert audited.returncode in (0, 3) and found["images"] == len(annotated_rows), audited.stderr
        # Without --structures, all are looked at, as the outer contours of linked folders.
        drawn = annotated_rows[:, :1 if options else None].sum()
        assert found["annotations"] == drawn if options else found["annotations"] >= drawn
    assert dicomprep("preview", whole, "-o", out / "p.html").returncode == 0
    listed = dicomprep("structures", data, *sources(words), "--json")
    assert listed.returncode in (0, 3), listed.stderr
    found = {entry["name"]: entry for entry in json.loads(listed.stdout)["structures"]}
    for name, images in zip(names, annotated):
        name = name.decode() if isinstance(name, bytes) else name
        assert found[name]["images"] >= images > 0


def test_the_report_says_what_was_decided_and_what_assumed(kind, dicomprep, out):
    data, words, _ = kind
    _, report = dicomprep.report(data, out / "x.h5", *words, code=code_of(kind, dicomprep))
    about = {ground["about"] for ground in report["decided"] + report["assumed"]}
    assert "pixel-type" in about
    by_number = [ground for ground in report["assumed"] if ground["about"] == "pairing"]
    assert bool(by_number) == (data.parent.name.startswith(("link", "scd2009", "rvsc2012")))


def test_a_reused_row_is_rebuilt_where_other_images_change_what_a_contour_is_on(dicomprep, tmp_path, out):
    """A contour without reference belongs to the nearest slice; a new slice may be nearer."""
    root = tmp_path / "data"
    images = {number: dicom_objects.image("P1", number, z) for number, z in ((1, 0.0), (2, 4.0))}
    for number, one in images.items():
        dicom_objects.save(one, root / f"{number}.dcm")
    drawn = [(images[1], dicom_objects.square(5, 20)), (images[1], dicom_objects.square(30, 40))]
    rt = dicom_objects.structures("P1", [(1, "spot", drawn)])
    first, second = rt.ROIContourSequence[0].ContourSequence
    for contour, z in ((first, 0.0), (second, 0.3)):
        del contour.ContourImageSequence
        contour.ContourData = [z if at % 3 == 2 else float(value) for at, value in enumerate(contour.ContourData)]
    dicom_objects.save(rt, root / "rt.dcm")
    how = ["--layout", "dicom", "--on-finding", "keep", "--split", "none"]
    dicomprep.prep(root, out / "old.h5", *how)
    dicom_objects.save(dicom_objects.image("P1", 3, 0.4), root / "3.dcm")
    dicomprep.prep(root, out / "new.h5", *how)
    dicomprep.prep(root, out / "reused.h5", *how, "--reuse", out / "old.h5")
    assert (out / "reused.h5").read_bytes() == (out / "new.h5").read_bytes()
    with h5py.File(out / "old.h5") as old, h5py.File(out / "new.h5") as new:
        assert len(new["masks"]) == 2 and old["masks"][0].sum() > new["masks"][0].sum() > 0

"""The layout `dicom`: RT Structure Sets and segmentations anywhere in a tree of DICOM objects."""

import h5py
import numpy as np
import pytest

from dicom_objects import RTPLAN, image, save, square, structures, thing


@pytest.fixture
def clinic(tmp_path):
    """Two patients of four slices, in no order of names, with a ring on three of them, and a plan."""
    folder = tmp_path / "clinic"
    for patient in ("P1", "P2"):
        images = [image(patient, number, z) for number, z in ((3, 0), (1, 3), (4, 9), (2, 12))]
        for at, one in enumerate(images):
            save(one, folder / patient / f"{'dabc'[at]}")
        ring = [(one, points) for one in images[:3] for points in (square(5, 45), square(20, 30))]
        save(structures(patient, [(2, "Ring", ring), (1, "Spot", [(images[1], square(10, 12))])]),
             folder / "sets" / f"{patient}.dcm")
    save(thing(RTPLAN, "2.25.77", "P1", "2.25.78", "RTPLAN"), folder / "sets" / "plan.dcm")
    (folder / "readme.txt").write_text("not DICOM")
    return folder


def masks(path):
    with h5py.File(path) as h:
        ids = [x.decode() if isinstance(x, bytes) else x for x in h["samples/id"][:]]
        return {one: h["masks"][index] for index, one in enumerate(ids)}


def test_masks_are_joined_by_uid_and_sorted_by_geometry(dicomprep, clinic, out):
    result, report = dicomprep.report(clinic, out / "a.h5", "--layout", "dicom", "--on-finding", "keep")
    found = masks(out / "a.h5")
    assert list(found) == ["P1/d", "P1/a", "P1/b", "P2/d", "P2/a", "P2/b"]
    with h5py.File(out / "a.h5") as h:
        assert h.attrs["mask_rule"] in ("center-inclusive", b"center-inclusive")
        assert h["samples/annotated"][:].tolist() == [[1, 0], [1, 1], [1, 0]] * 2
    for mask in found.values():
        assert int(mask[..., 0].sum()) == 41 * 41 - 9 * 9
    assert int(found["P1/a"][..., 1].sum()) == 9
    reasons = {entry["file"]: entry["detail"] for entry in report["ignored"]}
    assert "RTPLAN" in reasons["sets/plan.dcm"]
    assert "not a DICOM file" in reasons["readme.txt"]


def test_union_fills_the_hole_and_center_takes_ties_away(dicomprep, clinic, out):
    dicomprep.prep(clinic, out / "u.h5", "--layout", "dicom", "--structures", "Ring", "--combine", "union", "--on-finding", "keep")
    assert {int(mask.sum()) for mask in masks(out / "u.h5").values()} == {41 * 41}
    dicomprep.prep(clinic, out / "c.h5", "--layout", "dicom", "--structures", "Ring", "--mask-rule", "center", "--on-finding", "keep")
    assert {int(mask.sum()) for mask in masks(out / "c.h5").values()} == {1500}


def test_a_polygon_is_that_of_skimage_away_from_its_path(dicomprep, tmp_path, out):
    draw = pytest.importorskip("skimage.draw")
    one = image("P1", 1, 0)
    rng = np.random.default_rng(3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 40))
    outer = [(24.3 + 20 * np.cos(a), 24.7 + 18 * np.sin(a)) for a in angles]
    inner = [(24.3 + 8 * np.cos(a), 24.7 + 7 * np.sin(a)) for a in angles]
    save(one, tmp_path / "d" / "1.dcm")
    save(structures("P1", [(1, "free", [(one, outer), (one, inner)])]), tmp_path / "d" / "rt.dcm")
    dicomprep.prep(tmp_path / "d", out / "a.h5", "--layout", "dicom", "--mask-rule", "center", "--on-finding", "keep")
    mine = masks(out / "a.h5")["P1/1"][..., 0].astype(bool)
    theirs = np.zeros((50, 50), bool)
    for points in (outer, inner):
        theirs ^= draw.polygon2mask((50, 50), [(y, x) for x, y in points])
    assert int((mine != theirs).sum()) == 0


def test_resume_reuse_shards_verify_repair_audit_and_preview(dicomprep, clinic, out):
    how = ("--layout", "dicom")
    dicomprep.prep(clinic, out / "a.h5", *how, "--on-finding", "keep")
    reused = dicomprep.prep(clinic, out / "b.h5", *how, "--on-finding", "keep", "--reuse", out / "a.h5")
    assert "6 reused" in reused.stderr
    assert (out / "a.h5").read_bytes() == (out / "b.h5").read_bytes()
    for index in (0, 1):
        dicomprep.prep(clinic, out / f"s{index}.h5", *how, "--on-finding", "keep", "--shard", f"{index}/2")
    assert dicomprep("merge", out / "s0.h5", out / "s1.h5", "-o", out / "m.h5").returncode == 0
    assert masks(out / "m.h5").keys() == masks(out / "a.h5").keys()
    assert dicomprep("verify", out / "a.h5", "--against", clinic, *how).returncode == 0
    damaged = bytearray((out / "a.h5").read_bytes())
    with h5py.File(out / "a.h5") as h:
        chunk = h["masks"].id.get_chunk_info(2)
    damaged[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    (out / "damaged.h5").write_bytes(damaged)
    assert dicomprep("verify", out / "damaged.h5").returncode != 0
    repaired = dicomprep("repair", out / "damaged.h5", "--against", clinic, *how, "-o", out / "r.h5")
    assert repaired.returncode == 0, repaired.stderr
    assert all((masks(out / "r.h5")[k] == v).all() for k, v in masks(out / "a.h5").items())
    assert dicomprep("audit", clinic, *how).returncode in (0, 3)
    assert dicomprep("preview", out / "a.h5", "-o", out / "p.png").returncode == 0


def test_what_is_lost_changes_the_exit_code(dicomprep, clinic, out):
    two = image("P3", 1, 0)
    save(two, clinic / "P3" / "1.dcm")
    rois = [(1, "Ring", [(two, square(5, 9))]), (2, "Ring", [(two, square(5, 8))])]
    save(structures("P3", rois), clinic / "P3" / "rt.dcm")
    result = dicomprep.prep(clinic, out / "a.h5", "--layout", "dicom", "--structures", "Ring", "--on-finding", "keep", code=3)
    assert "#1 and #2 are both called Ring" in result.stderr
    dicomprep.prep(clinic, out / "b.h5", "--layout", "dicom", "--structures", "ring=Ring#2", "--on-finding", "keep")
    assert int(masks(out / "b.h5")["P3/1"].sum()) == 16
    wrong = dicomprep("prep", clinic, "-o", out / "c.h5", "--layout", "dicom", "--structures", "Heart")
    assert wrong.returncode == 2 and "Ring (#2)" in wrong.stderr


def test_a_region_without_a_closed_contour_is_said_to_be_one(dicomprep, tmp_path, out):
    one = image("P1", 1, 0)
    save(one, tmp_path / "data" / "1.dcm")
    rt = structures("P1", [(1, "spot", [(one, square(5, 9))]), (2, "centre", [(one, [(7, 7)])])])
    rt.ROIContourSequence[1].ContourSequence[0].ContourGeometricType = "POINT"
    save(rt, tmp_path / "data" / "rt.dcm")
    result = dicomprep.prep(tmp_path / "data", out / "a.h5", "--layout", "dicom", "--structures", "centre", code=1)
    assert "1 contour of type POINT encloses nothing and is not used" in result.stderr
    assert "has no closed contour" in result.stderr and "is in the input" not in result.stderr


def test_two_files_with_one_uid_are_named(dicomprep, tmp_path, out):
    one = image("P1", 1, 0)
    for name, z in (("1", 0), ("2", 3)):
        save(image("P1", 1, z), tmp_path / "data" / f"{name}.dcm")
    save(structures("P1", [(1, "spot", [(one, square(5, 9))])]), tmp_path / "data" / "rt.dcm")
    how = ["--layout", "dicom", "--split", "none", "--on-finding", "keep"]
    _, report = dicomprep.report(tmp_path / "data", out / "a.h5", *how)
    notes = {place: note["text"] for note in report["notes"] for place in note["places"]}
    assert "its SOP Instance UID is that of 1.dcm too" in notes["2.dcm"]


def test_segmentations_of_highdicom(dicomprep, tmp_path, out):
    hd = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes

    images = [image("P1", number, 2 * number) for number in (1, 2, 3)]
    for one in images:
        one.PatientName, one.PatientBirthDate, one.PatientSex = "a", "", ""
        one.StudyDate = one.StudyTime = one.AccessionNumber = one.ReferringPhysicianName = one.StudyID = ""
        one.SliceThickness = 2
        save(one, tmp_path / "d" / f"{one.InstanceNumber}.dcm")
    wanted = np.zeros((3, 50, 50), np.uint8)
    wanted[0, 3:17, 5:9], wanted[2, 30:41, 20:33] = 1, 1
    what = hd.seg.SegmentDescription(
        1, "spot", codes.SCT.Tissue, codes.SCT.Tissue, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    seg = hd.seg.Segmentation(
        images, wanted, hd.seg.SegmentationTypeValues.BINARY, [what],
        hd.UID(), 1, hd.UID(), 1, "m", "m", "1", "1",
    )
    seg.save_as(tmp_path / "d" / "seg.dcm")
    dicomprep.prep(tmp_path / "d", out / "a.h5", "--layout", "dicom", "--on-finding", "keep")
    found = masks(out / "a.h5")
    for index, mask in enumerate(wanted):
        assert (found[f"P1/{index + 1}"][..., 0] == mask).all()


def rings(dicomprep, folder, out, names, *words, code=0, numbers=None):
    """The structures of one image, a square each of 2, 3, 4 ... pixels, by the mask planes of prep; and its messages."""
    one = image("P1", 1, 0)
    save(one, folder / "1.dcm")
    numbers = numbers or range(1, len(names) + 1)
    rois = [(number, name, [(one, square(5, 6 + at))]) for at, (number, name) in enumerate(zip(numbers, names))]
    save(structures("P1", rois), folder / "rt.dcm")
    result = dicomprep.prep(folder, out / "a.h5", "--layout", "dicom", "--on-finding", "keep", "--force", *words, code=code)
    with h5py.File(out / "a.h5") as h:
        planes = [name if isinstance(name, str) else name.decode() for name in h.attrs["structures"]]
        sides = np.sqrt(h["masks"][0].sum(axis=(0, 1))).astype(int).tolist()
    return dict(zip(planes, sides)), result.stderr


def test_a_number_in_a_name_is_a_part_of_the_name(dicomprep, tmp_path, out):
    names = ["PTV", "PTV #1", "#4", "other", "PTV#2"]
    planes, messages = rings(dicomprep, tmp_path / "d", out, names)
    assert planes == {"PTV": 2, "PTV _1": 3, "_4": 4, "other": 5, "PTV_2": 6}
    assert "both called" not in messages
    asked, _ = rings(dicomprep, tmp_path / "d", out, names, "--structures", "a=PTV #1,b=PTV#2,c=#4")
    assert asked == {"a": 3, "b": 6, "c": 5}
    listed = dicomprep("structures", tmp_path / "d").stdout
    assert "'PTV _1=re:PTV [#]1'" in listed and "'_4=re:[#]4'" in listed
    # Without such a name, the number tells two of one name apart.
    asked, _ = rings(dicomprep, tmp_path / "d", out, ["PTV", "PTV"], "--structures", "a=PTV#2,b=PTV#1+PTV#2")
    assert asked == {"a": 3, "b": 3}


def test_names_that_no_plane_may_have_are_told_apart(dicomprep, tmp_path, out):
    planes, _ = rings(dicomprep, tmp_path / "d", out, ["a/b", "a_b", "a,b", "a=b"])
    assert planes == {"a_b 2": 2, "a_b": 3, "a_b 3": 4, "a_b 4": 5}


def test_two_of_one_name_with_signs_of_expressions(dicomprep, tmp_path, out):
    names = ["PTV (1)", "PTV (1)"]
    _, messages = rings(dicomprep, tmp_path / "d", out, [*names, "x"], "--structures", "PTV (1),x", code=3)
    assert r"re:PTV \(1\)" in messages
    both, _ = rings(dicomprep, tmp_path / "d", out, names, "--structures", r"p=re:PTV \(1\)")
    assert both["p"] > 0
    one = dicomprep("structures", tmp_path / "d").stdout
    assert "PTV (1)#1" in one


def test_spellings_of_one_name_are_noted(dicomprep, tmp_path, out):
    names = ["LV_endo", "lv endo", "box"]
    planes, messages = rings(dicomprep, tmp_path / "d", out, names)
    assert list(planes) == names
    assert "LV_endo | lv endo differ in spelling alone" in messages
    assert "--structures 'LV_endo=LV_endo+lv endo'" in messages
    both, messages = rings(dicomprep, tmp_path / "d", out, names, "--structures", "LV_endo=LV_endo+lv endo")
    assert both == {"LV_endo": 3} and "in spelling alone" not in messages
    _, messages = rings(dicomprep, tmp_path / "d", out, names, "--structures", "box,lv endo")
    assert "LV_endo is not asked for" in messages and "'lv endo=lv endo+LV_endo' takes both" in messages
    # A name behind an expression would be read as a part of it.
    names = ["Lung, left", "Lung left"]
    _, messages = rings(dicomprep, tmp_path / "d", out, names)
    both, _ = rings(dicomprep, tmp_path / "d", out, names, "--structures", "Lung_ left=Lung left+re:Lung[,] left")
    assert "'Lung_ left=Lung left+re:Lung[,] left'" in messages and both == {"Lung_ left": 3}


def test_annotations_stay_with_their_patient_where_two_have_equal_uids(dicomprep, tmp_path, out):
    """One person under two ids, with all UIDs kept."""
    sides = {"P1": 9, "P2": 20}
    for patient, side in sides.items():
        one = image("P1", 1, 0, np.arange(2500) + side)
        one.PatientID = patient
        rt = structures("P1", [(1, "spot", [(one, square(5, side))])])
        rt.PatientID = patient
        save(one, tmp_path / "d" / patient / "1.dcm")
        save(rt, tmp_path / "d" / patient / "rt.dcm")
    dicomprep.prep(tmp_path / "d", out / "a.h5", "--layout", "dicom", "--split", "none", "--on-finding", "keep")
    found = {name: int(mask.sum()) for name, mask in masks(out / "a.h5").items()}
    assert found == {f"{patient}/1": (side - 4) ** 2 for patient, side in sides.items()}
    # What is of neither patient is about the images of both.
    for patient in sides:
        rt = structures("P1", [(1, "spot", [(one, square(5, 9))])])
        rt.PatientID = "P3"
        (tmp_path / "d" / patient / "rt.dcm").unlink()
    save(rt, tmp_path / "d" / "rt.dcm")
    dicomprep.prep(tmp_path / "d", out / "b.h5", "--layout", "dicom", "--split", "none", "--on-finding", "keep")
    assert [int(mask.sum()) for mask in masks(out / "b.h5").values()] == [25, 25]


def test_patients_whose_ids_make_one_name_stay_two(dicomprep, tmp_path, out):
    for patient, name in (("P1", "A/1"), ("P2", "A_1")):
        one = image(patient, 1, 0)
        ring = structures(patient, [(1, "Ring", [(one, square(5, 45))])])
        one.PatientID = ring.PatientID = name
        save(one, tmp_path / "in" / patient / "i.dcm")
        save(ring, tmp_path / "in" / patient / "s.dcm")
    _, report = dicomprep.report(tmp_path / "in", out / "a.h5")
    assert report["patients"] == 2 and sorted(masks(out / "a.h5")) == ["A_1-2/i", "A_1/i"]
    with h5py.File(out / "a.h5") as h:
        sources = dict(zip(h["samples/id"].asstr()[:], h["samples/source"].asstr()[:]))
    assert sources["A_1/i"] == "P2/i.dcm", "what needs no other name keeps its own"

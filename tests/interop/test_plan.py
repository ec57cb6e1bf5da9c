"""`prep --plan-only` and `prep --plan`: the folder is walked once, and the shards are those of `prep --shard` alone."""

import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

import faults
from conftest import FIXTURES
from test_dicom_tree import clinic  # noqa: F401
from test_shards import make_shards, merge
from test_table import data as table_data  # noqa: F401
from trees import SQUARE, Study, dicom, noise, small_study

# The fixed end of a plan.
TRAILER_BYTES = 64


def make_plan(dicomprep, tree, path, *words, code=0):
    result = dicomprep("prep", tree, "--plan-only", "-o", path, *words)
    assert result.returncode == code, result.stderr
    assert result.stdout == "" and path.exists() == (code in (0, 3)), result.stderr
    return path


def planned_shards(dicomprep, tree, plan, folder, count, *words, codes=(0,), indices=None):
    return make_shards(dicomprep, tree, folder, count, "--plan", plan, *words, codes=codes, indices=indices)


def compare(dicomprep, tree, folder, counts, *words, code=0, places=()):
    """Shards of a plan file have the bytes of shards without, and merge to the file of one machine."""
    folder.mkdir()
    whole = folder / "whole.h5"
    dicomprep.prep(tree, whole, *places, *words, code=code)
    plan = make_plan(dicomprep, tree, folder / "tree.dicomplan", *places, *words, code=code)
    for count in counts:
        alone = make_shards(dicomprep, tree, folder / f"alone-{count}", count, *places, *words, codes={0, code})
        shards = planned_shards(dicomprep, tree, plan, folder / f"of-{count}", count, *places, codes={0, code})
        for a, b in zip(alone, shards, strict=True):
            assert a.read_bytes() == b.read_bytes(), (count, b.name)
        merged = folder / f"merged-{count}.h5"
        merge(dicomprep, merged, shards[::-1])
        assert merged.read_bytes() == whole.read_bytes(), f"{count} shards"
    return plan


# ---------------------------------------------------------------- the same bytes


@pytest.mark.parametrize("words", [
    (),
    ("--structures", "inner,outer", "--unlabelled", "include", "--split-seed", "7"),
    ("--structures", "cavity=inner", "--split", "none", "--compression", "0"),
    ("--size", "48x56", "--fit", "crop", "--dtype", "float32", "--on-finding", "keep"),
], ids=lambda words: " ".join(words)[:30])
def test_shards_have_the_bytes_of_shards_without_a_plan(words, dicomprep, tmp_path):
    compare(dicomprep, FIXTURES, tmp_path / "out", (1, 3, 25), *words)


def test_more_rows_than_a_block_has(dicomprep, tmp_path):
    study = Study(tmp_path / "tree")
    for patient in range(2):
        for number in range(1, 270):
            study.add(f"P{patient}", number, noise((8, 8), -200, 900, patient, number).astype(np.int16))
    compare(dicomprep, study.root, tmp_path / "out", (3,), "--compression", "0")


def test_label_volumes_and_mask_images_of_a_table(table_data, dicomprep, tmp_path):
    places = ("--table", table_data / "table.csv")
    compare(dicomprep, table_data, tmp_path / "out", (1, 2, 4), "--on-finding", "keep", places=places)


def test_structure_sets_of_a_dicom_tree(clinic, dicomprep, tmp_path):
    compare(dicomprep, clinic, tmp_path / "out", (1, 2, 3), "--layout", "dicom", "--on-finding", "keep")


@pytest.mark.parametrize("words", [("--color", "keep"), ("--color", "gray", "--dtype", "float32")], ids=" ".join)
def test_colour(words, dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"], images=2)
    for number in (3, 4):
        image = dicom(noise((8, 8), 0, 255, number).astype(np.uint8), photometric="RGB")
        image.SamplesPerPixel, image.PlanarConfiguration = 3, 0
        image.PixelData = noise((8, 8, 3), 0, 255, number).astype(np.uint8).tobytes()
        study.add("P2", number, image)
    compare(dicomprep, study.root, tmp_path / "out", (1, 3), *words, "--on-finding", "keep")


def test_spacing_and_padding(dicomprep, tmp_path):
    study = Study(tmp_path / "tree")
    for patient in ("P1", "P2", "P3"):
        for number in (1, 2):
            image = dicom(noise((8, 12), -200, 900, patient, number).astype(np.int16))
            image.PixelSpacing = [2.0, 1.0]
            image.PixelPaddingValue = -200
            image["PixelPaddingValue"].VR = "SS"
            study.add(patient, number, image)
    for name, words in [("one", ("--spacing", "1x2", "--padding", "keep")), ("two", ("--padding", "exclude")),
                        ("three", ("--spacing", "1x1", "--size", "20x20", "--fit", "crop"))]:
        compare(dicomprep, study.root, tmp_path / name, (1, 3), *words, "--on-finding", "keep")


def test_a_file_of_options_beside_a_plan(dicomprep, tmp_path):
    """What the plan has decided is not decided again by the file; options of the run are."""
    study = small_study(tmp_path / "tree", ["P1", "P2", "P3"], images=2)
    config = tmp_path / "prep.toml"
    config.write_text('dtype = "float32"\nsplit-seed = 4\npadding = "keep"\nmax-displaced = 3.5\nthreads = 1\n')
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan", "--config", config)
    alone = make_shards(dicomprep, study.root, tmp_path / "alone", 2, "--config", config)
    shards = planned_shards(dicomprep, study.root, plan, tmp_path / "planned", 2, "--config", config)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shards]
    config.write_text("threads = 0\n")
    result = dicomprep("prep", study.root, "--plan", plan, "--shard", "0/2", "-o", tmp_path / "no.h5", "--config", config)
    assert result.returncode == 2 and "prep.toml" in result.stderr, result.stderr


def test_a_table_of_splits(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2", "P3"], images=2)
    table = tmp_path / "splits.csv"
    table.write_text("patient_id,split\nP1,train\nP2,val\nP3,test\n")
    compare(dicomprep, study.root, tmp_path / "out", (1, 3), "--split-file", table)


def bound_study(root):
    """Patients of whom some are one person, a study belongs to two, and images are equal, across all shares."""
    study = Study(root)
    for number in range(8):
        for image in (1, 2):
            pixels = noise((8, 8), -200, 900, number // 3 if image == 1 else (number, 9)).astype(np.int16)
            more = {"StudyInstanceUID": f"2.25.{100 + number % 5}", "PatientID": f"A{number % 6}",
                    "PatientBirthDate": "19700101"}
            study.add(f"P{number}", image, dicom(pixels, **more))
    return study


@pytest.mark.parametrize("words", [(), ("--on-shared", "ignore"), ("--split-seed", "3"), ("--split", "none"),
                                   ("--folds", "3"), ("--folds", "2", "--split", "none")], ids=" ".join)
def test_patients_that_are_one_person(words, dicomprep, tmp_path):
    study = bound_study(tmp_path / "tree")
    compare(dicomprep, study.root, tmp_path / "out", (2, 5), *words, "--on-finding", "keep")


def test_groups_strata_and_folds_of_a_table(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", [f"P{n}" for n in range(12)])
    rows = [f"P{n},ORIG-P{n},site-{n // 2},{'ab'[n % 2]}" for n in range(12)]
    (study.root / "link.csv").write_text("\n".join(["patient_id,original_id,site,kind", *rows]) + "\n")
    compare(dicomprep, study.root, tmp_path / "out", (1, 5), "--group", "site", "--stratify", "kind", "--folds", "2")


def test_splits_of_an_earlier_file(dicomprep, tmp_path):
    study = bound_study(tmp_path / "tree")
    words = ("--on-finding", "keep")
    dicomprep.prep(study.root, tmp_path / "earlier.h5", "--split-seed", "5", *words)
    study.add("P8", 1, noise((8, 8), -200, 900, "new").astype(np.int16))
    compare(dicomprep, study.root, tmp_path / "out", (3,), "--split-from", tmp_path / "earlier.h5", *words)


def test_rejected_images_are_reported_by_the_plan_and_fill_no_row(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", [f"P{n}" for n in range(4)], images=2)
    study.image_path("P1", 2).write_bytes(b"not DICOM")
    # Its header is right and its pixels are cut off: only the shard finds out.
    cut = study.image_path("P2", 1)
    cut.write_bytes(cut.read_bytes()[:-20])
    plan = compare(dicomprep, study.root, tmp_path / "out", (1, 3), code=3)
    report = tmp_path / "plan.json"
    result = dicomprep("prep", study.root, "--plan-only", "--force", "-o", plan, "--report", report)
    assert result.returncode == 3
    assert any("P1/2.dcm" in one["file"] for one in json.loads(report.read_text())["rejected"])


def test_pseudonyms_need_the_key_of_the_plan(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"], images=2)
    for name in ("key", "other"):
        (tmp_path / name).write_bytes(hashlib.sha256(name.encode()).digest())
    key = ("--pseudonym-key", tmp_path / "key")
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan", *key)
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    assert "true ids" in plan.read_bytes()[:200].decode("ascii", "replace")
    alone = make_shards(dicomprep, study.root, tmp_path / "alone", 2, *key)
    shards = planned_shards(dicomprep, study.root, plan, tmp_path / "planned", 2, *key)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shards]
    for words, said in [((), "needed here too"), (("--pseudonym-key", tmp_path / "other"), "another --pseudonym-key")]:
        refused(dicomprep, study.root, plan, tmp_path / "no.h5", said, *words)
    bare = make_plan(dicomprep, study.root, tmp_path / "bare.dicomplan")
    refused(dicomprep, study.root, bare, tmp_path / "no.h5", "without a --pseudonym-key", *key)


def test_the_plan_does_not_depend_on_threads_and_moves_with_its_folder(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2", "P3"], images=2)
    plans = [make_plan(dicomprep, study.root, tmp_path / f"{n}.dicomplan", "--threads", n) for n in (1, 4)]
    assert plans[0].read_bytes() == plans[1].read_bytes()
    alone = make_shards(dicomprep, study.root, tmp_path / "alone", 2)
    moved = study.root.rename(tmp_path / "moved")
    shards = planned_shards(dicomprep, moved, plans[0], tmp_path / "planned", 2)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shards]


def test_a_stopped_shard_goes_on_and_an_old_file_is_used(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2", "P3"], images=4)
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan")
    (first,) = planned_shards(dicomprep, study.root, plan, tmp_path / "a", 2, indices=[0])
    result, report = dicomprep.report(study.root, tmp_path / "b.h5", "--plan", plan, "--shard", "0/2",
                                      "--reuse", first)
    assert report["rows"]["reused"] == report["samples"] == 6, result.stderr
    assert (tmp_path / "b.h5").read_bytes() == first.read_bytes()


# ---------------------------------------------------------------- what is read


def inputs_read(dicomprep, library, root, *words):
    """The files below `root` of which a run has read something."""
    counts = root.parent / "counts"
    counts.unlink(missing_ok=True)
    run = faults.Faults(library, dicomprep, root)
    result = run.run(["prep", root, *words], "read", counts=counts)
    assert result.returncode == 0, result.stderr
    lines = counts.read_text().splitlines() if counts.exists() else []
    return {Path(line.split(" ", 2)[2]).relative_to(root).as_posix() for line in lines}


def test_a_shard_opens_its_own_inputs_alone(dicomprep, tmp_path):
    library = faults.build(tmp_path)
    study = small_study(tmp_path / "tree", [f"P{n}" for n in range(4)], images=3)
    plan = tmp_path / "x.dicomplan"
    everything = inputs_read(dicomprep, library, study.root, "--plan-only", "-o", plan)
    assert len(everything) == 1 + 12 + 12
    seen = []
    for index in range(4):
        read = inputs_read(dicomprep, library, study.root, "--plan", plan, "--shard", f"{index}/4",
                           "-o", tmp_path / f"{index}.h5")
        patient = f"P{index}"
        assert read == {f"dicoms/{patient}/{n}.dcm" for n in (1, 2, 3)} | {
            str(study.contour_path(patient, n).relative_to(study.root)) for n in (1, 2, 3)}
        seen += read
    assert len(seen) == len(set(seen)) == 24
    # Nothing else has to be there: the inputs of other shards, the table of links.
    (study.root / "link.csv").unlink()
    for patient in ("P0", "P1", "P2"):
        shutil.rmtree(study.root / "dicoms" / patient)
    planned_shards(dicomprep, study.root, plan, tmp_path / "again", 4, indices=[3])


# ---------------------------------------------------------------- what is refused


def refused(dicomprep, tree, plan, output, said, *words, shard="0/1"):
    result = dicomprep("prep", tree, "--plan", plan, "--shard", shard, "-o", output, *words)
    assert result.returncode == 1, result.stderr
    assert said in result.stderr, result.stderr
    assert not output.exists()


@pytest.mark.parametrize("change", ["header", "size", "gone", "contour", "contour gone", "unreadable"])
def test_a_changed_input_is_refused_by_name(change, dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"], images=2)
    pixels = noise((8, 8), -200, 900, "other").astype(np.int16)
    image = study.add("P2", 1, dicom(pixels, window=(40, 80)))
    contour = study.contour_path("P2", 1)
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan")
    changed = contour if change.startswith("contour") else image
    if change == "header":
        study.add("P2", 1, dicom(pixels, window=(40, 81)))
    elif change == "size":
        image.write_bytes(image.read_bytes() + bytes(2))
    elif change == "unreadable":
        image.write_bytes(b"not DICOM")
    elif change == "contour":
        study.contour("P2", 1, [(x + 0.25, y) for x, y in SQUARE])
    else:
        changed.unlink()
    refused(dicomprep, study.root, plan, tmp_path / "no.h5", changed.name)
    # The share without it is made.
    planned_shards(dicomprep, study.root, plan, tmp_path / "fine", 2, indices=[0])


def test_a_changed_volume_is_refused_by_name(table_data, dicomprep, tmp_path):
    places = ("--table", table_data / "table.csv")
    plan = make_plan(dicomprep, table_data, tmp_path / "x.dicomplan", *places, "--on-finding", "keep")
    volume = table_data / "labels.nii.gz"
    volume.write_bytes(volume.read_bytes() + b"\0")
    refused(dicomprep, table_data, plan, tmp_path / "no.h5", "labels.nii.gz", *places)


@pytest.fixture
def small(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"], images=2)
    return study.root, make_plan(dicomprep, study.root, tmp_path / "x.dicomplan")


def test_a_truncated_plan_is_refused(small, dicomprep, tmp_path):
    tree, plan = small
    whole = plan.read_bytes()
    for length in (0, 10, 17, 40, len(whole) // 2, len(whole) - TRAILER_BYTES, len(whole) - 1):
        plan.write_bytes(whole[:length])
        refused(dicomprep, tree, plan, tmp_path / "no.h5", "plan", "--threads", "1")


def test_a_damaged_plan_is_refused(small, dicomprep, tmp_path):
    tree, plan = small
    whole = plan.read_bytes()
    for at in range(0, len(whole), len(whole) // 25):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        plan.write_bytes(damaged)
        refused(dicomprep, tree, plan, tmp_path / "no.h5", "plan", "--threads", "1")


@pytest.mark.parametrize("what, said", [
    ("h5", "is not a plan"), ("folder", "is not a plan"), ("empty", "is not a plan"), ("gone", "cannot read the plan"),
    ("other version", "is a plan of format 2"),
])
def test_other_files_are_no_plans(what, said, small, dicomprep, tmp_path):
    tree, plan = small
    other = tmp_path / "other"
    if what == "h5":
        dicomprep.prep(tree, other)
    elif what == "folder":
        other.mkdir()
    elif what == "other version":
        other.write_bytes(plan.read_bytes().replace(b"dicomprep plan 1", b"dicomprep plan 2", 1))
    elif what == "empty":
        other.touch()
    refused(dicomprep, tree, other, tmp_path / "no.h5", said)


def test_a_pipe_is_no_plan_and_is_not_waited_for(small, dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(dicomprep, small[0], tmp_path / "pipe", tmp_path / "no.h5", "is not a plan")


def test_the_options_of_the_content_are_those_of_the_plan(small, dicomprep, tmp_path):
    tree, plan = small
    for words in (["--structures", "outer"], ["--split-seed", "3"], ["--compression", "1"], ["--dry-run"],
                  ["--plan-only"], ["--layout", "dicom"], ["--max-displaced", "3"]):
        result = dicomprep("prep", tree, "--plan", plan, "--shard", "0/2", "-o", tmp_path / "no.h5", *words)
        assert result.returncode == 2, (words, result.stderr)
    assert dicomprep("prep", tree, "--plan", plan, "-o", tmp_path / "no.h5").returncode == 2
    for words in (["--shard", "0/2"], ["--dry-run"], ["--fresh"]):
        result = dicomprep("prep", tree, "--plan-only", "-o", tmp_path / "no", *words)
        assert result.returncode == 2, (words, result.stderr)
    assert not (tmp_path / "no.h5").exists() and not (tmp_path / "no").exists()


def test_limits_of_the_plan_are_not_exceeded_in_silence(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1"])
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan", "--max-image-bytes", "100000")
    refused(dicomprep, study.root, plan, tmp_path / "no.h5", "--max-image-bytes", "--max-image-bytes", "50000")


def test_folders_elsewhere_are_named_again(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"])
    elsewhere = (study.root / "dicoms").rename(tmp_path / "images")
    plan = make_plan(dicomprep, study.root, tmp_path / "x.dicomplan", "--dicoms", elsewhere)
    refused(dicomprep, study.root, plan, tmp_path / "no.h5", "--dicoms")
    shards = planned_shards(dicomprep, study.root, plan, tmp_path / "planned", 2, "--dicoms", elsewhere)
    alone = make_shards(dicomprep, study.root, tmp_path / "alone", 2, "--dicoms", elsewhere)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shards]


# ---------------------------------------------------------------- outputs


def test_no_plan_is_written_over_anything(small, dicomprep, tmp_path):
    tree, plan = small
    whole = plan.read_bytes()
    result = dicomprep("prep", tree, "--plan-only", "-o", plan)
    assert result.returncode == 1 and "exists" in result.stderr
    image = next((tree / "dicoms").rglob("*.dcm"))
    before = image.read_bytes()
    result = dicomprep("prep", tree, "--plan-only", "--force", "-o", image)
    assert result.returncode == 2 and image.read_bytes() == before, result.stderr
    for words in (["-o", plan], ["-o", tmp_path / "y.h5", "--report", plan]):
        result = dicomprep("prep", tree, "--plan", plan, "--shard", "0/1", "--force", *words)
        assert result.returncode == 2 and "is read" in result.stderr, result.stderr
    assert plan.read_bytes() == whole
    make_plan(dicomprep, tree, plan, "--force")
    assert plan.read_bytes() == whole


def test_a_plan_without_rows_and_a_strict_one_are_not_written(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"])
    study.image_path("P1", 1).write_bytes(b"not DICOM")
    result = dicomprep("prep", study.root, "--plan-only", "--strict", "-o", tmp_path / "no")
    assert result.returncode == 1 and not (tmp_path / "no").exists(), result.stderr
    study.image_path("P2", 1).write_bytes(b"not DICOM")
    result = dicomprep("prep", study.root, "--plan-only", "-o", tmp_path / "no")
    assert result.returncode == 1 and not (tmp_path / "no").exists(), result.stderr


def test_the_default_name_is_that_of_the_folder(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P1", "P2"])
    result = dicomprep("prep", study.root, "--plan-only", cwd=tmp_path)
    assert result.returncode == 0 and (tmp_path / "tree.dicomplan").exists(), result.stderr

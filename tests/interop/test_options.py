"""What each option does to the file, to the messages and to the exit code."""

import json
import os
import pty
import re
import shutil
import subprocess
import tomllib

import h5py
import numpy as np
import pytest
from PIL import Image, ImageDraw

import expect
from conftest import FIXTURES
from test_runs import copy_backwards
from trees import SQUARE, Study, noise, small_study


def contents(path):
    """Every dataset of a file, by name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture(scope="module")
def packed(dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("info") / "x.h5"
    dicomprep.prep(FIXTURES, path, "--structures", "inner,outer")
    return path


# ---------------------------------------------------------------- structures

LISTS = [["inner"], ["outer"], ["inner", "outer"], ["outer", "inner"]]


@pytest.mark.parametrize("require", ["any", "all"])
@pytest.mark.parametrize("structures", LISTS, ids=",".join)
def test_mask_planes_stand_in_the_order_asked_for(structures, require, dicomprep, out):
    dicomprep.prep(FIXTURES, out / "x.h5", "--structures", ",".join(structures), "--require", require)
    wanted = {
        source: sample for source, sample in expect.samples(FIXTURES, structures, False).items()
        if require == "any" or len(sample.contours) == len(structures)
    }
    with h5py.File(out / "x.h5") as file:
        assert list(file.attrs["structures"]) == structures
        sources = file["samples/source"].asstr()[:]
        assert set(sources) == set(wanted)
        masks, annotated = file["masks"][:], file["samples/annotated"][:]
        assert masks.shape[3] == annotated.shape[1] == len(structures)
        for row, source in enumerate(sources):
            for plane, name in enumerate(structures):
                contour = wanted[source].contours.get(name)
                assert annotated[row, plane] == (contour is not None)
                mask = np.zeros(masks.shape[1:3], np.uint8)
                if contour is not None:
                    mask = expect.center_mask(expect.points(contour), *mask.shape)
                assert np.array_equal(masks[row, ..., plane], mask), f"{source}: {name}"
        # The fixtures have samples with one structure and with both.
        if len(structures) == 2:
            assert annotated.all() == (require == "all")


def test_a_structure_named_twice_is_a_usage_error(dicomprep, out):
    result = dicomprep.prep(FIXTURES, out / "x.h5", "--structures", "inner,outer,inner", code=2)
    assert "--structures" in result.stderr and "inner is named twice" in result.stderr
    assert os.listdir(out) == []


def test_all_required_structures_fall_with_one_of_them(dicomprep, tree, out):
    words = ["--structures", "inner,outer", "--require", "all", "--split", "none"]
    _, before = dicomprep.report(tree, out / "before.h5", *words)
    contour = next(tree.glob("contourfiles/*/o-contours/*.txt"))
    contour.write_text("nonsense\n")
    _, after = dicomprep.report(tree, out / "after.h5", *words, code=3)
    assert after["samples"] == before["samples"] - 1
    other = contour.relative_to(tree).as_posix().replace("o-contours", "i-contours").replace("ocontour", "icontour")
    assert [(entry["reason"], entry["file"]) for entry in after["rejected"]] == [
        ("contour-unreadable", contour.relative_to(tree).as_posix())]
    left_out = [[entry for entry in report["ignored"] if entry["file"] == other] for report in (before, after)]
    assert not left_out[0] and [entry["reason"] for entry in left_out[1]] == ["structure-missing"]
    assert sum(after["bins"].values()) == after["files"]


def test_unlabelled_images_are_rows_when_they_are_asked_for(dicomprep, out):
    dicomprep.prep(FIXTURES, out / "x.h5", "--unlabelled", "include", "--structures", "inner,outer")
    wanted = expect.samples(FIXTURES, ["inner", "outer"], True)
    with h5py.File(out / "x.h5") as file:
        samples = {name: column[:] for name, column in file["samples"].items()}
        sources = file["samples/source"].asstr()[:]
        assert set(sources) == set(wanted)
        order = list(zip(samples["patient_id"], samples["instance"].tolist()))
        assert order == sorted(order)
        bare = samples["annotated"] == 0
        assert 0 < bare.all(axis=1).sum() < len(bare)
        assert np.array_equal(np.isnan(samples["contour_area"]), bare)
        assert not samples["annotation_sha256"][bare].any() and not samples["mask_pixels"][bare].any()
        masks = file["masks"][:].transpose(0, 3, 1, 2)
        assert not masks[bare].any() and masks[~bare].any(axis=(1, 2)).all()
        expect.check_statistics(file)


# ---------------------------------------------------------------- mask rules


def near_path(polygon, rows, columns):
    """The pixels whose centre is within 1/64 of a side."""
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    near = np.zeros((rows, columns), bool)
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1]):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length if length else np.zeros_like(x)
        along = np.clip(along, 0, 1)
        near |= (ax + along * (bx - ax) - x) ** 2 + (ay + along * (by - ay) - y) ** 2 <= (1 / 64) ** 2
    return near


def pillow(polygon, rows, columns):
    image = Image.new("L", (columns, rows), 0)
    ImageDraw.Draw(image).polygon(polygon, outline=0, fill=1)
    return np.array(image)


RULES = {
    "center": expect.center_mask,
    "center-inclusive": lambda p, r, c: expect.center_mask(p, r, c) | near_path(p, r, c).astype(np.uint8),
    "pillow": pillow,
}


@pytest.mark.parametrize("offset", ["0,0", "0.5,-1", "-9.25,0.015625"])
@pytest.mark.parametrize("rule", RULES)
def test_each_mask_rule_paints_what_it_says(rule, offset, dicomprep, out):
    dicomprep.prep(FIXTURES, out / "x.h5", "--mask-rule", rule, "--contour-offset", offset)
    dx, dy = map(float, offset.split(","))
    wanted = expect.samples(FIXTURES, ["inner"], False)
    with h5py.File(out / "x.h5") as file:
        assert file.attrs["mask_rule"] == rule
        assert json.loads(file.attrs["config"])["contour_offset"] == [dx, dy]
        masks = file["masks"][..., 0]
        for row, source in enumerate(file["samples/source"].asstr()[:]):
            points = [(x + dx, y + dy) for x, y in expect.points(wanted[source].contours["inner"])]
            mask = RULES[rule](points, *masks.shape[1:])
            assert np.array_equal(masks[row], mask), source
            assert file["samples/mask_pixels"][row, 0] == mask.sum()
            assert file["samples/contour_area"][row, 0] == pytest.approx(expect.area(points), rel=1e-6)


@pytest.mark.parametrize("words", [
    ["--contour-offset", "1"], ["--contour-offset", "nan,0"], ["--contour-offset", "1e9,0"], ["--require", "some"],
    ["--unlabelled", "maybe"], ["--dtype", "int8"], ["--size", "0x8"], ["--size", "8"], ["--fit", "stretch"],
    ["--threads", "0"], ["--compression", "12"], ["--compression=-1"], ["--monochrome1", "no"],
    ["--split-seed=-1"], ["--split-file", "x.csv", "--split", "none"],
], ids=" ".join)
def test_what_an_option_does_not_take_is_a_usage_error(words, dicomprep, out):
    result = dicomprep.prep(FIXTURES, out / "x.h5", *words, code=2)
    assert words[0].split("=")[0] in result.stderr and "panicked" not in result.stderr
    assert os.listdir(out) == []


# ---------------------------------------------------------------- compression


def repeated(shape):
    """An image that repeats a tile: a match search makes it much smaller than runs do."""
    return np.tile(noise((8, 16), 0, 4000, "tile").astype(np.int16), (shape[0] // 8, shape[1] // 16))


@pytest.mark.parametrize("pixels, choice", [("noise", "planes"), ("tiles", "library")])
def test_the_encoder_is_chosen_by_the_images_or_asked_for(pixels, choice, dicomprep, out, tmp_path):
    study = Study(tmp_path / "data")
    for number in range(1, 13):
        image = repeated((64, 64)) + number if pixels == "tiles" else noise((64, 64), 0, 900, number)
        study.add("P1", number, image.astype(np.int16))
    sizes, files = {}, {}
    for encoder in ("auto", "library", "planes"):
        path, report = out / f"{encoder}.h5", out / f"{encoder}.json"
        dicomprep.prep(study.root, path, "--encoder", encoder, "--report", report)
        named = choice if encoder == "auto" else encoder
        assert json.loads(report.read_text())["encoder"] == named
        with h5py.File(path) as file:
            assert json.loads(file.attrs["config"])["encoder"] == named
            sizes[encoder] = file["images"].id.get_storage_size()
        files[encoder] = contents(path)
    assert (out / "auto.h5").read_bytes() == (out / f"{choice}.h5").read_bytes()
    assert sizes["auto"] <= 1.01 * sizes["library"]
    for name, values in files["library"].items():
        np.testing.assert_array_equal(files["planes"][name], values, err_msg=name)
    dicomprep.prep(study.root, out / "x.h5", "--encoder", "zopfli", code=2)


def test_every_compression_holds_the_same(dicomprep, out):
    sizes = {}
    for level in (0, 1, 9):
        dicomprep.prep(FIXTURES, out / f"{level}.h5", "--compression", level)
        sizes[level] = (out / f"{level}.h5").stat().st_size
    plain, *others = (contents(out / f"{level}.h5") for level in (0, 1, 9))
    for other in others:
        assert set(other) == set(plain)
        for name, values in plain.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)
    assert sizes[9] < sizes[0]
    with h5py.File(out / "0.h5") as file:
        for data in (file["images"], file["masks"], *file["samples"].values()):
            assert data.id.get_create_plist().get_nfilters() == 0, data.name
    with h5py.File(out / "9.h5") as file:
        assert file["images"].compression_opts == 9 and file["masks"].compression_opts == 9


# ---------------------------------------------------------------- strict, dry run, threads


def test_strict_leaves_nothing_but_the_report(dicomprep, tree, out):
    contour = next(tree.glob("contourfiles/*/i-contours/*.txt"))
    contour.write_text("10 10\n20 10\nnonsense\n")
    name = contour.relative_to(tree).as_posix()
    result, strict = dicomprep.report(tree, out / "x.h5", "--strict", code=1)
    assert "--strict" in result.stderr and f"{name}:3" in result.stderr
    assert os.listdir(out) == ["x.json"] and strict["output"] is None
    _, kept = dicomprep.report(tree, out / "y.h5", code=3)
    assert kept["output"]["bytes"] == (out / "y.h5").stat().st_size
    assert [entry["file"] for entry in strict["rejected"]] == [name]
    assert kept["rejected"] == strict["rejected"] and kept["bins"] == strict["bins"]


def test_strict_keeps_the_file_that_force_would_replace(dicomprep, tree, out):
    (out / "x.h5").write_text("mine")
    next(tree.glob("contourfiles/*/i-contours/*.txt")).write_text("nonsense\n")
    dicomprep.prep(tree, out / "x.h5", "--strict", "--force", code=1)
    assert (out / "x.h5").read_text() == "mine" and os.listdir(out) == ["x.h5"]


def test_strict_passes_what_is_clean(dicomprep, out):
    dicomprep.prep(FIXTURES, out / "strict.h5", "--strict")
    dicomprep.prep(FIXTURES, out / "x.h5")
    assert (out / "strict.h5").read_bytes() == (out / "x.h5").read_bytes()


def test_a_dry_run_tells_the_plan(dicomprep, tree, out, tmp_path):
    next(tree.glob("contourfiles/*/i-contours/*.txt")).unlink()
    copy_backwards(tree, tmp_path / "copy")
    words = ["--dry-run", "--structures", "inner,outer", "--report", out / "report.json", "--force", "-o", out / "x.h5"]
    plans = []
    for root, threads in ((tree, 1), (tmp_path / "copy", 7)):
        result = dicomprep("prep", root, *words, "--threads", threads)
        assert result.returncode == 0, result.stderr
        plans.append(result.stdout)
    assert plans[0] == plans[1]
    assert os.listdir(out) == ["report.json"]
    report = json.loads((out / "report.json").read_text())
    assert report["output"] is None
    # What it says is what is done.
    _, done = dicomprep.report(tree, out / "x.h5", *words[1:3])
    assert {key: report[key] for key in ("bins", "splits", "samples", "patients", "structures")} == {
        key: done[key] for key in ("bins", "splits", "samples", "patients", "structures")}
    heading, *lines = [line.split("\t") for line in plans[0].splitlines()]
    assert heading == ["id", "split", "source", "inner", "outer"]
    with h5py.File(out / "x.h5") as file:
        columns = [file[f"samples/{name}"].asstr()[:].tolist() for name in ("id", "split", "source")]
        assert [line[:3] for line in lines] == [list(row) for row in zip(*columns)]
        assert [[cell != "" for cell in line[3:]] for line in lines] == (file["samples/annotated"][:] == 1).tolist()
        assert all((tree / cell).is_file() for line in lines for cell in line[2:] if cell)


def test_a_dry_run_of_what_cannot_be_done_fails(dicomprep, tmp_path):
    (tmp_path / "empty").mkdir()
    result = dicomprep("prep", tmp_path / "empty", "--dry-run")
    assert result.returncode == 1 and result.stdout == ""


def test_a_closed_pipe_ends_a_dry_run_quietly(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", [f"P{n:04}" for n in range(40)], images=25)
    command = f"set -o pipefail; '{dicomprep.path}' prep '{study.root}' --dry-run | head -c 10"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and result.stdout == "id\tsplit\ts"
    assert "panic" not in result.stderr and "error" not in result.stderr


def test_threads_do_not_change_the_bytes(dicomprep, tmp_path, out):
    patients = [f"P{n:02}" for n in range(12)]
    study = small_study(tmp_path / "data", patients, images=9, size=24)
    # Equal images of several patients, in two groups; bad images and contours in between.
    for source, target in (("P01", "P07"), ("P07", "P10"), ("P03", "P04")):
        shutil.copyfile(study.image_path(source, 3), study.image_path(target, 3))
    study.contour_path("P02", 5).write_text("nonsense\n")
    study.image_path("P05", 1).write_bytes(study.image_path("P05", 1).read_bytes()[:-40])
    study.image_path("P09", 4).write_bytes(b"no image")
    runs, reports = [], []
    for threads in (1, 3, 16):
        _, report = dicomprep.report(study.root, out / f"{threads}.h5", "--threads", threads, code=3)
        assert report.pop("threads") == threads and report.pop("seconds")
        assert report.pop("output")
        runs.append((out / f"{threads}.h5").read_bytes())
        reports.append(report)
    assert runs[0] == runs[1] == runs[2]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["samples"] == 12 * 9 - 3 and len(reports[0]["rejected"]) == 5
    with h5py.File(out / "1.h5") as file:
        assert list(file.attrs["split_joined"]) == ["P01,P07,P10", "P03,P04"]
        expect.check_statistics(file)


# ---------------------------------------------------------------- what is shown


def test_quiet_is_quiet(dicomprep, out):
    assert dicomprep.prep(FIXTURES, out / "x.h5", "-q").stderr == ""
    assert dicomprep.prep(FIXTURES, out / "x.h5", "-q", code=1).stderr.startswith("dicomprep: error: ")


def test_plain_output_has_no_escape_codes(dicomprep, out):
    for name, words in (("auto", []), ("plain", ["--progress", "plain"]), ("none", ["--progress", "none"])):
        result = dicomprep.prep(FIXTURES, out / f"{name}.h5", *words, env={"TERM": "xterm"})
        assert "20 samples of 4 patients" in result.stderr
        assert not re.search(r"[\x1b\r\b]", result.stderr), name


@pytest.mark.parametrize("words, bar", [([], True), (["--progress", "bar"], True), (["--progress", "plain"], False),
                                        (["-q"], False)])
def test_a_terminal_gets_a_bar(words, bar, dicomprep, out):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [dicomprep.path, "prep", FIXTURES, "-o", out / "x.h5", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(ours)
    assert process.wait(30) == 0 and process.stdout.read() == b""
    process.stdout.close()
    assert (b"preparing images" in shown) == bar
    assert (b"20 samples" in shown) == (words != ["-q"])
    assert (shown == b"") == (words == ["-q"])


def test_the_report_may_go_to_standard_output(dicomprep, out):
    result = dicomprep("prep", FIXTURES, "-o", out / "x.h5", "--report", "-", "-q")
    assert result.returncode == 0 and result.stderr == ""
    assert json.loads(result.stdout)["samples"] == 20


def test_verbose_lists_everything(dicomprep, tree, out):
    for contour in tree.glob("contourfiles/*/i-contours/*.txt"):
        contour.write_text("nonsense\n")
        keep = contour
    keep.write_text("".join(f"{x} {y}\n" for x, y in SQUARE))
    for number in range(30, 60):
        (keep.parent / f"IM-0001-{number:04}-icontour-manual.txt").write_text("1 1\n")
    few = dicomprep.prep(tree, out / "few.h5", code=3).stderr
    all_of_them = dicomprep.prep(tree, out / "all.h5", "-v", code=3).stderr
    assert few.count("icontour-manual.txt") < all_of_them.count("icontour-manual.txt")
    assert "--verbose" in few and "--report" in few and "--verbose" not in all_of_them


def test_the_report_may_not_replace_the_file(dicomprep, out):
    (out / "deep").mkdir()
    for report in ("x.h5", "./x.h5", "deep/../x.h5", out / "x.h5"):
        result = dicomprep("prep", FIXTURES, "-o", "x.h5", "--report", report, cwd=out)
        assert result.returncode == 2 and "--report" in result.stderr
        assert os.listdir(out) == ["deep"]
    dicomprep.prep(FIXTURES, out / "x.h5", "--report", out / "x.h5.json")
    assert sorted(os.listdir(out)) == ["deep", "x.h5", "x.h5.json"]
    assert json.loads((out / "x.h5.json").read_text())["samples"] == len(h5py.File(out / "x.h5")["images"])


@pytest.mark.parametrize("words, code", [([FIXTURES], 0), ([FIXTURES, "--progress", "plain"], 0), (["nowhere"], 1)])
def test_the_work_goes_on_where_nobody_reads_the_messages(words, code, dicomprep, out):
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.Popen([dicomprep.path, "prep", "-o", out / "x.h5", *words], cwd=out, stderr=theirs,
                               stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.close(theirs)
    assert process.wait(60) == code
    assert os.listdir(out) == (["x.h5"] if code == 0 else [])


def test_data_that_cannot_be_written_are_an_error(dicomprep, packed):
    for words in (["info", packed], ["completions", "bash"], ["prep", FIXTURES, "--dry-run"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([dicomprep.path, *words], stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 1 and "No space left on device" in result.stderr
        assert "panicked" not in result.stderr


# ---------------------------------------------------------------- info and completions


def test_info_tells_what_is_in_a_file(dicomprep, packed):
    result = dicomprep("info", packed, "--json")
    assert result.returncode == 0 and result.stderr == ""
    info = json.loads(result.stdout)
    with h5py.File(packed) as file:
        assert info["images"] == list(file["images"].shape) and info["masks"] == list(file["masks"].shape)
        assert info["samples"] == len(file["images"]) and info["patients"] == file.attrs["patients"]
        assert info["annotated"] == file["samples/annotated"][:].sum(axis=0).tolist()
        names, patients = file["samples/split"].asstr()[:], file["samples/patient_id"].asstr()[:]
        assert info["splits"] == {
            name: {"samples": int((names == name).sum()), "patients": len(set(patients[names == name]))}
            for name in set(names)}
        assert info["train_mean"] == file["images"].attrs["train_mean"]
        assert info["source_digest"] == file.attrs["source_digest"]
        assert info["config"] == json.loads(file.attrs["config"])
    text = dicomprep("info", packed)
    assert text.returncode == 0
    for part in ("dicomprep 1.5", "int16", "rule center", "inner (annotated in", "train", info["source_digest"]):
        assert part in text.stdout


def test_info_refuses_what_it_cannot_read(dicomprep, packed, tmp_path):
    text, foreign, newer, missing = (tmp_path / name for name in ("a.txt", "foreign.h5", "newer.h5", "missing.h5"))
    text.write_text("words\n" * 100)
    with h5py.File(foreign, "w") as file:
        file["x"] = 1
    shutil.copyfile(packed, newer)
    with h5py.File(newer, "r+", locking=False) as file:
        file.attrs["format_version"] = "2.0"
    says = {text: "it is a text file", foreign: "not a dicomprep file", newer: "1.x", missing: "No such file"}
    for path, words in says.items():
        for more in ([], ["--json"]):
            result = dicomprep("info", path, *more)
            assert result.returncode == 1 and result.stdout == "", path
            assert words in result.stderr and str(path) in result.stderr
            assert result.stderr.startswith("dicomprep: error: ") and result.stderr.count("\n") == 1, result.stderr
    assert "2.0" in dicomprep("info", newer).stderr


def test_info_reads_a_later_minor_version(dicomprep, packed, tmp_path):
    later = tmp_path / "later.h5"
    shutil.copyfile(packed, later)
    with h5py.File(later, "r+", locking=False) as file:
        assert file.attrs["text_checksum"] == expect.text_checksum(file)
        file.attrs["format_version"] = "1.7"
        file["samples/new_column"] = np.arange(len(file["images"]))
        file.attrs["text_checksum"] = expect.text_checksum(file)
    result = dicomprep("info", later)
    assert result.returncode == 0 and "dicomprep 1.7" in result.stdout


@pytest.mark.parametrize("words", ["info '{}'", "info '{}' --json", "completions bash", "prep --help"])
def test_a_closed_pipe_ends_quietly(words, dicomprep, packed):
    command = f"set -o pipefail; '{dicomprep.path}' {words.format(packed)} | head -c 10"
    for _ in range(5):
        result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 and len(result.stdout) == 10
        assert result.stderr == ""


def test_a_reader_that_never_reads_is_no_error(dicomprep, packed):
    command = f"set -o pipefail; (sleep 0.2; '{dicomprep.path}' info '{packed}') | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and result.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_the_options(shell, dicomprep):
    result = dicomprep("completions", shell)
    assert result.returncode == 0 and result.stderr == ""
    for word in ("prep", "info", "pseudonym-key", "mask-rule"):
        assert word in result.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=result.stdout, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_a_study_is_packed_from_other_places(dicomprep, tmp_path, out):
    study = small_study(tmp_path / "data", ["A1", "B2"], images=2)
    dicomprep.prep(study.root, out / "x.h5")
    moved = tmp_path / "data" / "deep" / "er"
    moved.mkdir(parents=True)
    for name in ("dicoms", "contourfiles", "link.csv"):
        shutil.move(study.root / name, moved / name)
    words = ["--link", moved / "link.csv", "--dicoms", moved / "dicoms", "--contours", moved / "contourfiles"]
    dicomprep.prep(study.root, out / "y.h5", *words)
    before, after = contents(out / "x.h5"), contents(out / "y.h5")
    assert after.pop("samples/source")[0].decode() == "deep/er/dicoms/A1/1.dcm"
    before.pop("samples/source")
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values, err_msg=name)


def test_one_sample_is_a_file(dicomprep, tmp_path, out):
    study = Study(tmp_path / "data")
    study.add("ONLY", 1, noise((8, 9), 0, 300, 1).astype(np.int16))
    result = dicomprep.prep(study.root, out / "x.h5")
    assert "split val is empty" in result.stderr and "1 patients" not in result.stderr
    with h5py.File(out / "x.h5") as file:
        assert file["images"].shape == (1, 8, 9, 1)
        assert file["samples/split"].asstr()[0] == "train"
        expect.check_statistics(file)


def test_all_required_and_all_included_is_labelled_wholly_or_not_at_all(dicomprep, tree, out):
    outer = sorted(tree.glob("contourfiles/*/o-contours/*.txt"))[0]
    outer.write_text("no contour\n")
    words = ["--structures", "inner,outer", "--require", "all", "--unlabelled", "include"]
    _, report = dicomprep.report(tree, out / "x.h5", *words, code=3)
    with h5py.File(out / "x.h5") as file:
        annotated, masks = file["samples/annotated"][:], file["masks"][:]
    assert set(map(tuple, annotated)) == {(0, 0), (1, 1)}
    assert not masks[annotated[:, 0] == 0].any()
    assert "structure-missing" in {entry["reason"] for entry in report["ignored"]}
    assert report["files"] == sum(report["bins"].values())


def test_a_report_where_no_image_can_be_read(dicomprep, tree, out):
    for image in tree.glob("dicoms/*/*.dcm"):
        image.write_bytes(b"no image")
    result, report = dicomprep.report(tree, out / "x.h5", code=1)
    assert report["bins"]["rejected"] == 40 and report["files"] == sum(report["bins"].values())
    assert "no sample is left" in result.stderr and os.listdir(out) == ["x.json"]


def test_an_existing_report_is_not_touched(dicomprep, tree, out):
    link = (tree / "link.csv").read_bytes()
    (out / "notes.txt").write_text("mine")
    result = dicomprep.prep(tree, out / "x.h5", "--report", out / "notes.txt", code=1)
    assert "--force" in result.stderr and (out / "notes.txt").read_text() == "mine"
    # Inputs are never replaced, whatever is forced.
    for option in ("-o", "--report"):
        for place in (tree / "link.csv", next(tree.glob("dicoms/*/*.dcm")), tree / "contourfiles" / "new.h5"):
            words = ["-o", out / "x.h5"] if option == "--report" else []
            result = dicomprep("prep", tree, *words, option, place, "--force")
            assert result.returncode == 2 and "among the inputs" in result.stderr
    assert (tree / "link.csv").read_bytes() == link and os.listdir(out) == ["notes.txt"]


def test_a_report_that_cannot_be_written_says_that_the_file_is_complete(dicomprep, tree, out):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        result = subprocess.run([dicomprep.path, "prep", tree, "-o", out / "x.h5", "--report", "-"],
                                stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "x.h5 is complete, but its report is not written" in result.stderr
    assert h5py.is_hdf5(out / "x.h5")


def test_strict_names_everything_at_once(dicomprep, tree, out):
    inner = sorted(tree.glob("contourfiles/*/i-contours/*.txt"))
    inner[0].write_text("bad\n")
    shutil.copy(inner[1], inner[1].with_name("IM-0001-0999-icontour-manual.txt"))
    _, report = dicomprep.report(tree, out / "x.h5", "--strict", code=1)
    assert sorted(entry["reason"] for entry in report["rejected"]) == ["contour-unreadable", "contour-without-image"]
    assert os.listdir(out) == ["x.json"]


def test_names_cannot_forge_messages(dicomprep, tree, out):
    folder = next(tree.glob("contourfiles/*/i-contours"))
    (folder / "evil\x1b[31m\nname.txt").write_text("")
    result = dicomprep.prep(tree, out / "x.h5", "-v")
    assert "evil" in result.stderr and "\x1b" not in result.stderr and "\nname" not in result.stderr


def test_output_in_the_data_directory_is_not_counted_while_it_is_written(dicomprep, tree):
    _, report = dicomprep.report(tree, tree / "x.h5")
    assert not any("partial" in entry["file"] for entry in report["ignored"])


def test_completions_offer_the_values(dicomprep):
    assert "center-inclusive" in dicomprep("completions", "bash").stdout


def test_few_descriptors_reject_no_image(dicomprep, tree, out):
    limited = f"ulimit -n 24; exec {dicomprep.path} prep {tree} -o {out / 'x.h5'} --threads 32"
    result = subprocess.run(["bash", "-c", limited], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    dicomprep.prep(tree, out / "y.h5")
    assert (out / "x.h5").read_bytes() == (out / "y.h5").read_bytes()


def test_colour_follows_the_usual_variables(dicomprep, tmp_path):
    missing = tmp_path / "nothing.h5"
    plain = dicomprep("info", missing).stderr
    assert "\x1b" not in plain
    forced = dicomprep("info", missing, env={"CLICOLOR_FORCE": "1"}).stderr
    assert forced.startswith("\x1b[1m\x1b[31mdicomprep: error:\x1b[0m ")
    assert re.sub(r"\x1b\[\d*m", "", forced) == plain
    assert dicomprep("info", missing, env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).stderr == plain
    # What was typed cannot colour anything.
    typed = dicomprep("info", "a\x1b[31mb.h5", env={"CLICOLOR_FORCE": "1"}).stderr
    assert "\x1b[31mb" not in typed


def test_verbose_version_names_the_build(dicomprep):
    short, long = dicomprep("--version"), dicomprep("--version", "--verbose")
    assert short.returncode == long.returncode == 0
    assert long.stdout.startswith(short.stdout)
    assert re.search(r"^HDF5: \d+\.\d+\.\d+, static$", long.stdout, re.MULTILINE)
    assert "JPEG 2000" in long.stdout and "1.2.840.10008.1.2.5" in long.stdout


def test_reports_name_their_command_and_version(dicomprep, tmp_path):
    file = tmp_path / "a.h5"
    _, report = dicomprep.report(FIXTURES, file)
    assert (report["report_version"], report["command"]) == (1, "prep")
    for words in (["info", file], ["verify", file], ["diff", file, file], ["audit", FIXTURES],
                  ["explain", file, "--at", "0:0:0"], ["prep", FIXTURES, "-o", file, "--force"]):
        written = tmp_path / f"{words[0]}.json"
        result = dicomprep(*words, "--json", "--report", written)
        found = json.loads(result.stdout)
        assert (found["report_version"], found["command"]) == (1, words[0])
        assert written.read_text(encoding="utf-8") == result.stdout
        # A report is never replaced without --force, and never a file that is read.
        again = dicomprep(*words, "--report", written)
        assert again.returncode in (1, 2) or "--force" in words, again.stderr
        if file in words:
            assert dicomprep(*words, "--report", file, "--force").returncode == 2


def test_equal_messages_are_folded(dicomprep, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(FIXTURES, data)
    images = sorted((data / "dicoms").rglob("*.dcm"))[:12]
    for image in images:
        image.write_bytes(b"no DICOM" * 40)
    folded = dicomprep("prep", data, "-o", tmp_path / "a.h5").stderr
    listed = dicomprep("prep", data, "-o", tmp_path / "b.h5", "--verbose").stderr
    count = lambda text: sum(line.startswith("rejected: dicoms/") for line in text.splitlines())
    assert count(folded) == 1 and " more like this)" in folded
    assert count(listed) > 3 and " more like this)" not in listed


def test_options_come_from_a_file(dicomprep, tmp_path):
    config = tmp_path / "prep.toml"
    config.write_text('structures = ["inner", "outer"]\nfit = "crop"\nsize = "48x48"\nsplit-seed = 7\nquiet = true\n')
    flags = ["--structures", "inner,outer", "--fit", "crop", "--size", "48x48", "--split-seed", "7", "--quiet"]
    by_file, by_flags, replaced = (tmp_path / name for name in ("file.h5", "flags.h5", "replaced.h5"))
    data = FIXTURES
    assert dicomprep("prep", data, "--config", config, "-o", by_file).returncode == 0
    assert dicomprep("prep", data, *flags, "-o", by_flags).returncode == 0
    assert by_file.read_bytes() == by_flags.read_bytes()
    result = dicomprep("prep", data, "--config", config, "--size", "32x32", "-o", replaced)
    assert result.returncode == 0, result.stderr
    with h5py.File(replaced) as file:
        assert file["images"].shape[1:3] == (32, 32) and list(file.attrs["structures"]) == ["inner", "outer"]


def test_options_are_printed_as_a_file(dicomprep, tmp_path):
    flags = ["--structures", "inner,outer", "--contour-offset", "-0.5,0.25", "--strict"]
    printed = dicomprep("prep", tmp_path, *flags, "--print-config")
    assert printed.returncode == 0 and printed.stderr == ""
    options = tomllib.loads(printed.stdout)
    assert options["strict"] is True and options["structures"] == "inner,outer" and options["fit"] == "pad"
    config = tmp_path / "prep.toml"
    config.write_text(printed.stdout)
    assert dicomprep("prep", tmp_path, "--config", config, "--print-config").stdout == printed.stdout
    config.write_text('fitt = "pad"\n')
    result = dicomprep("prep", tmp_path, "--config", config)
    assert result.returncode == 2 and str(config) in result.stderr and "`fitt`" in result.stderr and "there is `fit`" in result.stderr
    config.write_text('fit = "bend"\n')
    result = dicomprep("prep", tmp_path, "--config", config)
    assert result.returncode == 2 and str(config) in result.stderr and "bend" in result.stderr

"""The layout `table`: every command on a data directory whose images and annotations a table names."""

import csv
import shutil

import h5py
import nibabel
import numpy as np
import pytest
from PIL import Image

from test_labels import Series, nifti
from trees import SQUARE


@pytest.fixture
def data(tmp_path):
    """Three patients: a series with a label volume, two single images with a mask image and a contour."""
    root = tmp_path / "data"
    series = Series(root)
    nifti(series, root / "labels.nii.gz")
    for number, patient in enumerate(("q", "r"), 2):
        other = Series(root / patient, patient=number)
        Image.fromarray(other.labels[0]).save(root / patient / "mask.png")
        (root / patient / "contour.txt").write_text("".join(f"{x} {y}\n" for x, y in SQUARE))
    with open(root / "table.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["patient_id", "image", "split", "mask.one", "mask.five", "contour.square"])
        rows.writerow(["p", "images", "train", "labels.nii.gz#1", "labels.nii.gz#5", ""])
        rows.writerow(["q", "q/images/02.dcm", "val", "q/mask.png#1", "q/mask.png#5", "q/contour.txt"])
        rows.writerow(["r", "r/images/02.dcm", "test", "", "", "r/contour.txt"])
    return root


def words(data, *more):
    return ["--table", data / "table.csv", "--on-finding", "keep", *more]


def test_one_file_of_three_kinds_of_annotations(data, dicomprep, out):
    _, report = dicomprep.report(data, out / "x.h5", *words(data))
    with h5py.File(out / "x.h5") as h5:
        samples = h5["samples"]
        text = lambda name: [value.decode() for value in samples[name][:]]
        assert list(h5.attrs["structures"].astype(str)) == ["one", "five", "square"]
        assert text("patient_id") == ["p"] * 5 + ["q", "r"]
        assert text("split") == ["train"] * 5 + ["val", "test"]
        assert samples["annotated"][:].tolist() == [[1, 1, 0]] * 5 + [[1, 1, 1], [0, 0, 1]]
        q = h5["masks"][5]
    expected = np.asarray(Image.open(data / "q" / "mask.png"))
    np.testing.assert_array_equal(q[..., 0], expected == 1)
    np.testing.assert_array_equal(q[..., 1], expected == 5)
    assert q[..., 2].sum() > 0 and not report["rejected"]


def test_the_file_is_the_same_for_any_number_of_threads(data, dicomprep, out):
    for threads in (1, 4):
        dicomprep.prep(data, out / f"{threads}.h5", *words(data, "--threads", threads))
    assert (out / "1.h5").read_bytes() == (out / "4.h5").read_bytes()


def test_shards_merge_to_the_same_file(data, dicomprep, out):
    dicomprep.prep(data, out / "whole.h5", *words(data))
    for index in (0, 1):
        dicomprep.prep(data, out / f"{index}.h5", *words(data, "--shard", f"{index}/2"))
    result = dicomprep("merge", out / "0.h5", out / "1.h5", "-o", out / "merged.h5")
    assert result.returncode == 0, result.stderr
    assert (out / "merged.h5").read_bytes() == (out / "whole.h5").read_bytes()


def test_what_has_not_changed_is_taken_from_an_earlier_file(data, dicomprep, out):
    dicomprep.prep(data, out / "old.h5", *words(data))
    _, report = dicomprep.report(data, out / "new.h5", *words(data, "--reuse", out / "old.h5"))
    assert report["rows"] == {"reused": 7, "made": 0, "rebuilt": {}}
    assert (out / "new.h5").read_bytes() == (out / "old.h5").read_bytes()
    # Another label of the same volume is another annotation.
    table = (data / "table.csv").read_text()
    (data / "table.csv").write_text(table.replace("labels.nii.gz#5", "labels.nii.gz#1"))
    dicomprep.prep(data, out / "other.h5", *words(data, "--reuse", out / "old.h5"))
    with h5py.File(out / "other.h5") as h5:
        np.testing.assert_array_equal(h5["masks"][:5, ..., 0], h5["masks"][:5, ..., 1])


def test_a_run_that_stops_goes_on(data, dicomprep, out):
    dicomprep.prep(data, out / "whole.h5", *words(data))
    dicomprep.prep(data, out / "x.h5", *words(data, "--segment-rows", 2))
    assert (out / "x.h5").read_bytes() == (out / "whole.h5").read_bytes()


def test_verify_compares_with_the_volume(data, dicomprep, out):
    dicomprep.prep(data, out / "x.h5", *words(data))
    sources = ["--against", data, "--table", data / "table.csv"]
    result = dicomprep("verify", out / "x.h5", *sources)
    assert result.returncode == 0, result.stdout + result.stderr
    volume = nibabel.load(data / "labels.nii.gz")
    labels = np.asarray(volume.dataobj).copy()
    labels[5, 3, 2] = 1 - labels[5, 3, 2]
    nibabel.save(nibabel.Nifti1Image(labels, volume.affine, dtype=labels.dtype), data / "labels.nii.gz")
    result = dicomprep("verify", out / "x.h5", *sources)
    assert result.returncode != 0 and "its five contour has another SHA-256" in result.stderr


def test_verify_without_the_table_asks_for_it(data, dicomprep, out):
    dicomprep.prep(data, out / "x.h5", *words(data))
    result = dicomprep("verify", out / "x.h5", "--against", data)
    assert result.returncode != 0
    assert "--table" in result.stderr and "the same options go here" in result.stderr


def test_repair_makes_damaged_rows_from_the_volume(data, dicomprep, out):
    dicomprep.prep(data, out / "x.h5", *words(data))
    damaged = bytearray((out / "x.h5").read_bytes())
    with h5py.File(out / "x.h5") as h5:
        chunk = h5["masks"].id.get_chunk_info_by_coord((2, 0, 0, 0))
    damaged[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    (out / "bad.h5").write_bytes(damaged)
    result = dicomprep("repair", out / "bad.h5", "-o", out / "good.h5", "--against", data)
    assert result.returncode == 1 and "the same options go here" in result.stderr
    assert not (out / "good.h5").exists()
    sources = ["--against", data, "--table", data / "table.csv"]
    result = dicomprep("repair", out / "bad.h5", "-o", out / "good.h5", *sources)
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "x.h5") as a, h5py.File(out / "good.h5") as b:
        np.testing.assert_array_equal(a["masks"][:], b["masks"][:])


def test_audit_and_preview(data, dicomprep, out):
    result = dicomprep("audit", data, "--table", data / "table.csv")
    assert result.returncode in (0, 3), result.stderr
    dicomprep.prep(data, out / "x.h5", *words(data))
    result = dicomprep("preview", out / "x.h5", "-o", out / "page.html")
    assert result.returncode == 0, result.stderr
    assert (out / "page.html").stat().st_size > 1000


@pytest.mark.parametrize("before, after, said", [
    ("labels.nii.gz#1", "labels.nii#1", "there is no file labels.nii"),
    ("q/images/02.dcm", "q/images/99.dcm", "there is no file or folder q/images/99.dcm"),
    ("q/mask.png#1", "q/mask.png#heart", "mask.png#128"),
    ("q/contour.txt", "q/mask.png", "mask.<name>"),
    ("val", "trial", "is not train, val or test"),
])
def test_a_bad_cell_is_rejected_by_line_and_column(before, after, said, data, dicomprep, out):
    table = (data / "table.csv").read_text()
    assert before in table
    (data / "table.csv").write_text(table.replace(before, after, 1))
    result = dicomprep("prep", data, "-o", out / "x.h5", *words(data))
    assert result.returncode == 3, result.stderr
    assert said in result.stderr and "table.csv:" in result.stderr
    shutil.rmtree(out / "x.h5.parts", ignore_errors=True)


def test_other_names_of_columns(data, dicomprep, out):
    table = (data / "table.csv").read_text()
    (data / "table.csv").write_text(table.replace("patient_id,image", "Fall,Bild"))
    dicomprep.prep(data, out / "x.h5", *words(data, "--columns", "patient=Fall,image=Bild"))
    result = dicomprep("prep", data, "-o", out / "y.h5", *words(data))
    assert result.returncode == 1 and "image" in result.stderr


def test_the_report_counts_the_samples(data, dicomprep, out):
    _, report = dicomprep.report(data, out / "x.h5", *words(data))
    assert report["samples"] == 7

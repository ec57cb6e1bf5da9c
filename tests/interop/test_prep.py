"""Every dataset and attribute of a packed file, against the inputs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pydicom
import pytest

import expect
from conftest import FIXTURES, sunnybrook

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR UI")


@dataclass
class Packed:
    """A packed file, and what it was made from."""

    path: object
    root: object
    structures: list
    samples: dict
    hashes: dict
    words: list

    def rows(self, file):
        """(row, sample) for every row of the file."""
        sources = file["samples/source"].asstr()[:]
        return [(row, self.samples[source]) for row, source in enumerate(sources)]

    def mask(self, sample, structure):
        """The expected mask, or its number of ones and digest where a reference list has it."""
        contour = sample.contours[structure]
        listed = self.hashes.get(contour.relative_to(self.root).as_posix())
        if listed:
            return tuple(listed["center"])
        header = pydicom.dcmread(sample.image, stop_before_pixels=True)
        mask = expect.center_mask(expect.points(contour), header.Rows, header.Columns)
        return int(mask.sum()), hashlib.sha256(mask.tobytes()).hexdigest()


RUNS = {
    "fixtures": ("fixtures", ["inner"], []),
    "fixtures, all": ("fixtures", ["inner", "outer"], ["--structures", "inner,outer", "--unlabelled", "include"]),
    "fixtures, no split": ("fixtures", ["inner"], ["--split", "none"]),
    "fixtures, uncompressed": ("fixtures", ["inner"], ["--compression", "0"]),
    "sunnybrook": ("sunnybrook", ["inner", "outer"], ["--structures", "inner,outer"]),
}


@pytest.fixture(scope="module", params=RUNS)
def packed(request, dicomprep, tmp_path_factory):
    place, structures, words = RUNS[request.param]
    root, hashes = FIXTURES, {}
    if place == "sunnybrook":
        if sunnybrook() is None:
            pytest.skip("the Sunnybrook data is not here (DICOMPREP_DATA names the folder that holds sunnybrook/)")
        root = sunnybrook() / "final_data"
        hashes = json.loads((sunnybrook() / "mask_hashes.json").read_text())
    path = tmp_path_factory.mktemp("packed") / "final_data.h5"
    dicomprep.prep(root, path, *words)
    samples = expect.samples(root, structures, "include" in words)
    return Packed(path, root, structures, samples, hashes, words)


@pytest.fixture
def file(packed):
    with h5py.File(packed.path) as opened:
        yield opened


def test_the_layout_is_the_contract(packed, file):
    n, k = len(packed.samples), len(packed.structures)
    header = pydicom.dcmread(next(iter(packed.samples.values())).image, stop_before_pixels=True)
    height, width = header.Rows, header.Columns
    contract = {
        "images": ((n, height, width, 1), np.int16),
        "masks": ((n, height, width, k), np.uint8),
        "samples/id": ((n,), str),
        "samples/patient_id": ((n,), str),
        "samples/original_id": ((n,), str),
        "samples/instance": ((n,), np.int32),
        "samples/frame": ((n,), np.int32),
        "samples/source": ((n,), str),
        "samples/source_sha256": ((n, 32), np.uint8),
        "samples/annotated": ((n, k), np.uint8),
        "samples/annotation_sha256": ((n, k, 32), np.uint8),
        "samples/mask_pixels": ((n, k), np.int32),
        "samples/contour_area": ((n, k), np.float32),
        "samples/split": ((n,), str),
        "samples/findings": ((n,), str),
        "samples/fold": ((n,), np.int32),
        "samples/rows": ((n,), np.int32),
        "samples/columns": ((n,), np.int32),
        "samples/pixel_spacing": ((n, 2), np.float32),
        "samples/image_position": ((n, 3), np.float64),
        "samples/image_orientation": ((n, 6), np.float64),
        "samples/spacing": ((n, 2), np.float32),
        "samples/position": ((n, 3), np.float64),
        "samples/image_rows": ((n,), np.int32),
        "samples/image_columns": ((n,), np.int32),
        "samples/stack": ((n,), np.int32),
        "samples/stack_position": ((n,), np.float64),
        "samples/trigger_time": ((n,), np.float64),
        "samples/window": ((n, 2), np.float32),
        "samples/window_function": ((n,), str),
        "samples/value_range": ((n, 2), np.float32),
        "samples/padding_range": ((n, 2), np.float32),
        "samples/padding_pixels": ((n,), np.int32),
        "samples/checksum": ((n, 2), np.uint32),
    }
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    assert set(found) == set(contract)
    for name, (shape, kind) in contract.items():
        assert found[name].shape == shape, name
        text = h5py.check_string_dtype(found[name].dtype)
        if kind is str:
            assert text.encoding == "ascii" and text.length >= 2, name
        else:
            assert text is None and found[name].dtype == kind, name


def test_chunks_and_filters_are_those_of_every_reader(packed, file):
    compressed = "0" not in packed.words
    for name, shuffled in (("images", True), ("masks", False)):
        data = file[name]
        assert data.chunks == (1, *data.shape[1:]), name
        assert data.compression == ("gzip" if compressed else None), name
        assert data.shuffle == (shuffled and compressed), name
    for name, data in file["samples"].items():
        assert data.chunks is not None and data.compression in ("gzip", None), name
    for data in (file["images"], file["masks"], *file["samples"].values()):
        assert not data.fletcher32 and data.scaleoffset is None
    assert file.userblock_size == 0
    assert packed.path.read_bytes()[:9] == b"\x89HDF\r\n\x1a\n\x03", "superblock version 3, since HDF5 1.10"


def test_there_is_one_row_for_every_sample(packed, file):
    sources = list(file["samples/source"].asstr()[:])
    assert sorted(sources) == sorted(packed.samples)
    names = file["samples/id"].asstr()[:]
    assert len(set(names)) == len(names)
    for row, sample in packed.rows(file):
        assert names[row] == f"{sample.patient_id}/{sample.image.stem}"
        assert file["samples/patient_id"].asstr()[row] == sample.patient_id
        assert file["samples/original_id"].asstr()[row] == sample.original_id
    assert file["samples/instance"][:].tolist() == [s.instance for _, s in packed.rows(file)]
    assert not file["samples/frame"][:].any()


def test_pixels_are_those_of_pydicom(packed, file):
    images, ranges, digests = file["images"], file["samples/value_range"][:], file["samples/source_sha256"][:]
    for row, sample in packed.rows(file):
        pixels = pydicom.dcmread(sample.image).pixel_array
        assert np.array_equal(images[row, ..., 0], pixels), sample.source
        assert ranges[row].tolist() == [pixels.min(), pixels.max()]
        assert np.array_equal(digests[row], expect.sha256(sample.image))


def test_masks_are_exact(packed, file):
    columns = {name: file[f"samples/{name}"][:] for name in
               ("annotated", "annotation_sha256", "mask_pixels", "contour_area")}
    for row, sample in packed.rows(file):
        planes = file["masks"][row]
        for k, structure in enumerate(packed.structures):
            plane = np.ascontiguousarray(planes[..., k])
            column = {name: values[row, k] for name, values in columns.items()}
            if structure not in sample.contours:
                assert not plane.any() and not column["annotated"] and not column["mask_pixels"]
                assert np.isnan(column["contour_area"]) and not column["annotation_sha256"].any()
                continue
            contour = sample.contours[structure]
            ones, digest = packed.mask(sample, structure)
            assert plane.sum() == ones and plane.max() <= 1, contour
            assert hashlib.sha256(plane.tobytes()).hexdigest() == digest, contour
            assert column["annotated"] == 1 and column["mask_pixels"] == ones
            assert column["contour_area"] == np.float32(expect.area(expect.points(contour)))
            assert np.array_equal(column["annotation_sha256"], expect.sha256(contour))


def test_checksums_are_crc_32c(packed, file):
    assert expect.crc32c(b"123456789") == 0xE3069283
    rows = len(packed.samples) if packed.root == FIXTURES else 3
    for row in range(rows):
        decoded = [file[name][row].tobytes() for name in ("images", "masks")]
        assert file["samples/checksum"][row].tolist() == [expect.crc32c(data) for data in decoded]


def test_geometry_is_that_of_pydicom(packed, file):
    for row, sample in packed.rows(file):
        for name, value in expect.geometry(sample.image).items():
            assert np.array_equal(file[f"samples/{name}"][row], value), f"{sample.source}: {name}"


def test_a_patient_is_in_one_split(packed, file):
    splits = {}
    for patient, split in zip(file["samples/patient_id"].asstr()[:], file["samples/split"].asstr()[:]):
        splits.setdefault(patient, set()).add(split)
    assert all(len(names) == 1 for names in splits.values())
    names = set.union(*splits.values())
    assert names == {""} if "none" in packed.words else names <= {"train", "val", "test"} and "train" in names


def test_statistics_are_those_of_the_train_split(packed, file):
    images, splits = file["images"], file["samples/split"].asstr()[:]
    chosen = np.flatnonzero(splits == "train") if "train" in splits else np.arange(len(splits))
    values = images[:][chosen].astype(np.float64)
    assert images.attrs["train_min"] == values.min() and images.attrs["train_max"] == values.max()
    assert images.attrs["train_mean"] == pytest.approx(values.mean(), rel=1e-6)
    assert images.attrs["train_std"] == pytest.approx(values.std(), rel=1e-6)
    per_mille = [5, 20, 500, 980, 995]
    assert list(images.attrs["train_percentiles"]) == [expect.percentile(values, level) for level in per_mille]
    beside = [name for name in images.attrs if name.startswith("train_percentile") and name != "train_percentiles"]
    assert len(beside) == 1, "the levels stand beside the percentiles"
    assert np.allclose(images.attrs[beside[0]], np.array(per_mille) / 10)


def test_every_column_has_units_and_a_description(packed, file):
    assert "docs/format.md" in file.attrs["documentation"]
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    for name, column in file["samples"].items():
        units, description = (column.attrs[key] for key in ("units", "description"))
        for value in (units, description):
            assert isinstance(value, str) and value.isascii() and len(value) >= 2, (name, value)
        assert f"| {units} | {description} |" in page, name
    assert file["samples/pixel_spacing"].attrs["units"] == "mm"


def test_attributes_say_what_the_file_is(packed, file):
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    about = {name: text(value) for name, value in file.attrs.items()}
    assert about["format"] == "dicomprep" and about["format_version"] == "1.5"
    assert about["generator"].startswith("dicomprep ")
    assert about["mask_rule"] == "center"
    assert [text(name) for name in about["structures"]] == packed.structures
    assert about["samples"] == len(packed.samples)
    assert about["patients"] == len({sample.patient_id for sample in packed.samples.values()})
    assert {"split_rule", "split_seed", "row_major_note"} <= set(about)
    assert len(bytes.fromhex(about["source_digest"])) == 32
    config = json.loads(about["config"])
    assert isinstance(config, dict) and "threads" not in about["config"]
    assert str(packed.root) not in about["config"] and str(packed.path.parent) not in about["config"]


def test_axes_and_units_are_named(file):
    for name, last in (("images", "channel"), ("masks", "structure")):
        labels = [axis.label for axis in file[name].dims]
        assert labels == ["sample", "row", "column", last]
    units = file["images"].attrs["units"]
    assert (units.decode() if isinstance(units, bytes) else units) == "stored value"


def test_nothing_private_is_in_the_file(dicomprep, tmp_path):
    # Without compression the bytes of every column stand in the file as they are.
    path = tmp_path / "x.h5"
    dicomprep.prep(FIXTURES, path, "--compression", "0")
    content = path.read_bytes()
    private = ["PatientName", "PatientBirthDate", "StudyDate", "StudyTime", "StudyInstanceUID", "SeriesInstanceUID",
               "SOPInstanceUID", "FrameOfReferenceUID", "ReferringPhysicianName", "Manufacturer"]
    for image in FIXTURES.glob("dicoms/*/*.dcm"):
        header = pydicom.dcmread(image, stop_before_pixels=True)
        for keyword in private:
            assert str(header[keyword].value).encode() not in content, f"{image}: {keyword}"
    assert b"SYN0000101" in content

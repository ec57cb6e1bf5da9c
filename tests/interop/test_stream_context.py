"""`--neighbours` and `--phases`: images of other slices and phases as channels, in the order of the headers."""

import io
import itertools
import tarfile

import h5py
import numpy as np
import pyarrow
import pytest

from streams import describe, joined, npy, run, stream
from trees import Study, dicom, noise

# Slices by position, phases by Trigger Time; names and Instance Numbers in another order.
SLICES, PHASES = 4, 3
SHAPE = (12, 10)


def image(z, time, key, **more):
    stored = noise(SHAPE, 0, 3000, *key).astype(np.uint16)
    times = {} if time is None else {"TriggerTime": str(time)}
    place = {"ImagePositionPatient": [0, 0, z], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]}
    return dicom(stored, StudyInstanceUID=f"2.25.{key[0]}", **place, **times, **more)


@pytest.fixture(scope="module")
def cine(dicomprep, tmp_path_factory):
    """Two patients with a cine whose slices are a series each, and one with a stack and a localizer."""
    root = tmp_path_factory.mktemp("cine")
    study = Study(root / "data")
    for patient in (1, 2):
        numbers = iter(np.random.default_rng(patient).permutation(SLICES * PHASES) + 1)
        for position, phase in itertools.product(range(SLICES), range(PHASES)):
            number = int(next(numbers))
            more = {"SeriesInstanceUID": f"2.25.{patient}.{position}", "InstanceNumber": number}
            # Times of a phase differ from slice to slice.
            study.add(f"P{patient}", number, image(10.0 * position, 100.0 * phase + 7 * position, (patient, number), **more))
    for number, z in enumerate((5, -5, 0, 10), 1):
        study.add("P3", number, image(z, None, (3, number), SeriesInstanceUID="2.25.3.1"))
    side = image(0, None, (3, 9), SeriesInstanceUID="2.25.3.2")
    side.ImageOrientationPatient = [0, 1, 0, 0, 0, 1]
    study.add("P3", 9, side)
    dicomprep.prep(study.root, root / "x.h5", "--split", "train=0.7,val=0.3")
    return root / "x.h5"


class Rows:
    def __init__(self, file):
        with h5py.File(file) as data:
            self.images, self.masks = data["images"][:], data["masks"][:]
            samples = data["samples"]
            self.patient = samples["patient_id"].asstr()[:]
            self.z, self.time, self.stack = (samples[name][:] for name in ("stack_position", "trigger_time", "stack"))

    def slices(self, row):
        """The rows of each slice of the stack of a row, by position, then by time."""
        mine = np.flatnonzero((self.patient == self.patient[row]) & (self.stack == self.stack[row]))
        return [sorted(mine[self.z[mine] == z], key=lambda r: self.time[r]) for z in np.unique(self.z[mine])]

    def neighbours(self, row, k):
        slices = self.slices(row)
        at = next(n for n, rows in enumerate(slices) if row in rows)
        phase = slices[at].index(row)
        return [slices[n][phase] if 0 <= n < len(slices) else -1 for n in range(at - k, at + k + 1)]

    def phases(self, row, k):
        rows = next(rows for rows in self.slices(row) if row in rows)
        return [rows[(rows.index(row) + d) % len(rows)] for d in range(-k, k + 1)]

    def repeated(self, row, k):
        slices = self.slices(row)
        at = next(n for n, rows in enumerate(slices) if row in rows)
        phase = slices[at].index(row)
        return [slices[min(max(n, 0), len(slices) - 1)][phase] for n in range(at - k, at + k + 1)]

    def joined(self, rows):
        zero = np.zeros_like(self.images[0])
        return np.concatenate([self.images[r] if r >= 0 else zero for r in rows], axis=-1)


STORED = ("--no-shuffle", "--image-dtype", "stored", "-b", "5")


def test_columns_say_where_images_lie(cine):
    rows = Rows(cine)
    for patient, stacks, positions in (("P1", 1, SLICES), ("P2", 1, SLICES), ("P3", 2, 5)):
        mine = rows.patient == patient
        assert len(np.unique(rows.stack[mine])) == stacks and len(np.unique(rows.z[mine])) <= positions
    assert np.isnan(rows.time[rows.patient == "P3"]).all() and not np.isnan(rows.time[rows.patient == "P1"]).any()
    with h5py.File(cine) as data:
        assert data.attrs["format_version"] == "1.5" and data["samples/trigger_time"].attrs["units"] == "ms"


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_neighbours_are_channels(dicomprep, cine, k, layout):
    rows = Rows(cine)
    for edges, expected in (("repeat", rows.repeated), ("zero", rows.neighbours)):
        words = ("--neighbours", k, "--edges", edges, "--layout", layout)
        images, masks = joined(stream(dicomprep, cine, *STORED, *words))
        images = np.moveaxis(images, 1, -1) if layout == "nchw" else images
        masks = np.moveaxis(masks, 1, -1) if layout == "nchw" else masks
        for row, found in enumerate(images):
            assert (found == rows.joined(expected(row, k))).all(), (row, edges)
        assert images.shape[-1] == 2 * k + 1 and (masks == rows.masks).all()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_phases_are_a_cycle(dicomprep, cine, k):
    rows = Rows(cine)
    images, masks = joined(stream(dicomprep, cine, *STORED, "--phases", k, "--where", "patient_id!=P3"))
    mine = np.flatnonzero(rows.patient != "P3")
    for row, found in zip(mine, images):
        assert (found == rows.joined(rows.phases(row, k))).all(), row
    assert (masks == rows.masks[mine]).all()


def test_selection_order_resume_ranks_and_cache_are_as_ever(dicomprep, cine):
    rows = Rows(cine)
    words = ("--seed", 3, "-b", 4, "--epochs", 2, "--image-dtype", "stored", "--where", "stack_position>4")
    plain = joined(stream(dicomprep, cine, *words))
    wide = stream(dicomprep, cine, *words, "--neighbours", 1)
    images, masks = joined(wide)
    # The row's own image is the channel in the middle: the order is that of a stream without neighbours.
    assert (images[..., 1:2] == plain[0]).all() and (masks == plain[1]).all()
    # Neighbours come of all rows of the file.
    edges = [row for row in range(len(rows.z)) if rows.patient[row] != "P3" and rows.z[row] == 10]
    assert edges and all(any(rows.z[r] <= 4 for r in rows.repeated(row, 1)) for row in edges)
    for more in (["--cache", 0], ["--threads", 1], ["--cache", "20K"], ["--threads", 4]):
        assert stream(dicomprep, cine, *words, "--neighbours", 1, *more) == wide
    rest = stream(dicomprep, cine, *words, "--neighbours", 1, "--start", "1:2")
    assert wide.endswith(rest) and len(npy(rest)) < len(npy(wide)) / 2
    shares = [joined(stream(dicomprep, cine, *words, "--neighbours", 1, "--rank", r, "--world-size", 2, "--uneven", "allow"))
              for r in (0, 1)]
    assert sum(len(share[0]) for share in shares) == len(images)
    described = describe(dicomprep, cine, *words, "--neighbours", 2, "--layout", "nchw")
    assert described["images"]["shape"] == [4, 5, *SHAPE] and described["neighbours"] == 2 and described["phases"] == 0


def test_channels_are_normalized_and_moved_together(dicomprep, cine):
    with h5py.File(cine) as data:
        attributes = dict(data["images"].attrs)
    rows = Rows(cine)
    words = ("--no-shuffle", "--neighbours", 1)
    images, _ = joined(stream(dicomprep, cine, *words, "--normalize", "zscore"))
    scaled = (rows.images - attributes["train_mean"]) / attributes["train_std"]
    expected = np.stack([np.concatenate([scaled[r] for r in rows.repeated(row, 1)], -1) for row in range(len(scaled))])
    assert np.abs(images - expected).max() < 1e-5
    zeros, _ = joined(stream(dicomprep, cine, *words, "--normalize", "zscore", "--edges", "zero"))
    for row, found in enumerate(zeros):
        missing = [r < 0 for r in rows.neighbours(row, 1)]
        assert (found[..., missing] == 0).all() and (found[..., ~np.array(missing)] == images[row][..., ~np.array(missing)]).all()
    moves = ("--seed", 1, "--augment", "keras-default", "--rotation-range", 40, "--horizontal-flip")
    moved, masks = joined(stream(dicomprep, cine, *words, *moves))
    own, own_masks = joined(stream(dicomprep, cine, "--no-shuffle", *moves))
    assert (moved[..., 1:2] == own).all() and (masks == own_masks).all()
    # At an edge the image is repeated: all geometry is the same, so are the channels.
    for row in range(len(rows.z)):
        if rows.repeated(row, 1)[0] == row:
            assert (moved[row][..., 0] == moved[row][..., 1]).all()


def test_every_format_has_the_same_channels(dicomprep, cine):
    words = (*STORED, "--neighbours", 1)
    images, masks = joined(stream(dicomprep, cine, *words))
    table = pyarrow.ipc.open_stream(stream(dicomprep, cine, *words, "--format", "arrow")).read_all()
    found = [chunk.to_numpy_ndarray() for chunk in table["image"].chunks]
    assert (np.concatenate(found) == images).all()
    with tarfile.open(fileobj=io.BytesIO(stream(dicomprep, cine, *words, "--format", "webdataset"))) as tar:
        members = [np.load(io.BytesIO(tar.extractfile(m).read())) for m in tar if m.name.endswith("image.npy")]
    assert (np.stack(members) == images).all()


def test_what_has_no_place_or_time_is_refused_by_name(dicomprep, cine, tmp_path):
    study = Study(tmp_path / "data")
    study.add("P1", 1, image(0, 10, (1, 1)))
    study.add("P1", 2, image(0, None, (1, 2)))
    study.add("P1", 3, noise(SHAPE, 0, 9, 3).astype(np.uint16))
    dicomprep.prep(study.root, tmp_path / "x.h5")
    said = run(dicomprep, tmp_path / "x.h5", "--neighbours", 1, code=1).stderr
    assert "1 of the selected rows" in said and "row 2" in said and "stack>=0" in said
    said = run(dicomprep, tmp_path / "x.h5", "--phases", 1, "--where", "stack>=0", code=1).stderr
    assert "2 of the selected rows" in said and "Trigger Time" in said
    said = run(dicomprep, tmp_path / "x.h5", "--neighbours", 1, "--where", "stack>=0").stderr
    assert "2 of 2 rows have no other slice or phase" in said
    for words in (["--neighbours", 1, "--phases", 1], ["--neighbours", 33], ["--edges", "zero"]):
        assert run(dicomprep, cine, *words, code=2).stdout == b""


def test_a_file_without_the_columns_says_what_makes_them(dicomprep, cine, tmp_path):
    file = tmp_path / "old.h5"
    file.write_bytes(cine.read_bytes())
    with h5py.File(file, "r+") as data:
        for name in ("stack", "stack_position", "trigger_time"):
            del data["samples"][name]
    said = run(dicomprep, file, "--neighbours", 1, code=1).stderr
    assert "stack_position" in said and "prep" in said


def test_nothing_identifying_is_stored(cine):
    data = cine.read_bytes()
    with h5py.File(cine) as file:
        columns = {name: file["samples"][name][:].tobytes() for name in file["samples"]}
    assert b"2.25." not in data and not any(b"2.25." in column for column in columns.values())

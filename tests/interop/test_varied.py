"""`prep --size varied` and `batches --size`: each image at its own size, and batches of one."""

import io
import json
import signal
import tarfile

import h5py
import numpy as np
import pyarrow
import pytest

from faults import Faults, build
from journal import journals
from streams import describe, joined, run, stream
from test_serve import serving
from trees import Study, dicom, noise

SIZES = [(12, 20), (30, 9), (16, 16), (25, 25), (8, 31), (16, 16)]
LARGEST = (30, 31)
WORDS = ("--size", "varied", "--split", "train=0.7,val=0.3")


@pytest.fixture(scope="module")
def varied(dicomprep, tmp_path_factory):
    """The file, its data directory, and the images."""
    root = tmp_path_factory.mktemp("varied")
    study, images = Study(root / "data"), []
    for number, size in enumerate(SIZES):
        # No value is 0, which is what lies around them in no case.
        image = noise(size, 100, 3000, number).astype(np.uint16)
        images.append(image)
        place = {"ImagePositionPatient": [0, 0, number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        study.add(f"P{number}", number + 1, dicom(image, PixelSpacing=[1, 1], **place))
    dicomprep.prep(study.root, root / "x.h5", *WORDS)
    return root / "x.h5", study.root, images


def test_each_image_is_stored_at_its_own_size(dicomprep, varied):
    path, data, images = varied
    with h5py.File(path) as file:
        assert file["images"].shape == (6, *LARGEST, 1) and file["images"].chunks == (1, *LARGEST, 1)
        samples, splits = file["samples"], file["samples/split"].asstr()[:]
        sizes = list(zip(samples["image_rows"][:], samples["image_columns"][:]))
        assert sizes == SIZES == list(zip(samples["rows"][:], samples["columns"][:]))
        for row, (image, (rows, columns)) in enumerate(zip(images, SIZES)):
            assert (file["images"][row, :rows, :columns, 0] == image).all()
            assert file["masks"][row, rows:].sum() == file["masks"][row, :, columns:].sum() == 0
            assert file["masks"][row].sum() == samples["mask_pixels"][row].sum() > 0
            assert list(samples["value_range"][row]) == [image.min(), image.max()]
        train = np.concatenate([image.ravel() for image, split in zip(images, splits) if split == "train"])
        attributes = file["images"].attrs
        assert np.isclose(attributes["train_mean"], train.mean()) and np.isclose(attributes["train_std"], train.std())
        assert attributes["train_min"] == train.min()
        expected = np.percentile(train, [0.5, 2, 50, 98, 99.5], method="inverted_cdf")
        assert (attributes["train_percentiles"] == expected).all()
    # What lies around the images takes next to no room.
    assert all(size < image.nbytes * 1.2 + 60 for size, image in zip(chunk_sizes(path), images))


def chunk_sizes(path):
    with h5py.File(path) as file:
        return [file["images"].id.get_chunk_info(row).size for row in range(len(file["images"]))]


def test_every_command_knows_own_sizes(dicomprep, varied, tmp_path):
    path, data, _ = varied
    for words in (["verify", path], ["verify", path, "--against", data], ["diff", path, path]):
        result = dicomprep(*words)
        assert result.returncode == 0, (words, result.stdout, result.stderr)
    assert "own size" in dicomprep("info", path).stdout
    shards = [tmp_path / f"{index}.h5" for index in (0, 1)]
    for index, shard in enumerate(shards):
        dicomprep.prep(data, shard, *WORDS, "--shard", f"{index}/2")
    merged = dicomprep("merge", *shards, "-o", tmp_path / "merged.h5")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "merged.h5").read_bytes() == path.read_bytes()
    words = ("--no-shuffle", "--size", "16x16")
    assert stream(dicomprep, shards[0], shards[1], *words) == stream(dicomprep, path, *words)
    preview = dicomprep("preview", path, "-o", tmp_path / "page.html")
    assert preview.returncode == 0, preview.stderr
    explained = dicomprep("explain", path, "--at", "0:0:1", "-o", tmp_path / "x.png")
    assert explained.returncode == 0, explained.stderr
    said = dicomprep("whiten", path, "-o", tmp_path / "zca.h5")
    assert said.returncode == 1 and "sizes of their own" in said.stderr


def test_a_killed_run_goes_on_with_own_sizes(dicomprep, varied, out, tmp_path):
    path, data, _ = varied
    faults = Faults(build(tmp_path), dicomprep, out)
    words = ["prep", data, "-o", out / "x.h5", *WORDS, "--segment-rows", "2", "--threads", "1"]
    killed = faults.run(words, "rename", 1, "kill-before")
    assert killed.returncode == -signal.SIGKILL and not (out / "x.h5").exists()
    kept = sum(len(journal.rows) for journal in journals(out / "x.h5"))
    _, report = dicomprep.report(data, out / "x.h5", *WORDS, "--segment-rows", "2")
    assert kept > 0 and report["rows"]["reused"] == kept
    assert (out / "x.h5").read_bytes() == path.read_bytes()


def test_rows_of_own_sizes_are_reused_planned_and_repaired(dicomprep, varied, tmp_path):
    path, data, _ = varied
    whole = path.read_bytes()
    _, report = dicomprep.report(data, tmp_path / "again.h5", *WORDS, "--reuse", path)
    assert report["rows"]["reused"] == len(SIZES) and (tmp_path / "again.h5").read_bytes() == whole
    # Rows of a file of one size are others, whose sides are the same.
    dicomprep.prep(data, tmp_path / "padded.h5", "--size", "30x31")
    _, report = dicomprep.report(data, tmp_path / "again.h5", *WORDS, "--reuse", tmp_path / "padded.h5", "--force")
    assert report["rows"]["reused"] == 0 and (tmp_path / "again.h5").read_bytes() == whole
    planned = dicomprep("prep", data, "--plan-only", "-o", tmp_path / "x.plan", *WORDS)
    assert planned.returncode == 0, planned.stderr
    shards = [tmp_path / f"{index}.h5" for index in (0, 1)]
    for index, shard in enumerate(shards):
        dicomprep.prep(data, shard, "--plan", tmp_path / "x.plan", "--shard", f"{index}/2")
    for words in ([], ["--virtual"]):
        merged = dicomprep("merge", *shards, "-o", tmp_path / "merged.h5", "--force", *words)
        assert merged.returncode == 0, merged.stderr
        assert stream(dicomprep, tmp_path / "merged.h5", "--size", "16x16") == stream(dicomprep, path, "--size", "16x16")
    spoiled = tmp_path / "spoiled.h5"
    spoiled.write_bytes(whole)
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info(1)
    with open(spoiled, "r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(b"damaged!")
    assert dicomprep("verify", spoiled).returncode == 1
    repaired = dicomprep("repair", spoiled, "--against", data, "-o", tmp_path / "repaired.h5")
    assert repaired.returncode == 0 and (tmp_path / "repaired.h5").read_bytes() == whole, repaired.stderr
    other = tmp_path / "other.h5"
    dicomprep.prep(data, other, *WORDS, "--compression", "9")
    assert dicomprep("diff", path, other).returncode == 0


def test_a_service_has_rows_of_own_sizes(dicomprep, varied):
    path, _, images = varied
    with serving(dicomprep, path) as service:
        base = "datasets/x"
        for row, (image, size) in enumerate(zip(images, SIZES)):
            body = io.BytesIO(service.read(f"{base}/samples/{row}.npy?image_dtype=stored"))
            found, mask = np.lib.format.read_array(body), np.lib.format.read_array(body)
            assert found.shape == (1, *size, 1) == mask.shape and (found[0, ..., 0] == image).all()
            width, height = np.frombuffer(service.read(f"{base}/samples/{row}.png")[16:24], ">u4")
            assert height * size[1] == width * size[0] and height >= size[0]
            assert json.loads(service.read(f"{base}/samples/{row}"))["row"] == row
        cut = io.BytesIO(service.read(f"{base}/samples/1.npy?image_dtype=stored&size=5x7"))
        assert (np.lib.format.read_array(cut)[0, ..., 0] == expected_part(images[1], (5, 7))).all()
        words = "size=8x9&crop=random&seed=4&batch_size=3"
        file = stream(dicomprep, path, "--size", "8x9", "--crop", "random", "--seed", 4, "-b", 3)
        assert service.read(f"{base}/batches?{words}") == file
        status, text = service.refused(f"{base}/batches")
        assert status == 400 and "30x31" in text and "size=" in text


@pytest.mark.parametrize("output", ["x.npy", "x.tar", "x.arrows"])
def test_every_format_takes_cut_images(dicomprep, varied, tmp_path, output):
    path, _, images = varied
    words = ("--no-shuffle", "--image-dtype", "stored", "--size", "9x11", "-b", 6)
    run(dicomprep, path, *words, "-o", tmp_path / output)
    data = (tmp_path / output).read_bytes()
    if output == "x.npy":
        found = joined(data)[0]
    elif output == "x.tar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = [member for member in tar if "image" in member.name and member.name.endswith(".npy")]
            found = [np.load(io.BytesIO(tar.extractfile(member).read())) for member in members]
    else:
        column = pyarrow.ipc.open_stream(data).read_all().column("image").combine_chunks()
        found = column.to_numpy_ndarray()
    expected = np.stack([expected_part(image, (9, 11)) for image in images])
    assert (np.asarray(found).reshape(expected.shape) == expected).all()


def test_the_picture_of_explain_has_the_part_of_the_stream(dicomprep, varied, tmp_path):
    path, _, _ = varied
    words = ("--at", "0:0:1", "--size", "16x16", "--crop", "random")
    explained = dicomprep("explain", path, *words, "-o", tmp_path / "x.png", "--horizontal-flip")
    assert explained.returncode == 0, explained.stderr
    width, height = np.frombuffer((tmp_path / "x.png").read_bytes()[16:24], ">u4")
    assert width > height / 2
    assert dicomprep("explain", path, "--at", "0:0:1", "--crop", "random").returncode == 2


def expected_part(image, size, at=None, around=None):
    """The middle of `image`, or the part that begins at `at`, in an array of `size`."""
    around = image.min() if around is None else around
    out = np.full(size, around, image.dtype)
    spans = []
    for axis in (0, 1):
        own, want = image.shape[axis], size[axis]
        start = ((own - want) // 2 if at is None else at[axis]) if own > want else 0
        put = 0 if own > want else (want - own) // 2
        spans.append((slice(start, start + min(own, want)), slice(put, put + min(own, want))))
    out[spans[0][1], spans[1][1]] = image[spans[0][0], spans[1][0]]
    return out


@pytest.mark.parametrize("size", [(16, 16), (9, 40), (40, 5), (1, 1)])
def test_the_middle_is_cut_out_and_surrounded(dicomprep, varied, size):
    path, _, images = varied
    with h5py.File(path) as file:
        masks = [file["masks"][row, :rows, :columns, 0] for row, (rows, columns) in enumerate(SIZES)]
    words = ("--no-shuffle", "--image-dtype", "stored", "--size", f"{size[0]}x{size[1]}")
    for more in ([], ["--crop", "center"], ["--layout", "nchw"], ["--cache", "0", "--threads", "1"]):
        found, found_masks = joined(stream(dicomprep, path, *words, *more))
        assert (found.reshape(6, *size) == np.stack([expected_part(image, size) for image in images])).all()
        expected = np.stack([expected_part(mask, size, around=0) for mask in masks])
        assert (found_masks.reshape(6, *size) == expected).all()
    assert describe(dicomprep, path, *words)["images"]["shape"] == [6, *size, 1]


def test_random_parts_depend_on_seed_epoch_and_row_alone(dicomprep, varied):
    path, _, images = varied
    words = ("--image-dtype", "stored", "--size", "8x9", "--crop", "random", "--seed", 5, "--epochs", 3)
    found, masks = joined(stream(dicomprep, path, *words, "--no-shuffle"))
    starts = set()
    for number, (image, part) in enumerate(zip(images * 3, found[..., 0])):
        at = [(y, x) for y in range(image.shape[0] - 7) for x in range(image.shape[1] - 8)
              if (image[y : y + 8, x : x + 9] == part).all()]
        assert len(at) == 1, number
        starts.add((number % 6, at[0]))
    assert len(starts) > 8
    with h5py.File(path) as file:
        for (row, (y, x)) in starts:
            mask = file["masks"][row, y : y + 8, x : x + 9]
            assert any((mask == masks[epoch * 6 + row]).all() for epoch in range(3))
    whole = stream(dicomprep, path, *words, "-b", 4)
    assert whole == stream(dicomprep, path, *words, "-b", 4, "--threads", 1, "--cache", 0)
    assert whole.endswith(stream(dicomprep, path, *words, "-b", 4, "--start", "1:1"))
    # The parts are those of the rows, in whatever order these come.
    shuffled, _ = joined(stream(dicomprep, path, *words))
    assert {part.tobytes() for part in shuffled} == {part.tobytes() for part in found}
    other, _ = joined(stream(dicomprep, path, *words[:-4], "--seed", 6, "--no-shuffle"))
    assert (other != found[:6]).any()


def test_sizes_go_with_augmentation_and_normalization(dicomprep, varied):
    path, _, images = varied
    with h5py.File(path) as file:
        attributes = dict(file["images"].attrs)
    words = ("--no-shuffle", "--size", "16x16")
    found, _ = joined(stream(dicomprep, path, *words, "--normalize", "zscore"))
    parts = np.stack([expected_part(image, (16, 16)) for image in images]).astype(float)
    expected = (parts - attributes["train_mean"]) / attributes["train_std"]
    assert np.abs(found[..., 0] - expected).max() < 1e-4
    moved, masks = joined(stream(dicomprep, path, *words, "--horizontal-flip", "--seed", 1))
    for part, image in zip(parts, moved[..., 0]):
        assert (image == part).all() or (image == part[:, ::-1]).all()


def test_what_does_not_go_together_is_refused(dicomprep, varied):
    path, _, _ = varied
    said = run(dicomprep, path, code=1).stderr
    assert "30x31" in said and "--size" in said
    said = run(dicomprep, path, "--size", "16x16", "--crop", "pad", code=1).stderr
    assert "4 of the selected rows" in said and "--crop center" in said
    assert len(stream(dicomprep, path, "--size", "30x31", "--crop", "pad")) > 0
    assert run(dicomprep, path, "--crop", "random", code=2).stdout == b""
    said = run(dicomprep, path, "--size", "16x16", "--neighbours", 1).stderr
    assert "no other slice" in said


def test_files_of_one_size_are_cut_too(dicomprep, final_data):
    images, masks = joined(stream(dicomprep, final_data, "--no-shuffle", "--image-dtype", "stored"))
    parts, part_masks = joined(
        stream(dicomprep, final_data, "--no-shuffle", "--image-dtype", "stored", "--size", "20x24"))
    top, left = (images.shape[1] - 20) // 2, (images.shape[2] - 24) // 2
    assert (parts == images[:, top : top + 20, left : left + 24]).all()
    assert (part_masks == masks[:, top : top + 20, left : left + 24]).all()


def test_float_images_and_padding_have_their_own_statistics(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    images = [noise((9 + n, 20 - n), -50, 50, n, 1).astype(np.int16) for n in range(6)]
    for n, image in enumerate(images):
        study.add(f"P{n}", n, dicom(image, slope="0.37", intercept="1.5"))
    path = tmp_path / "x.h5"
    dicomprep.prep(study.root, path, "--size", "varied", "--dtype", "float32", "--split", "none")
    values = np.concatenate([(image * 0.37 + 1.5).astype(np.float32).ravel() for image in images])
    with h5py.File(path) as file:
        attributes = file["images"].attrs
        assert attributes["train_percentiles"][2] == np.percentile(values, 50, method="inverted_cdf")
        assert np.isclose(attributes["train_mean"], values.mean(dtype=float))
    assert dicomprep("verify", path).returncode == 0

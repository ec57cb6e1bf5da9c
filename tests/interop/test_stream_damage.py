"""Damaged and unusual chunks: an error that names the row, or the right numbers; never a hang, never a wrong pixel."""

import os
import tarfile
import zlib

import h5py
import numpy as np
import pyarrow
import pytest

from streams import (Contents, arrow, before_cut, chunk_place, copy, damage, filtered, flip, joined, npy, npy_ends,
                     one_row_chunks, replace, rows, run, seal, start, stream, tar)

STORED = ["--image-dtype", "stored", "--no-shuffle"]


def row_name(path, row):
    with h5py.File(path) as file:
        return file["samples/id"].asstr()[row]


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 1], ids=lambda share: f"at {share:.0%}")
@pytest.mark.parametrize("dataset", ["images", "masks"])
def test_a_flipped_byte_is_an_error_that_names_the_row(dataset, share, spoiled, final_data, dicomprep):
    row = 9
    damage(spoiled, dataset, row, share)
    for words in ([], STORED[:2], ["--threads", 1], ["--threads", 8, "--prefetch", 1], ["--layout", "nchw"]):
        words = [*words, "--no-shuffle", "-b", 2]
        result = run(dicomprep, spoiled, *words, code=1)
        assert f"row {row}" in result.stderr and row_name(final_data, row) in result.stderr
        assert "damaged" in result.stderr and dataset in result.stderr and "goes on from here" not in result.stderr
        # The four batches before it are there, and nothing of the one that it is in.
        whole = stream(dicomprep, final_data, *words)
        assert before_cut(result.stdout) == whole[: npy_ends(whole)[4]]


@pytest.mark.parametrize("name, read, error", [
    ("npy", npy, ValueError), ("arrow", arrow, pyarrow.ArrowInvalid), ("webdataset", tar, tarfile.ReadError)])
def test_no_reader_takes_a_failed_stream_for_a_complete_one(name, read, error, spoiled, final_data, dicomprep):
    damage(spoiled, "images", 19)
    words = ["--format", name, "--no-shuffle", "-b", 5]
    read(stream(dicomprep, final_data, *words))
    with pytest.raises(error):
        read(run(dicomprep, spoiled, *words, code=1).stdout)
    # Also where nothing was written before.
    with pytest.raises(error):
        read(run(dicomprep, spoiled, *words[:3], "-b", 50, code=1).stdout)


def test_damage_is_found_in_whatever_epoch_the_row_comes(spoiled, final_data, dicomprep):
    damage(spoiled, "masks", 3)
    for seed in range(5):
        words = ["-b", 3, "--epochs", 2, "--seed", seed]
        place = rows(dicomprep, final_data, *words).index(3)
        result = run(dicomprep, spoiled, *words, code=1)
        whole = stream(dicomprep, final_data, *words)
        # Every epoch has 7 batches.
        assert before_cut(result.stdout) == whole[: npy_ends(whole)[place // 3]], seed


def test_rows_that_are_not_asked_for_do_no_harm(spoiled, final_data, dicomprep):
    damage(spoiled, "images", 9)
    words = ["--where", f"id!={row_name(final_data, 9)}"]
    assert stream(dicomprep, spoiled, *words) == stream(dicomprep, final_data, *words)


def test_an_endless_stream_ends_with_the_error(spoiled, dicomprep):
    damage(spoiled, "images", 9)
    with start(dicomprep, spoiled, "--epochs", 0, "-b", 2) as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1 and b"row 9" in said


@pytest.mark.parametrize("dataset, words", [
    ("samples/checksum", []), ("samples/split", ["--split", "train"]), ("samples/id", ["--format", "arrow"]),
    ("samples/mask_pixels", ["--balance", "outer"]), ("samples/instance", ["--where", "instance>0"]),
    ("samples/window", ["--normalize", "window"]), ("samples/patient_id", ["--format", "webdataset"])])
def test_a_damaged_column_is_an_error_before_anything_is_written(dataset, words, spoiled, dicomprep):
    offset, size = chunk_place(spoiled, dataset, 0)
    flip(spoiled, offset + size - 2)
    result = run(dicomprep, spoiled, *words, code=1)
    assert result.stdout == b"" and dataset in result.stderr and "damaged" in result.stderr


def test_a_truncated_file_is_refused_whatever_its_length(spoiled, dicomprep):
    whole = spoiled.read_bytes()
    lengths = [0, 1, 7, 8, 47, 48, 95, 96, 200, *(len(whole) * part // 12 for part in range(1, 12)), len(whole) - 1]
    for length in lengths:
        spoiled.write_bytes(whole[:length])
        result = run(dicomprep, spoiled, code=1, timeout=10)
        assert result.stdout == b"" and "spoiled.h5" in result.stderr, length


def outside_of_rows(path):
    """The places of a file that no chunk of images or masks takes: its structures, attributes and columns."""
    is_free = np.ones(os.path.getsize(path), bool)
    for dataset in ("images", "masks"):
        for row in range(20):
            offset, size = chunk_place(path, dataset, row)
            is_free[offset:offset + size] = False
    return np.flatnonzero(is_free)


def test_bytes_flipped_anywhere_make_an_error_or_no_difference(spoiled, final_data, dicomprep):
    """HDF5's structures are checked by HDF5, rows by us: what comes is right, or is not called complete."""
    whole, expected = spoiled.read_bytes(), stream(dicomprep, final_data, "--no-shuffle")
    chance, failed = np.random.default_rng(3), 0
    places = [*chance.integers(0, len(whole), 30), *chance.choice(outside_of_rows(final_data), 60)]
    for place in places:
        spoiled.write_bytes(whole)
        flip(spoiled, place, 1 << int(chance.integers(8)))
        with start(dicomprep, spoiled, "--no-shuffle") as process:
            data, said = process.communicate(timeout=10)
        assert process.returncode in (0, 1) and b"panicked" not in said, place
        assert data == expected if process.returncode == 0 else expected.startswith(data), place
        failed += process.returncode
    assert failed > 30


# ---------------------------------------------------------------- checksums


@pytest.mark.parametrize("dataset", ["images", "masks"])
def test_a_changed_pixel_is_found_by_the_checksum_alone(dataset, spoiled, final_data, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file[dataset][12, 20, 20, 0] ^= 1
    result = run(dicomprep, spoiled, *STORED, code=1)
    assert "row 12" in result.stderr and row_name(final_data, 12) in result.stderr and "checksum" in result.stderr
    contents = Contents(spoiled)
    images, masks = joined(stream(dicomprep, spoiled, *STORED, "--no-verify"))
    assert np.array_equal(images, contents.images) and np.array_equal(masks, contents.masks)
    with h5py.File(spoiled, "r+") as file:
        seal(file, 12)
    assert stream(dicomprep, spoiled, *STORED) == stream(dicomprep, spoiled, *STORED, "--no-verify")


def test_the_cache_does_not_hide_damage(spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file["images"][12, 0, 0, 0] ^= 1
    run(dicomprep, spoiled, "--epochs", 3, "--cache", "1G", code=1)


# ---------------------------------------------------------------- chunks that other encoders write


def test_filter_masks_are_honoured(spoiled, final_data, dicomprep):
    expected = stream(dicomprep, final_data, *STORED)
    contents = Contents(final_data)
    with h5py.File(spoiled, "r+") as file:
        assert file["images"].shuffle and not file["masks"].shuffle
        for row, mask in enumerate([1, 2, 3, 0, 3, 2, 1]):
            chunk = filtered(contents.images[row], mask)
            file["images"].id.write_direct_chunk((row, 0, 0, 0), chunk, mask)
            assert file["images"].id.get_chunk_info_by_coord((row, 0, 0, 0)).filter_mask == mask
            mask &= 1
            chunk = filtered(contents.masks[row], mask, shuffled=False)
            file["masks"].id.write_direct_chunk((row, 0, 0, 0), chunk, mask)
    assert np.array_equal(Contents(spoiled).images, contents.images)
    assert stream(dicomprep, spoiled, *STORED) == expected


def test_a_chunk_that_is_not_compressed_must_have_its_length(spoiled, final_data, dicomprep):
    image = Contents(final_data).images[5]
    for chunk in (filtered(image, 3)[:-1], filtered(image, 3) + b"\0", b"x"):
        with h5py.File(spoiled, "r+") as file:
            file["images"].id.write_direct_chunk((5, 0, 0, 0), chunk, 3)
        for words in ([], ["--no-verify"]):
            assert "row 5" in run(dicomprep, spoiled, *words, code=1).stderr


@pytest.mark.parametrize("level, strategy", [(0, zlib.Z_DEFAULT_STRATEGY), (1, zlib.Z_DEFAULT_STRATEGY),
                                             (9, zlib.Z_DEFAULT_STRATEGY), (6, zlib.Z_FIXED), (6, zlib.Z_RLE),
                                             (6, zlib.Z_HUFFMAN_ONLY)])
def test_any_zlib_stream_is_inflated(level, strategy, spoiled, final_data, dicomprep):
    contents = Contents(final_data)
    with h5py.File(spoiled, "r+") as file:
        for row in range(4):
            encoder = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
            chunk = encoder.compress(filtered(contents.images[row], 2)) + encoder.flush()
            file["images"].id.write_direct_chunk((row, 0, 0, 0), chunk)
    assert stream(dicomprep, spoiled, *STORED) == stream(dicomprep, final_data, *STORED)


@pytest.mark.parametrize("chunk", [
    b"", b"x\x9c", zlib.compress(bytes(8191)), zlib.compress(bytes(8193)), zlib.compress(bytes(8192))[:-4],
    zlib.compress(bytes(8192))[:-1] + b"!", zlib.compress(bytes(2_000_000)), zlib.compress(bytes(8192))[2:-4],
], ids=["empty", "a header alone", "short", "long", "no Adler-32", "another Adler-32", "a bomb", "raw deflate"])
def test_a_chunk_that_is_no_image_is_an_error(chunk, spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file["images"].id.write_direct_chunk((5, 0, 0, 0), chunk or b"\0")
        file["samples/checksum"][5, 0] = 0
    result = run(dicomprep, spoiled, "--no-shuffle", "-b", 5, code=1)
    assert "row 5" in result.stderr and len(npy_ends(before_cut(result.stdout))) == 2
    run(dicomprep, spoiled, "--no-verify", code=1)


# ---------------------------------------------------------------- chunks that were never written


@pytest.mark.parametrize("fill", [None, -7, 300])
def test_a_missing_image_is_the_fill_value(fill, final_data, dicomprep, tmp_path):
    shape = one_row_chunks(Contents(final_data).images)
    options = {} if fill is None else {"fillvalue": fill}
    for name, more in (("plain", {}), ("deflated", {"shuffle": True, "compression": "gzip"})):
        file = replace(final_data, tmp_path / f"{name}.h5", "images", missing=[4, 19], **shape, **options, **more)
        contents = Contents(file)
        assert (contents.images[[4, 19]] == (fill or 0)).all()
        # The checksum is that of the image that was there.
        assert "row 4" in run(dicomprep, file, *STORED, code=1).stderr
        images, masks = joined(stream(dicomprep, file, *STORED, "--no-verify"))
        assert np.array_equal(images, contents.images) and np.array_equal(masks, contents.masks)
        with h5py.File(file, "r+") as opened:
            seal(opened, 4, 19)
        assert np.array_equal(joined(stream(dicomprep, file, *STORED))[0], contents.images)


def test_a_missing_mask_is_the_fill_value(final_data, dicomprep, tmp_path):
    shape = one_row_chunks(Contents(final_data).masks)
    file = replace(final_data, tmp_path / "x.h5", "masks", missing=[0], compression="gzip", fillvalue=1, **shape)
    contents = Contents(file)
    assert (contents.masks[0] == 1).all()
    assert np.array_equal(joined(stream(dicomprep, file, *STORED, "--no-verify"))[1], contents.masks)


def test_nothing_written_at_all(final_data, dicomprep, tmp_path):
    images = Contents(final_data).images
    file = replace(final_data, tmp_path / "x.h5", "images", missing=range(len(images)), **one_row_chunks(images))
    assert not joined(stream(dicomprep, file, "--no-verify"))[0].any()


# ---------------------------------------------------------------- a reader that is not alone


def test_a_file_that_is_cut_while_it_is_read(spoiled, dicomprep):
    """What a failing network file system does: an error, not a crash and not zeros."""
    with start(dicomprep, spoiled, "--epochs", 0, "-b", 2, "--cache", 0) as process:
        process.stdout.read(100_000)
        os.truncate(spoiled, 2000)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1 and b"row " in said and b"spoiled.h5" in said


def test_a_copy_is_as_good(final_data, dicomprep, tmp_path):
    assert stream(dicomprep, copy(final_data, tmp_path / "x.h5")) == stream(dicomprep, final_data)

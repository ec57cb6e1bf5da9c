"""Files that `batches` does not read: refused before anything is written, with a word on what is different."""

import os

import h5py
import numpy as np
import pytest

from streams import Contents, one_row_chunks, replace, run, seal, stream


def refused(dicomprep, file, *words):
    """What is said of a file that is not read."""
    result = run(dicomprep, file, *words, code=1, timeout=10)
    assert result.stdout == b"" and str(file) in result.stderr
    return result.stderr


LAYOUTS = {
    "contiguous": ("chunk", lambda shape: {}),
    "several rows a chunk": ("chunk", lambda shape: {"chunks": (4, *shape[1:]), "compression": "gzip"}),
    "all rows in a chunk": ("chunk", lambda shape: {"chunks": shape}),
    "parts of rows": ("chunk", lambda shape: {"chunks": (1, 32, *shape[2:])}),
    "planes": ("chunk", lambda shape: {"chunks": (1, *shape[1:3], 1), "compression": "gzip"}),
    "lzf": ("filter", lambda shape: {"chunks": (1, *shape[1:]), "compression": "lzf"}),
    "fletcher32": ("filter", lambda shape: {"chunks": (1, *shape[1:]), "fletcher32": True}),
    "scale-offset": ("filter", lambda shape: {"chunks": (1, *shape[1:]), "scaleoffset": 0}),
    "szip": ("filter", lambda shape: {"chunks": (1, *shape[1:]), "compression": "szip"}),
}


# The images have one plane only.
PAIRS = [(layout, dataset) for layout in LAYOUTS for dataset in ("images", "masks") if dataset == "masks" or
         layout != "planes"]


@pytest.mark.parametrize("layout, dataset", PAIRS)
def test_other_layouts(layout, dataset, final_data, dicomprep, tmp_path):
    word, options = LAYOUTS[layout]
    contents = Contents(final_data)
    shape = getattr(contents, dataset).shape
    if layout == "szip" and not h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP):
        pytest.skip("this h5py has no szip")
    file = replace(final_data, tmp_path / "x.h5", dataset, **options(shape))
    said = refused(dicomprep, file)
    assert dataset in said and word in said


@pytest.mark.parametrize("dtype", [">i2", ">u2", ">f4", "<f8", "<i4", "<u4", "<i8", "i1", "<f2"])
def test_images_of_another_type(dtype, final_data, dicomprep, tmp_path):
    images = Contents(final_data).images.astype(dtype)
    said = refused(dicomprep, replace(final_data, tmp_path / "x.h5", "images", images, **one_row_chunks(images)))
    assert "images" in said and "elements" in said


@pytest.mark.parametrize("dtype", ["<i2", "<f4", "i1", "?"])
def test_masks_of_another_type(dtype, final_data, dicomprep, tmp_path):
    masks = Contents(final_data).masks.astype(dtype)
    file = replace(final_data, tmp_path / "x.h5", "masks", masks, **one_row_chunks(masks))
    assert "masks" in refused(dicomprep, file)


def test_shapes_that_do_not_go_together(final_data, dicomprep, tmp_path):
    contents = Contents(final_data)
    for number, (name, array) in enumerate([
            ("images", contents.images[:19]), ("masks", contents.masks[:, :32]), ("masks", contents.masks[..., :1]),
            ("images", contents.images[..., 0]), ("images", contents.images[:, :, :32])]):
        file = replace(final_data, tmp_path / f"{number}.h5", name, array, **one_row_chunks(array))
        said = refused(dicomprep, file)
        assert "/images" in said and "/masks" in said


COLUMNS = {"checksum": [], "split": ["--split", "train"], "patient_id": ["--where", "patient_id=x"],
           "id": ["--format", "arrow"], "mask_pixels": ["--balance", "inner"], "window": ["--normalize", "window"]}


@pytest.mark.parametrize("column, words", COLUMNS.items(), ids=COLUMNS)
@pytest.mark.parametrize("how", ["absent", "contiguous", "short", "lzf", "another type"])
def test_columns_that_are_different(how, column, words, final_data, dicomprep, tmp_path):
    file, name = tmp_path / "x.h5", f"samples/{column}"
    with h5py.File(final_data) as opened:
        values, dtype = opened[name][:], opened[name].dtype
    if how == "another type":
        if h5py.check_string_dtype(dtype):
            dtype, values = h5py.string_dtype(), np.array([text.decode() for text in values], object)
        else:
            dtype = dtype.newbyteorder(">")
    if how == "short":
        values = values[:-1]
    options = {"compression": "lzf"} if how == "lzf" else {} if how == "contiguous" else {"chunks": True}
    replace(final_data, file, name, values, attributes=False, dtype=dtype, **options)
    if how == "absent":
        with h5py.File(file, "r+") as opened:
            del opened[name]
    assert name in refused(dicomprep, file, *words)
    # What does not need the column does not look at it.
    if column != "checksum":
        assert stream(dicomprep, file) == stream(dicomprep, final_data)


def test_columns_in_one_chunk_or_many(final_data, dicomprep, tmp_path):
    words = ["--format", "arrow", "--where", "annotated.inner=1", "--split", "train"]
    expected, file = stream(dicomprep, final_data, *words), tmp_path / "x.h5"
    for rows in (1, 3, 20):
        source = final_data
        for name in ("checksum", "split", "id", "patient_id", "annotated"):
            with h5py.File(source) as opened:
                old = opened[f"samples/{name}"]
                values, dtype = old[:], old.dtype
            made = tmp_path / f"{rows}-{name}.h5"
            source = replace(source, made, f"samples/{name}", values, dtype=dtype, chunks=(rows, *values.shape[1:]),
                             compression="gzip", shuffle=True)
        os.replace(source, file)
        assert stream(dicomprep, file, *words) == expected


# ---------------------------------------------------------------- other files


def test_another_version(spoiled, final_data, dicomprep):
    for version in ("2.0", "0.9", "10.0", "", "x"):
        with h5py.File(spoiled, "r+") as file:
            file.attrs["format_version"] = version
        said = refused(dicomprep, spoiled)
        assert "version" in said and version in said
    # New columns and attributes raise the minor part: nothing that is read is different.
    with h5py.File(spoiled, "r+") as file:
        file.attrs["format_version"] = "1.7"
        file["samples/new"] = np.arange(20)
    assert stream(dicomprep, spoiled) == stream(dicomprep, final_data)


def test_another_format(spoiled, dicomprep, tmp_path):
    with h5py.File(spoiled, "r+") as file:
        file.attrs["format"] = "other"
    assert "dicomprep" in refused(dicomprep, spoiled)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros((3, 4, 4, 1))
    assert "format" in refused(dicomprep, tmp_path / "other.h5")


@pytest.mark.parametrize("name", ["images", "masks", "samples"])
def test_a_dataset_that_is_absent(name, spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        del file[name]
    assert name in refused(dicomprep, spoiled)


def test_a_group_where_a_dataset_should_be(spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        del file["images"]
        file.create_group("images")
    assert "images" in refused(dicomprep, spoiled)


def test_no_hdf5_file(dicomprep, tmp_path):
    (tmp_path / "text.h5").write_text("not an HDF5 file\n" * 100)
    assert "it is a text file" in refused(dicomprep, tmp_path / "text.h5")
    (tmp_path / "empty.h5").write_bytes(b"")
    refused(dicomprep, tmp_path / "empty.h5")
    assert "No such file" in refused(dicomprep, tmp_path / "absent.h5")
    refused(dicomprep, tmp_path)


def test_a_pipe_in_place_of_the_file_is_not_waited_for(dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    refused(dicomprep, tmp_path / "pipe.h5")


def test_no_rows(final_data, dicomprep, tmp_path):
    contents = Contents(final_data)
    for name in ("images", "masks"):
        none = getattr(contents, name)[:0]
        final_data = replace(final_data, tmp_path / f"{name}.h5", name, none, maxshape=(None, *none.shape[1:]),
                             chunks=(1, *none.shape[1:]))
    refused(dicomprep, final_data)


def test_names_that_are_not_in_the_file(final_data, dicomprep):
    for words in (["--structures", "inner,left"], ["--balance", "left"], ["--balance", "instance"],
                  ["--where", "annotated.left=1"]):
        said = run(dicomprep, final_data, *words, code=1).stderr
        assert ("left" in said or "instance" in said) and "inner" in said and "outer" in said


def test_structures_of_any_name(spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        kept = file.attrs["structures"].dtype if hasattr(file.attrs["structures"], "dtype") else None
        file.attrs["structures"] = np.array(["linker Ventrikel", "é.2"], kept or h5py.string_dtype())
        seal(file, 0)
    assert stream(dicomprep, spoiled, "--structures", "é.2", "--where", "mask_pixels.é.2 > 0",
                  "--balance", "linker Ventrikel")

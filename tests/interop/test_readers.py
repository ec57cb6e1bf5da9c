"""Readers other than h5py: each sees the images, the masks, the texts. docs/readers.md has the table."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import FIXTURES


@pytest.fixture(scope="module")
def path(dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("readers") / "final_data.h5"
    dicomprep.prep(FIXTURES, path)
    return path


def test_hugging_face_datasets(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    table = datasets.load_dataset("hdf5", data_files=str(path), cache_dir=str(tmp_path), split="train")
    with h5py.File(path) as file:
        assert len(table) == len(file["images"])
        row = table[7]
        assert np.array_equal(row["images"], file["images"][7])
        assert np.array_equal(row["masks"], file["masks"][7])
        # The loader keeps a fixed-length string as it stands in the file.
        name = row["samples"]["id"]
        assert (name.decode() if isinstance(name, bytes) else name) == file["samples/id"].asstr()[7]


def test_h5dump(path):
    if shutil.which("h5dump") is None:
        pytest.skip("h5dump is not installed (Debian and Ubuntu: hdf5-tools)")
    run = lambda *words: subprocess.run(["h5dump", *words], capture_output=True, text=True, check=True).stdout
    print(run("--version").strip())
    header = run("-H", "-p", path)
    for name in ("images", "masks", "checksum"):
        assert f'DATASET "{name}"' in header
    assert "DEFLATE" in header and "SHUFFLE" in header
    with h5py.File(path) as file:
        # Padding of a fixed-length string is printed as a backslash and 000.
        ids = run("-d", "/samples/id", "-y", "-w", "0", path).replace("\\000", "")
        assert all(f'"{name}"' in ids for name in file["samples/id"].asstr()[:])
        # A whole image goes through the reader's own unshuffle and inflate.
        pixels = run("-d", "/images", "-s", "3,0,0,0", "-c", "1,64,64,1", "-A", "0", "-y", "-w", "0", path)
        numbers = pixels.partition("DATA {")[2].partition("}")[0].replace(",", " ").split()
        assert np.array_equal(np.array(numbers, np.int16), file["images"][3].ravel())


def test_tensorflow_reads_rows_through_h5py(path):
    tensorflow = pytest.importorskip("tensorflow")
    with h5py.File(path) as file:
        rows = tensorflow.data.Dataset.range(len(file["images"]))
        read = lambda row: (file["images"][int(row)], file["masks"][int(row)])
        pairs = rows.map(lambda row: tensorflow.numpy_function(read, [row], ["int16", "uint8"]))
        count = 0
        for row, (image, mask) in enumerate(pairs):
            assert np.array_equal(image, file["images"][row]) and np.array_equal(mask, file["masks"][row])
            count += 1
        assert count == len(file["images"])


# ---------------------------------------------------------------- libraries of Python


class Contents:
    """The file as h5py shows it."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.images, self.masks = file["images"][:], file["masks"][:]
            self.texts = {name: file["samples"][name].asstr()[:].tolist() for name in ("id", "split", "source", "findings")}

    def check(self, images, masks, text=None):
        """`images` and `masks` are of row 3; `text` gives all values of a column."""
        assert np.array_equal(np.asarray(images).ravel(), self.images[3].ravel())
        assert np.array_equal(np.asarray(masks).ravel(), self.masks[3].ravel())
        for name, expected in self.texts.items() if text else ():
            found = [value.decode() if isinstance(value, bytes) else str(value) for value in np.asarray(text(name)).ravel()]
            assert found == expected, name


@pytest.fixture(scope="module")
def contents(path):
    return Contents(path)


@pytest.fixture(scope="module")
def repacked(path, tmp_path_factory):
    """The file as h5repack writes it, for readers that do not know the newer structures."""
    if shutil.which("h5repack") is None:
        pytest.skip("h5repack is not installed (Debian and Ubuntu: hdf5-tools)")
    made = tmp_path_factory.mktemp("repacked") / "final_data.h5"
    subprocess.run(["h5repack", "-f", "SHUF", "-f", "GZIP=4", path, made], check=True)
    return made


def test_pytables(path, contents):
    tables = pytest.importorskip("tables")
    with tables.open_file(path) as file:
        contents.check(file.root.images[3], file.root.masks[3], lambda name: file.root.samples._f_get_child(name)[:])
        assert file.root._v_attrs.format == "dicomprep"


def test_netcdf4(path, contents):
    netcdf4 = pytest.importorskip("netCDF4")
    with netcdf4.Dataset(path) as file:
        contents.check(file["images"][3], file["masks"][3], lambda name: file[f"samples/{name}"][:])
        assert file.format == "dicomprep" and "train_mean" in file["images"].ncattrs()


@pytest.mark.parametrize("engine, words", [("netcdf4", {}), ("h5netcdf", {"phony_dims": "sort"})])
def test_xarray(engine, words, path, contents):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    with xarray.open_dataset(path, engine=engine, **words) as file:
        with xarray.open_dataset(path, engine=engine, group="samples", **words) as samples:
            contents.check(file["images"][3], file["masks"][3], lambda name: samples[name].values)


def test_h5netcdf(path, contents):
    h5netcdf = pytest.importorskip("h5netcdf")
    with h5netcdf.File(path, "r", phony_dims="sort") as file:
        contents.check(file["images"][3], file["masks"][3], lambda name: file["samples"][name][:])


def test_kerchunk(path, contents):
    hdf = pytest.importorskip("kerchunk.hdf")
    fsspec, zarr = pytest.importorskip("fsspec"), pytest.importorskip("zarr", minversion="3")
    refs = hdf.SingleHdf5ToZarr(str(path), inline_threshold=0).translate()
    store = zarr.storage.FsspecStore(fsspec.filesystem("reference", fo=refs, asynchronous=True), read_only=True)
    group = zarr.open_group(store, mode="r", zarr_format=2)
    contents.check(group["images"][3], group["masks"][3], lambda name: group[f"samples/{name}"][:])


def test_virtualizarr(path, contents):
    virtualizarr = pytest.importorskip("virtualizarr")
    stores, registries = pytest.importorskip("obstore.store"), pytest.importorskip("obspec_utils.registry")
    parsers = pytest.importorskip("virtualizarr.parsers")
    registry = registries.ObjectStoreRegistry({"file://": stores.LocalStore()})
    found = virtualizarr.open_virtual_dataset(f"file://{path}", registry=registry, parser=parsers.HDFParser())
    assert found["images"].shape == contents.images.shape and found["masks"].dtype == contents.masks.dtype


def test_hidefix(path, contents):
    hidefix = pytest.importorskip("hidefix")
    index = hidefix.Index(str(path))
    read = lambda name, shape: index.dataset(name)[(slice(3, 4), *(slice(0, side) for side in shape[1:]))]
    contents.check(read("images", contents.images.shape), read("masks", contents.masks.shape))


def test_pyfive(repacked, contents):
    pyfive = pytest.importorskip("pyfive")
    with pyfive.File(str(repacked)) as file:
        contents.check(file["images"][3], file["masks"][3], lambda name: file[f"samples/{name}"][:])


# ---------------------------------------------------------------- programs


def output(*words, **kwargs):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stderr
    return done


def test_gdal(path, contents):
    """By its multidimensional interface; the classic one knows no chunks of four axes."""
    if shutil.which("gdalmdiminfo") is None:
        pytest.skip("GDAL is not installed (Debian and Ubuntu: gdal-bin)")
    done = output("gdalinfo", path)
    assert "HDF5-DIAG" not in done.stderr and "train_percentiles" in done.stdout
    array = lambda name: json.loads(output("gdalmdiminfo", "-detailed", "-array", name, path).stdout)
    assert array("images")["dimension_size"] == list(contents.images.shape)
    contents.check(array("images")["values"][3], array("masks")["values"][3], lambda name: array(f"samples/{name}")["values"])


def test_gdal_by_its_netcdf_driver(path, contents, tmp_path):
    """It takes the first column of an image for the bottom line of a map."""
    if shutil.which("gdal_translate") is None or "netCDF" not in output("gdalinfo", "--formats").stdout:
        pytest.skip("GDAL with netCDF is not installed (Debian and Ubuntu: gdal-bin)")
    count, rows, columns, channels = contents.images.shape
    assert channels == 1
    for bottom_up, upright in (("YES", contents.images[:, :, ::-1, 0]), ("NO", contents.images[..., 0])):
        raw = tmp_path / f"{bottom_up}.img"
        output("gdal_translate", "-q", "-of", "ENVI", f'NETCDF:"{path}":/images', raw,
               env=dict(os.environ, GDAL_NETCDF_BOTTOMUP=bottom_up))
        read = np.fromfile(raw, contents.images.dtype).reshape(count, rows, columns)
        assert np.array_equal(read, upright)


OCTAVE = r"""
x = load(argv(){1});
printf('%s\n', mat2str(size(x.images)), mat2str(double(x.images(:, :, :, 4)(:)')), mat2str(double(x.samples.mask_pixels(:)')));
"""


def test_octave(path, contents, tmp_path):
    program = shutil.which("octave-cli") or shutil.which("octave")
    if program is None:
        pytest.skip("Octave is not installed (Debian and Ubuntu: octave)")
    (tmp_path / "read.m").write_text(OCTAVE)
    done = output(program, "--no-init-file", "--no-gui", tmp_path / "read.m", path)
    assert "HDF5-DIAG" not in done.stderr
    shape, pixels, ones = ([int(number) for number in line.strip("[]").split()] for line in done.stdout.splitlines()[:3])
    assert shape == list(reversed(contents.images.shape))
    # Octave is column-major: its first axis is the last of the file.
    assert pixels == contents.images[3].ravel().tolist() and len(ones) == len(contents.images)


H5WASM = """
import h5wasm from "h5wasm/node";
await h5wasm.ready;
const file = new h5wasm.File(process.argv[2], "r");
const whole = (name) => Array.from(file.get(name).slice([[3, 4], [], [], []]));
console.log(JSON.stringify({images: whole("images"), masks: whole("masks"), id: file.get("samples/id").value}));
"""
JSFIVE = """
import * as hdf5 from "jsfive"; import fs from "fs";
const bytes = fs.readFileSync(process.argv[2]);
const file = new hdf5.File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), "x");
const row = (name) => { const all = file.get(name).value, size = all.length / file.get(name).shape[0];
    return Array.from(all.slice(3 * size, 4 * size)); };
console.log(JSON.stringify({images: row("images"), masks: row("masks"), id: file.get("samples/id").value}));
"""


@pytest.mark.parametrize("package, script", [("h5wasm", H5WASM), ("jsfive", JSFIVE)])
def test_javascript(package, script, request, contents):
    modules = Path(os.environ.get("DICOMPREP_NODE_MODULES", "node_modules")).resolve()
    if shutil.which("node") is None or not (modules / package).is_dir():
        pytest.skip(f"DICOMPREP_NODE_MODULES names no folder with {package} (npm install {package})")
    file = request.getfixturevalue("path" if package == "h5wasm" else "repacked")
    # Modules are found from the folder of the script.
    made = modules.parent / f"dicomprep-{package}-{os.getpid()}.mjs"
    made.write_text(script)
    try:
        found = json.loads(output("node", made, file).stdout)
    finally:
        made.unlink()
    contents.check(found["images"], found["masks"])
    assert [text.rstrip("\0") for text in found["id"]] == contents.texts["id"]

"""Masks as images and volumes, written by the tools that people use, against the masks that went into them."""

import csv
import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from trees import dicom, noise, write

nibabel = pytest.importorskip("nibabel")
tifffile = pytest.importorskip("tifffile")

ROWS, COLUMNS, SLICES = 20, 24, 5
SPACING = (0.9, 0.7)  # between rows, between columns
DISTANCE = 3.5
# Two unit vectors at right angles, neither along an axis of the patient.
ROW = np.array([0.8, 0.6, 0.0])
COLUMN = np.array([-0.36, 0.48, 0.8])
NORMAL = np.cross(ROW, COLUMN)
ORIGIN = np.array([-40.0, 25.0, 110.0])


def image(position, number, patient=1):
    """An image of the series at `position` mm along the normal."""
    where = ORIGIN + position * NORMAL
    return dicom(
        noise((ROWS, COLUMNS), 0, 900, patient, position, number).astype(np.uint16),
        PatientID=f"p{patient}", StudyInstanceUID=f"2.25.10.{patient}", SeriesInstanceUID=f"2.25.20.{patient}",
        FrameOfReferenceUID=f"2.25.30.{patient}",
        InstanceNumber=number, PixelSpacing=list(SPACING), SliceThickness=DISTANCE,
        ImagePositionPatient=[round(x, 6) for x in where], ImageOrientationPatient=[*ROW, *COLUMN],
    )


class Series:
    """A folder of images whose names and numbers say nothing of their order, and a label volume of them."""

    def __init__(self, root, positions=None, patient=1):
        self.root = root
        self.positions = [DISTANCE * k for k in range(SLICES)] if positions is None else positions
        order = [3, 0, 4, 1, 2][: len(self.positions)]
        self.names = {}
        for number, k in enumerate(order, 1):
            file = image(self.positions[k], number, patient)
            file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[f"{patient} {k}"])
            self.names[k] = f"images/{number:02}.dcm"
            write(root / self.names[k], file)
        # (slice, row, column): 1 and 5, other shapes in each slice, and none that is symmetric.
        self.labels = np.zeros((len(self.positions), ROWS, COLUMNS), np.uint8)
        for k in range(len(self.positions)):
            self.labels[k, 2 : 5 + k, 3:11] = 1
            self.labels[k, 12:17, 4 + k : 20] = 5
        self.labels[1][self.labels[1] == 5] = 0

    def affine(self):
        """From indices (column, row, slice) to LPS mm."""
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 2] = ROW * SPACING[1], COLUMN * SPACING[0], NORMAL * DISTANCE
        affine[:3, 3] = ORIGIN
        return affine

    def table(self, cells, *more_rows):
        path = self.root / "table.csv"
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["patient_id", "image", *(f"mask.s{k}" for k in range(len(cells)))])
            rows.writerow(["p", "images", *cells])
            rows.writerows(more_rows)
        return path


LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def series(tmp_path):
    return Series(tmp_path / "data")


def masks(file):
    """The masks by source, each (row, column, structure)."""
    with h5py.File(file) as h5:
        return dict(zip([text.decode() for text in h5["samples/source"][:]], h5["masks"][:]))


def check(dicomprep, series, out, cells, values, *words):
    """Packs the series with these cells, and compares each mask with the labels of these values."""
    table = series.table(cells)
    dicomprep.prep(series.root, out / "x.h5", "--table", table, "--unlabelled", "include", "--split", "none",
                   "--on-finding", "keep", *words)
    found = masks(out / "x.h5")
    assert set(found) == set(series.names.values())
    for k, name in series.names.items():
        for plane, value in enumerate(values):
            np.testing.assert_array_equal(found[name][..., plane], series.labels[k] == value, f"{name} {value}")


def nifti(series, path, kind=nibabel.Nifti1Image, flip=(), data=None, **header):
    """Writes the labels as nibabel does; axes in `flip` are stored the other way, with the affine to match."""
    voxels = (series.labels if data is None else data).transpose(2, 1, 0)
    affine = LPS_TO_RAS @ series.affine()
    for axis in flip:
        turn = np.eye(4)
        turn[axis, axis], turn[axis, 3] = -1, voxels.shape[axis] - 1
        voxels, affine = np.flip(voxels, axis), affine @ turn
    file = kind(np.ascontiguousarray(voxels), affine, dtype=voxels.dtype)
    for name, value in header.items():
        file.header[name] = value
    nibabel.save(file, path)
    return file


@pytest.mark.parametrize("name", ["labels.nii", "labels.nii.gz"])
@pytest.mark.parametrize("flip", [(), (1,), (1, 2), (0, 2)], ids=str)
def test_the_affine_of_nibabel_decides(name, flip, dicomprep, series, out):
    nifti(series, series.root / name, flip=flip)
    check(dicomprep, series, out, [f"{name}#5", f"{name}#1"], [5, 1])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64", "uint16"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_every_type_and_version_of_nibabel(dtype, kind, dicomprep, series, out):
    nifti(series, series.root / "l.nii.gz", kind, data=series.labels.astype(dtype))
    check(dicomprep, series, out, ["l.nii.gz#5"], [5])


def test_axes_in_another_order(dicomprep, series, out):
    file = nifti(series, series.root / "l.nii")
    turned = file.as_reoriented(nibabel.orientations.axcodes2ornt("PSR"))
    nibabel.save(turned, series.root / "turned.nii.gz")
    check(dicomprep, series, out, ["turned.nii.gz#1"], [1])


def test_the_qform_counts_where_the_sform_is_not_set(dicomprep, series, out):
    file = nifti(series, series.root / "l.nii")
    file.set_sform(np.eye(4), code=0)
    file.set_qform(LPS_TO_RAS @ series.affine(), code=1)
    nibabel.save(file, series.root / "q.nii")
    check(dicomprep, series, out, ["q.nii#1"], [1])


def test_forms_that_differ_are_a_note(dicomprep, series, out):
    file = nifti(series, series.root / "l.nii")
    for name, shift, is_noted in (("same.nii", 0, False), ("apart.nii", 2.5, True)):
        moved = LPS_TO_RAS @ series.affine()
        moved[:3, 3] += moved[:3, 0] * shift
        file.set_sform(LPS_TO_RAS @ series.affine(), code=2)
        file.set_qform(moved, code=1)
        nibabel.save(file, series.root / name)
        check(dicomprep, series, out, [f"{name}#1"], [1], "--report", out / "report.json", "--force")
        notes = [note["text"] for note in json.loads((out / "report.json").read_text())["notes"]]
        told = "sform and qform of the header place the labels up to 2.5 voxels apart; the sform is taken"
        assert (told in notes) == is_noted, notes


def test_simpleitk(dicomprep, series, out):
    sitk = pytest.importorskip("SimpleITK")
    file = sitk.GetImageFromArray(series.labels)
    file.SetSpacing([SPACING[1], SPACING[0], DISTANCE])
    file.SetOrigin(ORIGIN.tolist())
    file.SetDirection(np.stack([ROW, COLUMN, NORMAL], axis=1).ravel().tolist())
    for name in ("l.nii.gz", "l.nrrd"):
        sitk.WriteImage(file, str(series.root / name), useCompression=True)
        check(dicomprep, series, out, [f"{name}#5", f"{name}#1"], [5, 1], "--force")


@pytest.mark.parametrize("name, signs", [
    ("left-posterior-superior", (1, 1, 1)), ("LPS", (1, 1, 1)), ("right-anterior-superior", (-1, -1, 1)),
    ("RAS", (-1, -1, 1)), ("left-anterior-superior", (1, -1, 1)), ("LAS", (1, -1, 1)),
])
def test_each_name_of_a_space_of_nrrd(name, signs, dicomprep, series, out):
    nrrd = pytest.importorskip("nrrd")
    affine = np.diag([*signs, 1]) @ series.affine()
    header = {"space": name, "space directions": affine[:3, :3].T, "space origin": affine[:3, 3]}
    nrrd.write(str(series.root / "l.nrrd"), series.labels.transpose(2, 1, 0), header)
    check(dicomprep, series, out, ["l.nrrd#5", "l.nrrd#1"], [5, 1])


def test_segments_of_slicer_in_layers(dicomprep, series, out):
    nrrd = pytest.importorskip("nrrd")
    layers = np.stack([series.labels == 1, series.labels == 5]).astype(np.uint8).transpose(0, 3, 2, 1)
    affine = series.affine()
    header = {
        "type": "unsigned char", "dimension": 4, "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"], "encoding": "gzip",
        "space directions": np.vstack([[np.nan] * 3, affine[:3, :3].T]), "space origin": affine[:3, 3],
    }
    for number, name in enumerate(("left ventricle", "wall")):
        header |= {f"Segment{number}_ID": f"S{number}", f"Segment{number}_Name": name,
                   f"Segment{number}_LabelValue": "1", f"Segment{number}_Layer": str(number)}
    nrrd.write(str(series.root / "l.seg.nrrd"), layers, header)
    check(dicomprep, series, out, ["l.seg.nrrd#wall", "l.seg.nrrd#left ventricle"], [5, 1])


def test_dcm2niix_stores_rows_bottom_up(dicomprep, series, out, tmp_path):
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix is not installed")
    words = [program, "-z", "y", "-f", "image", "-o", tmp_path, series.root / "images"]
    subprocess.run(list(map(str, words)), check=True, capture_output=True)
    grid = nibabel.load(tmp_path / "image.nii.gz")
    # Each voxel's label by its place in the patient, not by any order.
    inverse = np.linalg.inv(LPS_TO_RAS @ series.affine())
    indices = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    column, row, k = np.moveaxis(np.rint(nibabel.affines.apply_affine(inverse @ grid.affine, indices)), -1, 0).astype(int)
    labels = series.labels[k, row, column]
    nibabel.save(nibabel.Nifti1Image(labels, grid.affine, grid.header), series.root / "l.nii.gz")
    check(dicomprep, series, out, ["l.nii.gz#5", "l.nii.gz#1"], [5, 1])


def refused(dicomprep, series, out, cell, *words):
    """What is said where no label of the cell can be used."""
    table = series.table([cell])
    result = dicomprep("prep", series.root, "-o", out / "x.h5", "--table", table, *words)
    assert result.returncode in (1, 3), result.stderr
    return result.stderr


def test_no_geometry_is_joined_by_order_on_request(dicomprep, series, out):
    file = nifti(series, series.root / "l.nii")
    file.set_sform(None, code=0)
    file.set_qform(None, code=0)
    nibabel.save(file, series.root / "bare.nii")
    assert "--volume-join order" in refused(dicomprep, series, out, "bare.nii#1")
    check(dicomprep, series, out, ["bare.nii#1"], [1], "--volume-join", "order", "--force")


def test_a_gap_is_never_bridged_by_the_nearest_plane(dicomprep, tmp_path, out):
    series = Series(tmp_path / "gap", positions=[0.0, 3.5, 7.0, 14.0, 17.5])
    # A writer that knows the first distance alone.
    nifti(series, series.root / "l.nii.gz")
    said = refused(dicomprep, series, out, "l.nii.gz#1")
    assert "on no image" in said and "--volume-join order" in said
    check(dicomprep, series, out, ["l.nii.gz#1"], [1], "--volume-join", "order", "--force")


def test_probabilities_and_other_grids_are_refused(dicomprep, series, out):
    nifti(series, series.root / "p.nii", data=series.labels.astype(np.float32) / 7)
    assert "not a whole number" in refused(dicomprep, series, out, "p.nii#1")
    nifti(series, series.root / "small.nii", data=series.labels[:, :-1])
    assert "one covers only a part of the other" in refused(dicomprep, series, out, "small.nii#1")


def test_labels_on_another_grid_are_resampled_on_request(dicomprep, series, out):
    """The nearest voxel in the patient, as SimpleITK takes it; said, and recorded."""
    sitk = pytest.importorskip("SimpleITK")
    voxels = noise((7, 19, 17), 0, 2, "grid").astype(np.uint8)
    labels = sitk.GetImageFromArray(voxels)
    direction = np.stack([ROW, COLUMN, NORMAL], axis=1)
    labels.SetDirection(direction.ravel().tolist())
    labels.SetSpacing([SPACING[1] * 1.37, SPACING[0] * 1.21, DISTANCE * 0.83])
    labels.SetOrigin((np.asarray(ORIGIN) + direction @ [0.123, 0.217, 0.31]).tolist())
    sitk.WriteImage(labels, str(series.root / "l.nii.gz"))
    said = refused(dicomprep, series, out, "l.nii.gz#1")
    assert "[17, 19, 7] voxels" in said and "--resample-labels takes the nearest voxels" in said
    count, rows, columns = series.labels.shape
    grid = sitk.Image([columns, rows, count], sitk.sitkUInt8)
    grid.SetDirection(direction.ravel().tolist())
    grid.SetSpacing([SPACING[1], SPACING[0], DISTANCE])
    grid.SetOrigin(np.asarray(ORIGIN).tolist())
    series.labels = sitk.GetArrayFromImage(sitk.Resample(labels, grid, sitk.Transform(), sitk.sitkNearestNeighbor))
    assert 0 < (series.labels == 1).sum() < series.labels.size / 2
    check(dicomprep, series, out, ["l.nii.gz#1", "l.nii.gz#2"], [1, 2], "--resample-labels", "--force")
    with h5py.File(out / "x.h5") as file:
        assert '"resample_labels":true' in file.attrs["config"]
    again = dicomprep("verify", out / "x.h5", "--against", series.root, "--table", series.root / "table.csv")
    assert again.returncode == 0, again.stderr


class Slice:
    """One image, and a mask of its size."""

    def __init__(self, root):
        self.root = root
        write(root / "a.dcm", image(0.0, 1))
        self.labels = np.zeros((ROWS, COLUMNS), np.uint8)
        self.labels[3:9, 2:15] = 1
        self.labels[11:18, 6:23] = 3

    def mask(self, dicomprep, out, cell, *words, code=0):
        with open(self.root / "t.csv", "w") as file:
            file.write(f"patient_id,image,mask.m\np,a.dcm,{cell}\n")
        words = ["--table", self.root / "t.csv", "--split", "none", "--on-finding", "keep", "--force", *words]
        result = dicomprep.prep(self.root, out / "x.h5", *words, code=code)
        return masks(out / "x.h5")["a.dcm"][..., 0] if code == 0 else result.stderr


@pytest.fixture
def slice_(tmp_path):
    return Slice(tmp_path / "slice")


def test_png_by_value_and_by_index(dicomprep, slice_, out):
    labels = slice_.labels
    Image.fromarray(labels * 60).save(slice_.root / "grey.png")
    palette = Image.fromarray(labels, mode="P")
    # Colours that say nothing, and a transparent structure.
    palette.putpalette([7, 7, 7] * 256)
    palette.save(slice_.root / "palette.png", transparency=3, bits=2)
    Image.fromarray(labels == 3).save(slice_.root / "bits.png")
    Image.fromarray(labels.astype(np.uint16) * 20_000).save(slice_.root / "wide.png")
    Image.fromarray(np.stack([labels] * 3, axis=-1)).save(slice_.root / "rgb.png")
    for cell, expected in [
        ("grey.png", labels > 0), ("grey.png#180", labels == 3), ("palette.png#3", labels == 3),
        ("palette.png", labels > 0), ("bits.png", labels == 3), ("wide.png#60000", labels == 3), ("rgb.png#1", labels == 1),
    ]:
        np.testing.assert_array_equal(slice_.mask(dicomprep, out, cell), expected, cell)
    inverted = slice_.mask(dicomprep, out, "grey.png", "--mask-invert")
    np.testing.assert_array_equal(inverted, labels == 0)


def test_tiff_by_tifffile_and_pillow(dicomprep, slice_, out):
    labels, root = slice_.labels, slice_.root
    tifffile.imwrite(root / "grey.tif", labels)
    tifffile.imwrite(root / "wide.tif", labels.astype(np.uint16) * 300, compression="zlib", predictor=True)
    tifffile.imwrite(root / "big.tif", labels.astype(np.uint16), bigtiff=True, byteorder=">", tile=(16, 16))
    tifffile.imwrite(root / "bool.tif", labels == 3)
    tifffile.imwrite(root / "palette.tif", labels, photometric="palette", colormap=np.full((3, 256), 9, np.uint16))
    Image.fromarray(labels == 3).save(root / "pillow.tif")
    Image.fromarray(labels == 3).save(root / "fax.tif", compression="group4")
    for cell, expected in [
        ("grey.tif#3", labels == 3), ("wide.tif#300", labels == 1), ("big.tif", labels > 0), ("bool.tif", labels == 3),
        ("palette.tif#1", labels == 1), ("pillow.tif", labels == 3), ("fax.tif", labels == 3),
    ]:
        np.testing.assert_array_equal(slice_.mask(dicomprep, out, cell), expected, cell)


def test_what_would_be_misread_is_refused(dicomprep, slice_, out):
    labels, root = slice_.labels, slice_.root
    tifffile.imwrite(root / "pages.tif", np.stack([labels, labels]), photometric="minisblack")
    tifffile.imwrite(root / "planar.tif", np.stack([labels] * 3), photometric="rgb", planarconfig="separate")
    Image.fromarray(labels * 60).save(root / "lossy.tif", compression="jpeg")
    Image.fromarray(labels[:-1]).save(root / "short.png")
    Image.fromarray(labels.T.copy()).save(root / "turned.png")
    for cell, part in [
        ("pages.tif", "several pages"), ("planar.tif", "one after the other"), ("lossy.tif", "JPEG"),
        ("short.png", "19x24"), ("turned.png", "rows and columns are exchanged"),
    ]:
        table = root / "t.csv"
        table.write_text(f"patient_id,image,mask.m\np,a.dcm,{cell}\n")
        result = dicomprep("prep", root, "-o", out / "y.h5", "--table", table)
        assert result.returncode in (1, 3) and part in result.stderr, (cell, result.stderr)


def test_a_label_that_no_voxel_has_is_a_note(dicomprep, series, out):
    nifti(series, series.root / "l.nii.gz")
    table = series.table(["l.nii.gz#5", "l.nii.gz#9"])
    report = out / "report.json"
    result = dicomprep.prep(series.root, out / "x.h5", "--table", table, "--split", "none", "--report", report)
    assert "column mask.s1: no voxel is 9, so all masks of it are empty; the volume has 1, 5" in result.stderr
    assert "no voxel is 5" not in result.stderr
    assert f"s0 {SLICES}, s1 {SLICES} (no mask has a pixel)" in result.stderr
    counted = json.loads(report.read_text())["structures"]
    assert [entry.get("without_pixels") for entry in counted] == [None, True]

"""Files that depart from the standard and that other readers take: the right values, and a note of the kind with its count.
And objects that are no images: named by what they are."""

import io

import h5py
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from trees import Study, dicom, lut, noise

SHAPE = (12, 10)
A12 = noise(SHAPE, 0, 4095, 12).astype(np.uint16)
A8 = noise(SHAPE, 0, 255, 8).astype(np.uint8)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def written(image):
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def compressed(image, *, ended=True):
    """An image compressed as RLE, by pydicom; perhaps without the end of its fragments."""
    image.compress(RLELossless)
    return written(image) if ended else written(image)[:-8]


def icon():
    """An image whose icon is in fragments, in a sequence of undefined length."""
    image = dicom(A12, bits=12)
    small = pydicom.Dataset()
    small.Rows, small.Columns, small.BitsAllocated = 4, 4, 8
    small.PixelData = encapsulate([bytes(range(64))])
    small["PixelData"].VR, small["PixelData"].is_undefined_length = "OB", True
    small.is_undefined_length_sequence_item = True
    image.IconImageSequence = pydicom.Sequence([small])
    image["IconImageSequence"].is_undefined_length = True
    return image


def empty_rescale():
    return written(dicom(A12, bits=12, slope="7777")).replace(b"7777", b"    ")


def other_encoding():
    """Explicit elements behind the UID of implicit ones."""
    data = written(dicom(A12, bits=12))
    implicit = written(dicom(A12, bits=12, syntax=ImplicitVRLittleEndian))
    start = lambda file: file.index(b"\x08\x00\x16\x00")
    return implicit[:start(implicit)] + data[start(data):]


def unknown_vr():
    data = written(dicom(A12, bits=12, PatientComments="wxyz"))
    return data.replace(b"\x10\0\0\x40LT", b"\x10\0\0\x40--")


def wide_words():
    """32-bit pixels in big endian, the low 16-bit word of each first."""
    image = dicom(A12, bits=12, syntax=ExplicitVRBigEndian)
    image.BitsAllocated = 32
    image.PixelData = b"".join(int(value).to_bytes(2, "big") + b"\0\0" for value in A12.flat)
    return image


def overlay():
    bits = (noise(SHAPE, 0, 1, "overlay") << 12).astype(np.uint16)
    image = dicom(A12 | bits, bits=12)
    return compressed(image)


def floating(double, photometric="MONOCHROME2"):
    image = dicom(A12, photometric=photometric)
    for attribute in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(image, attribute)
    values = A12 / 7
    image.BitsAllocated = 64 if double else 32
    if double:
        image.DoubleFloatPixelData = values.astype("<f8").tobytes()
    else:
        image.FloatPixelData = values.astype("<f4").tobytes()
    return image


# name: (image, expected values, words of the note or None)
READ = {
    "icon in fragments": (icon, A12, None),
    "no end of the fragments": (lambda: compressed(dicom(A12, bits=12), ended=False), A12, "Sequence Delimitation"),
    "zeros for the end": (lambda: compressed(dicom(A12, bits=12), ended=False) + bytes(8), A12, "Sequence Delimitation"),
    "empty rescale": (empty_rescale, A12, "Rescale Slope or Intercept is empty"),
    "other encoding": (other_encoding, A12, "Transfer Syntax UID"),
    "unknown VR": (unknown_vr, A12, "unknown VR"),
    "no frames": (lambda: dicom(A12, bits=12, NumberOfFrames=0), A12, "Number of Frames"),
    "LUT beside a rescale": (lambda: dicom(A8, slope="2", intercept="1", ModalityLUTSequence=lut(range(100, 356))),
                             A8 + np.uint16(100), "Modality LUT"),
    "high bit": (lambda: dicom(A12 << 4, bits=12, high_bit=15), A12, "High Bit"),
    "overlay under compression": (overlay, A12, None),
    "wide words": (wide_words, A12, "16-bit words"),
    "double": (lambda: floating(True), (A12 / 7).astype(np.float32), "rounded to the nearest float32"),
    "float MONOCHROME1": (lambda: floating(False, "MONOCHROME1"), (A12 / 7).astype(np.float32), "not inverted"),
}


@pytest.mark.parametrize("name", READ)
def test_it_is_read_and_each_kind_is_counted(name, dicomprep, tmp_path):
    make, expected, words = READ[name]
    study = Study(tmp_path / "data")
    for number in (1, 2):
        study.add(f"P{number}", number, make())
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", "--on-finding", "keep")
    with h5py.File(tmp_path / "x.h5") as file:
        for image in file["images"][..., 0]:
            np.testing.assert_array_equal(image, expected)
    notes = [note for note in report["notes"] if "equal" not in note["text"]]
    if words is None:
        assert notes == []
    else:
        [note] = notes
        assert words in note["text"] and note["count"] == 2
        assert note["places"] == ["dicoms/P1/1.dcm", "dicoms/P2/2.dcm"]
        assert words in result.stderr


def test_pixels_of_two_frames_without_their_number_are_refused(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    image = dicom(A12, bits=12)
    image.PixelData += image.PixelData
    study.add("P1", 1, dicom(A12, bits=12))
    study.add("P2", 1, image)
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", code=3)
    [detail] = [entry["detail"] for entry in report["rejected"] if entry["file"] == "dicoms/P2/1.dcm"]
    assert "2 frames" in detail and detail in result.stderr


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_said_to_be_none(value, dicomprep, tmp_path):
    image = floating(False)
    values = np.full(SHAPE, 2, "<f4")
    values[3, 4] = value
    image.FloatPixelData = values.tobytes()
    study = Study(tmp_path / "data")
    study.add("P1", 1, image)
    result = dicomprep("prep", study.root, "-o", tmp_path / "x.h5")
    assert result.returncode == 1 and "is no number" in result.stderr and "--dtype" not in result.stderr
    assert "row 3, column 4" in result.stderr


@pytest.mark.parametrize("uid, words", [
    (pydicom.uid.SegmentationStorage, "segmentation"),
    ("1.2.840.10008.5.1.4.1.1.66.7", "segmentation"),
    (pydicom.uid.RTDoseStorage, "Dose Grid Scaling"),
    (pydicom.uid.RTStructureSetStorage, "RTSTRUCT"),
    (pydicom.uid.RTPlanStorage, "RTPLAN"),
    (pydicom.uid.ComprehensiveSRStorage, "structured report"),
    (pydicom.uid.KeyObjectSelectionDocumentStorage, "key object selection"),
    (pydicom.uid.GrayscaleSoftcopyPresentationStateStorage, "presentation state"),
    (pydicom.uid.MediaStorageDirectoryStorage, "DICOMDIR"),
    (pydicom.uid.EncapsulatedPDFStorage, "PDF"),
    (pydicom.uid.TwelveLeadECGWaveformStorage, "ECG"),
])
@pytest.mark.parametrize("with_pixels", [True, False])
def test_an_object_that_is_no_image_is_named(uid, words, with_pixels, dicomprep, tmp_path):
    other = dicom(A12, bits=12, SOPClassUID=uid)
    other.file_meta.MediaStorageSOPClassUID = uid
    if not with_pixels:
        del other.PixelData
    if words == "DICOMDIR":
        # A directory names its class in the file meta group alone.
        del other.SOPClassUID
    study = Study(tmp_path / "data")
    study.add("P1", 1, dicom(A12, bits=12))
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, other, enforce_file_format=words != "DICOMDIR")
    study.add("P2", 1, buffer.getvalue())
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", code=3)
    [entry] = [entry for entry in report["rejected"] if entry["file"] == "dicoms/P2/1.dcm"]
    assert words in entry["detail"] and "SOP Class" in entry["attribute"]
    assert entry["reason"] == "image-unsupported" and words in result.stderr

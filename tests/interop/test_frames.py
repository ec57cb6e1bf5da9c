"""Multi-frame objects as a user has them: each frame a sample, with its own pixels, geometry and window, and the contours
that refer to it."""

import h5py
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    RTStructureSetStorage,
)

from trees import Study, dicom, noise, write

SHAPE, COUNT = (12, 10), 4
FRAMES = [noise(SHAPE, 0, 4000, frame).astype(np.uint16) for frame in range(COUNT)]
IMAGE, STUDY, SPACE = "1.2.3.4", "1.2.3", "1.2.3.9"


def sequence(*items):
    return pydicom.Sequence(items)


def item(**attributes):
    data_set = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def identify(image, sop_class, instance, series, modality):
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = sop_class
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = instance
    image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = "P1", STUDY, series
    image.FrameOfReferenceUID, image.Modality = SPACE, modality
    return image


def enhanced(syntax):
    """Frames 8 mm apart; frame n, from 0, has intercept n and window 100 n."""
    compressed = syntax == RLELossless
    image = dicom(FRAMES[0], bits=12, syntax=ExplicitVRLittleEndian if compressed else syntax)
    identify(image, EnhancedMRImageStorage, IMAGE, "1.2.3.1", "MR")
    image.NumberOfFrames = COUNT
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    image.PixelData = b"".join(frame.astype(order).tobytes() for frame in FRAMES)
    image.SharedFunctionalGroupsSequence = sequence(item(
        PixelMeasuresSequence=sequence(item(PixelSpacing=[1.5, 2.5])),
        PlaneOrientationSequence=sequence(item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]))))
    image.PerFrameFunctionalGroupsSequence = sequence(*[item(
        PlanePositionSequence=sequence(item(ImagePositionPatient=[0, 0, 8 * frame])),
        PixelValueTransformationSequence=sequence(item(RescaleIntercept=frame, RescaleSlope=1, RescaleType="US")),
        FrameVOILUTSequence=sequence(item(WindowCenter=100 * frame, WindowWidth=50))) for frame in range(COUNT)])
    if compressed:
        image.compress(RLELossless, generate_instance_uid=False)
    return image


def reference(frame):
    return item(ReferencedSOPClassUID=EnhancedMRImageStorage, ReferencedSOPInstanceUID=IMAGE,
                ReferencedFrameNumber=frame + 1)


def structures(frames):
    """A rectangle of 5 columns and 5 + n rows on each of `frames`, through the centres of its outer pixels."""
    other = dicom(FRAMES[0])
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
                    "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(other, keyword)
    identify(other, RTStructureSetStorage, "1.2.3.5", "1.2.3.2", "RTSTRUCT")
    contours = []
    for frame in frames:
        corners = [(2, 2), (6, 2), (6, 6 + frame), (2, 6 + frame)]
        points = [mm for x, y in corners for mm in (2.5 * x, 1.5 * y, 8 * frame)]
        contours.append(item(ContourImageSequence=sequence(reference(frame)), ContourGeometricType="CLOSED_PLANAR",
                             NumberOfContourPoints=4, ContourData=points))
    other.StructureSetROISequence = sequence(item(ROINumber=1, ReferencedFrameOfReferenceUID=SPACE, ROIName="LV",
                                                  ROIGenerationAlgorithm="MANUAL"))
    other.ROIContourSequence = sequence(item(ReferencedROINumber=1, ContourSequence=sequence(*contours)))
    other.RTROIObservationsSequence = sequence(item(ObservationNumber=1, ReferencedROINumber=1,
                                                    RTROIInterpretedType="ORGAN", ROIInterpreter=""))
    return other


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_each_frame_is_a_sample(syntax, dicomprep, tmp_path):
    write(tmp_path / "data" / "mr.dcm", enhanced(syntax))
    write(tmp_path / "data" / "rs.dcm", structures([1, 2]))
    words = ["--layout", "dicom", "--unlabelled", "include", "--split", "none"]
    dicomprep.prep(tmp_path / "data", tmp_path / "x.h5", *words)
    with h5py.File(tmp_path / "x.h5") as file:
        samples = file["samples"]
        assert samples["id"].asstr()[:].tolist() == [f"P1/mr#{frame}" for frame in (1, 2, 3, 4)]
        assert samples["frame"][:].tolist() == [1, 2, 3, 4]
        for frame in range(COUNT):
            np.testing.assert_array_equal(file["images"][frame, ..., 0], FRAMES[frame].astype(int) + frame)
        assert samples["image_position"][:, 2].tolist() == [0, 8, 16, 24]
        assert samples["window"][:, 0].tolist() == [0, 100, 200, 300]
        assert samples["pixel_spacing"][:].tolist() == [[1.5, 2.5]] * COUNT
        assert file["masks"][:].sum(axis=(1, 2, 3)).tolist() == [0, 5 * 6, 5 * 7, 0]


def test_a_contour_on_a_frame_that_is_not_there_is_counted(dicomprep, tmp_path):
    root = tmp_path / "data"
    write(root / "image.dcm", enhanced(ExplicitVRLittleEndian))
    rt = structures(range(COUNT))
    rt.ROIContourSequence[0].ContourSequence[0].ContourImageSequence[0].ReferencedFrameNumber = 99
    write(root / "rt.dcm", rt)
    result = dicomprep.prep(root, tmp_path / "x.h5", "--layout", "dicom", "--on-finding", "keep")
    assert "1 contour refers by Referenced Frame Number to a frame that is not in the input" in result.stderr
    with h5py.File(tmp_path / "x.h5") as file:
        assert len(file["masks"]) == COUNT - 1


def test_a_multi_frame_file_without_a_chosen_frame_is_refused(dicomprep, tmp_path):
    """Names of the layout `link` do not tell a frame."""
    study = Study(tmp_path / "data")
    study.add("P1", 1, dicom(FRAMES[0], bits=12))
    study.add("P2", 1, enhanced(ExplicitVRLittleEndian))
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", code=3)
    [entry] = [entry for entry in report["rejected"] if entry["file"] == "dicoms/P2/1.dcm"]
    assert "4 frames" in entry["detail"] and "(0028,0008)" in entry["attribute"]
    assert entry["detail"] in result.stderr


@pytest.mark.parametrize("count, words", [("1000000", "more than the limit of 65536"), ("5", "1200 bytes")])
def test_a_number_of_frames_that_is_not_there_is_refused_at_once(count, words, dicomprep, tmp_path):
    image = enhanced(ExplicitVRLittleEndian)
    image.NumberOfFrames = count
    study = Study(tmp_path / "data")
    study.add("P1", 1, dicom(FRAMES[0], bits=12))
    study.add("P2", 1, image)
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", code=3, timeout=20)
    [entry] = [entry for entry in report["rejected"] if entry["file"] == "dicoms/P2/1.dcm"]
    assert words in entry["detail"] and entry["detail"] in result.stderr

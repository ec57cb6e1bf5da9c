"""Images, RT Structure Sets and segmentations written with pydicom."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, UID

MR, RTSTRUCT, SEG, RTPLAN = (
    UID("1.2.840.10008.5.1.4.1.1." + end) for end in ("4", "481.3", "66.4", "481.5")
)
STUDY = "2.25.300"


def thing(kind, uid, patient, series, modality):
    """An object with what all have."""
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = kind, uid
    d.SOPClassUID, d.SOPInstanceUID, d.Modality = kind, uid, modality
    d.PatientID, d.StudyInstanceUID, d.SeriesInstanceUID = patient, STUDY + "." + patient.strip("P"), series
    d.FrameOfReferenceUID = "2.25.301"
    return d


def image(patient, number, z, pixels=None):
    """An image of 50 x 50 pixels of 0.7 mm."""
    d = thing(MR, f"2.25.{patient.strip('P')}.{number}", patient, f"2.25.{patient.strip('P')}.99", "MR")
    d.InstanceNumber, d.ImagePositionPatient = number, [0, 0, z]
    d.ImageOrientationPatient, d.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.7, 0.7]
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows = d.Columns = 50
    d.BitsAllocated = d.BitsStored = 16
    d.HighBit, d.PixelRepresentation = 15, 0
    if pixels is None:
        pixels = np.arange(2500) * 7 % 911 + number * 13
    d.PixelData = np.asarray(pixels, np.uint16).tobytes()
    return d


def structures(patient, rois):
    """An RT Structure Set; `rois` are (number, name, [(image, [(x, y), ...]), ...])."""
    d = thing(RTSTRUCT, f"2.25.{patient.strip('P')}.1000", patient, f"2.25.{patient.strip('P')}.98", "RTSTRUCT")
    d.StructureSetROISequence, d.ROIContourSequence = Sequence(), Sequence()
    for number, name, contours in rois:
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, "2.25.301"
        drawn.ReferencedROINumber, drawn.ContourSequence = number, Sequence()
        for about, points in contours:
            contour, reference = Dataset(), Dataset()
            reference.ReferencedSOPInstanceUID = about.SOPInstanceUID
            contour.ContourImageSequence = Sequence([reference])
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            z = about.ImagePositionPatient[2]
            contour.ContourData = [round(v, 6) for x, y in points for v in (x * 0.7, y * 0.7, float(z))]
            drawn.ContourSequence.append(contour)
        d.StructureSetROISequence.append(roi)
        d.ROIContourSequence.append(drawn)
    return d


def square(low, high):
    return [(low, low), (high, low), (high, high), (low, high)]


def save(d, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, d, enforce_file_format=True)

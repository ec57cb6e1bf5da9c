#!/bin/sh
# The Rust crate dicom-pixeldata gives a wrong green channel for YBR_FULL images.
#
# Expectation: Y 100, Cb 50, Cr 200 is R 201, G 75, B 0.
# Behaviour: to_dynamic_image returns 201, 22, 0: the term of Cb is added to green instead of taken off, so colours
# shift wherever blue is not neutral, by up to 88. Palette images come out as the indexes in grey. Neither is an
# error.
# Versions: dicom-pixeldata 0.10.1, numpy==2.4.6, pydicom==3.0.2.
# Source: convert_colorspace_u8 and _u16 in the source of dicom-pixeldata; PS3.3 C.7.6.3.1.2, YBR_FULL. Found by
# comparing with the definition.
# Output seen: pydicom [201, 75, 0], dicom-pixeldata [201, 22, 0]; palette L8 where the image is red
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage


def image(path, pixels, interpretation, samples, **values):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = "1.2.3.2", "1.2.3.3", "US"
    data.Rows, data.Columns, data.SamplesPerPixel = 8, 8, samples
    data.PhotometricInterpretation, data.PixelRepresentation = interpretation, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    for name, value in values.items():
        setattr(data, name, value)
    data.PixelData = pixels
    data["PixelData"].VR = "OB"
    data.save_as(path, enforce_file_format=True)


image("ybr.dcm", bytes([100, 50, 200] * 64), "YBR_FULL", 3, PlanarConfiguration=0)
tables = {}
for colour, value in (("Red", 65535), ("Green", 0), ("Blue", 0)):
    tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
    tables[f"{colour}PaletteColorLookupTableData"] = np.full(256, value, "<u2").tobytes()
image("palette.dcm", bytes(range(64)), "PALETTE COLOR", 1, **tables)
right = dcmread("ybr.dcm").pixel_array[0, 0].tolist()
print("pydicom", right)
assert right == [201, 75, 0]
EOF
mkdir -p green/src
cat > green/Cargo.toml <<'EOF'
[package]
name = "green"
version = "0.0.0"
edition = "2021"
[dependencies]
dicom-object = "=0.10.1"
dicom-pixeldata = { version = "=0.10.1", default-features = false, features = ["image"] }
EOF
cat > green/src/main.rs <<'EOF'
use dicom_pixeldata::PixelDecoder;

fn main() {
    let [ybr, palette] = ["ybr.dcm", "palette.dcm"].map(|path| {
        let object = dicom_object::open_file(path).unwrap();
        object.decode_pixel_data().unwrap().to_dynamic_image(0).unwrap()
    });
    let seen = ybr.to_rgb8().get_pixel(0, 0).0;
    println!("dicom-pixeldata {seen:?}; palette {:?}", palette.color());
    assert_eq!(seen, [201, 22, 0], "the behaviour has changed");
    assert_eq!(format!("{:?}", palette.color()), "L8", "the behaviour has changed");
}
EOF
cargo run --quiet --manifest-path green/Cargo.toml

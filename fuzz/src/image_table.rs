//! Tables of images and annotations: any bytes as the table of a small data directory give a plan or an error that names a
//! line, and no file outside of the directory is read.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use dicomprep::layout::registry::{self, LayoutOptions};
use dicomprep::layout::{self, Reading, Select};
use dicomprep::source::Limits;

use crate::assert_plain;
use crate::dicom::{Builder, EXPLICIT};

/// A folder with two images, a contour and a mask that is none; it stays until the program ends.
fn data() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let image = Builder::image(EXPLICIT, 4, 4).pixels("OW", &[0; 32]).build();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes);
        fs::create_dir(folder.path().join("a"))
            .and_then(|()| write("a/1.dcm", &image))
            .and_then(|()| write("c.txt", b"1 1\n3 1\n3 3\n"))
            .and_then(|()| write("m.png", b"\x89PNG"))
            .expect("files of a temporary folder");
        folder
    });
    folder.path()
}

pub(crate) fn run(bytes: &[u8]) {
    let table = data().join("table.csv");
    fs::write(&table, bytes).expect("a file of a temporary folder");
    let mut options = LayoutOptions::new(data());
    options.table = Some(table);
    let opened = registry::open(&options).expect("the table is there");
    let (limits, cancel) = (Limits::default(), AtomicBool::new(false));
    let reading = Reading { limits: &limits, cancel: &cancel };
    match layout::plan(&*opened, &Select::default(), &reading) {
        Err(error) => assert_plain(&error.to_string()),
        Ok(set) => {
            for sample in set.samples.iter().chain(&set.unlabelled) {
                assert!(!set.image_name(sample).contains(".."), "{}", sample.id);
                assert_eq!(sample.annotations.len(), set.structures().len());
            }
            for row in &set.rejected_rows {
                assert!(row.place.line.is_some(), "{row:?}");
            }
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "image,patient_id,split,contour.lv,mask.wall\na/1.dcm,P,train,c.txt,m.png#1\n",
        "image;mask.x\na;../../etc/passwd#1\n",
        "image,frame,contour.a\na/1.dcm,1,c.txt\na/1.dcm,2,\"c.txt\n",
        "mask.x\n",
        "\u{feff}IMAGE\tcontour.a b\r\n./a/1.dcm\tc.txt\r\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

//! Previews: outlines by their pixels, pages of a bounded size in bounded memory, the same for any threads.
#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/packed.rs"]
mod packed;

use std::alloc::System;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use dicomprep::prep::{Control, Progress};
use dicomprep::report::{Preview, PreviewError, PreviewOptions};
use dicomprep::store::StoreError;
use dicomprep::stream::RowOptions;
use packed::{SHAPE, mask, write_file};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the tests allow a page where its size does not matter.
const ROOM: u64 = 1 << 30;

struct Silence;

impl Progress for Silence {
    fn begin(&self, _stage: &str, _total: usize) {}
    fn advance(&self, _steps: usize) {}
    fn end(&self) {}
}

static NEVER: AtomicBool = AtomicBool::new(false);
const CONTROL: Control<'static> = Control { progress: &Silence, cancel: &NEVER };

fn options(max_samples: usize, threads: usize) -> PreviewOptions {
    PreviewOptions {
        rows: RowOptions::default(),
        max_samples,
        zoom: NonZeroUsize::new(2),
        threads: NonZeroUsize::new(threads).unwrap(),
    }
}

fn page(path: &Path, options: PreviewOptions, max_bytes: u64) -> Result<(Vec<u8>, usize), PreviewError> {
    let mut page = Vec::new();
    let shown = Preview::open(path, options)?.write_page(&mut page, None, max_bytes, CONTROL)?;
    Ok((page, shown.samples))
}

/// Takes everything, and remembers the most bytes that were allocated at any write.
struct Scale {
    live_before: usize,
    most_live: usize,
    bytes: usize,
}

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

impl Write for Scale {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.most_live = self.most_live.max(live_bytes().saturating_sub(self.live_before));
        self.bytes += buffer.len();
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of the page of a file of `rows` rows, and the most memory at any of its writes.
fn cost(folder: &Path, rows: usize) -> [usize; 2] {
    let path = folder.join(format!("{rows}.h5"));
    write_file(&path, rows, 1);
    let mut scale = Scale { live_before: live_bytes(), most_live: 0, bytes: 0 };
    let shown = Preview::open(&path, options(usize::MAX, 2))
        .unwrap()
        .write_page(&mut scale, None, ROOM, CONTROL)
        .unwrap();
    assert_eq!(shown.samples, rows);
    [scale.bytes, scale.most_live]
}

/// The pixels of the mask of `row` with one of the four neighbours outside of it, by another way than the program's.
fn border(row: usize) -> BTreeSet<[usize; 2]> {
    let [rows, columns] = SHAPE;
    let mask = mask(row);
    let inside: BTreeSet<[i64; 2]> = (0..rows * columns)
        .filter(|pixel| mask[*pixel] == 1)
        .map(|pixel| [(pixel / columns) as i64, (pixel % columns) as i64])
        .collect();
    let on_border = |[row, column]: &[i64; 2]| {
        [[-1, 0], [1, 0], [0, -1], [0, 1]].iter().any(|[r, c]| !inside.contains(&[row + r, column + c]))
    };
    inside.iter().filter(|pixel| on_border(pixel)).map(|pixel| pixel.map(|side| side as usize)).collect()
}

/// One test, so that nothing else is counted.
#[test]
fn previews() {
    let folder = tempfile::tempdir().unwrap();
    memory_does_not_grow_with_the_page(folder.path());
    let path = folder.path().join("a.h5");
    write_file(&path, 100, 1);
    pages_do_not_depend_on_threads_and_are_bounded(&path);
    sheets_have_the_border_of_the_mask(&path, &folder.path().join("sheets"));
}

fn memory_does_not_grow_with_the_page(folder: &Path) {
    // Warms up what is allocated once.
    cost(folder, 200);
    // Enough rows for columns of many chunks, of which one is held.
    let [[small_page, small], [large_page, large]] = [4000, 12_000].map(|rows| cost(folder, rows));
    let [page, memory] = [(large_page - small_page) / 8000, large.saturating_sub(small) / 8000];
    // Where its chunks stand, its checksum, its number, and a tally of each ten.
    assert!(page > 400 && memory < 128, "{memory} bytes of memory for each {page} bytes of page");
}

fn pages_do_not_depend_on_threads_and_are_bounded(path: &Path) {
    let (whole, shown) = page(path, options(100, 1), ROOM).unwrap();
    assert_eq!(shown, 100);
    assert!(page(path, options(100, 5), ROOM).unwrap().0 == whole, "threads changed the page");
    let limit = whole.len() as u64 - 5000;
    let (small, shown) = page(path, options(100, 2), limit).unwrap();
    assert!((50..100).contains(&shown) && small.len() as u64 <= limit && small.len() as u64 > limit / 2);
    let text = String::from_utf8(small).unwrap();
    assert!(text.contains(&format!("Showing {shown} of 100 samples")) && text.ends_with("</html>\n"));
    // Ten patients with ten rows each: seven of them once.
    let (seven, shown) = page(path, options(7, 2), ROOM).unwrap();
    let text = String::from_utf8(seven).unwrap();
    let patients: BTreeSet<&str> =
        text.split("\"patient\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!((shown, patients.len()), (7, 7));
    assert!(matches!(page(path, options(7, 2), 100), Err(PreviewError::TooSmall { max_bytes: 100 })));
    let cancelled = Control { progress: &Silence, cancel: &AtomicBool::new(true) };
    let stopped =
        Preview::open(path, options(7, 2)).unwrap().write_page(&mut Vec::new(), None, ROOM, cancelled);
    assert!(matches!(stopped, Err(PreviewError::Interrupted)));
}

fn sheets_have_the_border_of_the_mask(path: &Path, folder: &Path) {
    const OUTLINE: [u8; 3] = [213, 94, 0];
    let preview = Preview::open(path, options(30, 2)).unwrap();
    let shown = preview.write_sheets(folder, false, CONTROL).unwrap();
    assert_eq!((shown.samples, shown.files), (30, 1));
    let again = preview.write_sheets(folder, false, CONTROL);
    assert!(matches!(again, Err(PreviewError::Store(StoreError::Exists(_)))));
    // What an earlier run with more samples left does not stay beside the new sheets.
    std::fs::write(folder.join("sheet-0002.png"), b"old").unwrap();
    std::fs::write(folder.join("notes.png"), b"mine").unwrap();
    preview.write_sheets(folder, true, CONTROL).unwrap();
    assert!(!folder.join("sheet-0002.png").exists() && folder.join("notes.png").exists());

    let file = BufReader::new(File::open(folder.join("sheet-0001.png")).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let width = reader.next_frame(&mut pixels).unwrap().width as usize;
    let rows = chosen_rows(path);
    // Tiles of 16 x 12 pixels at twice their size, three lines of text, gaps of 12 pixels.
    let (across, height) = ((1600 - 12) / (32 + 12), 24 + 3 * 11 + 4);
    for (place, row) in rows.into_iter().enumerate() {
        let [left, top] = [12 + place % across * (32 + 12), 12 + place / across * (height + 12)];
        let mut found = BTreeSet::new();
        for (down, right) in (0..24).flat_map(|down| (0..32).map(move |right| (down, right))) {
            if pixels[((top + down) * width + left + right) * 3..][..3] == OUTLINE {
                found.insert([down / 2, right / 2, down % 2, right % 2]);
            }
        }
        let wanted = border(row).into_iter().flat_map(|[down, right]| {
            [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[lower, later]| [down, right, lower, later])
        });
        assert_eq!(found, wanted.collect(), "row {row}");
    }
}

/// The rows that a preview of thirty shows, in the order of the file: of ten patients three each.
fn chosen_rows(path: &Path) -> Vec<usize> {
    let text = String::from_utf8(page(path, options(30, 1), ROOM).unwrap().0).unwrap();
    let rows = text.split("\"row\":").skip(1).map(|rest| rest.split(',').next().unwrap().parse().unwrap());
    let mut rows: Vec<usize> = rows.collect();
    rows.sort_unstable();
    assert_eq!(rows.len(), 30);
    rows
}

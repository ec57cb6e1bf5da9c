//! What `prep` allocates, reads and writes for each image. The only test of its file, so that no other allocates meanwhile.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

use std::alloc::System;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use dicomprep::assemble::Fit;
use dicomprep::audit::{AuditProfile, CheckLevels, Thresholds};
use dicomprep::layout::{LinkedFolders, Require};
use dicomprep::model::GridShape;
use dicomprep::prep::{
    Control, OnFinding, OnShared, PrepOptions, Progress, ResumeOptions, Splits, Unlabelled, plan, run,
};
use dicomprep::raster::MaskRule;
use dicomprep::source::{Limits, Monochrome1};
use dicomprep::split::SplitSpec;
use dicomprep::store::{Compression, Target};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn advance(&self, _: usize) {}
    fn end(&self) {}
}

/// Copies the images of one patient of the fixtures `times` times, each copy with another last pixel and with contours
/// a little to the side, so that no copy equals another. Returns the number of samples.
fn replicate(times: usize, root: &Path) -> usize {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/final_data");
    let contours = fixtures.join("contourfiles/SYN-HF-I-1/i-contours");
    let (mut link, mut samples) = ("patient_id,original_id\n".to_owned(), 0);
    for copy in 0..times {
        writeln!(link, "P{copy},C{copy}").unwrap();
        let images = root.join(format!("dicoms/P{copy}"));
        let copies = root.join(format!("contourfiles/C{copy}/i-contours"));
        fs::create_dir_all(&images).unwrap();
        fs::create_dir_all(&copies).unwrap();
        for contour in fs::read_dir(&contours).unwrap().map(Result::unwrap) {
            let name = contour.file_name().into_string().unwrap();
            let number: usize = name.split('-').nth(2).unwrap().parse().unwrap();
            let moved =
                fs::read_to_string(contour.path()).unwrap().lines().fold(String::new(), |text, line| {
                    let point: Vec<f64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
                    text + &format!("{:.4} {:.4}\n", point[0] + copy as f64 / 1000.0, point[1])
                });
            fs::write(copies.join(&name), moved).unwrap();
            let mut image = fs::read(fixtures.join(format!("dicoms/SYN0000101/{number}.dcm"))).unwrap();
            let last = image.len() - 2;
            image[last..].copy_from_slice(&(copy as u16).to_le_bytes());
            fs::write(images.join(format!("{number}.dcm")), image).unwrap();
            samples += 1;
        }
    }
    fs::write(root.join("link.csv"), link).unwrap();
    samples
}

/// What a run costs.
struct Cost {
    allocations: usize,
    bytes_allocated: usize,
    /// Calls of the system that read a file, of the plan and the run.
    reads: usize,
    /// Calls that write one.
    writes: usize,
    /// Bytes that these write.
    bytes_written: usize,
    /// Bytes of the output.
    output: usize,
}

impl Cost {
    /// What each of `samples` more costs, by the cost of `self` and of a run with so many `more`.
    fn of_each(&self, more: &Self, samples: usize) -> Self {
        let each = |of: fn(&Self) -> usize| (of(more) - of(self)) / samples;
        Self {
            allocations: each(|cost| cost.allocations),
            bytes_allocated: each(|cost| cost.bytes_allocated),
            reads: each(|cost| cost.reads),
            writes: each(|cost| cost.writes),
            bytes_written: each(|cost| cost.bytes_written),
            output: each(|cost| cost.output),
        }
    }
}

/// The cost of a run on `root`, images brought to `size`.
fn cost(root: &Path, size: GridShape, segment_rows: Option<usize>) -> Cost {
    let cancel = AtomicBool::new(false);
    let control = Control { progress: &Silent, cancel: &cancel };
    let options = PrepOptions {
        structures: None,
        require: Require::Any,
        unlabelled: Unlabelled::Skip,
        mask_rule: Some(MaskRule::Center),
        combine: Default::default(),
        annotation: Default::default(),
        contour_offset: [0.0; 2],
        pixel_type: None,
        size: Some(dicomprep::prep::ImageSize::Fixed(size)),
        fit: Fit::Resize,
        spacing: None,
        padding: Default::default(),
        monochrome1: Monochrome1::Invert,
        color: dicomprep::prep::ColorChoice::Auto,
        splits: Splits::Fractions(SplitSpec::NONE, 0),
        grouping: dicomprep::prep::Grouping::default(),
        on_shared: OnShared::Join,
        compression: Compression::new(4).unwrap(),
        encoder: None,
        pseudonym_key: None,
        shard: None,
        limits: Limits::default(),
        threads: 1,
        on_finding: OnFinding::Keep,
        thresholds: Thresholds::default(),
        profile: AuditProfile::Auto,
        levels: CheckLevels::default(),
        strict: false,
    };
    let layout = LinkedFolders::new(root, None, None, None).unwrap();
    let [reads, writes, bytes_written] = IO.map(io);
    let plan = plan(&layout, options, &control).unwrap();
    let target = Target::claim(&root.join("x.h5"), true).unwrap();
    let region = Region::new(ALLOCATOR);
    let resume = ResumeOptions { segment_rows, ..ResumeOptions::default() };
    let summary = run(&plan, target, &resume, control).unwrap();
    let change = region.change();
    assert!(summary.output.is_some() && summary.rejected.is_empty(), "{summary:?}");
    let now = IO.map(io);
    Cost {
        allocations: change.allocations + change.reallocations,
        bytes_allocated: change.bytes_allocated,
        reads: now[0] - reads,
        writes: now[1] - writes,
        bytes_written: now[2] - bytes_written,
        output: fs::metadata(root.join("x.h5")).unwrap().len() as usize,
    }
}

/// How often this process has read and written, and how many bytes it has written.
const IO: [&str; 3] = ["syscr: ", "syscw: ", "wchar: "];

/// What the system says of this process.
fn io(what: &str) -> usize {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix(what)).unwrap().parse().unwrap()
}

#[test]
fn images_after_the_first_are_made_in_memory_that_is_there() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [few, many] = [8, 24];
    let samples =
        [few, many].into_iter().zip(&folders).map(|(times, folder)| replicate(times, folder.path()));
    let samples: Vec<usize> = samples.collect();
    let more = samples[1] - samples[0];
    let each = |side: usize, segment_rows| {
        let size = GridShape::new(side, side).unwrap();
        let [few, many] = [0, 1].map(|tree: usize| cost(folders[tree].path(), size, segment_rows));
        few.of_each(&many, more)
    };
    let [small, large] = [64, 256].map(|side| each(side, None));
    // Names, the points of a contour, what the audit keeps of it, and the identifiers of each header that is read:
    // nothing that grows with the image.
    for allocations in [small.allocations, large.allocations] {
        assert!(allocations <= 90, "{allocations} allocations an image");
    }
    let bytes = small.bytes_allocated;
    assert!(bytes < 16_000, "{bytes} bytes an image");
    let of_large = large.bytes_allocated;
    assert!(of_large < bytes + 1_000, "{of_large} bytes an image of 16 times the pixels, {bytes} before");

    // The chunks of a row are found by one read, so that a run that is stopped can be continued, and the journal is written and made
    // durable once for several rows.
    let kept = each(256, Some(SEGMENT_ROWS));
    for (cost, reads) in [(&small, 4), (&large, 4), (&kept, 5)] {
        // Who an image is of is told by the same read of its header. Each of header, contour, image and contour again is read
        // by one call, and one more finds the chunks of a row in the output.
        assert!(cost.reads <= reads, "{} reads an image", cost.reads);
        assert!(cost.writes <= 2, "{} writes an image", cost.writes);
    }
    // Everything is written once. A row of the journal has 137 bytes, and each eight rows have 12 more.
    let journal = kept.bytes_written - kept.output;
    assert!(100 * journal <= kept.output, "{journal} bytes of journal beside {} of a row", kept.output);
    assert!(kept.bytes_written - large.bytes_written >= 137, "the journal was written");
}

/// Rows that are kept together: few, so that their share of the journal is largest.
const SEGMENT_ROWS: usize = 8;

//! What `prep` allocates for each image. The only test of its file, so that no other allocates meanwhile.

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

/// Allocations and bytes allocated of a run on `root`, images brought to `size`, and the reads of its plan and the run.
fn cost(root: &Path, size: GridShape) -> [usize; 3] {
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
    let before = reads();
    let plan = plan(&layout, options, &control).unwrap();
    let target = Target::claim(&root.join("x.h5"), true).unwrap();
    let region = Region::new(ALLOCATOR);
    let summary = run(&plan, target, &ResumeOptions::default(), control).unwrap();
    let change = region.change();
    assert!(summary.output.is_some() && summary.rejected.is_empty(), "{summary:?}");
    [change.allocations + change.reallocations, change.bytes_allocated, reads() - before]
}

/// How often this process has read from a file.
fn reads() -> usize {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap().parse().unwrap()
}

#[test]
fn images_after_the_first_are_made_in_memory_that_is_there() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [few, many] = [8, 24];
    let samples =
        [few, many].into_iter().zip(&folders).map(|(times, folder)| replicate(times, folder.path()));
    let samples: Vec<usize> = samples.collect();
    let [small, large] = [64, 256].map(|side| {
        let size = GridShape::new(side, side).unwrap();
        let [few, many] = [0, 1].map(|tree: usize| cost(folders[tree].path(), size));
        let more = samples[1] - samples[0];
        [0, 1, 2].map(|what| (many[what] - few[what]) / more)
    });
    // Names, the points of a contour, what the audit keeps of it, and the identifiers of each header that is read:
    // nothing that grows with the image.
    let [allocations, bytes, reads] = small;
    assert!(allocations <= 90 && large[0] <= 90, "{small:?} {large:?}");
    assert!(bytes < 16_000, "{bytes} bytes an image");
    assert!(large[1] < bytes + 1_000, "{large:?} bytes an image of 16 times the pixels, {small:?} before");
    // Who an image is of is told by the same read of its header. Each of header, contour, image and contour again is read by
    // one call, and two more find the chunks of a row in the output, for the journal.
    assert!(reads <= 6, "{reads} reads an image");
}

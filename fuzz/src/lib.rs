//! Fuzz targets: for any bytes, what must hold. Each target is a plain function that panics where it does not,
//! and the generator of its first inputs, the seeds.
//!
//! - `make fuzz` lets libFuzzer search for inputs that break a target, guided by coverage.
//! - `cargo test` runs each target on its seeds, on pieces of them, and on all that was found before:
//!   `findings/<target>/`. An input that `make fuzz` reports belongs there once its cause is mended.

mod annotations;
mod chunk;
mod contour_text;
mod damaged_file;
#[allow(dead_code, reason = "the tests of the library use more of it")]
#[path = "../../tests/common/dicom.rs"]
mod dicom;
mod dicom_image;
mod frame;
mod image_table;
mod jpeg;
mod label_volume;
mod link_table;
mod mask_image;
mod options;
#[allow(dead_code, reason = "the tests of the library use more of it")]
#[path = "../../tests/common/packed.rs"]
mod packed;
mod patterns;
mod query;
mod rasterize;

/// A fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is also that of its folder of findings.
    pub name: &'static str,
    /// Panics where the bytes show a fault.
    pub run: fn(&[u8]),
    /// Good inputs, and bad ones that are nearly good.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 20] = [
    Target { name: "link_table", run: link_table::run, seeds: link_table::seeds },
    Target { name: "contour_text", run: contour_text::run, seeds: contour_text::seeds },
    Target { name: "dicom_image", run: dicom_image::run, seeds: dicom_image::seeds },
    Target { name: "rasterize", run: rasterize::run, seeds: rasterize::seeds },
    Target { name: "chunk", run: chunk::run, seeds: chunk::seeds },
    Target { name: "damaged_file", run: damaged_file::run, seeds: damaged_file::seeds },
    Target { name: "rtstruct", run: annotations::run_rtstruct, seeds: annotations::rtstruct_seeds },
    Target { name: "segmentation", run: annotations::run_seg, seeds: annotations::seg_seeds },
    Target { name: "mask_image", run: mask_image::run, seeds: mask_image::seeds },
    Target { name: "label_volume", run: label_volume::run, seeds: label_volume::seeds },
    Target { name: "jpeg", run: jpeg::run_jpeg, seeds: jpeg::jpeg_seeds },
    Target { name: "jpeg_ls", run: jpeg::run_jpeg_ls, seeds: jpeg::jpeg_ls_seeds },
    Target { name: "jpeg_2000", run: frame::run_jpeg_2000, seeds: frame::jpeg_2000_seeds },
    Target { name: "jpeg_xl", run: frame::run_jpeg_xl, seeds: frame::jpeg_xl_seeds },
    Target { name: "rle", run: frame::run_rle, seeds: frame::rle_seeds },
    Target { name: "deflated", run: frame::run_deflated, seeds: frame::deflated_seeds },
    Target { name: "image_table", run: image_table::run, seeds: image_table::seeds },
    Target { name: "patterns", run: patterns::run, seeds: patterns::seeds },
    Target { name: "query", run: query::run, seeds: query::seeds },
    Target { name: "options", run: options::run, seeds: options::seeds },
];

impl Target {
    /// The target with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const { &TARGETS }.iter().find(|target| target.name == name)
    }
}

/// Lets decoders of other crates panic without a word: the library catches that, and takes it for a damaged
/// image. A panic anywhere else is printed, and ends the program at once.
pub fn let_decoders_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", std::panic::Location::file);
        if !place.contains("/registry/src/") {
            report(panic);
        }
    }));
}

/// Fails where a message would let a file speak to a terminal.
fn assert_plain(message: &str) {
    assert!(!message.contains(char::is_control), "a control character in {message:?}");
}

/// A small generator of numbers for seeds: the same everywhere (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 56) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn findings(target: &Target) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(target.name);
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        entries.map(|entry| fs::read(entry.expect("a file").path()).expect("it can be read")).collect()
    }

    #[test]
    fn seeds_their_pieces_and_past_findings_pass() {
        for target in &TARGETS {
            let mut numbers = Numbers(1);
            let seeds = (target.seeds)();
            assert!(seeds.len() >= 3, "{}", target.name);
            for seed in seeds {
                (target.run)(&seed);
                (target.run)(&seed[..numbers.next() as usize % (seed.len() + 1)]);
                let mut changed = seed;
                let at = numbers.next() as usize % changed.len().max(1);
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << (numbers.next() % 8);
                }
                (target.run)(&changed);
            }
            for finding in findings(target) {
                (target.run)(&finding);
            }
        }
    }

    #[test]
    fn every_folder_of_findings_belongs_to_a_target() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("findings")).expect("the folder")
        {
            let name = entry.expect("an entry").file_name();
            let name = name.to_str().expect("a name in ASCII");
            assert!(Target::named(name).is_some(), "there is no target {name}");
        }
    }
}

//! libFuzzer on the target that `FUZZ_TARGET` names. `FUZZ_SEEDS` names a folder to write its seeds to first.
//! `make fuzz` runs it.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use dicomprep_fuzz::Target;

static TARGET: OnceLock<&Target> = OnceLock::new();

fn start() {
    dicomprep_fuzz::let_decoders_panic();
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = Target::named(&name).unwrap_or_else(|| panic!("there is no target {name}"));
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(Path::new(&folder).join(format!("seed-{number:03}")), seed)
                .expect("the folder of the seeds can be written");
        }
    }
    TARGET.set(target).unwrap_or_else(|_| panic!("a fuzzer starts once"));
}

libfuzzer_sys::fuzz_target!(init: start(), |bytes: &[u8]| {
    (TARGET.get().expect("a fuzzer starts first").run)(bytes);
});

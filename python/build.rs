//! Hides the symbols of linked libraries, HDF5's and OpenJPEG's among them, so that the module exports its init function
//! alone: with other symbols visible, h5py in the same process could call this HDF5 or be called by it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    }
}

//! The `dicomprep` command.

fn main() {}

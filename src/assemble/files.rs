//! Reads input files, bounded, and says of those that cannot be read why.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::num::NonZeroU64;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{Advice, fadvise};

use super::file_mark::{FileMark, HEADER_BYTES};
use crate::files::{Catalog, Roots};
use crate::layout::SampleSet;
use crate::model::{FileId, Place, Reason, Sample, Skipped};
use crate::source::{DicomError, ImageHeader, Limits, parse_header};

/// Reads all bytes of a planned sample's image into `bytes`, memory that is used again.
///
/// # Errors
/// Where it cannot be read, or has more bytes than `limits` allow.
pub fn read_image(plan: &SampleSet, sample: &Sample, limits: &Limits, bytes: &mut Vec<u8>) -> io::Result<()> {
    read_file(
        plan.catalog.roots(),
        &plan.image_path(sample),
        limits.max_image_bytes,
        "; see --max-image-bytes",
        bytes,
    )
}

/// An image file whose first bytes were asked for.
#[derive(Debug)]
pub struct FetchedHeader {
    file: File,
    length: u64,
}

/// Asks the system to fetch the first bytes of a planned sample's image, as many as [`read_header`] reads first,
/// before it waits for them: of a tree that is not in memory, many are on their way at once. `None` where the file
/// cannot be opened at the moment.
pub fn fetch_header(plan: &SampleSet, sample: &Sample) -> Option<FetchedHeader> {
    let (file, length) = open_once(plan.catalog.roots(), &plan.image_path(sample)).ok()?;
    // A fetch that fails is reported when the file is read.
    let _ = fadvise(&file, 0, NonZeroU64::new(HEADER_BYTES as u64), Advice::WillNeed);
    Some(FetchedHeader { file, length })
}

/// Reads just the header of the file of a planned sample's image, which may have been `fetched`, and the mark of the file.
/// See [`header_of`] for that of the sample's frame.
///
/// # Errors
/// Why the image cannot be used.
pub fn read_header(
    plan: &SampleSet,
    sample: &Sample,
    fetched: Option<FetchedHeader>,
    limits: &Limits,
    bytes: &mut Vec<u8>,
) -> Result<(ImageHeader, FileMark), Skipped> {
    let name = plan.image_name(sample);
    let failed = |error: io::Error| unreadable(&name, Reason::ImageUnreadable, &error);
    let (file, length) = match fetched {
        Some(FetchedHeader { file, length }) => (file, length),
        None => open(plan.catalog.roots(), &plan.image_path(sample)).map_err(failed)?,
    };
    read_first(&file, HEADER_BYTES, bytes).map_err(failed)?;
    let parse = |bytes: &[u8]| parse_header(&name, bytes, length, limits).map_err(|e| dicom_skipped(&e));
    let mark = FileMark::of(length, bytes);
    if let Some(header) = parse(bytes)? {
        return Ok((header, mark));
    }
    loop {
        let at = bytes.len();
        let more = (3 * at as u64).min(limits.max_image_bytes.saturating_sub(at as u64));
        (&file).take(more).read_to_end(bytes).map_err(failed)?;
        if let Some(header) = parse(bytes)? {
            return Ok((header, mark));
        }
        if bytes.len() == at {
            let cut = "the file ends early";
            return Err(Skipped::new(Place::file(name.as_str()), Reason::ImageUnreadable, cut));
        }
    }
}

/// The header of a sample's frame, out of that of its file.
///
/// # Errors
/// Where the file has no such frame, or several while none is chosen.
pub fn header_of<'h>(
    plan: &SampleSet,
    sample: &Sample,
    header: &'h ImageHeader,
) -> Result<Cow<'h, ImageHeader>, Skipped> {
    let frame = sample.image.frame;
    header.check_frame(&plan.image_name(sample), frame).map_err(|error| dicom_skipped(&error))?;
    let of_frame = if header.frames == 1 { None } else { header.of_frame(frame) };
    Ok(of_frame.map_or(Cow::Borrowed(header), Cow::Owned))
}

/// Opens a file for reading, and says how many bytes it has. Pipes and devices are refused, and not waited for.
///
/// Where too many files are open, waits for others to be closed: that a good file cannot be opened for a
/// moment is no reason to leave it out.
pub(super) fn open(roots: &Roots, path: &Path) -> io::Result<(File, u64)> {
    let mut opened = open_once(roots, path);
    for _ in 0..OPEN_TRIES {
        match &opened {
            Err(error) if TOO_MANY_OPEN.map(Some).contains(&error.raw_os_error()) => thread::sleep(OPEN_WAIT),
            _ => break,
        }
        opened = open_once(roots, path);
    }
    opened
}

fn open_once(roots: &Roots, path: &Path) -> io::Result<(File, u64)> {
    let file = roots.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(io::Error::other("it is not a file")) }
}

/// ENFILE and EMFILE, on Linux and elsewhere (POSIX names them, not their numbers).
const TOO_MANY_OPEN: [i32; 2] = [23, 24];
const OPEN_TRIES: u32 = 1000;
const OPEN_WAIT: Duration = Duration::from_millis(5);

/// Reads a whole file of at most `limit` bytes into `bytes`. `raise` says how the limit is raised.
pub(super) fn read_file(
    roots: &Roots,
    path: &Path,
    limit: u64,
    raise: &str,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    let (file, length) = open(roots, path)?;
    let too_long = || io::Error::other(format!("it has {length} bytes, and the limit is {limit}{raise}"));
    if length > limit {
        return Err(too_long());
    }
    // One byte more than the file has, so that its end is seen.
    let expected = usize::try_from(length).map_err(|_| too_long())? + 1;
    read_first(&file, expected, bytes)?;
    if bytes.len() == expected {
        // It has grown since.
        (&file).take(limit.saturating_add(1).saturating_sub(expected as u64)).read_to_end(bytes)?;
    }
    if bytes.len() as u64 > limit { Err(too_long()) } else { Ok(()) }
}

/// The mark of a file of `catalog` as it is now.
///
/// # Errors
/// Where it cannot be opened or read.
pub fn read_mark(catalog: &Catalog, file: FileId) -> io::Result<FileMark> {
    let (opened, bytes) = open(catalog.roots(), &catalog.path(file))?;
    let mut start = Vec::new();
    read_first(&opened, HEADER_BYTES, &mut start)?;
    Ok(FileMark::of(bytes, &start))
}

/// Reads the first `count` bytes of a file, or all it has, into `bytes`, whatever these hold. Asks for all at once:
/// [`Read::read_to_end`] begins with small reads where a limit stands before it.
pub(super) fn read_first(mut file: &File, count: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(count, 0);
    let mut filled = 0;
    while filled < count {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(())
}

pub(super) fn unreadable(name: &str, reason: Reason, error: &io::Error) -> Skipped {
    Skipped::new(Place::file(name), reason, format!("the file cannot be read: {error}"))
}

pub(super) fn dicom_skipped(error: &DicomError) -> Skipped {
    Skipped::new((*error.place).clone(), error.reason(), error.fault.to_string())
}

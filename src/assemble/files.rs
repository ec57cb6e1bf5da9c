//! Reads input files, bounded, and says of those that cannot be read why.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::num::NonZeroU64;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};

use super::file_mark::{FileMark, HEADER_BYTES};
#[cfg(test)]
use super::slow_disk;
use crate::files::{Catalog, Roots};
use crate::layout::SampleSet;
use crate::model::{FileId, Place, Reason, Sample, Skipped};
use crate::source::{DicomError, ImageHeader, Limits, MAX_CONTOUR_BYTES, parse_header};

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

/// Bytes of an image that are asked for before it is read: of a file of many frames, not all.
const MOST_FETCHED: u64 = 8 << 20;

/// Asks the system to fetch the image of a planned sample into memory, and does not wait for it.
pub fn fetch_image(plan: &SampleSet, sample: &Sample) {
    fetch(&plan.catalog, sample.image.file, MOST_FETCHED);
}

/// As [`fetch_image`], for as much of it as [`read_header`] reads first.
pub fn fetch_header(plan: &SampleSet, sample: &Sample) {
    fetch(&plan.catalog, sample.image.file, HEADER_BYTES as u64);
}

/// As [`fetch_image`], for the files of the contours of `sample`.
pub fn fetch_contours(plan: &SampleSet, sample: &Sample) {
    sample.references().for_each(|(_, one)| fetch(&plan.catalog, one.file, MAX_CONTOUR_BYTES as u64));
}

fn fetch(catalog: &Catalog, file: FileId, bytes: u64) {
    // What cannot be opened or fetched is reported when it is read.
    if let Ok((file, length)) = open_once(catalog.roots(), &catalog.path(file)) {
        let _ = fadvise(&file, 0, NonZeroU64::new(length.min(bytes)), Advice::WillNeed);
        #[cfg(test)]
        slow_disk::fetch(&file);
    }
}

/// Reads just the header of the file of a planned sample's image, and the mark of the file. See [`header_of`] for that of
/// the sample's frame.
///
/// # Errors
/// Why the image cannot be used.
pub fn read_header(
    plan: &SampleSet,
    sample: &Sample,
    limits: &Limits,
    bytes: &mut Vec<u8>,
) -> Result<(ImageHeader, FileMark), Skipped> {
    let name = plan.image_name(sample);
    let failed = |error: io::Error| unreadable(&name, Reason::ImageUnreadable, &error);
    let roots = plan.catalog.roots();
    let (file, length) = open(roots, &plan.image_path(sample)).map_err(failed)?;
    read_first(roots, &file, length, HEADER_BYTES, bytes).map_err(failed)?;
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
    read_first(roots, &file, length, expected, bytes)?;
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
    read_first(catalog.roots(), &opened, bytes, HEADER_BYTES, &mut start)?;
    Ok(FileMark::of(bytes, &start))
}

/// Reads the first `count` bytes of a file of `length` bytes, or all it has, into `bytes`, whatever these hold, and notes in
/// `roots` if it had to wait. Asks for all at once: [`Read::read_to_end`] begins with small reads where a limit stands
/// before it.
pub(super) fn read_first(
    roots: &Roots,
    mut file: &File,
    length: u64,
    count: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    bytes.resize(count, 0);
    let at_once = read_now(roots, file, bytes)?;
    let start = Instant::now();
    let mut filled = at_once.unwrap_or(0);
    #[cfg(test)]
    slow_disk::wait(file);
    while filled < count && filled as u64 != length {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    let in_memory = at_once.is_some_and(|read| read == filled);
    roots.note_read(!in_memory && start.elapsed() > NO_WAIT);
    Ok(())
}

/// What takes no longer was not waited for.
const NO_WAIT: Duration = Duration::from_micros(150);

/// Reads what of a file is in memory; `None` where that is nothing, or where the system cannot tell.
#[cfg(target_os = "linux")]
fn read_now(roots: &Roots, file: &File, bytes: &mut [u8]) -> io::Result<Option<usize>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    #[cfg(test)]
    if !slow_disk::has_read(file) {
        return Ok(None);
    }
    if !roots.tell_what_is_in_memory() {
        return Ok(None);
    }
    // From where the file stands, as `read` does.
    match preadv2(file, &mut [io::IoSliceMut::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT) {
        Ok(read) => Ok(Some(read)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        // The file system or the kernel knows no such call.
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::PERM) => {
            roots.note_no_telling();
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn read_now(_: &Roots, _: &File, _: &mut [u8]) -> io::Result<Option<usize>> {
    Ok(None)
}

pub(super) fn unreadable(name: &str, reason: Reason, error: &io::Error) -> Skipped {
    Skipped::new(Place::file(name), reason, format!("the file cannot be read: {error}"))
}

pub(super) fn dicom_skipped(error: &DicomError) -> Skipped {
    Skipped::new((*error.place).clone(), error.reason(), error.fault.to_string())
}

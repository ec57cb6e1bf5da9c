//! Reads object headers without the HDF5 library, to find the global heap collections that the library will read.
//!
//! HDF5 File Format Specification 3.0: II.A (superblock), IV.A.1.b (object header, version 2), IV.A.2 (messages).

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::bytes::Bytes;

/// Objects of a file above which its headers are not followed; files of ours have some thirty.
const MOST_OBJECTS: usize = 1024;
/// Bytes of one block of a header above which it is not followed; attributes in it have at most 64 KiB each.
const LARGEST_BLOCK: u64 = 8 << 20;
/// The address that stands for none.
const UNDEFINED: u64 = u64::MAX;

const LINK_INFO: u8 = 0x02;
const LINK: u8 = 0x06;
const LAYOUT: u8 = 0x08;
const ATTRIBUTE: u8 = 0x0c;
const CONTINUATION: u8 = 0x10;
const ATTRIBUTE_INFO: u8 = 0x15;

/// The collections that the headers of all objects refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HeapReferences {
    /// The addresses of the collections.
    pub(super) collections: BTreeSet<u64>,
    /// True if some object keeps attributes outside of its header, which may refer to other collections.
    pub(super) has_dense_attributes: bool,
    /// The name of a link that leads to another file, if there is one.
    pub(super) external_link: Option<String>,
}

/// The references of all objects that hard links lead to, from the root on; `None` where the file is built in a way
/// that is not followed here: by an older form of the format, or damaged.
///
/// # Errors
/// Those of reading the file.
pub(super) fn heap_references(file: &File) -> io::Result<Option<HeapReferences>> {
    let Some(root) = root_address(file)? else { return Ok(None) };
    let bytes = file.metadata()?.len();
    let mut walk = Walk { file, bytes, found: HeapReferences::default(), waiting: vec![root] };
    let mut seen = BTreeSet::new();
    while let Some(address) = walk.waiting.pop() {
        if !seen.insert(address) {
            continue;
        }
        if seen.len() > MOST_OBJECTS || walk.object(address)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(walk.found))
}

/// Address of the header of the root group, in a superblock of version 2 or 3 with addresses of 8 bytes.
fn root_address(file: &File) -> io::Result<Option<u64>> {
    let mut superblock = [0; 48];
    if file.metadata()?.len() < superblock.len() as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut superblock, 0)?;
    let mut bytes = Bytes::new(&superblock[8..]);
    let known = (|| {
        let (version, offsets, lengths, _flags) = (bytes.u8()?, bytes.u8()?, bytes.u8()?, bytes.u8()?);
        let (base, _extension, _end, root) = (bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?);
        (matches!(version, 2 | 3) && [offsets, lengths] == [8, 8] && base == 0).then_some(root)
    })();
    Ok(known)
}

struct Walk<'f> {
    file: &'f File,
    /// The size of the file.
    bytes: u64,
    found: HeapReferences,
    /// Objects that a link leads to.
    waiting: Vec<u64>,
}

/// A block of messages: the first of a header, or one that continues it.
struct Block {
    address: u64,
    length: u64,
}

impl Walk<'_> {
    /// Follows the header at `address`; `None` where it cannot be followed.
    fn object(&mut self, address: u64) -> io::Result<Option<()>> {
        // Signature, version, flags, times and phase change are at most 26 bytes, the size of the first block 8.
        let Some(start) = self.read(address, 34.min(self.bytes.saturating_sub(address)))? else {
            return Ok(None);
        };
        let Some((first, has_order)) = header_start(&start, address) else { return Ok(None) };
        let mut blocks = vec![first];
        let mut seen = BTreeSet::new();
        while let Some(Block { address, length }) = blocks.pop() {
            if !seen.insert(address) || seen.len() > MOST_OBJECTS {
                return Ok(None);
            }
            let Some(messages) = self.read(address, length)? else { return Ok(None) };
            if self.messages(&messages, has_order, &mut blocks).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn read(&self, address: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        let end = address.checked_add(length);
        if length > LARGEST_BLOCK || end.is_none_or(|end| end > self.bytes) {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, address)?;
        Ok(Some(bytes))
    }

    fn messages(&mut self, bytes: &[u8], has_order: bool, blocks: &mut Vec<Block>) -> Option<()> {
        let mut bytes = Bytes::new(bytes);
        let head = if has_order { 6 } else { 4 };
        // What is shorter than the head of a message is a gap.
        while bytes.left() >= head {
            let (kind, size, flags) = (bytes.u8()?, bytes.u16()?, bytes.u8()?);
            bytes.skip(head - 4)?;
            let data = bytes.take(size.into())?;
            let is_shared = flags & 0b10 != 0;
            match kind {
                LINK_INFO if dense_address(data, 8)? != UNDEFINED => return None,
                ATTRIBUTE_INFO => self.found.has_dense_attributes |= dense_address(data, 2)? != UNDEFINED,
                LINK => match link(data)? {
                    Link::Hard(address) => self.waiting.push(address),
                    Link::Soft => {}
                    Link::External(name) => self.found.external_link = Some(name),
                },
                LAYOUT => self.found.collections.extend(virtual_layout(data)?),
                ATTRIBUTE if is_shared => return None,
                ATTRIBUTE => self.attribute(data)?,
                CONTINUATION => blocks.push(continuation(data)?),
                _ => {}
            }
        }
        Some(())
    }

    /// The references of an attribute whose elements have variable lengths.
    fn attribute(&mut self, data: &[u8]) -> Option<()> {
        let mut bytes = Bytes::new(data);
        let (version, flags) = (bytes.u8()?, bytes.u8()?);
        let sizes = [bytes.u16()?, bytes.u16()?, bytes.u16()?];
        if version == 3 {
            bytes.skip(1)?;
        }
        // Version 1 pads the name, the type and the dataspace to 8 bytes each. A type may be one that is named.
        let padded = |size: u16| usize::from(size).next_multiple_of(if version == 1 { 8 } else { 1 });
        let [name, datatype, dataspace] = sizes.map(padded);
        bytes.skip(name)?;
        let class = *bytes.take(datatype)?.first()? & 0x0f;
        bytes.skip(dataspace)?;
        const VARIABLE_LENGTH: u8 = 9;
        match (version, flags) {
            (1..=3, 0) if class == VARIABLE_LENGTH => {
                while bytes.left() >= 16 {
                    let (_length, address, _index) = (bytes.u32()?, bytes.u64()?, bytes.u32()?);
                    self.found.collections.extend(defined(address));
                }
                Some(())
            }
            (1..=3, 0) => Some(()),
            _ => None,
        }
    }
}

/// The first block of a header that begins with `bytes` at `address`, and whether its messages have a creation order.
fn header_start(bytes: &[u8], address: u64) -> Option<(Block, bool)> {
    let mut start = Bytes::new(bytes);
    if start.take(5)? != b"OHDR\x02" {
        return None;
    }
    let flags = start.u8()?;
    start.skip(if flags & 0x20 != 0 { 16 } else { 0 })?;
    start.skip(if flags & 0x10 != 0 { 4 } else { 0 })?;
    let length = start.number(1 << (flags & 3))?;
    let at = address + (bytes.len() - start.left()) as u64;
    Some((Block { address: at, length }, flags & 4 != 0))
}

/// The messages of a block that continues a header: without its signature and its checksum.
fn continuation(data: &[u8]) -> Option<Block> {
    let mut bytes = Bytes::new(data);
    let (address, length) = (bytes.u64()?, bytes.u64()?);
    Some(Block { address: address.checked_add(4)?, length: length.checked_sub(8)? })
}

/// The address of the heap of links or attributes that stand outside of a header; `order_bytes` is the size of the
/// largest creation order, which flag 1 announces.
fn dense_address(data: &[u8], order_bytes: usize) -> Option<u64> {
    let mut bytes = Bytes::new(data);
    let (_version, flags) = (bytes.u8()?, bytes.u8()?);
    bytes.skip(if flags & 1 != 0 { order_bytes } else { 0 })?;
    bytes.u64()
}

/// Target of a link.
enum Link {
    /// To the object at this address.
    Hard(u64),
    /// To an object of the same file, by its path.
    Soft,
    /// To another file; the name of the link.
    External(String),
}

fn link(data: &[u8]) -> Option<Link> {
    let mut bytes = Bytes::new(data);
    let (_version, flags) = (bytes.u8()?, bytes.u8()?);
    let kind = if flags & 0x08 != 0 { bytes.u8()? } else { 0 };
    bytes.skip(if flags & 0x04 != 0 { 8 } else { 0 })?;
    bytes.skip(if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = bytes.number(1 << (flags & 3))?;
    let name = bytes.take(usize::try_from(length).ok()?)?;
    Some(match kind {
        0 => Link::Hard(bytes.u64()?),
        1 => Link::Soft,
        _ => Link::External(String::from_utf8_lossy(name).into_owned()),
    })
}

/// The collection that lists the sources of a virtual dataset, none where the layout is another one.
fn virtual_layout(data: &[u8]) -> Option<Option<u64>> {
    const VIRTUAL: u8 = 3;
    let mut bytes = Bytes::new(data);
    let (version, class) = (bytes.u8()?, bytes.u8()?);
    match (version, class) {
        (3.., VIRTUAL) => Some(defined(bytes.u64()?)),
        _ => Some(None),
    }
}

fn defined(address: u64) -> Option<u64> {
    (address != 0 && address != UNDEFINED).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::attributes;
    use super::super::writer::create_file;
    use super::*;

    fn references(write: impl FnOnce(&hdf5::File)) -> (Option<HeapReferences>, Vec<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = create_file(&path).unwrap();
        write(&hdf5);
        hdf5.close().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let heaps = bytes.windows(4).enumerate().filter(|(_, word)| word == b"GCOL");
        let heaps = heaps.map(|(at, _)| at as u64).collect();
        (heap_references(&File::open(&path).unwrap()).unwrap(), heaps)
    }

    #[test]
    fn texts_of_the_root_of_groups_and_of_datasets_are_found() {
        let (found, heaps) = references(|file| {
            attributes::write_text(file, "a", &"x".repeat(3000)).unwrap();
            let group = file.create_group("g").unwrap();
            attributes::write_texts(&group, "b", ["y", &"z".repeat(3000)]).unwrap();
            attributes::write_number(&group, "n", 1u8).unwrap();
            let dataset = group.new_dataset::<u8>().shape(3).create("d").unwrap();
            attributes::write_text(&dataset, "c", &"x".repeat(3000)).unwrap();
        });
        let found = found.unwrap();
        assert!(!heaps.is_empty() && !found.has_dense_attributes, "{heaps:?}");
        assert_eq!(found.collections.into_iter().collect::<Vec<_>>(), heaps);
    }

    #[test]
    fn attributes_outside_of_a_header_are_announced() {
        let texts: Vec<String> = (0..20_000).map(|number| format!("{number}")).collect();
        let (found, _) = references(|file| {
            attributes::write_texts(file, "a", texts.iter().map(String::as_str)).unwrap();
        });
        assert!(found.unwrap().has_dense_attributes);
    }

    #[test]
    fn other_files_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(heap_references(&File::open(&path).unwrap()).unwrap(), None);
        std::fs::write(&path, b"\x89HDF\r\n\x1a\n").unwrap();
        assert_eq!(heap_references(&File::open(&path).unwrap()).unwrap(), None);
    }
}

//! A walk over the elements of a data set (PS3.5 chapter 7), borrowing values out of the bytes.
//!
//! The readers of `dicom-parser` are not used for this. They cannot tell a file that is cut from bytes
//! that are only the beginning of a file; they take an end inside an item for the end of the data set;
//! a stray item delimiter followed by an item makes the lazy one panic; and each value costs a copy.
//! This walk keeps its own stack, so that nesting costs no call stack, and allocates nothing but that.

use super::attribute::{Attribute, tag};
use super::error::{DicomFault, Located};
use super::vr::{has_long_form, is_vr};

/// Sequences nested deeper than this are refused. Real files stay below ten.
const MAX_DEPTH: usize = 64;

const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
const UNDEFINED: u32 = 0xFFFF_FFFF;

/// Encoding of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) struct Syntax {
    pub(super) explicit: bool,
    pub(in crate::source) big_endian: bool,
}

impl Syntax {
    pub(super) const IMPLICIT_LITTLE: Self = Self { explicit: false, big_endian: false };
    pub(super) const EXPLICIT_LITTLE: Self = Self { explicit: true, big_endian: false };
    pub(super) const EXPLICIT_BIG: Self = Self { explicit: true, big_endian: true };

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    pub(super) fn f64(self, bytes: [u8; 8]) -> f64 {
        if self.big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) }
    }

    /// A tag: two 16-bit numbers, group first in either byte order.
    fn tag(self, bytes: [u8; 4]) -> u32 {
        let [a, b, c, d] = bytes;
        u32::from(self.u16([a, b])) << 16 | u32::from(self.u16([c, d]))
    }
}

/// One element whose value has a defined length, or Pixel Data of any length.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct DataElement {
    pub(super) tag: u32,
    /// The value representation; zeros where it is not written.
    pub(in crate::source) vr: [u8; 2],
    /// Start of its value.
    pub(in crate::source) start: usize,
    /// End of its value; `None` for Pixel Data in fragments.
    pub(in crate::source) end: Option<usize>,
    /// Its encoding.
    pub(in crate::source) syntax: Syntax,
}

/// Element or end that the walk has reached.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    DataElement(DataElement),
    /// The bytes at hand end here, and the file is longer.
    NeedsMore,
    /// The data set is over.
    End,
}

/// An open sequence or item.
#[derive(Debug)]
struct Level {
    /// The sequence's tag, also for its items.
    tag: u32,
    is_item: bool,
    /// Of a sequence, the number of its items so far; of an item, its index from 0.
    items: usize,
    end: Option<usize>,
    /// State to restore after it.
    outer: Syntax,
}

/// The walk itself. `bytes` may be the beginning of a file of `total` bytes.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    total: usize,
    at: usize,
    syntax: Syntax,
    levels: Vec<Level>,
    has_unknown_vr: bool,
    is_entered: fn(u32) -> bool,
}

/// A header of an element, item or delimiter.
struct Header {
    tag: u32,
    vr: [u8; 2],
    length: u32,
    value: usize,
    unknown_vr: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], total: usize, at: usize, syntax: Syntax) -> Self {
        let total = total.max(bytes.len());
        let (levels, is_entered) = (Vec::new(), may_hold_header as fn(u32) -> bool);
        Self { bytes, total, at, syntax, levels, has_unknown_vr: false, is_entered }
    }

    /// The same walk, which enters the sequences that `is_entered` names, and those of undefined length.
    pub(super) fn entering(mut self, is_entered: fn(u32) -> bool) -> Self {
        self.is_entered = is_entered;
        self
    }

    /// The bytes from `start` to `end`, or `None` where they are not at hand.
    pub(super) fn value(&self, start: usize, end: usize) -> Option<&'a [u8]> {
        self.bytes.get(start..end)
    }

    /// Start of the next element.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// True if an element had a value representation that is not known.
    pub(super) fn has_unknown_vr(&self) -> bool {
        self.has_unknown_vr
    }

    /// The index, from 0, of the item that holds the current element in the outermost sequence.
    pub(super) fn outer_item(&self) -> usize {
        self.levels.get(1).map_or(0, |item| item.items)
    }

    /// The tags of the sequences that hold the current element, the innermost first.
    pub(super) fn parents(&self) -> impl Iterator<Item = u32> + '_ {
        self.levels.iter().rev().filter(|level| level.is_item).map(|level| level.tag)
    }

    /// The sequences that hold the current element, the outermost first: the tag of each, and the index of its item.
    pub(super) fn path(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        self.levels.iter().filter(|level| level.is_item).map(|level| (level.tag, level.items))
    }

    /// Goes on to the next element of a defined length. Sequences are passed over, but for those that can
    /// hold an attribute that is read: these are entered.
    pub(super) fn next(&mut self) -> Result<Step, Located> {
        loop {
            self.close_full_levels();
            if self.at >= self.total {
                return self.at_end();
            }
            let Some(header) = self.header() else {
                return if self.bytes.len() < self.total { Ok(Step::NeedsMore) } else { self.at_end() };
            };
            self.has_unknown_vr |= header.unknown_vr;
            if header.tag >> 16 == 0xFFFE {
                self.structure(&header)?;
            } else if self.levels.last().is_some_and(|level| !level.is_item) {
                return Err(DicomFault::NotAnItem { at: self.at }.at(Attribute::from_tag(header.tag)));
            } else if self.has_fragments(&header) {
                match self.fragments_end(&header)? {
                    Some(end) => self.at = end,
                    None => return Ok(Step::NeedsMore),
                }
            } else if let Some(element) = self.element(&header)? {
                return Ok(Step::DataElement(element));
            }
        }
    }

    fn close_full_levels(&mut self) {
        while let Some(level) = self.levels.pop_if(|level| level.end.is_some_and(|end| self.at >= end)) {
            self.syntax = level.outer;
        }
    }

    /// The file is over: well, where nothing is open and no header was begun.
    fn at_end(&self) -> Result<Step, Located> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if self.levels.is_empty() && rest.iter().all(|&byte| byte == 0) {
            return Ok(Step::End);
        }
        Err(DicomFault::Cut { at: self.total }.into())
    }

    /// The header at the current position, or `None` where its bytes are not all there.
    fn header(&self) -> Option<Header> {
        let rest = self.bytes.get(self.at..)?;
        let (&[t0, t1, t2, t3, a, b, c, d], rest) = rest.split_first_chunk::<8>()?;
        let tag = self.syntax.tag([t0, t1, t2, t3]);
        let value = self.at + 8;
        let unknown_vr = self.syntax.explicit && tag >> 16 != 0xFFFE && !is_vr([a, b]);
        let implicit = Header { tag, vr: [0; 2], length: self.syntax.u32([a, b, c, d]), value, unknown_vr };
        if !self.syntax.explicit || tag >> 16 == 0xFFFE {
            return Some(implicit);
        }
        let length = self.syntax.u16([c, d]).into();
        let short = Header { tag, vr: [a, b], length, value, unknown_vr };
        if is_vr([a, b]) && !has_long_form([a, b]) {
            return Some(short);
        }
        let length = self.syntax.u32(*rest.first_chunk::<4>()?);
        let long = Header { tag, vr: [a, b], length, value: value + 4, unknown_vr };
        if is_vr([a, b]) { Some(long) } else { self.header_of_unknown_vr([implicit, short, long]) }
    }

    /// The form of an element whose VR is not known, by what follows it: with a 16-bit length as old writers of `--` and
    /// `??` have it, with a 32-bit length as all VRs of later editions have (PS3.5 6.2), or without VR, as some files
    /// write single elements in an explicit data set. `None` where the bytes to tell are not at hand.
    fn header_of_unknown_vr(&self, [implicit, short, long]: [Header; 3]) -> Option<Header> {
        let printable = short.vr.iter().all(|byte| (b' '..=b'~').contains(byte));
        let upper = short.vr.iter().all(u8::is_ascii_uppercase);
        let limit = self.levels.last().and_then(|level| level.end).unwrap_or(self.total);
        let too_long = implicit.length != UNDEFINED && implicit.value + implicit.length as usize > limit;
        if !printable && !too_long {
            return Some(implicit);
        }
        if self.is_followed_well(&short)? {
            return Some(short);
        }
        if self.is_followed_well(&long)? {
            return Some(long);
        }
        Some(if upper { short } else { implicit })
    }

    /// True if an element of defined length is followed by the end of what holds it, or by an element that can follow
    /// it; `None` where the bytes to tell are not at hand.
    fn is_followed_well(&self, header: &Header) -> Option<bool> {
        let limit = self.levels.last().and_then(|level| level.end).unwrap_or(self.total);
        let end = header.value.saturating_add(header.length as usize);
        if header.length == UNDEFINED || end > limit || (end < limit && end + 8 > self.total) {
            return Some(false);
        }
        if end == limit {
            return Some(true);
        }
        let &[t0, t1, t2, t3, a, b, ..] = self.bytes.get(end..end + 8)? else {
            return Some(false);
        };
        let tag = self.syntax.tag([t0, t1, t2, t3]);
        Some(tag >> 16 == 0xFFFE || (tag > header.tag && (is_vr([a, b]) || [a, b] == header.vr)))
    }

    /// True if the value is in fragments and not the image's own: the pixels of an icon, or a private value.
    fn has_fragments(&self, header: &Header) -> bool {
        let is_image = self.levels.is_empty() && is_pixels(header.tag);
        header.length == UNDEFINED
            && !is_image
            && (matches!(&header.vr, b"OB" | b"OW") || is_pixels(header.tag))
    }

    /// The end of a value in fragments (PS3.5 A.4); `None` where it is not at hand.
    fn fragments_end(&self, header: &Header) -> Result<Option<usize>, Located> {
        let mut at = header.value;
        loop {
            let Some(&[t0, t1, t2, t3, l0, l1, l2, l3]) =
                self.bytes.get(at..at + 8).and_then(<[u8]>::first_chunk)
            else {
                let cut = DicomFault::Cut { at: self.total };
                return if self.bytes.len() < self.total { Ok(None) } else { Err(cut.into()) };
            };
            let length = self.syntax.u32([l0, l1, l2, l3]);
            at += 8;
            match self.syntax.tag([t0, t1, t2, t3]) {
                ITEM if length != UNDEFINED && length as usize <= self.total.saturating_sub(at) => {
                    at += length as usize;
                }
                SEQUENCE_END => return Ok(Some(at)),
                _ => return Err(DicomFault::Fragments { at }.at(Attribute::from_tag(header.tag))),
            }
        }
    }

    /// An item, or the end of an item or of a sequence.
    fn structure(&mut self, header: &Header) -> Result<(), Located> {
        let in_sequence = self.levels.last().is_some_and(|level| !level.is_item);
        match header.tag {
            ITEM if in_sequence => {
                let end = self.end_of(header)?;
                let (mut tag, mut items) = (0, 0);
                if let Some(sequence) = self.levels.last_mut() {
                    (tag, items) = (sequence.tag, sequence.items);
                    sequence.items += 1;
                }
                self.open(Level { tag, is_item: true, items, end, outer: self.syntax }, header.value)
            }
            ITEM_END | SEQUENCE_END => {
                // A sequence's end also closes an item whose own end is missing. An end where nothing of
                // undefined length is open is passed over, as other readers do.
                let closes_item = !in_sequence && self.ends_by_delimiter();
                if header.tag == ITEM_END && closes_item {
                    self.close();
                } else if header.tag == SEQUENCE_END {
                    if closes_item {
                        self.close();
                    }
                    if self.levels.last().is_some_and(|level| !level.is_item && level.end.is_none()) {
                        self.close();
                    }
                }
                self.at = header.value;
                Ok(())
            }
            _ => Err(DicomFault::NotAnItem { at: self.at }.at(Attribute::from_tag(header.tag))),
        }
    }

    fn ends_by_delimiter(&self) -> bool {
        self.levels.last().is_some_and(|level| level.end.is_none())
    }

    fn close(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.syntax = level.outer;
        }
    }

    fn open(&mut self, level: Level, at: usize) -> Result<(), Located> {
        if self.levels.len() >= 2 * MAX_DEPTH {
            return Err(DicomFault::TooDeep { limit: MAX_DEPTH }.into());
        }
        self.levels.push(level);
        self.at = at;
        Ok(())
    }

    /// The end of a value of defined length, held against what is left; `None` where it is undefined.
    fn end_of(&self, header: &Header) -> Result<Option<usize>, Located> {
        if header.length == UNDEFINED {
            return Ok(None);
        }
        let limit = self.levels.last().and_then(|level| level.end).unwrap_or(self.total);
        let claimed = header.length as usize;
        let left = limit.saturating_sub(header.value);
        // Native pixels may be padded beyond the end of the file; their reader counts what is there.
        if claimed > left && !(self.levels.is_empty() && is_pixels(header.tag)) {
            return Err(DicomFault::Length { claimed, left }.at(Attribute::from_tag(header.tag)));
        }
        Ok(Some(header.value + claimed.min(left)))
    }

    /// Enters a sequence (`None`), or passes over an element and returns it.
    fn element(&mut self, header: &Header) -> Result<Option<DataElement>, Located> {
        let end = self.end_of(header)?;
        let pixels = self.levels.is_empty() && is_pixels(header.tag);
        if !pixels && (end.is_none() || (self.is_entered)(header.tag)) {
            let outer = self.syntax;
            // PS3.5 6.2.2: the content of an undefined-length UN is implicit VR little endian.
            if header.vr == *b"UN" {
                self.syntax = Syntax::IMPLICIT_LITTLE;
            }
            self.open(Level { tag: header.tag, is_item: false, items: 0, end, outer }, header.value)?;
            return Ok(None);
        }
        self.at = end.unwrap_or(header.value);
        let Header { tag, vr, value: start, .. } = *header;
        Ok(Some(DataElement { tag, vr, start, end, syntax: self.syntax }))
    }
}

/// True if an element holds the pixels of an image.
pub(super) fn is_pixels(tag: u32) -> bool {
    matches!(tag, tag::PIXEL_DATA | tag::FLOAT_PIXEL_DATA | tag::DOUBLE_FLOAT_PIXEL_DATA)
}

/// True if a sequence may hold an attribute of an image's header that is read.
fn may_hold_header(tag: u32) -> bool {
    matches!(
        tag,
        tag::MODALITY_LUT_SEQUENCE
            | tag::VOI_LUT_SEQUENCE
            | tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE
            | tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
            | tag::CARDIAC_SYNCHRONIZATION_SEQUENCE
            | tag::PIXEL_MEASURES_SEQUENCE
            | tag::PLANE_POSITION_SEQUENCE
            | tag::PLANE_ORIENTATION_SEQUENCE
            | tag::FRAME_VOI_LUT_SEQUENCE
            | tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE
    )
}

//! The nested data set of an annotation object: a tree of the values that are asked for, borrowed out of the bytes.
//!
//! The walk has checked every depth and length before a value is looked at; what is not asked for is passed over.

use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

use crate::model::Geometry;

use super::attribute::{self, Attribute, tag};
use super::data_set::{DataElement, Step, Syntax, Walk, is_pixels};
use super::error::{DicomError, DicomFault, Located};
use super::limits::Limits;
use super::part10::{self, DataSet};
use super::transfer_syntax::TransferSyntax;
use super::value_text::{decimals, identifier, text};

/// The most values and items that are kept of one object. The largest structure sets have some hundred thousand.
pub(in crate::source) const MAX_KEPT: usize = 8 << 20;

/// The attributes that are asked for, and the sequences that lead to them.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Wanted {
    /// True for a sequence that is entered.
    pub(in crate::source) is_entered: fn(u32) -> bool,
    /// Tags of the values.
    pub(in crate::source) values: &'static [u32],
    /// The most values and items.
    pub(in crate::source) max_kept: usize,
}

/// A DICOM object whose bytes are at hand: its data set, inflated where it was deflated.
#[derive(Debug)]
pub(in crate::source) struct Object<'a> {
    data_set: DataSet<'a>,
}

/// The values of an object.
#[derive(Debug)]
pub(in crate::source) struct ObjectTree<'a> {
    /// The data set itself.
    pub(in crate::source) root: Item<'a>,
    /// Pixel Data, where it is there.
    pub(in crate::source) pixels: Option<DataElement>,
    characters: SpecificCharacterSet,
}

/// An item of a sequence, or the data set itself.
#[derive(Debug, Default)]
pub(in crate::source) struct Item<'a> {
    values: Vec<Value<'a>>,
    sequences: Vec<(u32, Vec<Item<'a>>)>,
}

/// A value as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Value<'a> {
    tag: u32,
    /// Its bytes.
    pub(in crate::source) bytes: &'a [u8],
    syntax: Syntax,
}

impl<'a> Object<'a> {
    /// The object in `file`, which is `bytes`.
    pub(in crate::source) fn open(file: &str, bytes: &'a [u8], limits: &Limits) -> Result<Self, DicomError> {
        let open = || {
            limits.check_bytes("the file", bytes.len() as u64)?;
            let cut = || DicomFault::Cut { at: bytes.len() };
            Ok(Self { data_set: part10::open(bytes, bytes.len(), limits)?.ok_or_else(cut)? })
        };
        open().map_err(|located: Located| located.in_file(file))
    }

    /// Its encoding.
    pub(in crate::source) fn transfer_syntax(&self) -> TransferSyntax {
        self.data_set.transfer_syntax
    }

    /// Number of bytes of the data set and what stands before it.
    pub(in crate::source) fn len(&self) -> usize {
        self.data_set.bytes.len()
    }

    /// The bytes that places in [`ObjectTree::pixels`] count in.
    pub(in crate::source) fn into_bytes(self) -> Vec<u8> {
        self.data_set.bytes.into_owned()
    }

    /// Reads the `wanted` values of `file`.
    pub(in crate::source) fn read(&self, file: &str, wanted: &Wanted) -> Result<ObjectTree<'_>, DicomError> {
        self.collect(wanted).map_err(|located| located.in_file(file))
    }

    fn collect(&self, wanted: &Wanted) -> Result<ObjectTree<'_>, Located> {
        let DataSet { bytes, total, start, transfer_syntax, .. } = &self.data_set;
        let mut walk = Walk::new(bytes, *total, *start, transfer_syntax.syntax()).entering(wanted.is_entered);
        let (mut root, mut pixels, mut kept) = (Item::default(), None, 0);
        loop {
            let element = match walk.next()? {
                Step::DataElement(element) => element,
                Step::NeedsMore => return Err(DicomFault::Cut { at: *total }.into()),
                Step::End => break,
            };
            let is_outermost = walk.path().next().is_none();
            if is_outermost && is_pixels(element.tag) {
                pixels = Some(element);
                break;
            }
            let (true, Some(end)) = (wanted.values.contains(&element.tag), element.end) else {
                continue;
            };
            kept += 1;
            let Some(item) = root.at(walk.path(), &mut kept, wanted.max_kept) else {
                let fault = DicomFault::TooManyValues { limit: wanted.max_kept };
                return Err(fault.at(Attribute::from_tag(element.tag)));
            };
            let cut = || DicomFault::Cut { at: *total }.at(Attribute::from_tag(element.tag));
            let bytes = walk.value(element.start, end).ok_or_else(cut)?;
            item.values.push(Value { tag: element.tag, bytes, syntax: element.syntax });
        }
        let characters = root.text(attribute::SPECIFIC_CHARACTER_SET).map_or("", |code| {
            // Of several, as code extensions have them, the last one that is not empty is the local one.
            code.rsplit('\\').find(|code| !code.trim().is_empty()).unwrap_or("")
        });
        let characters = SpecificCharacterSet::from_code(characters.trim()).unwrap_or_default();
        Ok(ObjectTree { root, pixels, characters })
    }
}

impl ObjectTree<'_> {
    /// A name: decoded, without padding, white space folded.
    pub(in crate::source) fn name(&self, item: &Item<'_>, attribute: Attribute) -> String {
        let bytes = item.bytes(attribute).unwrap_or_default();
        let plain = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let decoded = match plain {
            Some(plain) if plain.is_ascii() => plain,
            // UTF-8 is what writers that forget to say so mean.
            Some(plain) if self.characters == SpecificCharacterSet::ISO_IR_6 => plain,
            _ => self
                .characters
                .decode(bytes)
                .unwrap_or_else(|_| bytes.iter().map(|&byte| char::from(byte)).collect()),
        };
        let folded: Vec<&str> =
            decoded.split(|c: char| c.is_whitespace() || c == '\0').filter(|word| !word.is_empty()).collect();
        folded.join(" ")
    }
}

impl<'a> Item<'a> {
    /// The item at `path`, made where it is not there yet. Each new one adds to `kept`; `None` where that becomes more
    /// than `most`.
    fn at(
        &mut self,
        path: impl Iterator<Item = (u32, usize)>,
        kept: &mut usize,
        most: usize,
    ) -> Option<&mut Self> {
        let mut item = self;
        for (sequence, index) in path {
            let known = item.sequences.iter().position(|(tag, _)| *tag == sequence);
            let at = known.unwrap_or_else(|| {
                item.sequences.push((sequence, Vec::new()));
                item.sequences.len() - 1
            });
            let items = &mut item.sequences[at].1;
            // Items without a wanted value count too. Each takes 8 bytes of the file or more.
            if items.len() <= index {
                *kept += index + 1 - items.len();
                if *kept > most {
                    return None;
                }
                items.resize_with(index + 1, Self::default);
            }
            item = &mut items[index];
        }
        (*kept <= most).then_some(item)
    }

    /// The bytes of a value.
    pub(in crate::source) fn bytes(&self, attribute: Attribute) -> Option<&'a [u8]> {
        self.value(attribute).map(|value| value.bytes)
    }

    fn value(&self, attribute: Attribute) -> Option<Value<'a>> {
        self.values.iter().find(|value| value.tag == attribute.tag).copied()
    }

    /// A text value without padding; `None` where it is absent, empty or no text.
    pub(in crate::source) fn text(&self, attribute: Attribute) -> Option<&'a str> {
        self.bytes(attribute).and_then(text).filter(|text| !text.is_empty())
    }

    /// A UID, without padding.
    pub(in crate::source) fn uid(&self, attribute: Attribute) -> Option<Box<str>> {
        self.bytes(attribute).and_then(identifier)
    }

    /// A whole number in text (IS).
    pub(in crate::source) fn integer(&self, attribute: Attribute) -> Option<i32> {
        self.text(attribute)?.parse().ok()
    }

    /// An unsigned number of 16 bits (US), or of 32 (UL).
    pub(in crate::source) fn unsigned(&self, attribute: Attribute) -> Option<u32> {
        let Value { bytes, syntax, .. } = self.value(attribute)?;
        match *bytes {
            [a, b] => Some(syntax.u16([a, b]).into()),
            [a, b, c, d] => Some(syntax.u32([a, b, c, d])),
            _ => None,
        }
    }

    /// The items of a sequence; none where it is absent.
    pub(in crate::source) fn items(&self, sequence: Attribute) -> &[Self] {
        let found = self.sequences.iter().find(|(tag, _)| *tag == sequence.tag);
        found.map_or(&[], |(_, items)| items)
    }

    /// The first item of a sequence.
    pub(in crate::source) fn first(&self, sequence: Attribute) -> Option<&Self> {
        self.items(sequence).first()
    }
}

/// The tags of the geometry of a frame.
pub(in crate::source) const GEOMETRY: [u32; 3] =
    [tag::IMAGE_POSITION, tag::IMAGE_ORIENTATION, tag::PIXEL_SPACING];

/// The geometry in items of functional groups (PS3.3 C.7.6.16.2); NaN where a group is absent or cannot be read.
pub(in crate::source) fn geometry(
    position: Option<&Item<'_>>,
    orientation: Option<&Item<'_>>,
    measures: Option<&Item<'_>>,
) -> Geometry {
    Geometry {
        pixel_spacing: numbers(measures, attribute::PIXEL_SPACING),
        image_position: numbers(position, attribute::IMAGE_POSITION),
        image_orientation: numbers(orientation, attribute::IMAGE_ORIENTATION),
        ..Geometry::ABSENT
    }
}

fn numbers<const N: usize>(item: Option<&Item<'_>>, attribute: Attribute) -> [f64; N] {
    item.and_then(|item| item.bytes(attribute)).and_then(decimals::<N>).unwrap_or([f64::NAN; N])
}

//! DICOM files written element by element, right or wrong.

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const BIG: &str = "1.2.840.10008.1.2.2";

/// Builds a file, element by element; attributes are written in the order of their tags.
pub(crate) struct Builder {
    syntax: &'static str,
    elements: Vec<(u32, &'static str, Vec<u8>)>,
    /// Behind the last element, as it is.
    tail: Vec<u8>,
}

impl Builder {
    /// A `rows` × `columns` image of 16 bits, unsigned, all stored.
    pub(crate) fn image(syntax: &'static str, rows: u16, columns: u16) -> Self {
        Self { syntax, elements: Vec::new(), tail: Vec::new() }
            .text(0x0008_0060, "CS", "MR")
            .us(0x0028_0002, 1)
            .text(0x0028_0004, "CS", "MONOCHROME2")
            .us(0x0028_0010, rows)
            .us(0x0028_0011, columns)
            .bits(16, 16, 15, 0)
    }

    pub(crate) fn bits(self, allocated: u16, stored: u16, high: u16, representation: u16) -> Self {
        self.us(0x0028_0100, allocated)
            .us(0x0028_0101, stored)
            .us(0x0028_0102, high)
            .us(0x0028_0103, representation)
    }

    /// Sets an element, in place of one with the same tag.
    pub(crate) fn set(mut self, tag: u32, vr: &'static str, value: &[u8]) -> Self {
        self.elements.retain(|element| element.0 != tag);
        self.elements.push((tag, vr, value.to_vec()));
        self.elements.sort_by_key(|element| element.0);
        self
    }

    pub(crate) fn us(self, tag: u32, value: u16) -> Self {
        let bytes = if self.syntax == BIG { value.to_be_bytes() } else { value.to_le_bytes() };
        self.set(tag, "US", &bytes)
    }

    pub(crate) fn text(self, tag: u32, vr: &'static str, value: &str) -> Self {
        self.set(tag, vr, format!("{value}{}", if value.len() % 2 == 1 { " " } else { "" }).as_bytes())
    }

    pub(crate) fn pixels(self, vr: &'static str, value: &[u8]) -> Self {
        self.set(0x7FE0_0010, vr, value)
    }

    /// Encapsulated pixels: an empty offset table, then one fragment.
    pub(crate) fn frame(mut self, frame: &[u8]) -> Self {
        let mut tail = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        for fragment in [&[], frame] {
            tail.extend([0xFE, 0xFF, 0x00, 0xE0]);
            tail.extend((fragment.len() as u32).to_le_bytes());
            tail.extend(fragment);
        }
        tail.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        self.tail = tail;
        self
    }

    pub(crate) fn tail(mut self, tail: &[u8]) -> Self {
        self.tail = tail.to_vec();
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        let padded = format!("{}{}", self.syntax, if self.syntax.len() % 2 == 1 { "\0" } else { "" });
        element(&mut file, EXPLICIT, 0x0002_0010, "UI", padded.as_bytes());
        for (tag, vr, value) in &self.elements {
            element(&mut file, self.syntax, *tag, vr, value);
        }
        file.extend(&self.tail);
        file
    }
}

/// Appends one element.
pub(crate) fn element(file: &mut Vec<u8>, syntax: &str, tag: u32, vr: &str, value: &[u8]) {
    let big = syntax == BIG;
    let u16s = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u32s = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    file.extend(u16s((tag >> 16) as u16));
    file.extend(u16s(tag as u16));
    if syntax == IMPLICIT {
        file.extend(u32s(value.len() as u32));
    } else {
        file.extend(vr.as_bytes());
        if ["OB", "OW", "OF", "OD", "SQ", "UN"].contains(&vr) {
            file.extend([0, 0]);
            file.extend(u32s(value.len() as u32));
        } else {
            file.extend(u16s(value.len() as u16));
        }
    }
    file.extend(value);
}

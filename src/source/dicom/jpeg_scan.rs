//! Whether the scan of a JPEG holds the whole image (ISO/IEC 10918-1 F.2.2 and H.2).
//!
//! The codec, as others, takes zeros for what is missing before a marker. Here the Huffman codes are
//! counted, so that a scan that ends early is noticed although the end marker stands behind it.

/// The scan of a frame with one component.
pub(super) struct Scan<'a> {
    /// What stands behind the scan's header.
    pub(super) data: &'a [u8],
    /// The contents of all segments that define Huffman tables.
    pub(super) tables: Vec<&'a [u8]>,
    /// The table of DC (high half) and of AC.
    pub(super) selectors: u8,
    /// Restart interval, 0 for none.
    pub(super) restart: u32,
    pub(super) lossless: bool,
}

/// The length and the value of the code that each 16 bits begin with; length 0 for none.
type Table = Vec<(u8, u8)>;

impl Scan<'_> {
    /// Whether all codes of an image of this size are there.
    pub(super) fn is_complete(&self, rows: u32, columns: u32) -> bool {
        self.walk(rows, columns).is_some()
    }

    fn walk(&self, rows: u32, columns: u32) -> Option<()> {
        let dc = self.table(self.selectors >> 4)?;
        let ac = if self.lossless { Table::new() } else { self.table(0x10 | self.selectors & 0x0F)? };
        let side = if self.lossless { 1 } else { 8 };
        let units = u64::from(rows.div_ceil(side)) * u64::from(columns.div_ceil(side));
        let mut bits = Bits { data: self.data, held: 0, count: 0 };
        for unit in 0..units {
            if self.restart > 0 && unit > 0 && unit % u64::from(self.restart) == 0 {
                bits.restart()?;
            }
            let category = bits.code(&dc)?;
            // H.1.2.2: a difference of 32768 has no further bits.
            bits.skip(if category == 16 { 0 } else { category })?;
            if !self.lossless {
                bits.coefficients(&ac)?;
            }
        }
        Some(())
    }

    /// The last table of this class and number (B.2.4.2, annex C).
    fn table(&self, wanted: u8) -> Option<Table> {
        let mut found = None;
        for mut segment in self.tables.iter().copied() {
            while let Some((&[class, ref counts @ ..], rest)) = segment.split_first_chunk::<17>() {
                let total = counts.iter().map(|&count| usize::from(count)).sum();
                let (values, after) = rest.split_at_checked(total)?;
                if class == wanted {
                    found = Some(table(counts, values));
                }
                segment = after;
            }
        }
        found
    }
}

fn table(counts: &[u8], values: &[u8]) -> Table {
    let mut table = Table::with_capacity(1 << 16);
    let mut values = values.iter();
    for (length, &count) in (1_u8..).zip(counts) {
        for &value in values.by_ref().take(count.into()) {
            let end = (table.len() + (1 << (16 - length))).min(1 << 16);
            table.resize(end, (length, value));
        }
    }
    table.resize(1 << 16, (0, 0));
    table
}

/// The bits of a scan up to a marker.
struct Bits<'a> {
    data: &'a [u8],
    held: u64,
    count: u32,
}

impl Bits<'_> {
    /// Holds 16 bits or more, or all up to the marker.
    fn fill(&mut self) {
        while self.count <= 48 {
            let (byte, rest) = match self.data {
                [0xFF, 0, rest @ ..] => (0xFF, rest),
                [0xFF, ..] | [] => return,
                [byte, rest @ ..] => (*byte, rest),
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
            self.data = rest;
        }
    }

    fn code(&mut self, table: &Table) -> Option<u8> {
        if self.count < 16 {
            self.fill();
        }
        let next =
            if self.count >= 16 { self.held >> (self.count - 16) } else { self.held << (16 - self.count) };
        let (length, value) = table[(next & 0xFFFF) as usize];
        self.skip(length).filter(|()| length > 0)?;
        Some(value)
    }

    fn skip(&mut self, bits: u8) -> Option<()> {
        if self.count < bits.into() {
            self.fill();
        }
        self.count = self.count.checked_sub(bits.into())?;
        Some(())
    }

    /// Passes over the AC coefficients of a block (F.2.2.2).
    fn coefficients(&mut self, table: &Table) -> Option<()> {
        let mut at = 1;
        while at < 64 {
            let code = self.code(table)?;
            match (code >> 4, code & 0x0F) {
                (15, 0) => at += 16,
                (_, 0) => return Some(()),
                (zeros, bits) => {
                    at += zeros + 1;
                    self.skip(bits)?;
                }
            }
        }
        Some(())
    }

    /// Passes over a restart marker, and what stands before it.
    fn restart(&mut self) -> Option<()> {
        self.fill();
        (self.held, self.count) = (0, 0);
        while let [0xFF, 0xFF, ..] = self.data {
            self.data = &self.data[1..];
        }
        match self.data {
            [0xFF, 0xD0..=0xD7, rest @ ..] => self.data = rest,
            _ => return None,
        }
        Some(())
    }
}

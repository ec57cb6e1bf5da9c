//! Encodes lossless images for the tests: plain, by the formulas of T.81 annex H.

/// An image to encode.
pub(crate) struct Lossless {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) components: usize,
    pub(crate) predictor: u8,
    pub(crate) precision: u8,
    pub(crate) point_transform: u8,
    /// Rows of a restart interval; 0 for none.
    pub(crate) restart_rows: u16,
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl BitWriter {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            self.held = self.held << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 8 {
                let byte = self.held as u8;
                self.bytes.push(byte);
                if byte == 0xFF {
                    self.bytes.push(0);
                }
                (self.held, self.count) = (0, 0);
            }
        }
    }

    fn flush(&mut self) {
        while self.count > 0 {
            self.put(1, 1);
        }
    }
}

impl Lossless {
    pub(crate) fn encode(&self, samples: &[u16]) -> Vec<u8> {
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xC4, 0, 2 + 17 + 17, 0];
        // The lengths 1 to 15 once each and 16 twice: categories 0 to 16, the frequent ones in the middle first.
        stream.extend([1; 15]);
        stream.push(2);
        stream.extend([5, 4, 6, 3, 7, 8, 2, 9, 1, 10, 0, 11, 12, 13, 14, 15, 16]);
        if self.restart_rows > 0 {
            stream.extend([0xFF, 0xDD, 0, 4]);
            stream.extend((self.restart_rows * self.columns).to_be_bytes());
        }
        stream.extend([0xFF, 0xC3, 0, 8 + 3 * self.components as u8, self.precision]);
        stream.extend(self.rows.to_be_bytes());
        stream.extend(self.columns.to_be_bytes());
        stream.push(self.components as u8);
        for id in 1..=self.components as u8 {
            stream.extend([id, 0x11, 0]);
        }
        stream.extend([0xFF, 0xDA, 0, 6 + 2 * self.components as u8, self.components as u8]);
        for id in 1..=self.components as u8 {
            stream.extend([id, 0]);
        }
        stream.extend([self.predictor, 0, self.point_transform]);
        self.scan(samples, &mut stream);
        stream.extend([0xFF, 0xD9]);
        stream
    }

    fn scan(&self, samples: &[u16], stream: &mut Vec<u8>) {
        let (columns, n) = (usize::from(self.columns), self.components);
        let at = |x: usize, y: usize, c: usize| {
            i32::from(samples[(y * columns + x) * n + c] >> self.point_transform)
        };
        let mut bits = BitWriter::default();
        for y in 0..usize::from(self.rows) {
            let interval = usize::from(self.restart_rows);
            let first = y == 0 || interval > 0 && y % interval == 0;
            if first && y > 0 {
                bits.flush();
                bits.bytes.extend([0xFF, 0xD0 + ((y / interval - 1) % 8) as u8]);
            }
            for x in 0..columns {
                for c in 0..n {
                    let prediction = match (first, x) {
                        (true, 0) => 1 << (self.precision - self.point_transform - 1),
                        (true, _) => at(x - 1, y, c),
                        (false, 0) => at(x, y - 1, c),
                        _ => self.predict(at(x - 1, y, c), at(x, y - 1, c), at(x - 1, y - 1, c)),
                    };
                    put_difference(&mut bits, (at(x, y, c) - prediction) as i16);
                }
            }
        }
        bits.flush();
        stream.append(&mut bits.bytes);
    }

    fn predict(&self, a: i32, b: i32, c: i32) -> i32 {
        match self.predictor {
            1 => a,
            2 => b,
            3 => c,
            4 => a + b - c,
            5 => a + ((b - c) >> 1),
            6 => b + ((a - c) >> 1),
            _ => (a + b) >> 1,
        }
    }
}

fn put_difference(bits: &mut BitWriter, difference: i16) {
    let category = 32 - i32::from(difference).unsigned_abs().leading_zeros();
    let order = [5, 4, 6, 3, 7, 8, 2, 9, 1, 10, 0, 11, 12, 13, 14, 15, 16];
    let index = order.iter().position(|&known| known == category).unwrap_or_default() as u32;
    // Codes of this table: ones, and a zero where it is not the last.
    if index == 16 {
        bits.put(0xFFFF, 16)
    } else {
        bits.put((1 << (index + 1)) - 2, index + 1)
    }
    if category < 16 {
        let value = i32::from(difference);
        bits.put((if value < 0 { value - 1 } else { value }) as u32 & ((1 << category) - 1), category);
    }
}

//! The DCT processes: scans of blocks (T.81 annexes F and G).

use crate::bits::BitReader;
use crate::coefficients::{Block, Plane, ZIGZAG};
use crate::error::JpegError;
use crate::header::{Header, Process};
use crate::huffman::HuffmanTable;
use crate::idct;
use crate::progressive::{Band, decode_band};
use crate::scan::ScanHeader;
use crate::segments::Definitions;
use crate::upsample;

/// An image of a DCT process whose scans are being decoded.
pub(crate) struct LossyImage {
    header: Header,
    planes: Vec<Plane>,
}

const BAD_SCAN: JpegError = JpegError::Segment { segment: "SOS" };
const NO_TABLE: JpegError = JpegError::NoTable { table: "Huffman" };

impl LossyImage {
    pub(crate) fn new(frame: &Header) -> Result<Self, JpegError> {
        let (across, down) = frame.largest_factors();
        for component in &frame.components {
            let (h, v) = (usize::from(component.horizontal), usize::from(component.vertical));
            if across % h != 0 || down % v != 0 {
                return Err(JpegError::Unsupported {
                    what: format!("subsampling of {h}x{v} in {across}x{down}"),
                });
            }
        }
        let planes = frame.components.iter().map(|component| Plane::new(frame, component)).collect();
        Ok(Self { header: frame.clone(), planes })
    }

    /// Decodes the scan whose data begins `at`. Returns where it ends.
    pub(crate) fn scan(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        mut bits: BitReader<'_>,
    ) -> Result<usize, JpegError> {
        self.begin(definitions, scan)?;
        match (self.header.process, scan.start, scan.high) {
            (Process::Progressive, 0, 0) => self.first_dc(definitions, scan, &mut bits)?,
            (Process::Progressive, 0, _) => self.next_dc(definitions, scan, &mut bits)?,
            (Process::Progressive, ..) => self.band(definitions, scan, &mut bits)?,
            _ => self.sequential(definitions, scan, &mut bits)?,
        }
        bits.finish()
    }

    /// Checks that the scan may follow those before it, and takes the quantization tables of its components.
    fn begin(&mut self, definitions: &Definitions, scan: &ScanHeader) -> Result<(), JpegError> {
        let &ScanHeader { start, end, high, low, ref components } = scan;
        let fits = match self.header.process {
            Process::Progressive if start == 0 => end == 0,
            Process::Progressive => end < 64 && start <= end && components.len() == 1,
            _ => (start, end, high, low) == (0, 63, 0, 0),
        };
        if !fits || low > 13 {
            return Err(BAD_SCAN);
        }
        for component in components {
            let plane = &mut self.planes[component.index];
            // The coefficients of a band come after the first one of their component.
            if start > 0 && plane.refined[0].is_none() {
                return Err(BAD_SCAN);
            }
            plane.refine(start, end, high, low)?;
            if plane.quantization.is_none() {
                let number = usize::from(self.header.components[component.index].quantization);
                plane.quantization.clone_from(&definitions.quantization[number]);
            }
        }
        Ok(())
    }

    fn sequential(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        bits: &mut BitReader<'_>,
    ) -> Result<(), JpegError> {
        let tables = scan.components.iter().map(|component| {
            Some((definitions.dc[component.dc].as_ref()?, definitions.ac[component.ac].as_ref()?))
        });
        let tables: Vec<_> = tables.collect::<Option<_>>().ok_or(NO_TABLE)?;
        self.blocks(definitions.restart, scan, bits, |bits, place, last, block| {
            let (dc, ac) = tables[place];
            *last = last.wrapping_add(bits_of_dc(bits, dc)?);
            block[0] = *last as i16;
            decode_ac(bits, ac, block)
        })
    }

    fn first_dc(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        bits: &mut BitReader<'_>,
    ) -> Result<(), JpegError> {
        let tables = scan.components.iter().map(|component| definitions.dc[component.dc].as_ref());
        let tables: Vec<_> = tables.collect::<Option<_>>().ok_or(NO_TABLE)?;
        self.blocks(definitions.restart, scan, bits, |bits, place, last, block| {
            *last = last.wrapping_add(bits_of_dc(bits, tables[place])?);
            block[0] = (*last << scan.low) as i16;
            Ok(())
        })
    }

    fn next_dc(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        bits: &mut BitReader<'_>,
    ) -> Result<(), JpegError> {
        self.blocks(definitions.restart, scan, bits, |bits, _, _, block| {
            block[0] |= (bits.read(1) << scan.low) as i16;
            Ok(())
        })
    }

    fn band(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        bits: &mut BitReader<'_>,
    ) -> Result<(), JpegError> {
        let table = definitions.ac[scan.components[0].ac].as_ref().ok_or(NO_TABLE)?;
        let band = Band { start: scan.start, end: scan.end, low: scan.low, refines: scan.high > 0 };
        // `last` counts the blocks that have nothing more in this band; it begins again at each restart.
        self.blocks(definitions.restart, scan, bits, |bits, _, last, block| {
            decode_band(bits, table, &band, last, block)
        })
    }

    /// Calls `decode` for each block of the scan with the place of its component in the scan and a number of that
    /// component, which is 0 at the beginning of each restart interval.
    fn blocks(
        &mut self,
        restart: u32,
        scan: &ScanHeader,
        bits: &mut BitReader<'_>,
        mut decode: impl FnMut(&mut BitReader<'_>, usize, &mut i32, &mut Block) -> Result<(), JpegError>,
    ) -> Result<(), JpegError> {
        let alone = scan.components.len() == 1;
        let (across, down) = if alone {
            self.planes[scan.components[0].index].own_blocks()
        } else {
            let (h, v) = self.header.largest_factors();
            (usize::from(self.header.columns).div_ceil(8 * h), usize::from(self.header.rows).div_ceil(8 * v))
        };
        let mut last = [0_i32; 4];
        let (mut units, mut restarts) = (0_u32, 0_u8);
        for y in 0..down {
            for x in 0..across {
                if restart > 0 && units == restart {
                    bits.restart(restarts)?;
                    restarts = (restarts + 1) % 8;
                    (last, units) = ([0; 4], 0);
                }
                units += 1;
                for (place, component) in scan.components.iter().enumerate() {
                    let plane = &mut self.planes[component.index];
                    let (h, v) = if alone { (1, 1) } else { plane.factors };
                    for row in 0..v {
                        for column in 0..h {
                            let at = (y * v + row) * plane.stride + x * h + column;
                            decode(bits, place, &mut last[place], &mut plane.blocks[at])?;
                        }
                    }
                }
            }
            bits.check()?;
        }
        Ok(())
    }

    /// The samples of the whole image.
    pub(crate) fn finish(self, samples: &mut Vec<u16>) -> Result<(), JpegError> {
        let mut planes = Vec::with_capacity(self.planes.len());
        for plane in self.planes {
            if plane.refined[0].is_none() {
                return Err(JpegError::Missing);
            }
            let table = plane.quantization.as_ref().ok_or(JpegError::NoTable { table: "quantization" })?;
            planes.push(idct::samples(&plane, table, self.header.precision));
        }
        upsample::interleave(&self.header, &planes, samples);
        Ok(())
    }
}

/// The difference of a first coefficient.
fn bits_of_dc(bits: &mut BitReader<'_>, table: &HuffmanTable) -> Result<i32, JpegError> {
    match table.decode(bits)? {
        category @ 0..=15 => Ok(bits.extended(category.into())),
        _ => Err(JpegError::Code),
    }
}

/// The 63 other coefficients of a block (T.81 F.2.2.2).
fn decode_ac(bits: &mut BitReader<'_>, table: &HuffmanTable, block: &mut Block) -> Result<(), JpegError> {
    let mut at = 1;
    while at < 64 {
        let code = table.decode(bits)?;
        let (zeros, category) = (usize::from(code >> 4), u32::from(code & 15));
        match (zeros, category) {
            (15, 0) => at += 16,
            (_, 0) => return Ok(()),
            _ => {
                let place = ZIGZAG.get(at + zeros).ok_or(JpegError::Code)?;
                block[usize::from(*place)] = bits.extended(category) as i16;
                at += zeros + 1;
            }
        }
    }
    if at > 64 { Err(JpegError::Code) } else { Ok(()) }
}

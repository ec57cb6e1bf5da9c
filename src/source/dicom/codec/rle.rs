//! RLE Lossless (PS3.5 annex G): byte planes, most significant first, each packed with PackBits.

/// Unpacks `pixels` pixels out of a frame, each of `samples` samples of `size` bytes: little endian, the samples of a
/// pixel one behind the other. Planes stand sample by sample (PS3.5 G.2). `None` where the frame is damaged: a segment
/// outside it, or one that ends before its plane is full.
pub(in super::super) fn decode(
    frame: &[u8],
    pixels: usize,
    samples: usize,
    size: usize,
    bytes: &mut Vec<u8>,
) -> Option<()> {
    let planes = samples * size;
    let header = frame.first_chunk::<64>()?;
    let word = |index: usize| -> Option<usize> {
        let word = header.get(4 * index..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*word)).ok()
    };
    if word(0)? != planes {
        return None;
    }
    bytes.clear();
    bytes.resize(pixels.checked_mul(planes)?, 0);
    for plane in 0..planes {
        let start = word(plane + 1)?;
        let end = if plane + 1 < planes { word(plane + 2)? } else { frame.len() };
        let segment = frame.get(start..end).filter(|_| start >= 64)?;
        let (sample, byte) = (plane / size, size - 1 - plane % size);
        unpack(segment, &mut bytes[sample * size + byte..], planes)?;
    }
    Some(())
}

/// Unpacks one plane into every `step`-th byte of `bytes`. What a segment holds beyond the plane is
/// padding.
fn unpack(mut segment: &[u8], bytes: &mut [u8], step: usize) -> Option<()> {
    let mut plane = bytes.iter_mut().step_by(step);
    let mut left = plane.len();
    while left > 0 {
        let (&code, rest) = segment.split_first()?;
        let code = i16::from(code.cast_signed());
        match code {
            0.. => {
                let count = (code as usize + 1).min(left);
                let (literal, after) = rest.split_at_checked(count)?;
                literal.iter().zip(plane.by_ref()).for_each(|(&value, byte)| *byte = value);
                (segment, left) = (after, left - count);
            }
            -127..0 => {
                let count = (1 - code).unsigned_abs() as usize;
                let (&value, after) = rest.split_first()?;
                plane.by_ref().take(count).for_each(|byte| *byte = value);
                (segment, left) = (after, left - count.min(left));
            }
            _ => segment = rest,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(segments: &[&[u8]]) -> Vec<u8> {
        let mut frame = (segments.len() as u32).to_le_bytes().to_vec();
        let mut offset = 64_u32;
        for segment in segments {
            frame.extend(offset.to_le_bytes());
            offset += segment.len() as u32;
        }
        frame.resize(64, 0);
        frame.extend(segments.concat());
        frame
    }

    #[test]
    fn the_standards_example_of_packbits() {
        let packed = [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0x80, 0xFD, 0xAA, 0x00, 0x2A];
        let mut bytes = Vec::new();
        decode(&frame(&[&packed]), 11, 1, 1, &mut bytes).unwrap();
        assert_eq!(bytes, [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x2A]);
    }

    #[test]
    fn planes_stand_most_significant_first() {
        let mut bytes = Vec::new();
        decode(&frame(&[&[1, 0x12, 0x34], &[0xFF, 0x56]]), 2, 1, 2, &mut bytes).unwrap();
        assert_eq!(bytes, [0x56, 0x12, 0x56, 0x34]);
    }

    #[test]
    fn samples_stand_one_behind_the_other() {
        let mut bytes = Vec::new();
        let planes = [
            [1, 0x10, 0x11],
            [1, 0x20, 0x21],
            [1, 0x30, 0x31],
            [1, 0x40, 0x41],
            [1, 0x50, 0x51],
            [1, 0x60, 0x61],
        ];
        let segments: Vec<&[u8]> = planes.iter().map(|plane| &plane[..]).collect();
        decode(&frame(&segments), 2, 3, 2, &mut bytes).unwrap();
        assert_eq!(bytes, [0x20, 0x10, 0x40, 0x30, 0x60, 0x50, 0x21, 0x11, 0x41, 0x31, 0x61, 0x51]);
        decode(&frame(&segments[..3]), 2, 3, 1, &mut bytes).unwrap();
        assert_eq!(bytes, [0x10, 0x20, 0x30, 0x11, 0x21, 0x31]);
    }

    #[test]
    fn a_damaged_frame_is_refused() {
        let good = frame(&[&[1, 7, 8]]);
        let mut bytes = Vec::new();
        assert!(decode(&good, 2, 1, 1, &mut bytes).is_some());
        for cut in 0..good.len() {
            assert!(decode(&good[..cut], 2, 1, 1, &mut bytes).is_none(), "cut at {cut}");
        }
        assert!(decode(&good, 3, 1, 1, &mut bytes).is_none());
        assert!(decode(&good, 2, 1, 2, &mut bytes).is_none());
        let mut outside = good;
        outside[4] = 200;
        assert!(decode(&outside, 2, 1, 1, &mut bytes).is_none());
    }
}

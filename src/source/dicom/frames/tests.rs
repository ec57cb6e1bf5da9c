use super::*;

fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0], &(value.len() as u32).to_le_bytes()[..], value].concat()
}

const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// The bytes of each of `frames` frames, whether the table is wrong and whether there is an end.
fn frames(pixel_data: &[u8], codec: Codec, frames: u32) -> Result<(Vec<Vec<u8>>, bool, bool), DicomFault> {
    let items = Items::read(pixel_data, 0, pixel_data.len() as u64).map_err(|located| located.fault)?;
    let (firsts, is_table_wrong) = items.frames(pixel_data, codec, frames)?;
    let fragments = items.fragments.clone();
    let index = FrameIndex { frames: Frames::Fragments { fragments, firsts }, leniency: None };
    let frame = |frame| {
        let mut bytes = Vec::new();
        read_frame(pixel_data, &index.extents(frame), &mut bytes).unwrap();
        let mut joined = vec![9; 9];
        assert_eq!(frame_in_memory(pixel_data, &index.extents(frame), &mut joined).unwrap(), bytes);
        bytes
    };
    Ok(((0..frames).map(frame).collect(), is_table_wrong, items.is_ended))
}

fn table(offsets: &[u32]) -> Vec<u8> {
    item(&offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect::<Vec<_>>())
}

#[test]
fn fragments_of_the_only_frame_are_joined() {
    let one = [item(&[0; 4]), item(&[1, 2]), END.to_vec()].concat();
    assert_eq!(frames(&one, Codec::Rle, 1), Ok((vec![vec![1, 2]], false, true)));
    let three = [item(&[]), item(&[1, 2]), item(&[3]), item(&[4]), END.to_vec()].concat();
    assert_eq!(frames(&three, Codec::Jpeg, 1), Ok((vec![vec![1, 2, 3, 4]], false, true)));
    let none = [item(&[]), END.to_vec()].concat();
    assert!(frames(&none, Codec::Jpeg, 1).is_err());
}

#[test]
fn a_missing_cut_or_zeroed_end_is_noticed() {
    let whole = [item(&[]), item(&[1, 2]), item(&[3, 4])].concat();
    let all = vec![vec![1, 2, 3, 4]];
    for end in [&[][..], &END[..2], &END[..4], &END[..7], &[0; 8], &[0; 3], b"\xFC\xFF\xFC\xFFOB\0\0\0\0\0\0"]
    {
        let pixels = [&whole, end].concat();
        assert_eq!(frames(&pixels, Codec::Jpeg, 1), Ok((all.clone(), false, false)), "{end:?}");
    }
    for cut in 0..whole.len() {
        let found = frames(&whole[..cut], Codec::Jpeg, 1);
        assert!(
            found.as_ref().is_ok_and(|found| found.0 != all && !found.2) || found.is_err(),
            "cut at {cut}"
        );
    }
    assert!(frames(&[&whole, &b"\x28\x00\x10\x00US\x02\0"[..]].concat(), Codec::Jpeg, 1).is_err());
}

#[test]
fn as_many_fragments_as_frames_need_no_table() {
    for offsets in [&[][..], &[0, 10], &[7, 7, 7], &[0, 999]] {
        let pixels = [table(offsets), item(&[1, 2]), item(&[3, 4]), END.to_vec()].concat();
        assert_eq!(frames(&pixels, Codec::Rle, 2), Ok((vec![vec![1, 2], vec![3, 4]], false, true)));
    }
    // An empty fragment is of no frame.
    let pixels = [item(&[]), item(&[1, 2]), item(&[]), item(&[3, 4]), END.to_vec()].concat();
    assert_eq!(frames(&pixels, Codec::Rle, 2), Ok((vec![vec![1, 2], vec![3, 4]], false, true)));
}

#[test]
fn frames_of_several_fragments_are_found_by_the_table_or_their_ends() {
    let fragments = [item(&[1, 2]), item(&[0xFF, 0xD9]), item(&[3, 4]), item(&[5, 0xFF, 0xD9, 0])].concat();
    let expected = vec![vec![1, 2, 0xFF, 0xD9], vec![3, 4, 5, 0xFF, 0xD9, 0]];
    for (offsets, codec, is_wrong) in [
        (&[0, 20][..], Codec::Deflate, false),
        (&[0, 20], Codec::Jpeg, false),
        (&[], Codec::Jpeg, false),
        (&[0, 0], Codec::Jpeg, true),
        (&[8, 28], Codec::Jpeg2000, true),
        (&[0, 21], Codec::Jpeg, true),
        (&[0], Codec::Jpeg, true),
    ] {
        let pixels = [table(offsets), fragments.clone(), END.to_vec()].concat();
        assert_eq!(frames(&pixels, codec, 2), Ok((expected.clone(), is_wrong, true)), "{offsets:?}");
    }
    let pixels = [table(&[0, 0]), fragments.clone(), END.to_vec()].concat();
    for (codec, count) in [(Codec::Deflate, 2), (Codec::Jpeg, 3), (Codec::Jpeg, 5)] {
        assert!(matches!(frames(&pixels, codec, count), Err(DicomFault::FrameCount { .. })), "{count}");
    }
}

#[test]
fn several_images_are_not_the_only_frame() {
    let image = [0xFF, 0xD8, 0xFF, 0xC3, 0xFF, 0xD9];
    let two = [item(&[]), item(&image), item(&image), END.to_vec()].concat();
    assert!(matches!(frames(&two, Codec::Jpeg, 1), Err(DicomFault::FrameCount { frames: 1, .. })));
}

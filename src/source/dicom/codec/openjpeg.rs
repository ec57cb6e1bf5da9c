//! Calls the OpenJPEG library. The only unsafe code of the crate beside that of `store::direct_chunk`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::{ptr, slice};

use openjpeg_sys as opj;

/// Bytes that are read one after the other, with the end marker behind them.
struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Result of a read function at the end of its data.
const AT_END: usize = usize::MAX;

/// Library objects that are destroyed when they go out of scope. Each pointer is null or owned.
struct Codec(*mut opj::opj_codec_t);
struct Stream(*mut opj::opj_stream_t);
struct Image(*mut opj::opj_image_t);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `opj_create_decompress`, which makes it or gives null; null is passed over.
        unsafe { opj::opj_destroy_codec(self.0) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `opj_stream_create`; null is passed over. The stream has no function that frees
        // its user data.
        unsafe { opj::opj_stream_destroy(self.0) }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `opj_read_header` or is null, which is passed over.
        unsafe { opj::opj_image_destroy(self.0) }
    }
}

/// Decodes a codestream, complete with its end marker, to the samples of its components: of each pixel one behind the
/// other, in rows. `pixels` is the number of pixels of each component. `None` where the library refuses the stream or gives
/// components of other sizes.
pub(super) fn decode(bytes: &[u8], pixels: usize, components: usize, samples: &mut Vec<i32>) -> Option<()> {
    let mut source = Source { bytes, at: 0 };
    // SAFETY: the codec, stream and image are used as the library's header asks: created, checked for null, set up before
    // the header is read, and destroyed once, by their guards. `source` outlives the stream, and nothing else uses it
    // while the library may. The callbacks do not unwind.
    let image = unsafe {
        let codec = Codec(opj::opj_create_decompress(opj::CODEC_FORMAT::OPJ_CODEC_J2K));
        let stream = Stream(opj::opj_stream_create(bytes.len().clamp(64, 1 << 20), 1));
        if codec.0.is_null() || stream.0.is_null() {
            return None;
        }
        opj::opj_stream_set_read_function(stream.0, Some(read));
        opj::opj_stream_set_skip_function(stream.0, Some(skip));
        opj::opj_stream_set_seek_function(stream.0, Some(seek));
        opj::opj_stream_set_user_data(stream.0, ptr::from_mut(&mut source).cast(), None);
        opj::opj_stream_set_user_data_length(stream.0, bytes.len() as u64);
        let mut parameters = std::mem::zeroed::<opj::opj_dparameters_t>();
        opj::opj_set_default_decoder_parameters(&mut parameters);
        let mut image = Image(ptr::null_mut());
        let done = opj::opj_setup_decoder(codec.0, &mut parameters) != 0
            && opj::opj_decoder_set_strict_mode(codec.0, 1) != 0
            && opj::opj_read_header(stream.0, codec.0, &mut image.0) != 0
            && opj::opj_decode(codec.0, stream.0, image.0) != 0
            && opj::opj_end_decompress(codec.0, stream.0) != 0;
        if !done || image.0.is_null() {
            return None;
        }
        image
    };
    // SAFETY: the image is not null and owned by its guard; it has `numcomps` components, and each as many samples as its
    // width and height say where its data is not null.
    let planes: Vec<&[i32]> = unsafe {
        let image = &*image.0;
        if image.comps.is_null() || image.numcomps as usize != components {
            return None;
        }
        let planes = slice::from_raw_parts(image.comps, components).iter().map(|component| {
            let count = component.w as usize * component.h as usize;
            let has_data = !component.data.is_null() && count == pixels;
            has_data.then(|| slice::from_raw_parts(component.data, count))
        });
        planes.collect::<Option<_>>()?
    };
    samples.clear();
    if let [plane] = &planes[..] {
        samples.extend_from_slice(plane);
    } else {
        samples.extend((0..pixels).flat_map(|at| planes.iter().map(move |plane| plane[at])));
    }
    Some(())
}

/// Copies the next bytes.
extern "C" fn read(buffer: *mut c_void, count: usize, data: *mut c_void) -> usize {
    // SAFETY: `data` is the source of `decode`, which nothing else uses during the call.
    let source = unsafe { &mut *data.cast::<Source<'_>>() };
    let rest = source.bytes.get(source.at..).unwrap_or_default();
    let count = count.min(rest.len());
    if count == 0 {
        return AT_END;
    }
    // SAFETY: the library gives a buffer of at least `count` bytes that is its own.
    unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), buffer.cast(), count) };
    source.at += count;
    count
}

/// Passes over bytes; -1 where there are not so many.
extern "C" fn skip(count: i64, data: *mut c_void) -> i64 {
    // SAFETY: as in `read`.
    let source = unsafe { &mut *data.cast::<Source<'_>>() };
    let to = usize::try_from(count).ok().and_then(|count| source.at.checked_add(count));
    match to.filter(|&to| to <= source.bytes.len()) {
        Some(to) => {
            source.at = to;
            count
        }
        None => -1,
    }
}

/// Goes to an offset; 0 where it is outside of the bytes.
extern "C" fn seek(to: i64, data: *mut c_void) -> i32 {
    // SAFETY: as in `read`.
    let source = unsafe { &mut *data.cast::<Source<'_>>() };
    match usize::try_from(to).ok().filter(|&to| to <= source.bytes.len()) {
        Some(to) => {
            source.at = to;
            1
        }
        None => 0,
    }
}

//! Queries of the service: each is refused with a reason, or names options that name no file and say the same again.

use dicomprep::serve::check_query;
use dicomprep::stream::StreamOptions;
use serde_json::Value;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match check_query(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(options) => {
            assert!(options.files().is_empty(), "a query names {:?}", options.files());
            assert_eq!(fields(&again(&options)), fields(&options));
        }
    }
}

fn fields(options: &StreamOptions) -> Value {
    serde_json::to_value(options).expect("options are JSON")
}

/// Options set one by one to the values of `options`.
fn again(options: &StreamOptions) -> StreamOptions {
    let mut again = StreamOptions::default();
    let Value::Object(fields) = fields(options) else { panic!("options are an object") };
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        again.set(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
    }
    again
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "split=train&seed=5&batch_size=4&normalize=zscore&epochs=2&start=1%3A1@5f0c91d2&group=models",
        "where=mask_pixels.inner%3E50&where=split%3Dval&structures=inner,outer&balance=patient_id",
        "shuffle=false&drop_last=true&rank=1&world_size=4&uneven=drop&layout=nchw&image_dtype=float16",
        "augment=cardiac&rotation_range=10&zoom_range=0.8,1.2&width_shift_range=0.1&fill_mode=reflect&cval=-1e3",
        "window=40,400&normalize=window&rescale=0.5&format=arrow&mask_dtype=float32",
        "seed=1&seed=2",
        "augment=presets.toml",
        "batch_size=18446744073709551616",
        "a=%ff&b=+",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

//! The page for people at `/`.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::datasets::Served;
use crate::model::number_of;
use crate::report::Text;
use crate::split::SplitName;

const STYLE: &str = include_str!("page.css");
/// Samples of a data set whose pictures are shown.
const PICTURES: u64 = 6;

/// The page: each data set with pictures, numbers, how fast it is read, and how to read it.
pub(super) fn page(datasets: &[&Served], origin: &str) -> String {
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>dicomprep serve</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>dicomprep</h1>\n\
         <p class=\"lead\">Batches of images and masks. Every batch has a URL; \
         <a href=\"openapi.json\">openapi.json</a> describes all of them, <a href=\"metrics\">metrics</a> counts.</p>\n\
         </header>\n<main>\n"
    );
    for served in datasets {
        dataset(&mut text, served);
    }
    if let Some(first) = datasets.first() {
        recipes(&mut text, origin, &first.name);
    }
    text += "</main>\n</body>\n</html>\n";
    text
}

fn dataset(text: &mut String, served: &Served) {
    let opened = served.opened();
    let info = opened.info();
    let name = Text(&served.name);
    let shape = |axes: &[usize]| axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    // Writing to a String cannot fail.
    let _ = write!(text, "<section>\n<h2>{name}</h2>\n<div class=\"strip\">");
    for row in 0..PICTURES.min(info.samples as u64) {
        let _ = write!(
            text,
            "<img src=\"datasets/{name}/samples/{row}.png?mask=outline\" alt=\"row {row}\" loading=\"lazy\">"
        );
    }
    let _ = write!(
        text,
        "</div>\n<dl class=\"facts\">\n<div><dt>Samples</dt><dd>{} of {}</dd></div>\n<div><dt>Images</dt>\
         <dd>{} {}</dd></div>\n<div><dt>Structures</dt><dd>{}</dd></div>\n",
        info.samples,
        number_of(info.patients, "patient", "patients"),
        shape(&info.images),
        Text(&info.pixel_type),
        Text(&info.structures.join(", ")),
    );
    for split in SplitName::ALL {
        let Some(size) = info.splits.get(split.name()) else { continue };
        let (samples, patients) =
            (number_of(size.samples, "sample", "samples"), number_of(size.patients, "patient", "patients"));
        let _ = writeln!(text, "<div><dt>Split {}</dt><dd>{samples} of {patients}</dd></div>", split.name());
    }
    let counters = &served.counters;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let _ = writeln!(
        text,
        "<div><dt>Readers</dt><dd>{} open, {} samples/s; {} samples sent, {:.1} MB</dd></div>\n</dl>\n</section>",
        number_of(count(&counters.streams_open) as usize, "stream", "streams"),
        counters.rate(),
        count(&counters.samples),
        count(&counters.bytes) as f64 / 1e6
    );
}

fn recipes(text: &mut String, origin: &str, name: &str) {
    let (origin, name) = (Text(origin), Text(name));
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "<section>\n<h2>Read it</h2>\n<h3>Python</h3>\n<pre>import dicomprep\n\nds = \
         dicomprep.open(\"{origin}/datasets/{name}\")\nfor images, masks in ds.batches(split=\"train\", \
         epochs=2):\n    ...</pre>\n<h3>PyTorch</h3>\n<pre>from dicomprep.torch import Batches\n\ntrain = \
         Batches(\"{origin}/datasets/{name}\", split=\"train\", layout=\"nchw\")</pre>\n<h3>Keras</h3>\n\
         <pre>from dicomprep.keras import Batches\n\ntrain = Batches(\"{origin}/datasets/{name}\", \
         split=\"train\")\nmodel.fit(train, steps_per_epoch=train.steps_per_epoch)</pre>\n<h3>curl</h3>\n<pre>curl \
         --fail -o first.npy '{origin}/datasets/{name}/batches/0/0?split=train'</pre>\n</section>\n"
    );
}

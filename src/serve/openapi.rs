//! The description of the service in OpenAPI 3.1.

use serde_json::{Map, Value, json};

use super::query::MAX_VALUE_CHARS;
use super::samples::{MAX_OFFSET, MAX_ROWS};

/// Options of a stream as parameters of a query: name, schema, description. A test holds that every field of
/// [`StreamOptions`](crate::stream::StreamOptions) is here.
fn stream_parameters() -> Vec<(&'static str, Value, &'static str)> {
    let text = || json!({ "type": "string", "maxLength": MAX_VALUE_CHARS });
    let any_number = |least: u64| json!({ "type": "integer", "minimum": least, "maximum": u64::MAX });
    let yes_or_no = || json!({ "type": "boolean" });
    let number = || json!({ "type": "number" });
    let one_of = |names: &[&str]| json!({ "type": "string", "enum": names });
    vec![
        ("split", one_of(&["train", "val", "test"]), "Only the rows of this split"),
        (
            "fold",
            json!({ "type": "integer", "minimum": 0, "maximum": u16::MAX }),
            "Only the rows of the other folds",
        ),
        ("held_out", yes_or_no(), "Only the rows of the fold instead"),
        (
            "allow_leak",
            yes_or_no(),
            "Stream a split though patients or images of it are in another split too",
        ),
        (
            "where",
            json!({ "type": "array", "items": text(), "maxItems": 16 }),
            "Only rows that meet all conditions",
        ),
        ("structures", text(), "Names of mask planes, separated by commas"),
        ("balance", text(), "A structure or a column whose groups come equally often"),
        ("batch_size", any_number(1), "Samples of a batch"),
        ("drop_last", yes_or_no(), "Leave out a short last batch of an epoch"),
        ("seed", any_number(0), "Chooses everything that is random"),
        ("shuffle", yes_or_no(), "Shuffle rows in each epoch; otherwise the order of the file"),
        ("rank", any_number(0), "Rank of this reader, below world_size"),
        ("world_size", any_number(1), "Number of readers that share each epoch"),
        ("uneven", one_of(&["pad", "drop", "allow"]), "Handling of rows that world_size does not divide"),
        ("foreign_cursor", yes_or_no(), "Take a start that is of another stream"),
        ("neighbours", any_number(0), "Slices before, and as many after, as channels"),
        ("phases", any_number(0), "Phases before, and as many after, as channels"),
        ("edges", one_of(&["repeat", "zero"]), "Channels of neighbours beyond the ends of a stack"),
        ("size", text(), "Rows and columns of the images, as in 256x256"),
        ("crop", one_of(&["random", "center", "pad"]), "The part of a larger image"),
        ("layout", one_of(&["nhwc", "nchw"]), "Order of the axes"),
        ("image_dtype", one_of(&["stored", "float32", "float16"]), "Type of the images"),
        ("mask_dtype", one_of(&["uint8", "float32"]), "Type of the masks"),
        (
            "normalize",
            one_of(&["none", "zscore", "sample-zscore", "minmax", "percentile", "window"]),
            "Normalization of the image values",
        ),
        ("window", text(), "Center and width for the normalization window"),
        ("augment", one_of(&["keras-default", "cardiac", "nnunet"]), "Preset of the augmentation"),
        ("rotation_range", number(), "Keras: degrees"),
        ("width_shift_range", text(), "Keras: part of the width, or pixels"),
        ("height_shift_range", text(), "Keras: part of the height, or pixels"),
        ("shear_range", number(), "Keras: degrees"),
        ("zoom_range", text(), "Keras: a number, or low and high"),
        ("zoom_isotropic", yes_or_no(), "Zoom height and width by the same number"),
        ("channel_shift_range", number(), "Keras"),
        ("brightness_range", text(), "Keras: low and high"),
        ("horizontal_flip", yes_or_no(), "Keras"),
        ("vertical_flip", yes_or_no(), "Keras"),
        ("fill_mode", one_of(&["nearest", "constant", "reflect", "wrap"]), "Keras: pixels outside an image"),
        ("cval", number(), "Keras: value outside for fill_mode constant"),
        ("interpolation_order", json!({ "type": "integer", "enum": [0, 1, 3] }), "Order of the spline"),
        ("augment_eval", yes_or_no(), "Augment a stream of val or test too"),
        ("rescale", number(), "Keras: factor of all pixels"),
        ("samplewise_center", yes_or_no(), "Keras"),
        ("samplewise_std_normalization", yes_or_no(), "Keras"),
        ("featurewise_center", yes_or_no(), "Keras"),
        ("featurewise_std_normalization", yes_or_no(), "Keras"),
    ]
}

/// Options that name a file of the server, which no query may.
#[cfg(test)]
const FILES: [&str; 1] = ["zca_whitening"];

fn in_query(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": description })
}

fn in_path(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn format_parameter() -> Value {
    in_query(
        "format",
        json!({ "type": "string", "enum": ["npy", "webdataset", "arrow"] }),
        "Format of the batches",
    )
}

fn stream_query() -> Vec<Value> {
    let options = stream_parameters();
    let mut parameters: Vec<Value> =
        options.into_iter().map(|(name, schema, description)| in_query(name, schema, description)).collect();
    parameters.push(format_parameter());
    parameters
}

/// An operation that answers with `content` on success.
fn operation(id: &str, summary: &str, parameters: Vec<Value>, success: Value, refusals: &[u16]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success);
    for status in refusals {
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    json!({ "get": {
        "operationId": id, "summary": summary, "parameters": parameters, "responses": responses,
    } })
}

fn body(description: &str, types: &[&str]) -> Value {
    let content: Map<String, Value> =
        types.iter().map(|media_type| ((*media_type).to_owned(), json!({ "schema": {} }))).collect();
    json!({ "description": description, "content": content })
}

const FORMATS: [&str; 3] = ["application/x-npy", "application/x-tar", "application/vnd.apache.arrow.stream"];

/// The description, for a service whose data sets have these `names`.
pub(super) fn describe(names: &[&str]) -> Value {
    let name = || in_path("name", json!({ "type": "string", "enum": names }));
    let whole = || json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000_000 });
    let with_name = |mut parameters: Vec<Value>| {
        parameters.insert(0, name());
        parameters
    };
    let mut stream = stream_query();
    stream.extend([
        in_query(
            "epochs",
            json!({ "type": "integer", "minimum": 1, "maximum": 1_000 }),
            "Number of epochs; 0 is without end",
        ),
        in_query(
            "start",
            json!({ "type": "string", "pattern": "^[0-9]{1,9}:[0-9]{1,9}(@[0-9a-f]{8})?$" }),
            "Batch to begin at",
        ),
        in_query(
            "group",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
            "Readers in step, who share one decode",
        ),
    ]);
    let mut batch = stream_query();
    batch.splice(0..0, [in_path("epoch", whole()), in_path("batch", whole())]);
    let samples = batch.clone();
    let rows = vec![
        in_query(
            "where",
            json!({ "type": "array", "items": { "type": "string", "maxLength": MAX_VALUE_CHARS }, "maxItems": 16 }),
            "Only rows that meet all conditions",
        ),
        in_query(
            "offset",
            json!({ "type": "integer", "minimum": 0, "maximum": MAX_OFFSET }),
            "Rows to leave out",
        ),
        in_query("limit", json!({ "type": "integer", "minimum": 1, "maximum": MAX_ROWS }), "Rows at most"),
    ];
    let json_body = |description: &str| body(description, &["application/json"]);
    let refused = [400, 401, 404, 414, 429, 503];
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "dicomprep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Batches of images and masks. Every batch has a URL; two services over equal files give equal bytes.",
        },
        "paths": {
            "/": operation("page", "A page for people", vec![], body("The page", &["text/html"]), &[401]),
            "/healthz": operation("health", "The process lives", vec![], body("ok", &["text/plain"]), &[]),
            "/readyz": operation("ready", "New streams are taken", vec![], body("ok", &["text/plain"]), &[503]),
            "/metrics": operation("metrics", "Counters for Prometheus", vec![], body("Counters", &["text/plain"]), &[401]),
            "/openapi.json": operation("description", "This description", vec![], json_body("OpenAPI"), &[401]),
            "/datasets": operation("datasets", "All data sets", vec![], json_body("Data sets"), &[401]),
            "/datasets/{name}": operation("dataset", "One data set, as `dicomprep info --json`", vec![name()], json_body("The data set"), &[401, 404, 503]),
            "/datasets/{name}/batches": operation("stream", "The stream of `dicomprep batches`", with_name(stream), body("The stream, chunked", &FORMATS), &refused),
            "/datasets/{name}/batches/{epoch}/{batch}": operation("batch", "One batch", with_name(batch), body("The batch", &FORMATS), &refused),
            "/datasets/{name}/batches/{epoch}/{batch}/samples": operation("samples_of_batch", "Rows and augmentation of the samples of a batch", with_name(samples), json_body("Rows, positions, augmentation, cursors"), &refused),
            "/datasets/{name}/columns": operation("columns", "The names of all columns", vec![name()], json_body("Names"), &[401, 404, 503]),
            "/datasets/{name}/columns/{column}": operation("column", "All values of a column", with_name(vec![in_path("column", json!({ "type": "string", "pattern": "^[a-z_0-9]{1,64}$" }))]), json_body("Type, shape and values"), &[400, 401, 404, 503]),
            "/datasets/{name}/schema": operation("schema", "Shapes, types and numbers of batches", with_name(stream_query()), json_body("As `dicomprep batches --describe`"), &refused),
            "/datasets/{name}/samples": operation("samples", "Rows", with_name(rows), json_body("Rows"), &refused),
            "/datasets/{name}/samples/{row}": operation("sample", "One row; `{row}.png` is its picture, `{row}.npy?epoch=0` the sample that it is under the options of a stream", with_name(vec![in_path("row", whole())]), json_body("The row"), &refused),
            "/datasets/{name}/file": operation("file", "The HDF5 file", vec![name()], body("The file", &["application/x-hdf5"]), &[401, 404, 503]),
        },
        "components": {
            "responses": responses(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn responses() -> Value {
    let error = |description: &str| {
        json!({ "description": description, "content": { "application/json": { "schema": {
            "type": "object", "required": ["error"], "properties": { "error": { "type": "string" } },
        } } } })
    };
    json!({
        "400": error("An option is wrong; the text says which"),
        "401": error("The token is missing or unknown"),
        "404": error("There is no such data set, batch or row"),
        "414": error("Path and query are too long"),
        "429": error("As many streams are open as the service takes; Retry-After says when to ask again"),
        "503": error("The service is starting or draining, or the file cannot be read"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamOptions;

    #[test]
    fn every_option_of_a_stream_is_described() {
        let Value::Object(options) = serde_json::to_value(StreamOptions::default()).unwrap() else {
            panic!()
        };
        let mut expected: Vec<&str> = options
            .keys()
            .map(String::as_str)
            .filter(|name| !FILES.contains(name) && *name != "epochs")
            .collect();
        let parameters = stream_parameters();
        let mut described: Vec<&str> = parameters.iter().map(|(name, ..)| *name).collect();
        expected.sort_unstable();
        described.sort_unstable();
        assert_eq!(described, expected);
    }

    #[test]
    fn references_lead_to_responses() {
        let text = describe(&["a"]).to_string();
        for reference in text.split("#/components/responses/").skip(1) {
            let status = &reference[..3];
            assert!(responses()[status].is_object(), "{status}");
        }
    }
}

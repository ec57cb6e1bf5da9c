//! Contour text: any bytes give a polygon of the numbers that stand there, or an error with a line.

use dicomprep::model::MAX_COORDINATE;
use dicomprep::source::parse_contour;

use crate::assert_plain;

pub(crate) fn run(bytes: &[u8]) {
    let polygon = match parse_contour("c.txt", bytes) {
        Err(error) => return assert_plain(&error.to_string()),
        Ok(polygon) => polygon,
    };
    let points = polygon.points();
    assert!(points.len() >= 3);
    assert!(points.iter().flatten().all(|number| number.abs() <= MAX_COORDINATE));
    assert!(polygon.area().is_finite());
    // Slowly and plainly: what is left when marks are spaces are the numbers, two a line.
    let text = String::from_utf8_lossy(bytes).replace([',', ';'], " ");
    let numbers = text.trim_start_matches('\u{FEFF}').split_ascii_whitespace();
    let numbers: Vec<f64> = numbers.map(|number| number.parse().expect("a number")).collect();
    assert_eq!(points.as_flattened(), numbers);
    // Written out and read again it is the same.
    let written: String = points.iter().map(|[x, y]| format!("{x} {y}\r\n")).collect();
    assert_eq!(parse_contour("c.txt", written.as_bytes()).as_ref(), Ok(&polygon));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 9] = [
        b"1 2\n3.5 -4\n5 6e1\n",
        b"\xEF\xBB\xBF1.00 2.00\r\n3.50\t-4.00 \r\n\r\n  5 60",
        b"1, 2\n3.5 ;-4\n5 , 60\n1,2\n",
        b"1 2\n3 9999999\n4 5\n6 7",
        b"nan 1\n1 inf\n",
        b"1 2\n1 2\n1 2\n",
        b"1 2\n3 4\n\xFF 1\n",
        b"1 2 3\n",
        b"",
    ];
    let circle: String = (0..40)
        .map(|step| f64::from(step) / 20.0 * std::f64::consts::PI)
        .map(|angle| format!("{:.2} {:.2}\n", 100.5 + 30.0 * angle.cos(), 90.5 + 20.0 * angle.sin()))
        .collect();
    texts.map(<[u8]>::to_vec).into_iter().chain([circle.into_bytes()]).collect()
}

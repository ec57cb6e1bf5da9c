//! The numbers in file names. Pure.

use crate::layout::name_pattern::{NameFault, parse_number};

/// The number in `48.dcm`.
pub(super) fn image_number(name: &str) -> Result<i32, NameFault> {
    let stem = name.len().checked_sub(4).and_then(|end| name.split_at_checked(end));
    match stem {
        Some((digits, suffix)) if suffix.eq_ignore_ascii_case(".dcm") && is_number(digits) => {
            parse_number(digits)
        }
        _ => Err(NameFault::form("an image is called <number>.dcm")),
    }
}

/// The number in `IM-0001-0048-icontour-manual.txt`, for a file in the folder of the contours with this letter.
pub(super) fn contour_number(name: &str, letter: char) -> Result<i32, NameFault> {
    let fits = || {
        let lower = name.to_ascii_lowercase();
        let mut parts = lower.split('-');
        let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let [im, series, digits, contour, manual] = fields;
        let found = contour.strip_suffix("contour")?;
        let fits = parts.next().is_none() && im == "im" && manual == "manual.txt";
        (fits && is_number(series) && is_number(digits) && found.len() == 1)
            .then(|| (digits.to_owned(), found.to_owned()))
    };
    let detail = match fits() {
        Some((digits, found)) if found == letter.to_string() => return parse_number(&digits),
        Some((_, found)) => {
            format!("a contour in this folder is a `{letter}contour`, not a `{found}contour`")
        }
        None => format!("a contour in this folder is called IM-<series>-<number>-{letter}contour-manual.txt"),
    };
    Err(NameFault::form(detail))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const I48: &str = "IM-0001-0048-icontour-manual.txt";
    const O48: &str = "IM-0001-0048-ocontour-manual.txt";

    #[test]
    fn numbers_of_images() {
        assert_eq!(image_number("48.dcm"), Ok(48));
        assert_eq!(image_number("0048.DCM"), Ok(48));
        assert_eq!(image_number("0.dcm"), Ok(0));
        assert_eq!(image_number("2147483647.dcm"), Ok(i32::MAX));
        assert!(image_number("2147483648.dcm").unwrap_err().detail.contains("larger than"));
        for name in
            [".dcm", "dcm", "", "48", "48.dcm.txt", "-1.dcm", "+1.dcm", "4 8.dcm", "٤.dcm", "é.dcm", "ééé"]
        {
            assert_eq!(image_number(name), Err(NameFault::form("an image is called <number>.dcm")), "{name}");
        }
    }

    #[test]
    fn numbers_of_contours() {
        assert_eq!(contour_number(I48, 'i'), Ok(48));
        assert_eq!(contour_number(O48, 'o'), Ok(48));
        assert_eq!(contour_number("IM-7-123456-icontour-manual.TXT", 'i'), Ok(123_456));
        let wrong = contour_number(O48, 'i').unwrap_err().detail;
        assert_eq!(wrong, "a contour in this folder is a `icontour`, not a `ocontour`");
        for name in [
            "IM-0001-0048-icontour-auto.txt",
            "IM-0001-0048-icontour-manual.txt~",
            "IM-0001-0048-icontour-manual-2.txt",
            "IM--0048-icontour-manual.txt",
            "IM-0001--icontour-manual.txt",
            "IM-0001-+48-icontour-manual.txt",
            "IM-0001-0048-contour-manual.txt",
            "notes.txt",
        ] {
            let wrong = contour_number(name, 'i').unwrap_err().detail;
            assert!(wrong.contains("is called IM-<series>-<number>-icontour-manual.txt"), "{name}");
        }
        assert!(
            contour_number("IM-1-99999999999-icontour-manual.txt", 'i')
                .unwrap_err()
                .detail
                .contains("larger")
        );
    }
}

//! Masks as lengths of runs.

/// Plane `plane` of a mask (row, column, plane) as the lengths of its runs in row-major order, the first of zeros, then
/// of alternating ones and zeros, in base 36 and separated by dots. The last run is left out where it is of zeros.
pub(super) fn runs(mask: &[u8], planes: usize, plane: usize) -> String {
    let mut lengths: Vec<u32> = vec![0];
    let mut last = false;
    for pixel in mask.iter().skip(plane).step_by(planes) {
        if (*pixel != 0) != last {
            last = !last;
            lengths.push(0);
        }
        *lengths.last_mut().expect("it begins with one") += 1;
    }
    if !last {
        lengths.pop();
    }
    let texts: Vec<String> = lengths.into_iter().map(base36).collect();
    texts.join(".")
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_runs_of_zeros_and_ones() {
        let mask = [1, 0, 1, 0, 0, 0, 0, 1, 1, 1];
        assert_eq!(runs(&mask, 2, 0), "0.2.2.1");
        assert_eq!(runs(&mask, 2, 1), "3.2");
        assert_eq!(runs(&[0; 4], 1, 0), "");
        assert_eq!(runs(&[1, 1, 0, 0], 1, 0), "0.2");
        let mut long = vec![0; 1296];
        long.extend([1; 35]);
        assert_eq!(runs(&long, 1, 0), "100.z");
    }
}

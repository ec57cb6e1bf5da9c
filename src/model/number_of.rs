//! Numbers of things in sentences.

/// `n` with what it counts: `1 image`, `2 images`, `0 images`.
pub(crate) fn number_of(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

//! Properties that a compressed image states, read before a codec gets it.

/// Size and depth that a compressed image declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Codestream {
    pub(in super::super) rows: u32,
    pub(in super::super) columns: u32,
    pub(in super::super) components: u16,
    /// Bits of a sample.
    pub(in super::super) precision: u8,
    /// True if samples are signed.
    pub(in super::super) signed: bool,
}

/// A fragment without what makes its length even (PS3.5 A.4): a zero, or a fill byte; some writers add more.
pub(in super::super) fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0 && byte != 0xFF).map_or(0, |last| last + 1);
    &bytes[..end]
}

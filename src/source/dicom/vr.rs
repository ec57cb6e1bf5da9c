//! Value representations (PS3.5 6.2).

/// True for a value representation (PS3.5 table 6.2-1).
pub(super) fn is_vr(bytes: [u8; 2]) -> bool {
    has_long_form(bytes)
        || matches!(
            &bytes,
            b"AE"
                | b"AS"
                | b"AT"
                | b"CS"
                | b"DA"
                | b"DS"
                | b"DT"
                | b"FD"
                | b"FL"
                | b"IS"
                | b"LO"
                | b"LT"
                | b"PN"
                | b"SH"
                | b"SL"
                | b"SS"
                | b"ST"
                | b"TM"
                | b"UI"
                | b"UL"
                | b"US"
        )
}

/// The value representations with a 32-bit length (PS3.5 table 7.1-1).
pub(super) fn has_long_form(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    )
}

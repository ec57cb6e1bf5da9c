//! The bits of floats in the order of their values.

/// Bits of an order-preserving float that are not used for its bin: 14 of the 23 of its mantissa.
pub(super) const FLOAT_BIN_SHIFT: u32 = 14;

/// Numbers in ascending order of value: the bits of a float are ordered once the sign is folded in.
pub(super) fn ordered_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 }
}

/// The value of which these are the [`ordered_bits`].
pub(super) fn float_of_ordered(ordered: u32) -> f32 {
    // A negative bin's lowest value is the one whose cut-off bits are all set in magnitude.
    f32::from_bits(if ordered >> 31 == 1 { ordered & 0x7FFF_FFFF } else { !ordered })
}

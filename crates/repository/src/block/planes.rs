//! Byte planes: the first bytes of all elements, then the second bytes, and so on.
//!
//! In an array of floating-point numbers the sign and exponent bytes are similar and the mantissa bytes are noise;
//! apart from each other the former compress and the latter need not be tried.

/// Splits `raw` into `width` planes, one after the other in `out`; bytes beyond the last whole element follow them.
pub(crate) fn split(raw: &[u8], width: u8, out: &mut Vec<u8>) {
    out.resize(raw.len(), 0);
    match width {
        2 => split_elements(raw, out, |element, lane| (u16::from_le_bytes(element) >> (8 * lane)) as u8),
        4 => split_elements(raw, out, |element, lane| (u32::from_le_bytes(element) >> (8 * lane)) as u8),
        _ => split_elements(raw, out, |element, lane| (u64::from_le_bytes(element) >> (8 * lane)) as u8),
    }
}

/// The reverse of [`split`].
pub(crate) fn join(planes: &[u8], width: u8, out: &mut Vec<u8>) {
    out.resize(planes.len(), 0);
    match width {
        2 => join_elements(planes, out, |[a, b]| (u16::from(a) | u16::from(b) << 8).to_le_bytes()),
        4 => join_elements(planes, out, |[a, b, c, d]| {
            (u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16 | u32::from(d) << 24).to_le_bytes()
        }),
        _ => join_elements(planes, out, |bytes: [u8; 8]| bytes),
    }
}

/// Elements are handled in tiles that stay in the first-level cache.
const TILE: usize = 1024;

/// `byte` takes a byte of an element; written as a shift it becomes vector instructions.
fn split_elements<const W: usize>(raw: &[u8], out: &mut [u8], byte: impl Fn([u8; W], usize) -> u8) {
    let count = raw.len() / W;
    let (elements, rest) = raw.split_at(count * W);
    let (planes, tail) = out.split_at_mut(count * W);
    tail.copy_from_slice(rest);
    for (tile, part) in elements.chunks(TILE * W).enumerate() {
        let elements = part.as_chunks::<W>().0;
        for lane in 0..W {
            let plane = &mut planes[lane * count + tile * TILE..][..elements.len()];
            for (to, element) in plane.iter_mut().zip(elements) {
                *to = byte(*element, lane);
            }
        }
    }
}

fn join_elements<const W: usize>(planes: &[u8], out: &mut [u8], element: impl Fn([u8; W]) -> [u8; W]) {
    let count = planes.len() / W;
    let (planes, rest) = planes.split_at(count * W);
    let (elements, tail) = out.split_at_mut(count * W);
    tail.copy_from_slice(rest);
    let lanes: [&[u8]; W] = std::array::from_fn(|lane| &planes[lane * count..][..count]);
    for (i, to) in elements.as_chunks_mut::<W>().0.iter_mut().enumerate() {
        *to = element(std::array::from_fn(|lane| lanes[lane][i]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn planes_join_to_what_was_split(
            raw in prop::collection::vec(any::<u8>(), 0..9000),
            width in prop::sample::select(vec![2_u8, 4, 8]),
        ) {
            let (mut planes, mut again) = (Vec::new(), Vec::new());
            split(&raw, width, &mut planes);
            join(&planes, width, &mut again);
            prop_assert_eq!(again, raw);
        }
    }

    #[test]
    fn planes_are_in_the_order_of_the_bytes_of_an_element() {
        let mut planes = Vec::new();
        split(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 4, &mut planes);
        assert_eq!(planes, [1, 5, 2, 6, 3, 7, 4, 8, 9]);
    }
}

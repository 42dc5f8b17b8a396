//! Byte planes: the first bytes of all elements, then the second bytes, and so on.
//!
//! In an array of floating-point numbers the sign and exponent bytes are similar and the mantissa bytes are noise;
//! apart from each other the former compress and the latter need not be tried.

/// Splits `raw` into `width` planes, one after the other in `out`; bytes beyond the last whole element follow them.
pub(crate) fn split(raw: &[u8], width: u8, out: &mut Vec<u8>) {
    out.clear();
    out.resize(raw.len(), 0);
    match width {
        2 => split_by::<2>(raw, out),
        4 => split_by::<4>(raw, out),
        _ => split_by::<8>(raw, out),
    }
}

/// The reverse of [`split`].
pub(crate) fn join(planes: &[u8], width: u8, out: &mut Vec<u8>) {
    out.clear();
    out.resize(planes.len(), 0);
    match width {
        2 => join_by::<2>(planes, out),
        4 => join_by::<4>(planes, out),
        _ => join_by::<8>(planes, out),
    }
}

/// Elements are handled in tiles that stay in the first-level cache.
const TILE: usize = 1024;

fn split_by<const W: usize>(raw: &[u8], out: &mut [u8]) {
    let count = raw.len() / W;
    let (elements, rest) = raw.split_at(count * W);
    let (planes, tail) = out.split_at_mut(count * W);
    tail.copy_from_slice(rest);
    for (tile, part) in elements.chunks(TILE * W).enumerate() {
        let start = tile * TILE;
        for lane in 0..W {
            let plane = &mut planes[lane * count + start..][..part.len() / W];
            for (byte, element) in plane.iter_mut().zip(part.as_chunks::<W>().0) {
                *byte = element[lane];
            }
        }
    }
}

fn join_by<const W: usize>(planes: &[u8], out: &mut [u8]) {
    let count = planes.len() / W;
    let (planes, rest) = planes.split_at(count * W);
    let (elements, tail) = out.split_at_mut(count * W);
    tail.copy_from_slice(rest);
    if count == 0 {
        return;
    }
    let lanes: [&[u8]; W] = std::array::from_fn(|lane| &planes[lane * count..(lane + 1) * count]);
    for (i, element) in elements.as_chunks_mut::<W>().0.iter_mut().enumerate() {
        for (byte, lane) in element.iter_mut().zip(&lanes) {
            *byte = lane[i];
        }
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

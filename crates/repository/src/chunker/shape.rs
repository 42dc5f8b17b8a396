//! What kind of content a file has, judged by its beginning and by samples.

use crate::block::best_width;
use crate::content::ContentHint;

/// How a file is cut and encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// Content-defined chunks.
    Stream,
    /// Fixed blocks, zeros become holes.
    Image,
    /// Content-defined chunks aligned to 8 bytes, byte planes.
    Array,
}

/// Whether every byte is zero.
pub(crate) fn is_zero(data: &[u8]) -> bool {
    let (words, rest) = data.as_chunks::<64>();
    words.iter().all(|word| word.iter().fold(0, |all, byte| all | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

/// A magic number at an offset.
struct Magic(usize, &'static [u8]);

const IMAGES: &[Magic] = &[
    Magic(0, b"QFI\xfb"),
    Magic(0, b"KDMV"),
    Magic(0, b"vhdxfile"),
    Magic(0, b"conectix"),
    Magic(0x40, b"\x7f\x10\xda\xbe"),
    Magic(0x1fe, b"\x55\xaa"),
    Magic(0x200, b"EFI PART"),
    Magic(0x438, b"\x53\xef"),
    Magic(0, b"XFSB"),
    Magic(0x10040, b"_BHRfS_M"),
    Magic(0x8001, b"CD001"),
    Magic(3, b"NTFS    "),
    Magic(0, b"LUKS\xba\xbe"),
    Magic(0, b"hsqs"),
    Magic(0x218, b"LVM2 001"),
];

const ARRAYS: &[Magic] = &[Magic(0, b"\x89HDF\r\n\x1a\n"), Magic(0, b"\x93NUMPY")];

/// How many bytes of the beginning of a file [`shape_of`] looks at.
pub(crate) const HEAD_BYTES: usize = 0x10048;

/// Below this length it does not pay to look.
const MIN_BYTES: u64 = 1 << 20;

/// The shape of a file of `length` bytes, of which `data_bytes` are not in holes; `head` is its beginning and `middle`
/// some bytes from elsewhere in it.
pub(crate) fn shape_of(hint: ContentHint, length: u64, sparse: bool, head: &[u8], middle: &[u8]) -> Shape {
    let has = |magics: &[Magic]| {
        magics.iter().any(|Magic(offset, magic)| head.get(*offset..*offset + magic.len()) == Some(magic))
    };
    match hint {
        ContentHint::Image => Shape::Image,
        ContentHint::Array => Shape::Array,
        ContentHint::Stream | ContentHint::Incompressible => Shape::Stream,
        ContentHint::Auto if length < MIN_BYTES => Shape::Stream,
        ContentHint::Auto if has(ARRAYS) => Shape::Array,
        ContentHint::Auto if length.is_multiple_of(512) && (has(IMAGES) || sparse) => Shape::Image,
        ContentHint::Auto => {
            let found = best_width(middle);
            if found.width > 1 && found.bits > 5.0 { Shape::Array } else { Shape::Stream }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_by_magic_and_sparseness() {
        let mut head = vec![0; HEAD_BYTES];
        let shape = |head: &[u8], sparse| shape_of(ContentHint::Auto, 4 << 20, sparse, head, &[1, 2, 3]);
        assert_eq!(shape(&head, false), Shape::Stream);
        assert_eq!(shape(&head, true), Shape::Image);
        head[0x438..0x43a].copy_from_slice(b"\x53\xef");
        assert_eq!(shape(&head, false), Shape::Image);
        head[..8].copy_from_slice(b"\x89HDF\r\n\x1a\n");
        assert_eq!(shape(&head, false), Shape::Array);
        assert_eq!(shape(b"", false), Shape::Stream);
    }

    #[test]
    fn zero_is_zero_at_every_length() {
        for length in [0, 1, 63, 64, 65, 4096] {
            let mut data = vec![0; length];
            assert!(is_zero(&data));
            if let Some(last) = data.last_mut() {
                *last = 1;
                assert!(!is_zero(&data));
            }
        }
    }
}

//! Encodes and decodes blocks. The contexts are made once per thread and used again.

use std::fmt;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, ParamSwitch};

use crate::block::encoding::Encoding;
use crate::block::planes;
use crate::block::probe::best_width;
use crate::wire::{Decoder, Malformed};

/// What a block was collected from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BlockForm {
    /// Anything that may compress.
    General,
    /// Disk images and pages: what is worth a little more time.
    Dense,
    /// Numeric arrays.
    Array,
    /// Noise.
    Noise,
}

/// Encodes blocks.
pub(crate) struct BlockEncoder {
    general: Compressor<'static>,
    dense: Option<Compressor<'static>>,
    entropy_only: Option<Compressor<'static>>,
    planes: Vec<u8>,
}

impl fmt::Debug for BlockEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockEncoder")
    }
}

/// How each plane is kept.
const PLANE_STORED: u8 = 0;
const PLANE_ZSTD: u8 = 1;
const PLANE_HEADER_BYTES: usize = 5;

impl BlockEncoder {
    pub(crate) fn new() -> Self {
        Self { general: general(), dense: None, entropy_only: None, planes: Vec::new() }
    }

    /// Encodes `raw`, which may be taken, into `out`, which is replaced.
    pub(crate) fn encode(&mut self, form: BlockForm, raw: &mut Vec<u8>, out: &mut Vec<u8>) -> Encoding {
        let encoded = match form {
            BlockForm::General => self.zstd(raw, out),
            BlockForm::Dense => {
                compress(self.dense.get_or_insert_with(dense), raw, out).then_some(Encoding::Zstd)
            }
            BlockForm::Array => self.array(raw, out),
            BlockForm::Noise => None,
        };
        // What saves less than one part in 64 is not worth decompressing.
        match encoded {
            Some(encoding) if out.len() + raw.len() / 64 < raw.len() => encoding,
            _ => {
                std::mem::swap(raw, out);
                Encoding::Stored
            }
        }
    }

    fn zstd(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Option<Encoding> {
        compress(&mut self.general, raw, out).then_some(Encoding::Zstd)
    }

    fn array(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Option<Encoding> {
        let found = best_width(raw);
        if found.width == 1 {
            return if found.noise[0] { None } else { self.zstd(raw, out) };
        }
        let middle = &raw[(raw.len() / 2).saturating_sub(8192)..][..raw.len().min(16_384)];
        let plain_bits = if compress(&mut self.general, middle, out) {
            out.len() as f32 * 8.0 / middle.len() as f32
        } else {
            8.0
        };
        if plain_bits < found.bits {
            return self.zstd(raw, out);
        }
        let width = usize::from(found.width);
        let mut planes = std::mem::take(&mut self.planes);
        planes::split(raw, found.width, &mut planes);
        let length = raw.len() / width;
        let entropy_only = self.entropy_only.get_or_insert_with(entropy_only);
        // No plane is kept in more bytes than it has.
        out.resize(PLANE_HEADER_BYTES * width + raw.len(), 0);
        let mut end = PLANE_HEADER_BYTES * width;
        for (i, plane) in planes[..length * width].chunks_exact(length.max(1)).enumerate() {
            let place = &mut out[end..end + length];
            let compressed =
                if found.noise[i] { None } else { entropy_only.compress_to_buffer(plane, place).ok() };
            let (mode, stored) = match compressed {
                Some(stored) if stored + length / 64 < length => (PLANE_ZSTD, stored),
                _ => {
                    place.copy_from_slice(plane);
                    (PLANE_STORED, length)
                }
            };
            let header = &mut out[PLANE_HEADER_BYTES * i..][..PLANE_HEADER_BYTES];
            header[0] = mode;
            header[1..].copy_from_slice(&(stored as u32).to_le_bytes());
            end += stored;
        }
        let rest = &planes[length * width..];
        out[end..end + rest.len()].copy_from_slice(rest);
        out.truncate(end + rest.len());
        self.planes = planes;
        Some(Encoding::Planes(found.width))
    }
}

fn compressor(level: i32, parameters: &[CParameter]) -> Compressor<'static> {
    let mut compressor = Compressor::new(level).expect("zstd allocates a context");
    // The length and the authenticity of a block are known otherwise.
    let frame = [CParameter::ContentSizeFlag(false), CParameter::ChecksumFlag(false)];
    for parameter in frame.iter().chain(parameters) {
        compressor.set_parameter(*parameter).expect("zstd knows this parameter");
    }
    compressor
}

/// Level 1 with a window as long as a block and twice the table: 2 % smaller than level 1, 4 % slower.
fn general() -> Compressor<'static> {
    compressor(1, &[CParameter::WindowLog(20), CParameter::HashLog(15), CParameter::MinMatch(7)])
}

/// Level 3 with smaller tables: 7 % smaller than level 1, 20 % slower.
fn dense() -> Compressor<'static> {
    let tables = [CParameter::WindowLog(21), CParameter::HashLog(16), CParameter::ChainLog(14)];
    compressor(3, &tables)
}

/// A compressor that hardly looks for repetitions but always codes literals: what exponent bytes need.
fn entropy_only() -> Compressor<'static> {
    compressor(-20, &[CParameter::LiteralCompressionMode(ParamSwitch::Enable)])
}

/// Compresses `raw` into `out`, which is replaced. False when it did not fit in `raw.len()` bytes.
fn compress(compressor: &mut Compressor<'_>, raw: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.reserve(raw.len());
    compressor.compress_to_buffer(raw, out).is_ok()
}

/// Decodes blocks.
pub(crate) struct BlockDecoder {
    zstd: Decompressor<'static>,
    planes: Vec<u8>,
}

impl fmt::Debug for BlockDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockDecoder")
    }
}

impl BlockDecoder {
    pub(crate) fn new() -> Self {
        Self { zstd: Decompressor::new().expect("zstd allocates a context"), planes: Vec::new() }
    }

    /// Decodes `encoded`, which may be taken, into `raw`, which is replaced and gets exactly `length` bytes.
    ///
    /// The caller has checked `length` against [`crate::limits::MAX_BLOCK_BYTES`].
    pub(crate) fn decode(
        &mut self,
        encoding: Encoding,
        encoded: &mut Vec<u8>,
        length: usize,
        raw: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        match encoding {
            Encoding::Stored => {
                std::mem::swap(encoded, raw);
                if raw.len() == length { Ok(()) } else { Err(Malformed("a block has another length")) }
            }
            Encoding::Zstd => {
                raw.clear();
                raw.reserve_exact(length);
                // More than `length` may fit, so the length is checked afterwards.
                match self.zstd.decompress_to_buffer(encoded, raw) {
                    Ok(written) if written == length => Ok(()),
                    _ => Err(Malformed("a block does not decompress")),
                }
            }
            Encoding::Planes(width) => {
                let mut planes = std::mem::take(&mut self.planes);
                let result = self.decode_planes(width, encoded, length, &mut planes);
                if result.is_ok() {
                    planes::join(&planes, width, raw);
                }
                self.planes = planes;
                result
            }
        }
    }

    fn decode_planes(
        &mut self,
        width: u8,
        encoded: &[u8],
        length: usize,
        planes: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let (width, plane_length) = (usize::from(width), length / usize::from(width));
        let mut headers = Decoder::new(encoded);
        let mut bodies = Decoder::new(encoded);
        bodies.bytes(PLANE_HEADER_BYTES * width)?;
        planes.resize(length, 0);
        let (whole, rest) = planes.split_at_mut(plane_length * width);
        for lane in 0..width {
            let (mode, stored) = (headers.u8()?, headers.u32()? as usize);
            let plane = &mut whole[lane * plane_length..(lane + 1) * plane_length];
            let body = bodies.bytes(stored)?;
            match mode {
                PLANE_STORED if stored == plane_length => plane.copy_from_slice(body),
                PLANE_ZSTD => self.decompress(body, plane)?,
                _ => return Err(Malformed("a plane of a block is not readable")),
            }
        }
        rest.copy_from_slice(bodies.bytes(rest.len())?);
        bodies.end()
    }

    fn decompress(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), Malformed> {
        let wanted = to.len();
        match self.zstd.decompress_to_buffer(from, to) {
            Ok(written) if written == wanted => Ok(()),
            _ => Err(Malformed("a block does not decompress")),
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Rng, SeededRng};
    use proptest::prelude::*;

    use super::*;

    fn round_trip(form: BlockForm, raw: &[u8]) -> (Encoding, usize) {
        let mut out = Vec::new();
        let encoding = BlockEncoder::new().encode(form, &mut raw.to_vec(), &mut out);
        let stored = out.len();
        let mut again = Vec::new();
        BlockDecoder::new().decode(encoding, &mut out, raw.len(), &mut again).unwrap();
        assert_eq!(again, raw);
        (encoding, stored)
    }

    #[test]
    fn each_form_finds_its_encoding() {
        let mut noise = vec![0; 1 << 20];
        SeededRng::new(1).fill(&mut noise);
        let text = b"a line of a source file\n".repeat(40_000);
        let singles: Vec<u8> = noise
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|b| (f32::from_bits(u32::from_le_bytes(*b) % 0x0400_0000 + 0x3c00_0000)).to_le_bytes())
            .collect();
        assert_eq!(round_trip(BlockForm::General, &text).0, Encoding::Zstd);
        assert_eq!(round_trip(BlockForm::General, &noise).0, Encoding::Stored);
        assert_eq!(round_trip(BlockForm::Noise, &noise).0, Encoding::Stored);
        assert_eq!(round_trip(BlockForm::Array, &noise).0, Encoding::Stored);
        let (encoding, stored) = round_trip(BlockForm::Array, &singles);
        assert_eq!(encoding, Encoding::Planes(4));
        assert!(stored < singles.len() * 85 / 100, "{stored} of {}", singles.len());
        assert_eq!(round_trip(BlockForm::Array, &text).0, Encoding::Zstd);
    }

    proptest! {
        #[test]
        fn blocks_read_back(
            raw in prop::collection::vec(any::<u8>(), 1..5000),
            repeat in 1..40_usize,
            form in prop::sample::select(vec![
                BlockForm::General,
                BlockForm::Dense,
                BlockForm::Array,
                BlockForm::Noise,
            ]),
        ) {
            round_trip(form, &raw.repeat(repeat));
        }

        #[test]
        fn hostile_blocks_are_refused_without_a_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..300),
            length in 0..5000_usize,
            encoding in prop::sample::select(vec![Encoding::Stored, Encoding::Zstd, Encoding::Planes(2), Encoding::Planes(8)]),
        ) {
            let mut raw = Vec::new();
            if BlockDecoder::new().decode(encoding, &mut bytes, length, &mut raw).is_ok() {
                prop_assert_eq!(raw.len(), length);
            }
        }
    }
}

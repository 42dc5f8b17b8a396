//! Probes: is it worth compressing, and in which form? Both look at samples only.

/// Above this many bits per byte a sample counts as noise. A uniform sample of 2048 bytes measures about 7.91.
const NOISE_BITS: f32 = 7.8;

const SAMPLES: usize = 8;
const SAMPLE_BYTES: usize = 256;

/// Bits per byte of data with this histogram, coded without context.
fn entropy(histogram: &[u32; 256]) -> f32 {
    let total: u32 = histogram.iter().sum();
    if total == 0 {
        return 0.0;
    }
    let weighted: f32 = histogram
        .iter()
        .filter(|count| **count > 1)
        .map(|count| *count as f32 * (*count as f32).log2())
        .sum();
    (total as f32).log2() - weighted / total as f32
}

/// Evenly spaced samples of `data`, each beginning at a multiple of 8.
fn samples(data: &[u8], count: usize, bytes: usize) -> impl Iterator<Item = &[u8]> {
    let whole = data.len() <= count * bytes;
    let step = if whole { data.len().max(1) } else { ((data.len() - bytes) / (count - 1).max(1)) & !7 };
    let count = if whole { 1 } else { count };
    (0..count).map(move |i| if whole { data } else { &data[i * step..i * step + bytes] })
}

/// Whether a chunk looks like noise: compressed or encrypted already. Costs about a microsecond.
pub(crate) fn looks_incompressible(data: &[u8]) -> bool {
    if data.len() < 1024 {
        return false;
    }
    let mut histogram = [0; 256];
    for sample in samples(data, SAMPLES, SAMPLE_BYTES) {
        for byte in sample {
            histogram[usize::from(*byte)] += 1;
        }
    }
    let short = data.len().min(SAMPLES * SAMPLE_BYTES) as f32;
    // Fewer samples measure less: about 255 / (2 n ln 2) bits are missing (Miller and Madow).
    entropy(&histogram) > NOISE_BITS + 0.09 - 184.0 / short
}

/// What the planes of a block look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Planes {
    /// The width of an element: 1 (no planes), 2, 4 or 8.
    pub(crate) width: u8,
    /// The expected bits per byte.
    pub(crate) bits: f32,
    /// For each plane whether it is noise.
    pub(crate) noise: [bool; 8],
}

/// The width of elements whose planes can be coded in the fewest bits, judged by samples.
pub(crate) fn best_width(data: &[u8]) -> Planes {
    let mut lanes = [[0_u32; 256]; 8];
    for sample in samples(data, 16, 1024) {
        for element in sample.as_chunks::<8>().0 {
            for (lane, byte) in lanes.iter_mut().zip(element) {
                lane[usize::from(*byte)] += 1;
            }
        }
    }
    let mut best = Planes { width: 1, bits: f32::INFINITY, noise: [false; 8] };
    for width in [1_usize, 2, 4, 8] {
        let mut noise = [false; 8];
        let mut bits = 0.0;
        for (plane, is_noise) in noise.iter_mut().enumerate().take(width) {
            let mut histogram = [0_u32; 256];
            for lane in lanes.iter().skip(plane).step_by(width) {
                histogram.iter_mut().zip(lane).for_each(|(sum, count)| *sum += count);
            }
            let plane_bits = entropy(&histogram);
            *is_noise = plane_bits > NOISE_BITS;
            bits += if *is_noise { 8.0 } else { plane_bits };
        }
        bits /= width as f32;
        // A wider element must pay for its planes.
        if bits < best.bits - 0.05 {
            best = Planes { width: width as u8, bits, noise };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use backstay_model::{Rng, SeededRng};

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        SeededRng::new(5).fill(&mut bytes);
        bytes
    }

    #[test]
    fn noise_is_told_from_text_at_every_length() {
        for length in [1024, 1500, 2048, 5000, 65_536, 1 << 20] {
            assert!(looks_incompressible(&noise(length)), "{length}");
            let text: Vec<u8> =
                b"fn main() { println!(\"{}\", 1 + 1); }\n".iter().copied().cycle().take(length).collect();
            assert!(!looks_incompressible(&text), "{length}");
        }
    }

    #[test]
    fn the_width_of_floating_point_numbers_is_found() {
        let random = noise(1 << 20);
        let unit = |word: u32| f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0;
        let words = random.as_chunks::<4>().0.iter().map(|bytes| unit(u32::from_le_bytes(*bytes)));
        let singles: Vec<u8> = words.clone().flat_map(|x| (x as f32).to_le_bytes()).collect();
        let found = best_width(&singles);
        assert_eq!((found.width, &found.noise[..4]), (4, &[true, true, true, false][..]));
        let doubles: Vec<u8> = words.flat_map(|x| (x * 1.1).to_le_bytes()).collect();
        assert_eq!(best_width(&doubles).width, 8);
        assert_eq!(best_width(&random).width, 1);
        assert_eq!(best_width(b"").width, 1);
    }
}

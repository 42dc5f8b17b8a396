//! The parsers of stored bytes, for the fuzz targets in `fuzz/`.
//!
//! Each function takes what is inside the seal, as an attacker with the key or a bug of ours could have written it,
//! and must neither panic nor allocate much more than it was given. What parses is encoded and parsed again: the
//! meaning must be the same. Returns whether it parsed.

use crate::block::{BlockDecoder, Encoding};
use crate::content::Content;
use crate::index::{IndexedPack, decode_index, encode_index};
use crate::limits::MAX_BLOCK_BYTES;
use crate::pack::{decode_blocks, encode_blocks};
use crate::wire::{Decoder, Malformed};
use crate::{ChunkId, config, content_list, garbage, keys, manifests, pages, tree};

/// The object `config`.
pub fn config(bytes: &[u8]) -> bool {
    let Ok(config) = config::Config::decode(bytes) else { return false };
    assert_eq!(config::Config::decode(&config.encode()).expect("what was encoded parses"), config);
    true
}

/// An object below `keys/`.
pub fn key(bytes: &[u8]) -> bool {
    let Ok(key) = keys::StoredKey::decode("0123456789abcdef", bytes) else { return false };
    let again = keys::StoredKey::decode("0123456789abcdef", &key.encode()).expect("what was encoded parses");
    assert_eq!(again, key);
    true
}

/// An object below `index/`.
pub fn index(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let mut packs: Vec<IndexedPack> = Vec::new();
        decode_index(bytes, |pack| {
            packs.push(pack);
            Ok::<_, Malformed>(())
        })
        .map(|()| packs)
    };
    let Ok(packs) = read(bytes) else { return false };
    assert_eq!(read(&encode_index(packs.iter())).expect("what was encoded parses"), packs);
    true
}

/// A sweep below `garbage/`.
pub fn sweep(bytes: &[u8]) -> bool {
    let packs = garbage::sweep_packs(bytes);
    assert_eq!(packs.len(), bytes.len() / 32);
    let again: Vec<u8> = packs.iter().flat_map(|pack| *pack.as_bytes()).collect();
    assert_eq!(again, bytes[..again.len()], "whole ids are taken, the rest is left");
    !packs.is_empty()
}

/// The footer of a pack.
pub fn pack_footer(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let mut from = Decoder::new(bytes);
        let parsed = decode_blocks(&mut from, |from| from.array().map(ChunkId::from_bytes))?;
        from.end().map(|()| parsed)
    };
    let Ok((blocks, chunks)) = read(bytes) else { return false };
    let mut again = Vec::new();
    encode_blocks(&mut again, &blocks, &chunks, |out, id| out.extend_from_slice(id.as_bytes()));
    assert_eq!(read(&again).expect("what was encoded parses"), (blocks, chunks));
    true
}

/// An object below `snapshots/`.
pub fn manifest(bytes: &[u8]) -> bool {
    let Some(manifest) = manifests::decode(bytes) else { return false };
    assert_eq!(manifests::decode(&manifests::encode(&manifest)).expect("what was encoded parses"), manifest);
    true
}

/// A page of directory entries.
pub fn directory_page(bytes: &[u8]) -> bool {
    let Ok(entries) = tree::decode_entries(bytes) else { return false };
    for entry in entries {
        assert!(!entry.name.contains(&b'/') && !entry.name.contains(&0), "{:?} is no name", entry.name);
        assert!(!matches!(entry.name.as_slice(), b"" | b"." | b".."), "{:?} is no name", entry.name);
    }
    true
}

/// An inner page of a directory or of a content list.
pub fn inner_page(bytes: &[u8]) -> bool {
    let kinds = [pages::PageKind::Directory, pages::PageKind::Content];
    kinds.iter().any(|kind| pages::decode_inner(bytes, *kind, 1).is_ok())
}

/// The content of a file: the form inside an entry, and a page of extents.
pub fn content(bytes: &[u8]) -> bool {
    if let Ok(content) = Content::decode(&mut Decoder::new(bytes)) {
        let mut again = Vec::new();
        content.encode(&mut again);
        assert_eq!(Content::decode(&mut Decoder::new(&again)).expect("what was encoded parses"), content);
        return true;
    }
    content_list::decode_extents(bytes).is_ok()
}

/// A block: its encoding, three bytes of its length, then what was sealed.
pub fn block(bytes: &[u8]) -> bool {
    let Some((head, sealed)) = bytes.split_at_checked(4) else { return false };
    let Ok(encoding) = Encoding::from_byte(head[0]) else { return false };
    let length = usize::from(head[1]) | usize::from(head[2]) << 8 | usize::from(head[3]) << 16;
    let length = length.min(MAX_BLOCK_BYTES);
    let (mut encoded, mut raw) = (sealed.to_vec(), Vec::new());
    let decoded = BlockDecoder::new().decode(encoding, &mut encoded, length, &mut raw);
    assert!(decoded.is_err() || raw.len() == length);
    decoded.is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    type Target = fn(&[u8]) -> bool;

    const TARGETS: [(&str, Target); 10] = [
        ("config", config),
        ("key", key),
        ("index", index),
        ("sweep", sweep),
        ("pack_footer", pack_footer),
        ("manifest", manifest),
        ("directory_page", directory_page),
        ("inner_page", inner_page),
        ("content", content),
        ("block", block),
    ];

    /// The corpus of every target has something that parses, and no prefix of it makes a parser panic.
    #[test]
    fn the_corpus_parses_and_its_prefixes_do_no_harm() {
        for (name, target) in TARGETS {
            let folder = Path::new("../../fuzz/corpus").join(name);
            let mut parsed = 0;
            for file in fs::read_dir(folder).unwrap() {
                let bytes = fs::read(file.unwrap().path()).unwrap();
                parsed += usize::from(target(&bytes));
                for end in 0..bytes.len() {
                    let _ = target(&bytes[..end]);
                }
            }
            assert!(parsed > 0, "nothing in the corpus of {name} parses");
        }
    }
}

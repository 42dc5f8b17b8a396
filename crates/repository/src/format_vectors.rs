//! The test vectors of `docs/FORMAT.md`: computed here, compared with the document.

use backstay_model::{Rng, SeededRng, Timestamp};
use zeroize::Zeroizing;

use crate::block::{BlockDecoder, Encoding};
use crate::chunker::{Boundaries, candidates};
use crate::config::{Chunking, Config};
use crate::content::{Content, Extent, encode_extent};
use crate::credential::Credential;
use crate::crypto::{KeyDerivation, MasterKey, PasswordCost, Subkeys};
use crate::id::{ChunkId, PackId, encode_hex};
use crate::index::{IndexedPack, decode_index, encode_index};
use crate::keys::StoredKey;
use crate::object::{self, ObjectKind};
use crate::pack::{BlockInfo, ChunkInfo, PackClass, PackWriter, block_bound_to, read_footer};
use crate::repository::Settings;
use crate::tree::{DirectoryRef, Entry, Node, Xattr, decode_entries, encode_page};
use crate::wire::{put_varint, put_zigzag};

/// As seen from the directory of the package, where Cargo runs its tests.
const DOCUMENT: &str = "../../docs/FORMAT.md";

/// Random bytes that count up from the first byte of the request's number: easy to write down.
#[derive(Debug)]
struct Counting(std::sync::Mutex<u8>);

impl Rng for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        bytes.iter_mut().enumerate().for_each(|(i, byte)| *byte = next.wrapping_add(i as u8));
        *next = next.wrapping_add(0x20);
    }
}

fn master() -> MasterKey {
    MasterKey(Zeroizing::new(std::array::from_fn(|i| i as u8)))
}

fn id(byte: u8) -> ChunkId {
    ChunkId::from_bytes([byte; 32])
}

type Vectors = Vec<(&'static str, String)>;

fn numbers(vectors: &mut Vectors) {
    let mut out = Vec::new();
    for value in [0, 127, 128, 300, u64::MAX] {
        put_varint(&mut out, value);
    }
    vectors.push(("varint 0 127 128 300 2^64-1", encode_hex(&out)));
    out.clear();
    for value in [0, -1, 1, -64, 64, i64::MIN] {
        put_zigzag(&mut out, value);
    }
    vectors.push(("zigzag 0 -1 1 -64 64 -2^63", encode_hex(&out)));
}

fn keys(vectors: &mut Vectors) {
    let keys = Subkeys::derive(&master());
    vectors.push(("chunk id of abc", keys.chunk_id(b"abc").to_string()));
    vectors.push(("name of abc", encode_hex(&keys.name(&[b"abc"]))));
    let table = keys.boundary_table();
    vectors
        .push(("boundary table 0 1 255", format!("{:016x} {:016x} {:016x}", table[0], table[1], table[255])));

    let cost = PasswordCost { memory_kib: 64, passes: 1, lanes: 1 };
    let derived =
        KeyDerivation::Argon2id { salt: [0x11; 32], cost }.derive(&Credential::password("correct horse"));
    vectors.push(("argon2id wrapping key", encode_hex(&*derived.unwrap().unwrap())));
    let derived = KeyDerivation::KeyFile { salt: [0x11; 32] }.derive(&Credential::key_file([0x42; 32]));
    vectors.push(("key file wrapping key", encode_hex(&*derived.unwrap().unwrap())));

    let config = Config::new("00112233445566778899aabbccddeeff".to_owned(), &Settings::default()).encode();
    vectors.push(("blake3 of config", encode_hex(blake3::hash(&config).as_bytes())));
    let credential = Credential::key_file([0x42; 32]);
    let rng = Counting(0.into());
    let key = StoredKey::wrap(&master(), &credential, "label", Timestamp::EPOCH, &config, &rng).unwrap();
    let text: serde_json::Value = serde_json::from_slice(&key.encode()).unwrap();
    vectors.push(("key id", key.id.clone()));
    vectors.push(("key wrapped", text["wrapped"].as_str().unwrap().to_owned()));
    let opened = key.unwrap(&credential, &config).unwrap().unwrap();
    assert_eq!(*opened.0, *master().0);
}

fn objects(vectors: &mut Vectors) {
    let keys = Subkeys::derive(&master());
    let (bytes, name) = object::seal(&keys, &Counting(0x80.into()), ObjectKind::Manifest, b"{}").unwrap();
    vectors.push(("object kind 2 with {}", encode_hex(&bytes)));
    vectors.push(("object name", encode_hex(&name)));
    let object = crate::ManifestId::from_bytes(name).object_name();
    assert_eq!(object::open(&keys, &object, &name, ObjectKind::Manifest, &bytes).unwrap(), b"{}");
}

fn packs(vectors: &mut Vectors) {
    let keys = std::sync::Arc::new(Subkeys::derive(&master()));
    let store = backstay_store::MemoryStore::new();
    let chunks = [&b"abc"[..], b"defgh"];
    let infos: Vec<_> =
        chunks.iter().map(|data| ChunkInfo { id: keys.chunk_id(data), length: data.len() as u32 }).collect();
    let mut bound = Vec::new();
    block_bound_to(&mut bound, 0, 48, 0, infos.iter().map(|chunk| (chunk.id.prefix(), chunk.length)));
    vectors.push(("block associated data", encode_hex(&bound)));
    let mut pack = PackWriter::create(&store, &keys, PackClass::Data, [0x55; 32]).unwrap();
    pack.append(&mut chunks.concat(), Encoding::Stored, &infos).unwrap();
    let pack = pack.finish().unwrap();
    let bytes = backstay_store::Store::get(&store, &pack.id.object_name()).unwrap();
    vectors.push(("pack", encode_hex(&bytes)));
    vectors.push(("pack id", pack.id.to_string()));
    assert_eq!(read_footer(&store, &keys, pack.id, bytes.len() as u64).unwrap(), pack);

    let indexed = IndexedPack {
        id: PackId::from_bytes([1; 32]),
        salt: [2; 32],
        class: PackClass::Tree,
        size: 1000,
        blocks: vec![BlockInfo {
            offset: 48,
            stored_bytes: 900,
            raw_bytes: 30,
            encoding: Encoding::Planes(4),
            chunk_count: 2,
        }],
        chunks: vec![ChunkInfo { id: [3; 16], length: 10 }, ChunkInfo { id: [4; 16], length: 20 }],
    };
    let plain = encode_index(std::iter::once(&indexed));
    vectors.push(("index", encode_hex(&plain)));
    decode_index(&plain, |pack| {
        assert_eq!(pack, indexed);
        Ok::<_, crate::wire::Malformed>(())
    })
    .unwrap();
}

fn planes(vectors: &mut Vectors) {
    // Two elements of two bytes and a rest of one byte, both planes stored.
    let encoded = [&[0, 2, 0, 0, 0, 0, 2, 0, 0, 0][..], &[0x0a, 0x0b, 0x1a, 0x1b, 0xff]].concat();
    vectors.push(("planes of 0a1a 0b1b ff", encode_hex(&encoded)));
    let mut raw = Vec::new();
    BlockDecoder::new().decode(Encoding::Planes(2), &mut encoded.clone(), 5, &mut raw).unwrap();
    assert_eq!(raw, [0x0a, 0x1a, 0x0b, 0x1b, 0xff]);
}

fn trees(vectors: &mut Vectors) {
    let mut extents = Vec::new();
    encode_extent(&mut extents, &Extent::Data { id: id(0xaa), length: 5 });
    encode_extent(&mut extents, &Extent::Hole { length: 4096 });
    vectors.push(("extents", encode_hex(&extents)));
    let mut paged = Vec::new();
    Content::paged(1 << 40, id(0xbb), 3).encode(&mut paged);
    vectors.push(("paged content", encode_hex(&paged)));

    let content = Content::inline(vec![Extent::Data { id: id(0xaa), length: 5 }]);
    let mut file = Entry::new("a", Node::File { content });
    (file.mode, file.uid, file.gid, file.device, file.inode) = (0o644, 1000, 100, 7, 12);
    (file.mtime_ns, file.ctime_ns) = (1_700_000_000_000_000_000, 1_700_000_000_000_000_100);
    file.hard_link = Some(1);
    file.xattrs = vec![Xattr { name: b"user.k".to_vec(), value: b"v".to_vec() }];
    let mut directory =
        Entry::new("b", Node::Directory { directory: DirectoryRef { id: id(0xcc), levels: 1 } });
    (directory.mode, directory.uid, directory.gid) = (0o755, 1000, 100);
    (directory.device, directory.inode) = (7, 13);
    (directory.mtime_ns, directory.ctime_ns) = (file.mtime_ns - 1, file.mtime_ns - 1);
    let link = Entry::new("c", Node::Symlink { target: b"a".to_vec() });
    let entries = [file, directory, link];
    let page = encode_page(&entries);
    vectors.push(("directory page", encode_hex(&page)));
    assert_eq!(decode_entries(&page).unwrap(), entries);
}

fn boundaries(vectors: &mut Vectors) {
    let mut data = vec![0; 400_000];
    SeededRng::new(1).fill(&mut data);
    let (table, chunking) = (Subkeys::derive(&master()).boundary_table(), Chunking::default());
    let mut found = Vec::new();
    candidates(&table, &chunking, &[], &data, &mut found);
    for (name, alignment) in [("boundaries", 1), ("boundaries aligned to 8", 8)] {
        let mut cuts = Vec::new();
        Boundaries::new(chunking, alignment, 0)
            .choose(0, data.len() as u64, &found, |cut| cuts.push(cut.to_string()));
        vectors.push((name, cuts.join(" ")));
    }
}

#[test]
fn the_document_tells_what_the_code_does() {
    let mut vectors = Vectors::new();
    for part in [numbers, keys, objects, packs, planes, trees, boundaries] {
        part(&mut vectors);
    }
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (_, block) = document.split_once("```vectors\n").expect("the document has its vectors");
    let (block, _) = block.split_once("```").expect("the vectors end");
    let documented: Vec<(&str, String)> = block
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    let computed: Vec<String> = vectors.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    assert!(documented == vectors, "docs/FORMAT.md differs; the code computes:\n{}", computed.join("\n"));
}

//! Every released format stays readable: `testdata/golden-v1` is a repository of version 1.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fixtures;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::Timestamp;
use backstay_repository::{
    Content, ContentBuilder, ContentHint, Counts, Credential, Entry, Extent, InitOptions, Manifest, Node,
    Reader, Repository, Settings, VerifyDepth, VerifyOptions, Writer, WriterOptions, Xattr,
};
use backstay_store::{LocalStore, Store};
use fixtures::{array, manifest, noise, rng, text};

/// As seen from the directory of the package, where Cargo runs its tests.
fn directory() -> PathBuf {
    PathBuf::from("../../testdata/golden-v1")
}

fn key_file() -> Credential {
    Credential::key_file([0x42; 32])
}

fn password() -> Credential {
    Credential::password("correct horse battery staple")
}

/// A copy, so that reading can leave no trace in the archive.
fn copied() -> (tempfile::TempDir, Arc<dyn Store>) {
    let target = tempfile::tempdir().unwrap();
    for folder in ["keys", "packs", "index", "snapshots", "trash"] {
        std::fs::create_dir(target.path().join(folder)).unwrap();
        for file in std::fs::read_dir(directory().join("repository").join(folder)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), target.path().join(folder).join(file.file_name())).unwrap();
        }
    }
    std::fs::copy(directory().join("repository/config"), target.path().join("config")).unwrap();
    let store: Arc<dyn Store> = Arc::new(LocalStore::open(target.path()).unwrap());
    (target, store)
}

/// Everything that can be read of a snapshot, as text: one line per entry, and a hash of every byte.
fn describe(reader: &Reader, root: &backstay_repository::DirectoryRef) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = vec![(String::new(), *root)];
    while let Some((path, directory)) = open.pop() {
        for entry in reader.entries(&directory) {
            let entry = entry.unwrap();
            let name = format!("{path}/{}", entry.name.escape_ascii());
            let what = match &entry.node {
                Node::File { content } => {
                    let holes = reader
                        .extents(content)
                        .filter(|extent| matches!(extent.as_ref().unwrap(), Extent::Hole { .. }))
                        .count();
                    let bytes = reader.read_all(content, 1 << 30).unwrap();
                    format!("file {} holes {holes} {}", bytes.len(), blake3::hash(&bytes))
                }
                Node::Directory { directory } => {
                    open.push((name.clone(), *directory));
                    "directory".to_owned()
                }
                Node::Symlink { target } => format!("symlink {}", target.escape_ascii()),
                Node::BlockDevice { number } => format!("block device {number}"),
                Node::CharacterDevice { number } => format!("character device {number}"),
                other => format!("{other:?}").to_lowercase(),
            };
            let xattrs: Vec<String> = entry
                .xattrs
                .iter()
                .map(|xattr| format!("{}={}", xattr.name.escape_ascii(), blake3::hash(&xattr.value)))
                .collect();
            lines.push(format!(
                "{name} | {what} | {:o} {}:{} mtime {} ctime {} inode {} device {} link {:?} | {}",
                entry.mode,
                entry.uid,
                entry.gid,
                entry.mtime_ns,
                entry.ctime_ns,
                entry.inode,
                entry.device,
                entry.hard_link,
                xattrs.join(" ")
            ));
        }
    }
    lines.sort();
    lines
}

/// The text of `expected.txt`: each snapshot's manifest and entries.
fn expected_text(repository: &Repository) -> String {
    let mut snapshots = BTreeMap::new();
    for id in repository.manifests().unwrap() {
        let manifest = repository.read_manifest(&id).unwrap();
        let entries = describe(&repository.reader(), &manifest.root).join("\n");
        let text = format!("{id}\n{}\n{entries}\n", serde_json::to_string_pretty(&manifest).unwrap());
        snapshots.insert(manifest.snapshot.to_string(), text);
    }
    snapshots.into_values().collect::<Vec<_>>().join("\n")
}

#[test]
fn the_golden_repository_reads_as_it_was_written() {
    let expected = std::fs::read_to_string(directory().join("expected.txt")).unwrap();
    assert_eq!(expected.matches("\"snapshot\":").count(), 3, "the archive has three snapshots");
    assert!(expected.lines().count() > 300, "the archive has a long directory");
    for credential in [key_file(), password()] {
        let (_directory, store) = copied();
        let repository = Repository::open(store, &credential, rng(1)).unwrap();
        assert_eq!(expected_text(&repository), expected);
    }
}

#[test]
fn the_golden_repository_verifies_in_full_and_takes_a_capture() {
    let (_directory, store) = copied();
    let repository = Repository::open(Arc::clone(&store), &key_file(), rng(1)).unwrap();
    let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
    let report = repository.verify(&options).unwrap();
    assert!(report.is_ok(), "{report:?}");

    let writer = repository.writer(WriterOptions::default()).unwrap();
    let root = {
        let mut lane = writer.lane();
        let content = lane.store_bytes(&text(5000), ContentHint::Auto).unwrap();
        lane.store_directory(&[Entry::new("text", Node::File { content })]).unwrap()
    };
    let receipt = writer.finish(manifest("later", root)).unwrap();
    assert!(receipt.stats.known_chunks >= 1, "content of the archive is shared: {:?}", receipt.stats);
    assert_eq!(repository.manifests().unwrap().len(), 4);
}

#[test]
fn the_golden_repository_has_objects_in_every_folder() {
    let mut found = BTreeMap::new();
    for folder in ["keys", "packs", "index", "snapshots", "trash"] {
        found.insert(folder, std::fs::read_dir(directory().join("repository").join(folder)).unwrap().count());
    }
    assert_eq!(found["keys"], 2);
    assert_eq!(found["snapshots"], 3);
    assert_eq!(found["trash"], 1);
    assert!(found["packs"] >= 6 && found["index"] == 3);
}

/// One snapshot of the archive.
fn capture(
    repository: &Repository,
    manifest: impl Fn(Manifest) -> Manifest,
    name: &str,
    number: u32,
) -> Manifest {
    let writer = repository.writer(WriterOptions { threads: 1, ..WriterOptions::default() }).unwrap();
    let root = entries(&writer, number);
    let base = fixtures::manifest(name, root);
    writer.finish(manifest(base)).unwrap().manifest
}

/// The entries of snapshot `number`: each adds numbers of another width to those before, so that each has a block of
/// its own.
fn entries(writer: &Writer, number: u32) -> backstay_repository::DirectoryRef {
    let mut lane = writer.lane();
    let file = |name: &[u8], content: Content, n: u64| {
        let mut entry = Entry::new(name, Node::File { content });
        (entry.mode, entry.uid, entry.gid, entry.device, entry.inode) = (0o640, 1000, 100, 2049, 7000 + n);
        entry.mtime_ns = 1_700_000_000_123_456_789 + n as i64;
        entry.ctime_ns = entry.mtime_ns + 1000;
        entry
    };
    let mut long = Vec::new();
    for n in 0..300 {
        let content = lane.store_bytes(format!("file number {n}").as_bytes(), ContentHint::Auto).unwrap();
        long.push(file(format!("{n:04}").as_bytes(), content, n));
    }
    let long = lane.store_directory(&long).unwrap();
    let empty = lane.store_directory(&[]).unwrap();

    let mut paged = ContentBuilder::new();
    for n in 0..400_u32 {
        let data = format!("part {n} of a long file; ").repeat(1 + n as usize % 3);
        let id = lane.add(data.as_bytes(), ContentHint::Auto).unwrap();
        paged.push(&mut lane, Extent::Data { id, length: data.len() as u32 }).unwrap();
        if n % 100 == 99 {
            paged.push(&mut lane, Extent::Hole { length: 4096 }).unwrap();
        }
    }
    let paged = paged.finish(&mut lane).unwrap();
    let mut all = vec![
        file(b"text", lane.store_bytes(&text(5000), ContentHint::Auto).unwrap(), 1),
        file(b"noise", lane.store_bytes(&noise(3000, 1), ContentHint::Auto).unwrap(), 2),
        file(b"array", lane.store_bytes(&array(8192 + 3), ContentHint::Array).unwrap(), 3),
        file(b"empty", Content::empty(), 4),
        file(b"paged", paged, 5),
    ];
    let wide: Vec<u8> = (0..1500_u64).flat_map(|n| (1e9 + (n * n % 9973) as f64).to_le_bytes()).collect();
    if number >= 2 {
        all.push(file(b"doubles", lane.store_bytes(&wide, ContentHint::Array).unwrap(), 6));
    }
    let short: Vec<u8> =
        noise(3000, 4).as_chunks::<2>().0.iter().flat_map(|b| [b[0], 0x3c | (b[1] & 3)]).collect();
    if number >= 3 {
        all.push(file(b"halves", lane.store_bytes(&short, ContentHint::Array).unwrap(), 7));
    }
    for name in ["linked-1", "linked-2"] {
        let content = lane.store_bytes(b"one file, two names", ContentHint::Auto).unwrap();
        let mut entry = file(name.as_bytes(), content, 8);
        entry.hard_link = Some(1);
        all.push(entry);
    }
    let mut special = |name: &[u8], node: Node| all.push(Entry::new(name, node));
    special(b"directory", Node::Directory { directory: long });
    special(b"directory-empty", Node::Directory { directory: empty });
    special(b"link", Node::Symlink { target: b"text".to_vec() });
    special(b"link-dangling", Node::Symlink { target: b"../\xff\n".to_vec() });
    special(b"fifo", Node::Fifo);
    special(b"socket", Node::Socket);
    special(b"device-block", Node::BlockDevice { number: 2064 });
    special(b"device-character", Node::CharacterDevice { number: 259 });
    special(b"unreadable", Node::Unreadable);
    special(b"name \xff\xfe\n\"", Node::Fifo);
    special(&[b'n'; 255], Node::Fifo);
    let mut attributes = file(b"attributes", Content::empty(), 9);
    attributes.mode = 0o4755;
    attributes.mtime_ns = -1;
    attributes.xattrs = vec![
        Xattr { name: b"user.empty".to_vec(), value: Vec::new() },
        Xattr { name: b"user.long".to_vec(), value: text(65_536) },
    ];
    all.push(attributes);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    lane.store_directory(&all).unwrap()
}

#[test]
#[ignore = "writes testdata/golden-v1; run it by hand, once per version of the format"]
fn write_the_golden_repository() {
    let target = directory();
    assert!(!target.join("repository").exists(), "an archive is written once; a new format gets a new one");
    let store: Arc<dyn Store> = Arc::new(LocalStore::open(target.join("repository")).unwrap());
    let created_at = Timestamp::from_micros(1_767_435_330_000_000);
    let options = InitOptions {
        credential: key_file(),
        key_label: "golden key file".to_owned(),
        settings: Settings::default(),
        created_at,
    };
    let repository = Repository::init(Arc::clone(&store), &options, rng(2026)).unwrap();
    repository.add_key(&password(), "golden password", created_at).unwrap();
    let full = |mut manifest: Manifest| {
        manifest.description = Some("every kind of entry".to_owned());
        manifest.parent = Some(backstay_model::SnapshotId::parse("snapshot-0").unwrap());
        manifest.counts = Counts { files: 312, directories: 3, symlinks: 2, hard_links: 1, skipped: 5 };
        manifest.logical_bytes = 12_345;
        manifest.partial = true;
        manifest.attributes.insert("answer".to_owned(), serde_json::json!({"is": [42, null, "é"]}));
        manifest.warnings.push(backstay_repository::CaptureWarning::new(
            b"a\xff",
            "unreadable",
            "Permission denied.",
        ));
        manifest
    };
    capture(&repository, full, "first", 1);
    capture(&repository, |manifest| manifest, "second", 2);
    capture(&repository, |manifest| manifest, "third", 3);
    capture(&repository, |manifest| manifest, "deleted", 3);
    for id in repository.manifests().unwrap() {
        if repository.read_manifest(&id).unwrap().snapshot.as_str() == "snapshot-deleted" {
            repository.delete_manifest(&id).unwrap();
        }
    }
    std::fs::write(target.join("expected.txt"), expected_text(&repository)).unwrap();
    let _ = std::fs::remove_dir(target.join("repository/.tmp"));
}

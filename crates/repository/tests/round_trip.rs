//! What was captured is what is read, through the public interface.

mod fixtures;

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};

use backstay_repository::{
    Cancel, Content, ContentHint, DirectoryBuilder, Entry, Extent, NoProgress, Node, RepositoryError,
    WriterOptions, Xattr,
};
use fixtures::{array, fresh, manifest, noise, reopen, text};

fn file(name: &str, content: Content) -> Entry {
    Entry::new(name, Node::File { content })
}

#[test]
fn content_of_every_kind_and_length_reads_back() {
    let (store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let mut wanted = Vec::new();
    let mut entries = Vec::new();
    for (n, length) in [0, 1, 100, 65_536, 65_537, 300_000, 1 << 20, (5 << 20) + 3].into_iter().enumerate() {
        for (kind, data) in
            [("noise", noise(length, n as u64)), ("text", text(length)), ("array", array(length))]
        {
            for hint in
                [ContentHint::Auto, ContentHint::Array, ContentHint::Image, ContentHint::Incompressible]
            {
                let name = format!("{kind}-{length:09}-{hint:?}");
                let content = match n % 3 {
                    0 => lane.store_bytes(&data, hint).unwrap(),
                    1 => lane.store_stream(&mut &data[..], hint).unwrap(),
                    _ => lane.store_file(&fixtures::on_disk(&data), length as u64, hint).unwrap(),
                };
                assert_eq!(content.length(), length as u64, "{name}");
                entries.push(file(&name, content));
                wanted.push((name, data.clone()));
            }
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let root = lane.store_directory(&entries).unwrap();
    drop(lane);
    let receipt = writer.finish(manifest("one", root)).unwrap();
    assert!(receipt.stats.new_bytes > 0 && receipt.manifest.stored_bytes > 0);

    let repository = reopen(&store);
    let manifest = repository.read_manifest(&receipt.id).unwrap();
    assert_eq!(manifest, receipt.manifest);
    assert_eq!(repository.manifests().unwrap(), [receipt.id]);
    let reader = repository.reader();
    for (name, data) in wanted {
        let entry = reader.lookup(&manifest.root, name.as_bytes()).unwrap().unwrap();
        let content = entry.content().unwrap();
        assert!(reader.read_all(content, u64::MAX).unwrap() == data, "{name}");
        let target = tempfile::tempfile().unwrap();
        reader.write_to_file(content, &target, 3, &NoProgress, &Cancel::new()).unwrap();
        assert!(fixtures::read_file(target) == data, "{name}");
    }
}

#[test]
fn the_same_content_is_stored_once() {
    let (_store, repository) = fresh();
    let data = noise(3 << 20, 1);
    let capture = |repository: &backstay_repository::Repository| {
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let mut lane = writer.lane();
        let content = lane.store_stream(&mut &data[..], ContentHint::Auto).unwrap();
        let again = lane.store_file(&fixtures::on_disk(&data), data.len() as u64, ContentHint::Auto).unwrap();
        assert_eq!(content, again);
        let root = lane.store_directory(&[file("a", content), file("b", again)]).unwrap();
        drop(lane);
        writer.finish(manifest("same", root)).unwrap()
    };
    let first = capture(&repository);
    assert!(
        (data.len() as u64..data.len() as u64 + 20_000).contains(&first.stats.stored_bytes),
        "{:?}",
        first.stats
    );
    let second = capture(&repository);
    assert_eq!((second.stats.new_chunks, second.stats.stored_bytes), (0, 0));
    assert_eq!(second.manifest.root, first.manifest.root);
}

#[test]
fn threads_make_the_same_chunks_as_one() {
    let data = [noise(7 << 20, 3), text(4 << 20), array(6 << 20), vec![0; 3 << 20]].concat();
    let mut contents = BTreeSet::new();
    for threads in [1, 2, 5] {
        for hint in [ContentHint::Stream, ContentHint::Array] {
            let (_store, repository) = fresh();
            let writer = repository.writer(WriterOptions { threads, ..WriterOptions::default() }).unwrap();
            let file = fixtures::on_disk(&data);
            let content = writer.lane().store_file(&file, data.len() as u64, hint).unwrap();
            contents.insert(format!("{hint:?} {content:?}"));
        }
    }
    assert_eq!(contents.len(), 2);
}

#[test]
fn holes_stay_holes() {
    let (_store, repository) = fresh();
    let mut sparse = tempfile::tempfile().unwrap();
    let length = 200 << 20;
    sparse.set_len(length).unwrap();
    for (offset, byte) in [(5 << 20, 1_u8), (100 << 20, 2), (length - 4096, 3)] {
        sparse.write_all_at(&[byte; 4096], offset).unwrap();
    }
    sparse.flush().unwrap();
    let allocated = sparse.metadata().unwrap().blocks();
    for hint in [ContentHint::Auto, ContentHint::Stream, ContentHint::Image] {
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let mut lane = writer.lane();
        let content = lane.store_file(&sparse, length, hint).unwrap();
        assert_eq!(content.length(), length);
        let root = lane.store_directory(&[file("sparse", content.clone())]).unwrap();
        drop(lane);
        let stats = writer.finish(manifest("sparse", root)).unwrap().stats;
        assert!(stats.read_bytes < 1 << 20, "{hint:?} read {}", stats.read_bytes);
        let reader = repository.reader();
        let holes =
            reader.extents(&content).filter(|extent| matches!(extent, Ok(Extent::Hole { .. }))).count();
        assert_eq!(holes, 3);
        let target = tempfile::tempfile().unwrap();
        reader.write_to_file(&content, &target, 2, &NoProgress, &Cancel::new()).unwrap();
        assert!(target.metadata().unwrap().blocks() <= allocated, "{hint:?}");
        let mut stream = reader.open(&content);
        stream.seek(SeekFrom::Start((100 << 20) - 1)).unwrap();
        let mut around = [9; 3];
        stream.read_exact(&mut around).unwrap();
        assert_eq!(around, [0, 2, 2]);
        assert!(fixtures::read_file(target) == fixtures::read_file(sparse.try_clone().unwrap()));
    }
}

#[test]
fn a_long_file_is_read_at_any_offset() {
    let (_store, repository) = fresh();
    let data = noise(20 << 20, 8);
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let content = lane.store_stream(&mut &data[..], ContentHint::Auto).unwrap();
    assert!(content.inline_extents().is_none());
    let root = lane.store_directory(&[file("long", content.clone())]).unwrap();
    drop(lane);
    writer.finish(manifest("long", root)).unwrap();
    let reader = repository.reader();
    let mut buffer = vec![0; 100_000];
    for offset in
        [0, 1, 65_535, 1 << 20, 13_333_333, data.len() - 50_000, data.len() - 1, data.len(), data.len() + 5]
    {
        let count = reader.read_at(&content, offset as u64, &mut buffer).unwrap();
        let wanted = &data[offset.min(data.len())..data.len().min(offset + buffer.len())];
        assert!(&buffer[..count] == wanted, "{offset}");
    }
}

#[test]
fn a_directory_of_many_entries_is_shared_but_for_what_changed() {
    let (_store, repository) = fresh();
    let entries = |changed: Option<usize>| -> Vec<Entry> {
        (0..50_000)
            .map(|n| {
                let mut entry =
                    Entry::new(format!("{n:06}"), Node::Symlink { target: b"somewhere".to_vec() });
                entry.inode = n as u64;
                entry.mtime_ns = 1_700_000_000_000_000_000 + n as i64 + i64::from(Some(n) == changed);
                entry
            })
            .collect()
    };
    let store = |entries: &[Entry]| {
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let mut lane = writer.lane();
        let root = lane.store_directory(entries).unwrap();
        drop(lane);
        (root, writer.finish(manifest("many", root)).unwrap().stats)
    };
    let (first, _) = store(&entries(None));
    let (second, stats) = store(&entries(Some(33_333)));
    assert!(first.levels() >= 3 && first != second);
    assert!(stats.new_chunks <= u64::from(second.levels()) + 1, "{stats:?}");
    assert!(stats.new_bytes < 40_000, "{stats:?}");
    let reader = repository.reader();
    let read: Vec<Entry> = reader.entries(&second).collect::<Result<_, _>>().unwrap();
    assert!(read == entries(Some(33_333)));
    assert_eq!(reader.entry_count(&second).unwrap(), 50_000);
    for n in [0, 1, 63, 64, 25_000, 49_999] {
        let name = format!("{n:06}");
        assert_eq!(reader.lookup(&second, name.as_bytes()).unwrap().as_ref(), Some(&read[n]));
        let after = reader.entries_after(&second, name.as_bytes()).next().transpose().unwrap();
        assert_eq!(after.as_ref(), read.get(n + 1));
    }
    assert_eq!(reader.lookup(&second, b"missing").unwrap(), None);
    assert_eq!(reader.lookup(&second, b"").unwrap(), None);
}

#[test]
fn entries_keep_everything_a_restore_needs() {
    let (_store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let mut link = Entry::new(b"a\xff\n".to_vec(), Node::Symlink { target: b"../\xfe".to_vec() });
    link.xattrs = vec![backstay_repository::Xattr { name: b"user.x".to_vec(), value: vec![7; 65_536] }];
    let mut hard = Entry::new(vec![b'n'; 255], Node::File { content: Content::empty() });
    (hard.mode, hard.uid, hard.gid, hard.hard_link) = (0o4755, 1000, u32::MAX, Some(3));
    (hard.mtime_ns, hard.ctime_ns, hard.inode, hard.device) = (-1, i64::MAX, u64::MAX, 9);
    let leaf = lane.store_directory(&[link.clone(), hard.clone()]).unwrap();
    let empty = lane.store_directory(&[]).unwrap();
    let root = lane
        .store_directory(&[
            Entry::new("d", Node::Directory { directory: leaf }),
            Entry::new("e", Node::Directory { directory: empty }),
            Entry::new("f", Node::Fifo),
            Entry::new("u", Node::Unreadable),
        ])
        .unwrap();
    drop(lane);
    writer.finish(manifest("kinds", root)).unwrap();
    let reader = repository.reader();
    assert_eq!(reader.lookup_path(&root, b"d/a\xff\n").unwrap(), Some(link));
    assert_eq!(reader.lookup_path(&root, &[b"d/", &hard.name[..]].concat()).unwrap(), Some(hard));
    assert_eq!(reader.entries(&empty).count(), 0);
    for path in [&b""[..], b"d/../f", b"/f", b"f/x", b"d//a", b"missing/x"] {
        assert_eq!(reader.lookup_path(&root, path).unwrap(), None, "{path:?}");
    }
}

#[test]
fn ten_thousand_levels_need_no_stack() {
    let (_store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let mut directory = lane.store_directory(&[]).unwrap();
    for _ in 0..10_000 {
        directory = lane.store_directory(&[Entry::new("d", Node::Directory { directory })]).unwrap();
    }
    drop(lane);
    writer.finish(manifest("deep", directory)).unwrap();
    let found = repository.reader().lookup_path(&directory, &b"d/".repeat(10_000)[..19_999]).unwrap();
    assert!(found.is_some());
}

#[test]
fn hostile_entries_are_refused() {
    let (_store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let mut builder = DirectoryBuilder::new();
    for name in ["", ".", "..", "a/b", "a\0"] {
        let error = builder.add(&mut lane, &Entry::new(name, Node::Fifo)).unwrap_err();
        assert!(matches!(error, RepositoryError::Invalid { .. }), "{name:?}: {error}");
    }
    builder.add(&mut lane, &Entry::new("b", Node::Fifo)).unwrap();
    for name in ["a", "b"] {
        assert!(builder.add(&mut lane, &Entry::new(name, Node::Fifo)).is_err());
    }
    let mut large = Entry::new("c", Node::Fifo);
    large.xattrs = vec![Xattr { name: b"user.x".to_vec(), value: vec![0; 65_537] }];
    assert!(builder.add(&mut lane, &large).is_err());
}

#[test]
fn a_failing_file_leaves_the_capture_usable() {
    struct Broken;
    impl backstay_repository::RandomAccess for Broken {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            if offset > 4 << 20 { Err(std::io::ErrorKind::Other.into()) } else { Ok(buffer.len().min(1000)) }
        }
    }
    let (_store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let error = lane.store_file(&Broken, 20 << 20, ContentHint::Auto).unwrap_err();
    assert!(matches!(error, RepositoryError::Content { operation: "read", .. }), "{error}");
    let content = lane.store_bytes(b"fine", ContentHint::Auto).unwrap();
    let root = lane.store_directory(&[file("fine", content)]).unwrap();
    drop(lane);
    writer.finish(manifest("after", root)).unwrap();
}

#[test]
fn a_cancelled_capture_has_no_manifest() {
    let (_store, repository) = fresh();
    let cancel = Cancel::new();
    let writer =
        repository.writer(WriterOptions { cancel: cancel.clone(), ..WriterOptions::default() }).unwrap();
    let mut lane = writer.lane();
    let root = lane.store_directory(&[]).unwrap();
    cancel.cancel();
    assert!(lane.store_bytes(b"more", ContentHint::Auto).unwrap_err().is_cancelled());
    drop(lane);
    assert!(writer.finish(manifest("never", root)).unwrap_err().is_cancelled());
    assert_eq!(repository.manifests().unwrap(), []);
}

#[test]
fn a_file_that_ends_early_is_told_by_its_length() {
    let (_store, repository) = fresh();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    for length in [10, 100_000, 3 << 20] {
        let data = noise(length, 4);
        let content = lane.store_file(&&data[..], length as u64 * 2, ContentHint::Auto).unwrap();
        assert_eq!(content.length(), length as u64);
    }
    assert_eq!(lane.store_file(&&[][..], 50, ContentHint::Auto).unwrap(), Content::empty());
}

//! Trees that no capture makes, and neighbours that swap directories for links: nothing outside is written.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_repository::{ContentHint, DirectoryRef, Entry, Manifest, Node, WriterOptions};
use backstay_source_workspace::{RestoreOptions, Selection, Steps, restore_to};
use fixtures::{Bench, error_of};

/// A snapshot whose root holds the entries, with `from` in its page overwritten by `to`.
fn forged(bench: &Bench, entries: &[(&str, bool)], from: &[u8], to: &[u8]) -> Manifest {
    assert_eq!(from.len(), to.len());
    let outside = bench.place.path().join("outside");
    let saved = bench.save();
    let writer = bench.repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let entries: Vec<Entry> = entries
        .iter()
        .map(|(name, is_link)| {
            let node = if *is_link {
                Node::Symlink { target: outside.to_str().unwrap().as_bytes().to_vec() }
            } else {
                Node::File { content: lane.store_bytes(b"written by a stranger", ContentHint::Auto).unwrap() }
            };
            Entry { mode: 0o644, ..Entry::new(*name, node) }
        })
        .collect();
    let directory = lane.store_directory(&entries).unwrap();
    drop(lane);
    let mut manifest = saved.receipt.manifest.clone();
    manifest.root = directory;
    let manifest = writer.finish(manifest).unwrap().manifest;
    let page = bench.repository.reader().chunk(&directory.id()).unwrap();
    let at = page.windows(from.len()).position(|window| window == from).expect("the name is in the page");
    let mut page = page.to_vec();
    page[at..at + from.len()].copy_from_slice(to);
    let writer = bench.repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let id = lane.add(&page, ContentHint::Auto).unwrap();
    drop(lane);
    let root: DirectoryRef =
        serde_json::from_value(serde_json::json!({ "id": id, "levels": directory.levels() })).unwrap();
    writer
        .finish(Manifest { root, ..manifest })
        .map_or_else(|error| panic!("{error}"), |receipt| receipt.manifest)
}

/// Names with whether they are links, and what is overwritten by what.
type Forgery = (&'static [(&'static str, bool)], &'static [u8], &'static [u8]);

#[test]
fn hostile_names_are_refused_and_nothing_is_written() {
    let forgeries: [Forgery; 6] = [
        (&[("aaaa", false)], b"aaaa", b"../x"),
        (&[("aaaa", false)], b"aaaa", b"a/bc"),
        (&[("aaaa", false)], b"aaaa", b"/tmp"),
        (&[("aaaa", false)], b"aaaa", b"a\0bc"),
        (&[("zz", false)], b"zz", b".."),
        // A link and a file of the same name: the file would be written through the link.
        (&[("name-a", true), ("name-b", false)], b"name-b", b"name-a"),
    ];
    for (entries, from, to) in forgeries {
        let bench = Bench::new();
        let outside = bench.place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        bench.write("mine", "1");
        let manifest = forged(&bench, entries, from, to);
        let before = bench.picture();
        let told = to.escape_ascii();
        let target = bench.place.path().join("to");
        let refused = error_of(bench.restore_to(&target, &manifest));
        assert_eq!(refused.kind(), backstay_model::ErrorKind::Damaged, "{told}: {refused}");
        assert!(!target.exists(), "{told}: the target is as it was");
        let refused = error_of(bench.restore_with(&manifest, &RestoreOptions::default(), Steps::unlimited()));
        assert_eq!(refused.kind(), backstay_model::ErrorKind::Damaged, "{told}: {refused}");
        before.assert_same(&bench.picture(), &told.to_string());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        let mut names: Vec<_> =
            fs::read_dir(bench.place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["outside", "workspace"], "{told}");
    }
}

#[test]
fn a_link_that_leads_out_is_restored_as_a_link() {
    let bench = Bench::new();
    let outside = bench.place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    bench.write("dir/file", "inside");
    let saved = bench.save();
    // The directory is a link to the outside by now; restoring below it must not go through it.
    fs::remove_dir_all(bench.path("dir")).unwrap();
    symlink(&outside, bench.path("dir")).unwrap();
    fs::write(outside.join("file"), "outside").unwrap();
    bench.restore(&saved.receipt.manifest);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "outside");
    assert_eq!(fs::read_to_string(bench.path("dir/file")).unwrap(), "inside");
    assert!(!bench.path("dir").is_symlink());
}

/// Exchanges a directory with a link to the outside, over and over, while `work` runs.
fn while_swapping(bench: &Bench, real: &str, link: &str, work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (real, link) = (bench.path(real), bench.path(link));
            while !stop.load(Ordering::Relaxed) {
                let cwd = rustix::fs::CWD;
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let _ = rustix::fs::renameat_with(cwd, &real, cwd, &link, exchange);
            }
        });
        work();
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_restore_never_leaves_the_root_while_links_and_directories_are_swapped() {
    let bench = Bench::new();
    let outside = bench.place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for n in 0..20 {
        bench.write(&format!("real/f{n}"), "1");
    }
    let saved = bench.save();
    symlink(&outside, bench.path("link")).unwrap();
    let mut applied = 0;
    while_swapping(&bench, "real", "link", || {
        for round in 0..60 {
            for n in 0..20 {
                // Through whatever stands there just now; the outside is put right below.
                let _ = fs::write(bench.path(&format!("real/f{n}")), format!("{round}"));
            }
            for n in 0..20 {
                let _ = fs::write(outside.join(format!("f{n}")), "OUTSIDE");
            }
            let options = RestoreOptions {
                selection: Selection::of_paths(&["real"]).unwrap(),
                ..RestoreOptions::default()
            };
            applied += usize::from(
                bench.restore_with(&saved.receipt.manifest, &options, Steps::unlimited()).is_ok(),
            );
            bench.recover();
            for n in 0..20 {
                let found = fs::read_to_string(outside.join(format!("f{n}"))).unwrap();
                assert_eq!(found, "OUTSIDE", "round {round}");
            }
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 20);
        }
    });
    eprintln!("{applied} of 60 restores were applied");
}

#[test]
fn a_damaged_chunk_stops_a_restore_before_anything_changes() {
    let bench = Bench::new();
    bench.write("a", "1");
    let saved = bench.save();
    let writer = bench.repository.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let missing = backstay_repository::ChunkId::from_bytes([9; 32]);
    let content = backstay_repository::Content::of_chunk(missing, 5);
    let directory = lane.store_directory(&[Entry::new("lost", Node::File { content })]).unwrap();
    drop(lane);
    let manifest = Manifest { root: directory, ..saved.receipt.manifest };
    let before = bench.picture();
    let refused = error_of(bench.restore_with(&manifest, &RestoreOptions::default(), Steps::unlimited()));
    assert_eq!(refused.kind(), backstay_model::ErrorKind::Damaged, "{refused}");
    before.assert_same(&bench.picture(), "in place");
    let target = bench.place.path().join("to");
    fs::create_dir(&target).unwrap();
    let refused = error_of(restore_to(
        &target,
        &manifest,
        &bench.repository.reader(),
        &Selection::all(),
        &bench.operation(),
        &bench.restore_context(),
        &Steps::unlimited(),
    ));
    assert_eq!(refused.kind(), backstay_model::ErrorKind::Damaged, "{refused}");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "the target is empty again");
}

//! What a capture reads, and what it does when reading is difficult.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_repository::Node;
use backstay_source_workspace::{CaptureOptions, WorkspaceError};
use fixtures::{Bench, error_of};

#[test]
fn what_is_unchanged_is_not_read() {
    let bench = Bench::new();
    for n in 0..300 {
        bench.write(&format!("d{}/f{n}", n % 7), format!("content {n}"));
    }
    bench.write("big", vec![7; 9 << 20]);
    bench.let_times_settle();
    let first = bench.save();
    assert_eq!(first.captured.read_files, 301);
    let second = bench.save();
    assert_eq!((second.captured.read_files, second.captured.read_bytes), (0, 0));
    assert_eq!(second.captured.root, first.captured.root, "the tree is shared");
    assert_eq!(second.receipt.stats.new_chunks, 0);
    assert_eq!(second.captured.counts, first.captured.counts);
    assert_eq!(second.captured.logical_bytes, first.captured.logical_bytes);

    bench.write("d3/f3", "content 4");
    fs::remove_file(bench.path("d4/f4")).unwrap();
    let third = bench.save();
    assert_eq!(third.captured.read_files, 1);
    assert_eq!(third.captured.counts.files, 300);
    assert_ne!(third.captured.root, first.captured.root);
}

#[test]
fn a_change_in_the_same_tick_as_the_capture_is_not_missed() {
    let bench = Bench::new();
    // Same size, same inode, and on most file systems the same time: only reading again can tell.
    for round in 0..30_u8 {
        bench.write("file", [round; 16]);
        let saved = bench.save();
        let reader = bench.repository.reader();
        let entry = reader.lookup(&saved.receipt.manifest.root, b"file").unwrap().unwrap();
        assert_eq!(reader.read_all(entry.content().unwrap(), 100).unwrap(), [round; 16]);
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_reported() {
    let bench = Bench::new();
    bench.write("calm", "calm");
    bench.write("restless", vec![0; 24 << 20]);
    let stop = AtomicBool::new(false);
    let (saved, refused) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = File::options().write(true).open(bench.path("restless")).unwrap();
            let mut n = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                file.write_all_at(&n.to_le_bytes(), n % (24 << 20)).unwrap();
                n += 1;
            }
        });
        let saved = capture_alone(&bench, &CaptureOptions::default());
        let refused = capture_alone(&bench, &CaptureOptions { strict: true, ..CaptureOptions::default() });
        stop.store(true, Ordering::Relaxed);
        (saved.unwrap(), refused)
    });
    assert!(saved.partial);
    let warning = saved.warnings.first().expect("a warning");
    assert_eq!((warning.path.as_str(), warning.code.as_str()), ("restless", "changed_while_read"));
    assert!(matches!(refused, Err(WorkspaceError::ChangedWhileRead { tries: 4, .. })), "{refused:?}");
}

fn capture_alone(
    bench: &Bench,
    options: &CaptureOptions,
) -> Result<backstay_source::Captured, WorkspaceError> {
    let writer = bench.repository.writer(backstay_repository::WriterOptions::default()).unwrap();
    backstay_source_workspace::capture(&bench.root, &bench.context(), options, &writer)
}

#[test]
fn special_files_are_noted_and_left_alone() {
    let bench = Bench::new();
    bench.write("file", "1");
    let pipe = CString::new(bench.path("pipe").to_str().unwrap()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("socket")).unwrap();
    let saved = bench.save();
    assert_eq!((saved.captured.counts.files, saved.captured.counts.skipped), (1, 2));
    assert!(!saved.captured.partial, "what is never captured does not make a snapshot partial");
    let root = &saved.receipt.manifest.root;
    let reader = bench.repository.reader();
    assert_eq!(reader.lookup(root, b"pipe").unwrap().unwrap().node, Node::Fifo);
    assert_eq!(reader.lookup(root, b"socket").unwrap().unwrap().node, Node::Socket);
    bench.write("file", "2");
    bench.restore(&saved.receipt.manifest);
    assert!(bench.path("pipe").exists() && bench.path("socket").exists());
    fs::remove_file(bench.path("pipe")).unwrap();
    let report = bench.restore(&saved.receipt.manifest);
    assert_eq!(report.not_restored[0].path, b"pipe");
}

#[test]
fn an_unreadable_entry_fails_the_save_unless_that_is_allowed() {
    const NAME: &str = "an_unreadable_entry_fails_the_save_unless_that_is_allowed";
    if fixtures::is_root() {
        // Root reads everything, so the test runs again as somebody else.
        fixtures::run_again_unprivileged(NAME);
        return;
    }
    let bench = Bench::new();
    bench.write("good", "1");
    bench.write("bad", "1");
    bench.write("closed/in", "1");
    let mode =
        |path: &str, mode| fs::set_permissions(bench.path(path), fs::Permissions::from_mode(mode)).unwrap();
    mode("bad", 0);
    mode("closed", 0);
    let refused = error_of(bench.save_with(&CaptureOptions::default()));
    assert!(refused.to_string().starts_with("cannot "), "{refused}");
    assert_eq!(refused.kind(), backstay_model::ErrorKind::Forbidden);
    let options = CaptureOptions { allow_unreadable: true, ..CaptureOptions::default() };
    let saved = bench.save_with(&options).unwrap();
    assert!(saved.captured.partial);
    let named: Vec<_> = saved.captured.warnings.iter().map(|w| (w.path.as_str(), w.code.as_str())).collect();
    assert_eq!(named, [("bad", "unreadable"), ("closed", "unreadable")]);
    assert_eq!((saved.captured.counts.files, saved.captured.counts.skipped), (1, 2));
    mode("closed", 0o700);
    mode("bad", 0o600);
    bench.write("bad", "2");
    bench.write("good", "2");
    bench.write("closed/in", "2");
    bench.restore(&saved.receipt.manifest);
    let read = |path: &str| fs::read_to_string(bench.path(path)).unwrap();
    assert_eq!(
        [read("good"), read("bad"), read("closed/in")],
        ["1", "2", "2"],
        "what was not read is left alone"
    );
}

#[test]
fn a_capture_never_leaves_the_root_while_links_and_directories_are_swapped() {
    let bench = Bench::new();
    let outside = bench.place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for n in 0..20 {
        fs::write(outside.join(format!("f{n}")), "SECRET").unwrap();
        bench.write(&format!("real/f{n}"), "inside");
    }
    bench.write("anchor", "inside");
    symlink(&outside, bench.path("link")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (real, link) = (bench.path("real"), bench.path("link"));
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &real,
                    rustix::fs::CWD,
                    &link,
                    rustix::fs::RenameFlags::EXCHANGE,
                )
                .unwrap();
            }
        });
        for _ in 0..150 {
            let saved = bench.save();
            let reader = bench.repository.reader();
            let root = saved.receipt.manifest.root;
            for name in [b"real".as_slice(), b"link"] {
                let Some(entry) = reader.lookup(&root, name).unwrap() else { continue };
                let Some(directory) = entry.directory() else { continue };
                for file in reader.entries(&directory) {
                    let content = reader.read_all(file.unwrap().content().unwrap(), 100).unwrap();
                    assert_eq!(content, b"inside");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

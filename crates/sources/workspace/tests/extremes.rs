//! Deep, long, wide.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::ffi::CString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use backstay_source_workspace::ContentCheck;
use fixtures::Bench;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// Makes `levels` directories inside each other, with a file and a second directory in every hundredth.
fn dig(root: &Path, levels: usize, name: &str) {
    let mut at: OwnedFd =
        rustix::fs::openat(CWD, root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    for level in 0..levels {
        if level % 100 == 0 {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&at, "file", flags, Mode::from_raw_mode(0o644)).unwrap();
            rustix::io::write(&file, format!("level {level}").as_bytes()).unwrap();
            rustix::fs::mkdirat(&at, "zz-side", Mode::RWXU).unwrap();
        }
        rustix::fs::mkdirat(&at, name, Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    }
}

/// Counts the levels by walking down, and removes the tree on the way up, without recursion.
fn fill_up(root: &Path, name: &str) -> usize {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = rustix::fs::openat(CWD, root, flags, Mode::empty()).unwrap();
    let mut levels = 0;
    while let Ok(next) = rustix::fs::openat(&at, name, flags, Mode::empty()) {
        at = next;
        levels += 1;
    }
    let name = CString::new(name).unwrap();
    for _ in 0..levels {
        let _ = rustix::fs::unlinkat(&at, "file", AtFlags::empty());
        let _ = rustix::fs::unlinkat(&at, "zz-side", AtFlags::REMOVEDIR);
        let above = rustix::fs::openat(&at, "..", flags, Mode::empty()).unwrap();
        rustix::fs::unlinkat(&above, &*name, AtFlags::REMOVEDIR).unwrap();
        at = above;
    }
    levels
}

#[test]
fn slow_ten_thousand_levels_are_saved_compared_and_restored() {
    let bench = Bench::new();
    dig(&bench.root, 10_000, "d");
    bench.let_times_settle();
    let saved = bench.save();
    assert_eq!(saved.captured.counts.directories, 1 + 10_000 + 100);
    assert_eq!(saved.captured.counts.files, 100);
    let again = bench.save();
    assert_eq!((again.captured.read_files, again.captured.root), (0, saved.captured.root));
    let target = bench.place.path().join("to");
    bench.restore_to(&target, &saved.receipt.manifest).unwrap();
    assert_eq!(fill_up(&target, "d"), 10_000);
    assert_eq!(fill_up(&bench.root, "d"), 10_000);
    bench.restore(&saved.receipt.manifest);
    assert_eq!(fill_up(&bench.root, "d"), 10_000);
}

#[test]
fn paths_longer_than_the_kernel_takes() {
    let bench = Bench::new();
    let name = "n".repeat(200);
    dig(&bench.root, 101, &name);
    let saved = bench.save();
    let reader = bench.repository.reader();
    let options = backstay_source_workspace::DiffOptions {
        content: ContentCheck::Always,
        ..backstay_source_workspace::DiffOptions::default()
    };
    let diff = |root: &Path| {
        backstay_source_workspace::diff_live(
            &reader,
            &saved.receipt.manifest,
            root,
            &options,
            &bench.restore_context(),
        )
        .unwrap()
    };
    assert!(diff(&bench.root).is_empty());
    let target = bench.place.path().join("to");
    bench.restore_to(&target, &saved.receipt.manifest).unwrap();
    assert!(diff(&target).is_empty(), "{:?}", diff(&target).first().map(|change| change.kind));
    assert_eq!(fill_up(&target, &name), 101);
    assert_eq!(fill_up(&bench.root, &name), 101);
}

fn many_files_in_one_directory(count: u64) {
    let bench = Bench::new();
    let dir = bench.path("many");
    fs::create_dir(&dir).unwrap();
    let at: OwnedFd =
        rustix::fs::openat(CWD, &dir, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    for n in 0..count {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&at, format!("file-{n}"), flags, Mode::from_raw_mode(0o644)).unwrap();
    }
    bench.let_times_settle();
    let saved = bench.save();
    assert_eq!(saved.captured.counts.files, count);
    assert_eq!(saved.captured.read_files, count);
    let again = bench.save();
    assert_eq!((again.captured.read_files, again.captured.root), (0, saved.captured.root));
    bench.write("many/file-500", "changed");
    let third = bench.save();
    assert_eq!((third.captured.read_files, third.captured.counts.files), (1, count));
    assert!(
        third.receipt.stats.new_bytes < 1 << 20,
        "{} bytes for one change",
        third.receipt.stats.new_bytes
    );
    let changes = backstay_source_workspace::diff_snapshots(
        &bench.repository.reader(),
        &saved.receipt.manifest,
        &third.receipt.manifest,
        &backstay_source_workspace::DiffOptions::default(),
        &bench.restore_context(),
    )
    .unwrap();
    assert_eq!(changes.len(), 1);
    let target = bench.place.path().join("to");
    bench.restore_to(&target, &third.receipt.manifest).unwrap();
    assert_eq!(fs::read_dir(target.join("many")).unwrap().count() as u64, count);
    let report = bench.restore(&saved.receipt.manifest);
    assert_eq!((report.replaced, report.created, report.deleted), (1, 0, 0));
    // Peak memory of the whole process, of which the repository in memory is a part.
    let status = fs::read_to_string("/proc/self/status").unwrap();
    eprintln!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}

#[test]
fn a_hundred_thousand_files_in_one_directory() {
    many_files_in_one_directory(100_000);
}

#[test]
fn slow_a_million_files_in_one_directory() {
    many_files_in_one_directory(1_000_000);
}

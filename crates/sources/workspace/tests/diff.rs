//! What changed, between snapshots and against the workspace.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use backstay_repository::Manifest;
use backstay_source_workspace::{Change, ContentCheck, DiffOptions, Selection, diff_live, diff_snapshots};
use fixtures::Bench;

fn lines(changes: &[Change]) -> Vec<String> {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let line = |change: &Change| match &change.renamed_from {
        Some(from) => format!("{} {} -> {}", change.kind, text(from), text(&change.path)),
        None => format!("{} {}", change.kind, text(&change.path)),
    };
    changes.iter().map(line).collect()
}

fn live(bench: &Bench, manifest: &Manifest, options: &DiffOptions) -> Vec<String> {
    let reader = bench.repository.reader();
    lines(&diff_live(&reader, manifest, &bench.root, options, &bench.restore_context()).unwrap())
}

fn build(bench: &Bench) {
    bench.write("edited", "1");
    bench.write("gone/file", "going");
    bench.write("mode", "1");
    bench.write("moved", "the same bytes elsewhere");
    bench.write("same/file", "1");
    bench.write("type", "1");
    symlink("edited", bench.path("link")).unwrap();
}

fn change(bench: &Bench) {
    bench.write("edited", "22");
    fs::remove_dir_all(bench.path("gone")).unwrap();
    fs::set_permissions(bench.path("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(bench.path("to")).unwrap();
    fs::rename(bench.path("moved"), bench.path("to/here")).unwrap();
    fs::remove_file(bench.path("type")).unwrap();
    bench.write("type/inside", "1");
    fs::remove_file(bench.path("link")).unwrap();
    symlink("mode", bench.path("link")).unwrap();
}

const CHANGES: [&str; 9] = [
    "M edited",
    "D gone",
    "D gone/file",
    "M link",
    "P mode",
    "A to",
    "R moved -> to/here",
    "T type",
    "A type/inside",
];

#[test]
fn every_kind_of_change_is_told_alike_live_and_between_snapshots() {
    let bench = Bench::new();
    build(&bench);
    let before = bench.save().receipt.manifest;
    assert_eq!(live(&bench, &before, &DiffOptions::default()), [""; 0]);
    change(&bench);
    assert_eq!(live(&bench, &before, &DiffOptions::default()), CHANGES);
    let after = bench.save().receipt.manifest;
    let reader = bench.repository.reader();
    let options = DiffOptions::default();
    let changes = diff_snapshots(&reader, &before, &after, &options, &bench.restore_context()).unwrap();
    assert_eq!(lines(&changes), CHANGES);
    let mode = changes.iter().find(|change| change.path == b"mode").unwrap();
    let modes = (mode.before.as_ref().unwrap().mode, mode.after.as_ref().unwrap().mode);
    assert_eq!(modes, (0o644, 0o600));
    let back = diff_snapshots(&reader, &after, &before, &options, &bench.restore_context()).unwrap();
    assert_eq!(back.len(), CHANGES.len());
    assert!(diff_snapshots(&reader, &after, &after, &options, &bench.restore_context()).unwrap().is_empty());
}

#[test]
fn only_the_named_paths_are_compared() {
    let bench = Bench::new();
    build(&bench);
    let before = bench.save().receipt.manifest;
    change(&bench);
    let options = DiffOptions {
        selection: Selection::of_paths(&["type", "edited"]).unwrap(),
        ..DiffOptions::default()
    };
    assert_eq!(live(&bench, &before, &options), ["M edited", "T type", "A type/inside"]);
    let options =
        DiffOptions { selection: Selection::exact(&["type", "gone"]).unwrap(), ..DiffOptions::default() };
    assert_eq!(live(&bench, &before, &options), ["D gone", "T type"]);
}

#[test]
fn content_is_read_as_far_as_asked() {
    let bench = Bench::new();
    bench.write("touched", "1");
    bench.write("sly", "1");
    let before = bench.save().receipt.manifest;
    let time = fs::metadata(bench.path("sly")).unwrap().modified().unwrap();
    bench.write("touched", "1");
    let later = time + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(bench.path("touched")).unwrap().set_modified(later).unwrap();
    // The same size and time, other bytes.
    bench.write("sly", "2");
    fs::File::options().write(true).open(bench.path("sly")).unwrap().set_modified(time).unwrap();
    let with = |content| live(&bench, &before, &DiffOptions { content, ..DiffOptions::default() });
    assert_eq!(with(ContentCheck::Never), ["M touched"]);
    assert_eq!(with(ContentCheck::WhenUnsure), ["M sly", "P touched"]);
    assert_eq!(with(ContentCheck::Always), ["M sly", "P touched"]);
}

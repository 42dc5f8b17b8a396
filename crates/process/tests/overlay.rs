//! The copy-on-write view. Where the machine permits none, only the answer of the probe is tested.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use backstay_process::{
    Command, Confinement, Overlay, ProcessError, UpperEntry, UpperKind, View, changes_of, supports_overlay,
};
use support::{run, shell, stdout, supervisor};

/// A directory to look at, with the places for an overlay inside it; `None` where overlays are not permitted.
struct Place {
    root: PathBuf,
    _guard: tempfile::TempDir,
}

impl Place {
    fn new() -> Option<Self> {
        let guard = tempfile::tempdir().unwrap();
        let root = guard.path().canonicalize().unwrap().join("a,b:c\\d");
        fs::create_dir_all(root.join(".backstay/stage")).unwrap();
        let permitted = supports_overlay(&supervisor(), &root.join(".backstay/stage/probe")).unwrap();
        assert!(!root.join(".backstay/stage/probe").exists());
        fs::create_dir_all(root.join("kept/deep")).unwrap();
        fs::create_dir(root.join("gone")).unwrap();
        fs::write(root.join("kept/deep/file"), "old").unwrap();
        fs::write(root.join("gone/file"), "old").unwrap();
        fs::write(root.join("mode"), "old").unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o750)).unwrap();
        permitted.then_some(Self { root, _guard: guard })
    }

    fn overlay(&self) -> Overlay {
        Overlay {
            lower: self.root.clone(),
            upper: self.upper(),
            work: self.root.join(".backstay/stage/work"),
            at: self.root.clone(),
            hidden: vec![".backstay".into(), "not-there".into()],
        }
    }

    fn upper(&self) -> PathBuf {
        self.root.join(".backstay/stage/upper")
    }

    fn command(&self, text: &str) -> Command {
        let mut command = shell(text);
        command.directory.clone_from(&self.root);
        command.view = View::Overlay(self.overlay());
        command
    }
}

fn picture(root: &Path) -> Vec<(PathBuf, u32, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let (path, meta) = (entry.as_ref().unwrap().path(), entry.unwrap().metadata().unwrap());
            if path.ends_with(".backstay") {
                continue;
            }
            if meta.is_dir() {
                open.push(path.clone());
            }
            let content = meta.is_file().then(|| fs::read(&path).unwrap());
            found.push((path, meta.mode(), content));
        }
    }
    found.sort();
    found
}

#[test]
fn writes_leave_the_directory_as_it_was() {
    let Some(place) = Place::new() else { return };
    symlink("kept", place.root.join("link")).unwrap();
    let before = picture(&place.root);
    let text = "set -e
        pwd; stat -c %a .; ls -A .backstay
        echo new > kept/deep/file; rm -r gone; chmod 600 mode; mkdir -p made/empty; ln -s x made/link
        rm link; mv kept/deep/file kept/renamed; touch .backstay/x 2>/dev/null && exit 9
        echo $0 > \"$PWD/absolute\"; find . -type f | sort";
    let outcome = run(&place.command(text)).unwrap();
    assert!(outcome.succeeded(), "{}", outcome.output.text());
    let shown = "./absolute\n./kept/renamed\n./mode\n";
    assert_eq!(stdout(&outcome.output), format!("{}\n750\n{shown}", place.root.display()));
    assert_eq!(picture(&place.root), before);

    let entry = |path: &str, kind| UpperEntry { path: path.into(), kind };
    let plain = UpperKind::Directory { opaque: false };
    let expected = [
        entry("absolute", UpperKind::File),
        entry("gone", UpperKind::Removed),
        entry("kept", plain),
        entry("kept/deep", plain),
        entry("kept/deep/file", UpperKind::Removed),
        entry("kept/renamed", UpperKind::File),
        entry("link", UpperKind::Removed),
        entry("made", UpperKind::Directory { opaque: true }),
        entry("made/empty", UpperKind::Directory { opaque: true }),
        entry("made/link", UpperKind::Symlink),
        entry("mode", UpperKind::File),
    ];
    let found = changes_of(&place.upper()).unwrap();
    // Whether a new directory is marked opaque is up to the kernel; nothing shows through it either way.
    let found: Vec<_> = found
        .into_iter()
        .map(|found| match found.kind {
            UpperKind::Directory { .. } if found.path.starts_with("made") => {
                UpperEntry { kind: UpperKind::Directory { opaque: true }, ..found }
            }
            _ => found,
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn commands_in_turn_see_what_the_ones_before_did() {
    let Some(place) = Place::new() else { return };
    assert!(run(&place.command("echo one > first; rm mode")).unwrap().succeeded());
    let outcome = run(&place.command("cat first; ls mode; echo two > second")).unwrap();
    assert!(stdout(&outcome.output).starts_with("one\n"));
    let paths: Vec<_> = changes_of(&place.upper())
        .unwrap()
        .into_iter()
        .map(|entry| entry.path.display().to_string())
        .collect();
    assert_eq!(paths, ["first", "mode", "second"]);
    assert!(!place.root.join("first").exists() && place.root.join("mode").exists());
}

#[test]
fn nothing_stays_mounted() {
    let Some(place) = Place::new() else { return };
    run(&place.command("exit 1")).unwrap();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains("overlay ") || !mounts.contains(".backstay"), "{mounts}");
    fs::remove_dir_all(place.upper()).unwrap();
}

#[test]
fn a_replaced_directory_is_opaque() {
    let Some(place) = Place::new() else { return };
    assert!(run(&place.command("rm -r kept && mkdir kept && echo new > kept/new")).unwrap().succeeded());
    let found = changes_of(&place.upper()).unwrap();
    assert_eq!(found[0], UpperEntry { path: "kept".into(), kind: UpperKind::Directory { opaque: true } });
    assert_eq!(found[1].path, Path::new("kept/new"));
}

#[test]
fn paths_without_sense_and_confinements_without_namespaces_are_refused() {
    let Some(place) = Place::new() else { return };
    let refused = |change: &dyn Fn(&mut Overlay)| {
        let mut overlay = place.overlay();
        change(&mut overlay);
        let mut command = place.command("true");
        command.view = View::Overlay(overlay);
        matches!(run(&command), Err(ProcessError::Overlay { .. }))
    };
    assert!(refused(&|overlay| overlay.lower = "relative".into()));
    assert!(refused(&|overlay| overlay.lower = "/does/not/exist".into()));
    assert!(refused(&|overlay| overlay.hidden = vec!["../outside".into()]));
    assert!(refused(&|overlay| overlay.hidden = vec!["".into()]));
    assert!(!refused(&|_| {}));
    let mut command = place.command("true");
    command.confinement = Confinement::NoNamespace;
    assert!(matches!(run(&command), Err(ProcessError::NotAllowed { .. })));
}

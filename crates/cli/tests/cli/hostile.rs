//! Names that attack terminals, shells and parsers.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use backstay_testkit::Picture;

use crate::sandbox::Sandbox;

#[test]
fn hostile_names_are_saved_restored_and_shown_harmlessly() {
    let sandbox = Sandbox::new();
    let root = sandbox.root();
    let names: Vec<Vec<u8>> = vec![
        b"new\nline".to_vec(),
        b"escape\x1b[2J\x1b]0;owned\x07".to_vec(),
        b"\xff\xfe not utf-8 \x80".to_vec(),
        vec![b'n'; 255],
        "rtl \u{202e}fdp.exe".as_bytes().to_vec(),
        b"-rf".to_vec(),
        b"--json".to_vec(),
        b"*".to_vec(),
        b"back\\slash\"quote'".to_vec(),
        b" ".to_vec(),
        b"x.missing".to_vec(),
    ];
    for name in &names {
        fs::write(root.join(OsStr::from_bytes(name)), name).unwrap();
    }
    let before = Picture::of(&root, &[".backstay"]).unwrap();
    sandbox.save();
    let shown = sandbox.ok(&["show", "latest", "--files"]);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    assert_eq!(shown.lines().count(), names.len(), "one line per entry: {shown}");
    let entries = sandbox.json(&["show", "latest", "--files"]);
    let odd =
        entries["entries"].as_array().unwrap().iter().filter(|entry| entry["path_b64"].is_string()).count();
    assert_eq!(odd, 1, "only the name that is no text has its bytes: {entries}");
    for name in &names {
        fs::remove_file(root.join(OsStr::from_bytes(name))).unwrap();
    }
    let diff = sandbox.ok(&["diff", "latest"]);
    assert!(!diff.contains('\u{1b}'), "{diff:?}");
    sandbox.ok(&["restore", "latest"]);
    before.assert_same(&Picture::of(&root, &[".backstay"]).unwrap(), "after the restore");
    sandbox.ok(&["verify", "latest", "--restore-test"]);
}

#[test]
fn a_path_named_like_a_flag_is_given_after_two_dashes() {
    let sandbox = Sandbox::new();
    sandbox.write("--json", "old");
    sandbox.save();
    sandbox.write("--json", "new");
    sandbox.ok(&["restore", "latest", "--", "--json"]);
    assert_eq!(sandbox.read("--json"), "old");
}

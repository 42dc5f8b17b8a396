//! A full disk: a clear error, exit code 1, nothing damaged.

use backstay_testkit::SmallDisk;

use crate::sandbox::{Ran, Sandbox};

fn noise(seed: u64, length: usize) -> Vec<u8> {
    use backstay_model::{Rng, SeededRng};
    let mut bytes = vec![0; length];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

#[test]
fn a_full_disk_is_a_clear_error_and_damages_nothing() {
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), "24m") else { return };
    let sandbox = Sandbox::below(disk.path());
    sandbox.write("a", noise(1, 2 << 20));
    let first = sandbox.save();
    sandbox.write("b", noise(2, 12 << 20));
    let error = sandbox.run(&["save", "--json"]).expect(1);
    assert!(error.stderr.contains("error:") && error.stderr.contains("hint:"), "{}", error.stderr);
    assert_eq!(error.json()["code"], "storage_full");

    std::fs::remove_file(sandbox.root().join("b")).unwrap();
    sandbox.ok(&["verify", &first, "--data", "full"]);
    sandbox.write("a", "short");
    sandbox.ok(&["restore", &first]);
    assert_eq!(std::fs::read(sandbox.root().join("a")).unwrap(), noise(1, 2 << 20));
}

#[test]
fn a_restore_that_does_not_fit_changes_nothing() {
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), "24m") else { return };
    let sandbox = Sandbox::below(disk.path());
    sandbox.write("a", noise(1, 6 << 20));
    let first = sandbox.save();
    std::fs::remove_file(sandbox.root().join("a")).unwrap();
    sandbox.write("other", "edited");
    // What is left of the disk is filled, so that staging fails.
    sandbox.write(".backstayignore", "filler\n");
    let mut filler = 16 << 20;
    while std::fs::write(sandbox.root().join("filler"), vec![0; filler]).is_err() {
        filler -= 1 << 20;
    }
    let error = sandbox.run(&["restore", &first]).expect(1);
    assert!(error.stderr.contains("space") || error.stderr.contains("full"), "{}", error.stderr);
    assert_eq!(sandbox.read("other"), "edited");
    assert!(!sandbox.root().join("a").exists());
    std::fs::remove_file(sandbox.root().join("filler")).unwrap();
    sandbox.ok(&["verify", &first, "--data", "full"]);
}

#[test]
fn a_disk_without_any_space_is_a_clear_error_and_the_catalog_stays_whole() {
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), "24m") else { return };
    // Only the workspace with its catalog is on the small disk.
    let sandbox = Sandbox::below(disk.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let password = elsewhere.path().join("password");
    std::fs::write(&password, "correct horse battery staple\n").unwrap();
    let run = |arguments: &[&str]| {
        Ran::of(
            sandbox
                .command(arguments)
                .env("BACKSTAY_REPOSITORY", elsewhere.path().join("repository"))
                .env("BACKSTAY_PASSWORD_FILE", &password)
                .env("TMPDIR", elsewhere.path()),
        )
    };
    run(&["repository", "init"]).expect(0);
    sandbox.write("a", "one");
    let first = run(&["save", "--quiet"]).expect(0).stdout.trim_end().to_owned();
    let events = run(&["audit", "verify", "--json"]).expect(0).json()["checked"].as_u64().unwrap();

    sandbox.write("a", "two");
    let filler = disk.fill();
    let error = run(&["save", "--json"]).expect(1);
    assert_eq!(error.json()["code"], "storage_full", "{}", error.stderr);
    assert!(error.stderr.contains("free some space"), "{}", error.stderr);

    std::fs::remove_file(filler).unwrap();
    let second = run(&["save", "--quiet"]).expect(0).stdout.trim_end().to_owned();
    let report = run(&["audit", "verify", "--json"]).expect(0).json();
    assert_eq!(report["valid"], true, "{report}");
    assert!(report["checked"].as_u64().unwrap() > events, "{report}");
    for (id, text) in [(&first, "one"), (&second, "two")] {
        assert_eq!(run(&["show", id, "a"]).expect(0).stdout, text);
    }
    run(&["verify", "--all", "--data", "full"]).expect(0);
}

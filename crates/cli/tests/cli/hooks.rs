//! Hooks run when trusted, and what they do to the exit code.

use crate::sandbox::Sandbox;

#[test]
fn hooks_run_only_when_trusted_and_a_failing_one_after_gives_3() {
    let sandbox = Sandbox::new();
    sandbox.write("backstay.yaml", "hooks:\n  before_save: date > dump\n  after_save: echo no; exit 1\n");
    let untrusted = sandbox.run(&["save"]).expect(3);
    assert!(untrusted.stderr.contains("not trusted"), "{untrusted:?}");
    assert!(!sandbox.root().join("dump").exists());

    let shown = sandbox.json(&["trust", "--dry-run"]);
    assert_eq!(shown["trusted"], false);
    assert!(!sandbox.beside(".local").exists());
    let told = sandbox.ok(&["trust"]);
    assert!(told.contains("before_save:\n  date > dump\n"), "{told}");
    let failed = sandbox.run(&["save"]).expect(3);
    assert!(failed.stderr.contains("the hook after_save failed with exit code 1"), "{failed:?}");
    assert!(failed.stderr.contains("no"), "{failed:?}");
    sandbox.run(&["show", "latest", "dump"]).expect(0);

    sandbox.write("backstay.yaml", "hooks:\n  before_save: exit 5\n");
    sandbox.run(&["save"]).expect(3);
    sandbox.ok(&["trust"]);
    let refused = sandbox.run(&["save"]).expect(1);
    assert!(refused.stderr.contains("before_save failed with exit code 5"), "{refused:?}");
    assert_eq!(sandbox.json(&["trust", "--revoke"])["revoked"], true);
    sandbox.write("backstay.yaml", "hooks: {}\n");
    sandbox.run(&["save"]).expect(0);
}

#[test]
fn a_workspace_cannot_trust_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("backstay.yaml", "hooks:\n  before_save: touch ran\n");
    sandbox.run(&["save"]).expect(3);
    // Whoever can write the workspace puts everything that lies outside of it into it.
    let stolen = Sandbox::new();
    stolen.write("backstay.yaml", "hooks:\n  before_save: touch ran\n");
    stolen.ok(&["trust"]);
    let trust = stolen.beside(".local/share/backstay/trust");
    let file = std::fs::read_dir(&trust).unwrap().next().unwrap().unwrap();
    sandbox.write(
        &format!(".backstay/trust/{}", file.file_name().display()),
        std::fs::read(file.path()).unwrap(),
    );
    sandbox.run(&["save"]).expect(3);
    assert!(!sandbox.root().join("ran").exists());
}

//! Passwords, keys and formats.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{Ran, Sandbox};

fn with_repository(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let (repository, password) = (sandbox.beside("repository"), sandbox.beside("password"));
    fs::write(&password, "correct horse battery staple\n").unwrap();
    elsewhere(sandbox, &["repository", "init"]).expect(0);
    (repository, password)
}

fn elsewhere(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    Ran::of(
        sandbox
            .command(arguments)
            .env("BACKSTAY_REPOSITORY", sandbox.beside("repository"))
            .env("BACKSTAY_PASSWORD_FILE", sandbox.beside("password")),
    )
}

#[test]
fn a_repository_elsewhere_needs_its_password() {
    let sandbox = Sandbox::new();
    let (_, password) = with_repository(&sandbox);
    sandbox.write("a", "x");
    elsewhere(&sandbox, &["save"]).expect(0);
    assert!(!sandbox.root().join(".backstay/repository").exists(), "the content is elsewhere");
    fs::write(&password, "wrong\n").unwrap();
    let ran = elsewhere(&sandbox, &["show", "latest", "a"]).expect(1);
    assert!(ran.stderr.contains("password") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("wrong\n") && !ran.stderr.contains("correct horse"), "{}", ran.stderr);
    let ran = elsewhere(&sandbox, &["repository", "list", "--json"]).expect(1).json();
    assert_eq!(ran["code"], "wrong_credential");
}

#[test]
fn keys_are_added_rotated_and_removed_and_the_last_one_stays() {
    let sandbox = Sandbox::new();
    let (_, password) = with_repository(&sandbox);
    sandbox.write("a", "x");
    elsewhere(&sandbox, &["save"]).expect(0);
    let key = sandbox.beside("key");
    let key = key.to_str().unwrap();
    elsewhere(&sandbox, &["repository", "keys", "add", "--new-key-file", key, "--label", "safe"]).expect(0);
    let keys = elsewhere(&sandbox, &["repository", "keys", "list", "--json"]).expect(0).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "{keys}");

    let next = sandbox.beside("next-password");
    fs::write(&next, "a better one\n").unwrap();
    let next = next.to_str().unwrap();
    elsewhere(&sandbox, &["repository", "keys", "rotate", "--new-password-file", next]).expect(0);
    elsewhere(&sandbox, &["repository", "list"]).expect(1);
    fs::copy(next, &password).unwrap();
    elsewhere(&sandbox, &["repository", "list"]).expect(0);

    let keys = elsewhere(&sandbox, &["repository", "keys", "list", "--json"]).expect(0).json();
    let ids: Vec<_> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
    let current = keys["keys"].as_array().unwrap().iter().find(|key| key["current"] == true).unwrap();
    let other = ids.iter().find(|id| **id != current["id"].as_str().unwrap()).unwrap();
    elsewhere(&sandbox, &["repository", "keys", "remove", other]).expect(0);
    let ran =
        elsewhere(&sandbox, &["repository", "keys", "remove", current["id"].as_str().unwrap()]).expect(1);
    assert!(ran.stderr.contains("only one"), "{}", ran.stderr);
}

#[test]
fn a_newer_format_is_refused_clearly() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    let config = sandbox.root().join(".backstay/repository/config");
    let text = fs::read_to_string(&config).unwrap();
    let newer =
        text.replacen("\"format\":1", "\"format\":99", 1).replacen("\"format\": 1", "\"format\": 99", 1);
    assert_ne!(text, newer, "{text}");
    let _ = fs::remove_file(&config);
    fs::write(&config, newer).unwrap();
    for arguments in [&["show", "latest", "a"][..], &["save"], &["repository", "list"]] {
        let ran = sandbox.run(arguments).expect(1);
        assert!(ran.stderr.contains("99") && ran.stderr.contains("newer version"), "{}", ran.stderr);
    }
}

#[test]
fn without_a_terminal_a_missing_password_is_an_error_with_a_hint() {
    let sandbox = Sandbox::new();
    with_repository(&sandbox);
    let mut command = std::process::Command::new("setsid");
    let inner = sandbox.command(&["repository", "list"]);
    command.arg("--wait").arg(inner.get_program()).args(inner.get_args()).current_dir(sandbox.root());
    command.env("BACKSTAY_REPOSITORY", sandbox.beside("repository")).stdin(std::process::Stdio::null());
    command.env_remove("BACKSTAY_PASSWORD").env_remove("BACKSTAY_PASSWORD_FILE");
    let ran = Ran::of(&mut command).expect(2);
    assert!(ran.stderr.contains("--password-file"), "{}", ran.stderr);
}

#[test]
fn the_key_of_a_workspace_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    let mode = sandbox.root().join(".backstay/key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

//! Exit codes, errors and their form.

use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Ran, Sandbox};

#[test]
fn a_mistake_on_the_command_line_is_2_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.run(&["frobnicate"]).expect(2);
    sandbox.run(&["list", "--limit", "0"]).expect(2);
    sandbox.run(&["save", "--wait", "3601"]).expect(2);
    let error = sandbox.run(&["list", "--limit", "1001", "--json"]).expect(2).json();
    assert_eq!(error["code"], "usage");
    assert!(error["error"].as_str().unwrap().contains("1001") && error["hint"].is_string(), "{error}");
}

#[test]
fn an_error_says_what_to_do_next() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["restore", "latest"]).expect(1);
    assert!(ran.stderr.starts_with("error: nothing was saved"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: `backstay save`"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let error = sandbox.run(&["restore", "latest", "--json"]).expect(1).json();
    assert_eq!(error["code"], "not_found");
}

#[test]
fn ndjson_ends_with_the_result() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    let ran = sandbox.run(&["save", "--format", "ndjson"]).expect(0);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "result");
    assert!(last["result"]["id"].as_str().unwrap().starts_with("snapshot-"));
    let ran = sandbox.run(&["show", "nothing", "--format", "ndjson"]).expect(1);
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "error");
}

#[test]
fn a_reader_that_goes_away_is_no_error_trace() {
    let sandbox = Sandbox::new();
    for number in 0..2000 {
        sandbox.write(&format!("directory/file-with-a-long-name-{number}"), "x");
    }
    sandbox.save();
    let mut child = sandbox
        .command(&["show", "latest", "--files"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_path_outside_the_workspace_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    for path in ["../x", "/etc/passwd", "a/../../x"] {
        let ran = sandbox.run(&["restore", "latest", path]).expect(2);
        assert!(ran.stderr.contains("outside the workspace"), "{}", ran.stderr);
    }
}

#[test]
fn an_unreadable_file_is_listed_and_partial_never_silently_absent() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything; a FIFO in the place of data is tested elsewhere.
        eprintln!("skipped: root can read every file");
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("closed", "x");
    std::fs::set_permissions(sandbox.root().join("closed"), std::fs::Permissions::from_mode(0o0)).unwrap();
    sandbox.run(&["save"]).expect(1);
    let ran = sandbox.run(&["save", "--allow-unreadable"]).expect(3);
    assert!(ran.stderr.contains("closed"), "{}", ran.stderr);
}

#[test]
fn a_missing_named_path_fails_the_save() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    let ran = sandbox.run(&["save", "a", "missing"]);
    assert!(ran.code == 1 || ran.code == 2, "{ran:?}");
    assert!(ran.stderr.contains("missing"), "{}", ran.stderr);
    assert_eq!(sandbox.json(&["list"])["total"], 0);
}

#[test]
fn help_names_the_next_step_and_version_is_one_line() {
    let sandbox = Sandbox::new();
    assert!(sandbox.ok(&["--help"]).contains("backstay restore latest"));
    assert_eq!(sandbox.ok(&["--version"]), format!("backstay {}", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(sandbox.ok(&["completions", shell]).contains("backstay"));
    }
    let pages = sandbox.beside("man");
    sandbox.ok(&["man", pages.to_str().unwrap()]);
    assert!(pages.join("backstay-save.1").exists());
}

#[test]
fn config_show_tells_where_each_value_comes_from() {
    let sandbox = Sandbox::new();
    let ran = Ran::of(
        sandbox
            .command(&["config", "show", "--workers", "4", "--json"])
            .env("BACKSTAY_DATABASE", "postgres://u:secret@db/x"),
    );
    assert!(!ran.stdout.contains("secret"), "{}", ran.stdout);
    let settings = &ran.expect(0).json()["settings"];
    assert_eq!(settings["workers"]["origin"], "flag --workers");
    assert_eq!(settings["database"]["origin"], "environment BACKSTAY_DATABASE");
    assert_eq!(settings["listen"]["value"], "127.0.0.1:8470");
    assert_eq!(settings["listen"]["origin"], "default");
}

#[test]
fn an_address_beyond_loopback_is_refused() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["serve", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(ran.stderr.contains("--allow-insecure-listen"), "{}", ran.stderr);
}

#[test]
fn a_misspelt_path_of_a_restore_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    let ran = sandbox.run(&["restore", "latest", "b"]).expect(1);
    assert!(ran.stderr.contains("b is not in snapshot-"), "{}", ran.stderr);
    sandbox.run(&["restore", "latest", "a"]).expect(0);
    // What only the workspace has is put back to not being there.
    sandbox.write("b", "y");
    sandbox.run(&["restore", "latest", "b"]).expect(0);
    assert!(!sandbox.root().join("b").exists());
}

#[test]
fn a_bad_configuration_is_told_with_its_line_and_a_bad_certificate_with_its_file() {
    let sandbox = Sandbox::new();
    let file = sandbox.beside("c.toml");
    std::fs::write(&file, "workers = 2\nlissten = 'x'\n").unwrap();
    let ran = sandbox.run(&["serve", "--config", file.to_str().unwrap()]).expect(2);
    assert!(ran.stderr.contains("line 2: unknown field `lissten`"), "{}", ran.stderr);
    let alone = sandbox.run(&["serve", "--tls-certificate", "chain.pem"]).expect(2);
    assert!(alone.stderr.contains("tls_certificate is given without tls_key"), "{}", alone.stderr);
    let missing = sandbox.run(&["serve", "--tls-certificate", "chain.pem", "--tls-key", "key.pem"]).expect(2);
    assert!(missing.stderr.contains("cannot read chain.pem"), "{}", missing.stderr);
}

//! The JSON of each verb, reviewed as snapshots.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// Puts placeholders where values differ from run to run.
fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::String(text) if text.starts_with("snapshot-") => "[id]".clone_into(text),
        Value::Object(fields) => {
            for (name, field) in fields {
                let placeholder = match (name.as_str(), &*field) {
                    (_, Value::Null) => None,
                    (
                        "id" | "snapshot_id" | "operation_id" | "plan_id" | "workspace_id" | "source_id"
                        | "a" | "b" | "hold" | "verified_snapshot",
                        Value::String(text),
                    ) if text != "live" => Some("[id]"),
                    (_, Value::String(text)) if is_time(text) => Some("[time]"),
                    (
                        "mtime_ns" | "hash" | "prev_hash" | "last_hash" | "root" | "host" | "path",
                        Value::String(text),
                    ) if name != "path" || text.starts_with('/') => Some("[varies]"),
                    (
                        "added_bytes" | "stored_bytes" | "deduplicated_bytes" | "bytes_read" | "chunks"
                        | "day" | "uid" | "gid",
                        _,
                    )
                    | ("mtime_ns" | "mode", Value::Number(_)) => Some("[varies]"),
                    _ => None,
                };
                match placeholder {
                    Some(text) => *field = Value::from(text),
                    None => redact(field),
                }
            }
        }
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && backstay_model::Timestamp::parse(text).is_some()
}

fn shape(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let mut value = sandbox.json(arguments);
    redact(&mut value);
    value
}

fn furnished() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "one\n");
    sandbox.write("d/b.txt", "two\n");
    for (path, mode) in [("a.txt", 0o644), ("d/b.txt", 0o640), ("d", 0o755)] {
        std::fs::set_permissions(sandbox.root().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    sandbox
}

#[test]
fn saving_listing_and_showing() {
    let sandbox = furnished();
    insta::assert_json_snapshot!("save", shape(&sandbox, &["save", "--label", "first", "--pin"]));
    insta::assert_json_snapshot!("list", shape(&sandbox, &["list"]));
    insta::assert_json_snapshot!("show", shape(&sandbox, &["show", "latest"]));
    insta::assert_json_snapshot!("show_files", shape(&sandbox, &["show", "latest", "--files"]));
    insta::assert_json_snapshot!("show_file", shape(&sandbox, &["show", "latest", "a.txt"]));
    insta::assert_json_snapshot!("holds", shape(&sandbox, &["holds"]));
    insta::assert_json_snapshot!("repository_list", shape(&sandbox, &["repository", "list"]));
}

#[test]
fn comparing_restoring_and_undoing() {
    let sandbox = furnished();
    sandbox.save();
    sandbox.write("a.txt", "other\n");
    sandbox.write("c.txt", "three\n");
    std::fs::set_permissions(sandbox.root().join("c.txt"), std::fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_json_snapshot!("diff", shape(&sandbox, &["diff", "latest"]));
    insta::assert_json_snapshot!("restore_dry_run", shape(&sandbox, &["restore", "latest", "--dry-run"]));
    insta::assert_json_snapshot!("restore", shape(&sandbox, &["restore", "latest"]));
    insta::assert_json_snapshot!("undo_list", shape(&sandbox, &["undo", "--list"]));
    insta::assert_json_snapshot!("undo", shape(&sandbox, &["undo"]));
}

#[test]
fn keeping_and_verifying() {
    let sandbox = furnished();
    sandbox.save();
    sandbox.write("a.txt", "other\n");
    sandbox.save();
    insta::assert_json_snapshot!("prune_dry_run", shape(&sandbox, &["prune", "--keep", "1", "--dry-run"]));
    insta::assert_json_snapshot!("verify", shape(&sandbox, &["verify", "--all", "--data", "full"]));
    insta::assert_json_snapshot!("stats", shape(&sandbox, &["stats"]));
    insta::assert_json_snapshot!("audit_verify", shape(&sandbox, &["audit", "verify"]));
    insta::assert_json_snapshot!("recover", shape(&sandbox, &["recover"]));
    insta::assert_json_snapshot!("pin", shape(&sandbox, &["pin", "latest", "--dry-run"]));
}

//! Whether overlays work here, found out by using one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Overlay, UpperKind, View, changes_of};
use crate::command::{Command, Program};
use crate::environment::Environment;
use crate::error::ProcessError;
use crate::run::run;
use crate::supervisor::Supervisor;

/// Tells whether this machine, this user and the file system of `scratch` permit overlays, by having a command change
/// one and reading the changes. `scratch` is created for that, must not exist, and is removed again.
///
/// The answer holds for the file system of `scratch`: ask with a directory beside the later upper directory.
///
/// # Errors
/// When `scratch` cannot be made or removed, or no command can be run at all. That overlays are not permitted is no
/// error.
pub fn supports_overlay(supervisor: &Supervisor, scratch: &Path) -> Result<bool, ProcessError> {
    let io = ProcessError::io("make a scratch directory");
    fs::create_dir(scratch).map_err(io)?;
    let answer = probe(supervisor, scratch);
    let removed = remove(scratch);
    let answer = answer?;
    removed.map_err(ProcessError::io("remove the scratch directory"))?;
    Ok(answer)
}

fn probe(supervisor: &Supervisor, scratch: &Path) -> Result<bool, ProcessError> {
    let lower = scratch.join("lower");
    let fill = || -> std::io::Result<()> {
        fs::create_dir(&lower)?;
        fs::create_dir(lower.join("replaced"))?;
        for name in ["changed", "removed", "replaced/old"] {
            fs::write(lower.join(name), "old")?;
        }
        Ok(())
    };
    fill().map_err(ProcessError::io("fill the scratch directory"))?;
    let upper = scratch.join("upper");
    let text = "set -e; test -f replaced/old; printf new > changed; rm removed; rm -r replaced; mkdir replaced; \
                printf new > replaced/new";
    let mut command = Command::new(Program::shell(text), &lower);
    command.environment = Environment::empty().set("PATH", "/usr/bin:/bin");
    command.limit = Some(Duration::from_secs(10));
    command.view = View::Overlay(Overlay {
        lower: lower.clone(),
        upper: upper.clone(),
        work: scratch.join("work"),
        at: lower.clone(),
        hidden: Vec::new(),
    });
    match run(supervisor, &command, &mut |_, _| {}, &|| false) {
        Ok(outcome) if outcome.succeeded() => {}
        Ok(_) | Err(ProcessError::NotAllowed { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    let untouched = ["changed", "removed", "replaced/old"]
        .iter()
        .all(|name| fs::read(lower.join(name)).is_ok_and(|text| text == b"old"));
    let changes = changes_of(&upper).map_err(ProcessError::io("read the upper directory"))?;
    let found: Vec<_> = changes.iter().map(|entry| (entry.path.to_str(), entry.kind)).collect();
    let expected = [
        (Some("changed"), UpperKind::File),
        (Some("removed"), UpperKind::Removed),
        (Some("replaced"), UpperKind::Directory { opaque: true }),
        (Some("replaced/new"), UpperKind::File),
    ];
    Ok(untouched && found == expected)
}

fn remove(scratch: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let inner = scratch.join("work/work");
    if fs::symlink_metadata(&inner).is_ok_and(|meta| meta.is_dir()) {
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o700))?;
    }
    fs::remove_dir_all(scratch)
}

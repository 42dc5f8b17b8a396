//! How a migration or a check is run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use backstay_dependencies::run::working_directory;
use backstay_dependencies::{DependencyError, DependencyName};
use backstay_process::{Command, Environment, Program, Stdin, quote};

use super::site::Site;
use super::targets::{PlannedStep, StepKind};
use crate::error::Result;
use crate::view::UpgradeRequest;

/// How long a command may take unless it is said otherwise.
const DEFAULT_LIMIT: Duration = Duration::from_mins(30);

/// Programs whose first argument is a script.
const INTERPRETERS: [&str; 8] = ["sh", "bash", "python", "python3", "node", "ruby", "perl", "php"];

/// Variables by which a git that we run in would send the command's git elsewhere.
const GIT_VARIABLES: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// The command of a step, at the site where it runs.
pub(super) fn command_of(
    step: &PlannedStep,
    dependency: &DependencyName,
    site: &Site,
    request: &UpgradeRequest,
) -> Result<Command> {
    let declared = &step.command;
    let root = site.root();
    let below = working_directory(declared)?;
    if site.leads_out(&below) {
        return Err(DependencyError::WorkingDirectory {
            command: declared.name.clone(),
            directory: below.display().to_string(),
        }
        .into());
    }
    let mut text = declared.run.clone();
    if let Some(in_dependency) = script_of_dependency(&text, dependency, &below, site) {
        text = in_dependency;
    }
    let mut environment = Environment::inherited();
    for variable in GIT_VARIABLES {
        environment = environment.remove(variable);
    }
    for (name, value) in &declared.env {
        environment = environment.set(name, value);
    }
    environment = environment.set("CONSUMER_ROOT", root).set("DEP_ROOT", root.join(dependency.checkout()));
    let mut command = Command::new(Program::shell(text), root.join(below));
    command.environment = environment;
    command.stdin = declared.stdin.as_ref().map_or(Stdin::Empty, |text| Stdin::Bytes(text.clone().into()));
    command.limit = limit(step, request);
    command.view = site.view();
    Ok(command)
}

/// An option, then the declaration, then the environment, then half an hour; 0 is for ever.
fn limit(step: &PlannedStep, request: &UpgradeRequest) -> Option<Duration> {
    let asked = match step.kind {
        StepKind::Migration => request.migration_timeout_s,
        StepKind::Verify => request.verify_timeout_s,
    };
    let limit = asked
        .or(step.command.timeout_s)
        .map(Duration::from_secs)
        .or(request.default_timeout_ms.map(Duration::from_millis))
        .unwrap_or(DEFAULT_LIMIT);
    (!limit.is_zero()).then_some(limit)
}

/// Older clients ran commands in the dependency's own directory. So a script that the working directory lacks and the
/// dependency has is taken from there.
fn script_of_dependency(
    text: &str,
    dependency: &DependencyName,
    below: &Path,
    site: &Site,
) -> Option<String> {
    let trimmed = text.trim_start();
    let first = trimmed.split_whitespace().next()?;
    let script =
        if INTERPRETERS.contains(&first) { trimmed[first.len()..].split_whitespace().next()? } else { first };
    let is_plain = script.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
    let is_path = script.contains('/') || script != first;
    if !is_plain || !is_path || script.starts_with(['/', '-']) || script.split('/').any(|part| part == "..") {
        return None;
    }
    let checkout = PathBuf::from(dependency.checkout());
    let in_dependency = checkout.join(script.trim_start_matches("./"));
    if site.has(&below.join(script)) || !site.has(&in_dependency) {
        return None;
    }
    let at = trimmed.find(script)?;
    let path = site.root().join(in_dependency);
    let quoted = quote(path.as_os_str());
    Some(format!("{}{}{}", &trimmed[..at], quoted.to_str()?, &trimmed[at + script.len()..]))
}

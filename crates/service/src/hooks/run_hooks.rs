//! Runs the hooks of a workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backstay_catalog::SourceRow;
use backstay_model::{Caller, Outcome, Subject};
use backstay_process::{Command, Confinement, End, Environment, Program, Supervisor};
use backstay_repository::{Cancel, RepositoryError};
use backstay_source_workspace::declared::{self, Declared, Hook};
use serde_json::json;

use super::trust_hooks::unreadable;
use super::trust_store::{TrustStore, digest_of};
use crate::error::{Result, ServiceError};
use crate::run::{Notice, Run};
use crate::service::{Describe, Service, blocking};

/// How long a hook may take.
const LIMIT: Duration = Duration::from_mins(5);
/// How much of its output is kept.
const KEPT_BYTES: usize = 1 << 20;
/// How much of that a message quotes.
const QUOTED_BYTES: usize = 1000;

/// The hooks of a workspace as they were, and were trusted, when the operation began: what it does to `backstay.yaml` does
/// not change them.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    root: PathBuf,
    texts: BTreeMap<Hook, String>,
    supervisor: Option<Arc<Supervisor>>,
}

/// How a hook ended that did not succeed.
struct HookFailure {
    why: String,
    said: String,
}

impl Service {
    /// Reads the hooks of a workspace. Those that may not be run are left out, and the person is told.
    ///
    /// Errors: a file that is trusted and cannot be understood. One that is not trusted stops nothing.
    pub(crate) async fn load_hooks(&self, source: &SourceRow, run: &Run) -> Result<Hooks> {
        let root = self.workspace_root(source)?;
        let settings = self.settings().clone();
        let notices = run.notices.clone();
        blocking("read the hooks", move || {
            let none = Hooks { root: root.clone(), texts: BTreeMap::new(), supervisor: None };
            let text = match declared::read_file(&root) {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(none),
                Err(error) => {
                    notices.add(not_run(&format!("{} cannot be read: {error}", declared::FILE)));
                    return Ok(none);
                }
            };
            let Some(directory) = &settings.trust_directory else { return Ok(none) };
            let trusted = TrustStore::new(directory)
                .trusted(&root)
                .map_err(|error| crate::open::cannot("read what is trusted in", directory, error))?;
            if trusted.as_deref() != Some(digest_of(&text).as_str()) {
                let declares_none = Declared::parse(&text).is_ok_and(|declared| declared.hooks.is_empty());
                if !declares_none {
                    let why = format!("the hooks of {} are not trusted as they are now", declared::FILE);
                    notices.add(not_run(&why));
                }
                return Ok(none);
            }
            let declared = Declared::parse(&text).map_err(|error| unreadable(&error))?;
            match settings.supervisor {
                Some(supervisor) if settings.allow_commands => {
                    Ok(Hooks { root, texts: declared.hooks, supervisor: Some(supervisor) })
                }
                _ => {
                    if !declared.hooks.is_empty() {
                        notices.add(Notice {
                            code: "hooks_not_allowed".into(),
                            message: "this server runs no commands, so the hooks were left out".to_owned(),
                            hint: Some("set `allow_commands` in its configuration".to_owned()),
                        });
                    }
                    Ok(none)
                }
            }
        })
        .await
    }

    /// Runs a hook before an operation, under the lock of the workspace. When it fails, the operation must not begin.
    ///
    /// Errors: `Conflict` with code `hook_failed`; cancelled, when the caller cancels meanwhile.
    pub(crate) async fn run_before_hook(
        &self,
        caller: &Caller,
        source: &SourceRow,
        hooks: &Hooks,
        hook: Hook,
        run: &Run,
    ) -> Result<()> {
        match self.run_hook(caller, source, hooks, hook, &[], &run.cancel).await? {
            None => Ok(()),
            Some(failure) => {
                let error = ServiceError::conflict(format!(
                    "The hook {} {}; nothing was begun",
                    hook.word(),
                    failure.why
                ))
                .code("hook_failed");
                Err(if failure.said.is_empty() {
                    error
                } else {
                    error.hint(format!("it said: {}", failure.said))
                })
            }
        }
    }

    /// Runs a hook after an operation, which stays as it is: what goes wrong here is a notice.
    ///
    /// What has asked the operation to stop does not stop its hook: after a rollback there may be services to start again.
    /// `variables` are added to the hook's environment.
    pub(crate) async fn run_after_hook(
        &self,
        caller: &Caller,
        source: &SourceRow,
        hooks: &Hooks,
        hook: Hook,
        variables: &[(&str, &str)],
        run: &Run,
    ) {
        let cancel = if run.cancel.is_cancelled() { Cancel::new() } else { run.cancel.clone() };
        let notice = match self.run_hook(caller, source, hooks, hook, variables, &cancel).await {
            Ok(None) => return,
            Ok(Some(failure)) => Notice {
                code: "hook_failed".into(),
                message: format!("the hook {} {}", hook.word(), failure.why),
                hint: Some(failure.said).filter(|said| !said.is_empty()),
            },
            Err(error) => Notice {
                code: "hook_failed".into(),
                message: format!("the hook {} did not end: {}", hook.word(), error.message),
                hint: error.hint,
            },
        };
        run.notices.add(notice);
    }

    /// Runs a hook if there is one, and appends its event. Returns how it failed.
    async fn run_hook(
        &self,
        caller: &Caller,
        source: &SourceRow,
        hooks: &Hooks,
        hook: Hook,
        variables: &[(&str, &str)],
        cancel: &Cancel,
    ) -> Result<Option<HookFailure>> {
        let (Some(text), Some(supervisor)) = (hooks.texts.get(&hook), hooks.supervisor.clone()) else {
            return Ok(None);
        };
        let mut command = Command::new(Program::shell(text), &hooks.root);
        command.environment = variables.iter().fold(
            Environment::inherited().set("BACKSTAY_HOOK", hook.word()).set("BACKSTAY_ROOT", &hooks.root),
            |environment, (name, value)| environment.set(name, value),
        );
        command.limit = Some(LIMIT);
        command.output = backstay_process::Output::Captured { kept_bytes: KEPT_BYTES };
        // Hooks stop services and dump databases; that may take rights that a user namespace does not have.
        command.confinement = Confinement::NoUserNamespace;
        let cancel = cancel.clone();
        let ended = blocking("run the hook", move || {
            Ok(backstay_process::run(&supervisor, &command, &mut |_, _| {}, &|| cancel.is_cancelled()))
        })
        .await?;
        let (failure, code, duration_ms) = match &ended {
            Ok(outcome) => {
                let (why, code) = match outcome.end {
                    End::Exited { code: 0 } => (None, Some(0)),
                    End::Exited { code } => (Some(format!("failed with exit code {code}")), Some(code)),
                    End::Signalled { signal } => (Some(format!("was ended by signal {signal}")), None),
                    End::TimedOut => (Some(format!("took longer than {} seconds", LIMIT.as_secs())), None),
                    End::Cancelled => (Some("was interrupted".to_owned()), None),
                };
                let said = outcome.output.last_lines(QUOTED_BYTES);
                let duration_ms = u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX);
                (why.map(|why| HookFailure { why, said }), code, Some(duration_ms))
            }
            Err(error) => (
                Some(HookFailure { why: format!("could not be run: {error}"), said: String::new() }),
                None,
                None,
            ),
        };
        let event = self.event(caller, "hook.ran", Subject::new("workspace", &source.id));
        let outcome = if failure.is_none() { Outcome::Ok } else { Outcome::Failed };
        self.commit_event(event.of_source(&source.tenant, source.kind, &source.id).ended(outcome).with(
            json!({
                "hook": hook,
                "exit_code": code,
                "duration_ms": duration_ms,
                "reason": failure.as_ref().map(|failure| &failure.why),
            }),
        ))
        .await?;
        if ended.is_ok_and(|outcome| outcome.end == End::Cancelled) {
            return Err(RepositoryError::Cancelled.into());
        }
        Ok(failure)
    }
}

fn not_run(why: &str) -> Notice {
    Notice {
        code: "hooks_not_trusted".into(),
        message: format!("{why}, so they were left out"),
        hint: Some(format!("look at {}, then run `backstay trust`", declared::FILE)),
    }
}

//! `deps validate`: whether the files are right, and whether the checkouts are what the lock says.

use serde::Serialize;

use crate::declarations::{self, Declarations};
use crate::error::Result;
use crate::git::{Store, Superproject};
use crate::lock::Lock;
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct What {
    /// `graft.yaml`
    pub config: bool,
    /// `graft.lock`
    pub lock: bool,
    /// The checkouts.
    pub integrity: bool,
    /// Whether every declared change names a ref that exists.
    pub refs: bool,
}

impl What {
    /// Everything but the refs.
    pub const ALL: Self = Self { config: true, lock: true, integrity: true, refs: false };
}

/// What was found. A part that was not looked at is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `graft.yaml`
    pub config: Option<Checked>,
    /// `graft.lock`
    pub lock: Option<Checked>,
    /// The checkouts.
    pub integrity: Option<Integrity>,
    /// Whether all of it is right.
    pub overall: bool,
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// There is no error.
    pub valid: bool,
    /// What has to be mended.
    pub errors: Vec<String>,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// What was found in the checkouts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Integrity {
    /// Each is at its locked commit.
    pub valid: bool,
    /// By dependency.
    pub results: Vec<IntegrityResult>,
}

/// What was found in one checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntegrityResult {
    /// The dependency.
    pub name: String,
    /// It is at its locked commit and unchanged.
    pub valid: bool,
    /// The locked commit.
    pub expected_commit: Option<String>,
    /// The commit it is at.
    pub actual_commit: Option<String>,
    /// What is wrong, or that nothing is.
    pub message: String,
}

/// Looks at `what`.
pub fn validate(workspace: &Workspace, what: What) -> Result<Report> {
    let mut report = Report::default();
    if what.config || what.refs {
        report.config = Some(config(workspace, what.refs)?);
    }
    if what.lock {
        report.lock = Some(lock(workspace));
    }
    if what.integrity {
        report.integrity = Some(integrity(workspace, what)?);
    }
    report.overall = report.config.as_ref().is_none_or(|part| part.valid)
        && report.lock.as_ref().is_none_or(|part| part.valid)
        && report.integrity.as_ref().is_none_or(|part| part.valid);
    Ok(report)
}

fn checked(errors: Vec<String>, warnings: Vec<String>) -> Checked {
    Checked { valid: errors.is_empty(), errors, warnings }
}

fn config(workspace: &Workspace, refs: bool) -> Result<Checked> {
    let text = match workspace.yaml() {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(checked(vec!["graft.yaml not found".to_owned()], Vec::new())),
        Err(error) => return Ok(checked(vec![error.to_string()], Vec::new())),
    };
    let reading = declarations::read(&text);
    let line = |problem: &declarations::Problem| format!("graft.yaml:{}: {}", problem.line, problem.text);
    let mut errors: Vec<String> = reading.errors.iter().map(line).collect();
    let warnings = reading.warnings.iter().map(line).collect();
    let found = &reading.declarations;
    if errors.is_empty()
        && found.dependencies.is_empty()
        && found.changes.is_empty()
        && found.commands.is_empty()
    {
        errors.push("No dependencies defined".to_owned());
    }
    if refs {
        errors.extend(missing_refs(workspace, found)?);
    }
    Ok(checked(errors, warnings))
}

/// The declared changes whose refs are no tag, no branch and no commit of this repository.
fn missing_refs(workspace: &Workspace, found: &Declarations) -> Result<Vec<String>> {
    if found.changes.is_empty() {
        return Ok(Vec::new());
    }
    let project = Superproject::find(workspace.git(), workspace.root())?;
    let Some(store) = Store::at(workspace.git(), &project.common_dir) else { return Ok(Vec::new()) };
    let here = DependencyName::parse("here")?;
    let refs: Vec<Reference> = found.changes.iter().map(|change| change.reference.clone()).collect();
    let mut errors = Vec::new();
    for (change, resolved) in found.changes.iter().zip(store.resolve_each(&here, &refs)?) {
        if resolved.is_err() && !store.has_branch(&change.reference)? {
            errors.push(format!(
                "graft.yaml:{}: change `{}` names no ref of this repository",
                change.line, change.reference
            ));
        }
    }
    Ok(errors)
}

fn lock(workspace: &Workspace) -> Checked {
    match workspace.lock() {
        Err(error) => checked(vec![error.to_string()], Vec::new()),
        Ok(None) => checked(Vec::new(), vec!["graft.lock not found: `deps resolve` writes it".to_owned()]),
        Ok(Some(reading)) => {
            let (mut errors, mut warnings) = (Vec::new(), Vec::new());
            if reading.version < 3 {
                warnings.push(format!(
                    "graft.lock has version {}: `deps validate --fix` writes version 3",
                    reading.version
                ));
            }
            for name in &reading.dropped {
                warnings
                    .push(format!("`{name}` is a dependency of a dependency; version 3 has no place for it"));
            }
            if let Ok(Some(text)) = workspace.yaml() {
                compare(&declarations::read(&text).declarations, &reading.lock, &mut errors);
            }
            checked(errors, warnings)
        }
    }
}

fn compare(found: &Declarations, lock: &Lock, errors: &mut Vec<String>) {
    for declared in &found.dependencies {
        match lock.entries.get(&declared.name) {
            None => errors
                .push(format!("`{}` is declared and not locked: `deps resolve` locks it", declared.name)),
            Some(entry) if entry.reference != declared.reference => errors.push(format!(
                "`{}` is locked at {}, graft.yaml says {}",
                declared.name, entry.reference, declared.reference
            )),
            Some(entry) if entry.source != declared.source => {
                errors
                    .push(format!("`{}` is locked from another source than graft.yaml says", declared.name));
            }
            Some(_) => {}
        }
    }
    for name in lock.entries.keys().filter(|name| found.dependency(name).is_none()) {
        errors.push(format!("`{name}` is locked and not declared"));
    }
}

fn integrity(workspace: &Workspace, what: What) -> Result<Integrity> {
    let wrong = |name: &str, message: String| IntegrityResult {
        name: name.to_owned(),
        valid: false,
        expected_commit: None,
        actual_commit: None,
        message,
    };
    let reading = match workspace.lock() {
        Ok(Some(reading)) => reading,
        // When the lock is looked at too, it is a warning there that there is none.
        Ok(None) if what.lock => return Ok(Integrity { valid: true, results: Vec::new() }),
        Ok(None) => {
            return Ok(Integrity {
                valid: false,
                results: vec![wrong("graft.lock", "graft.lock not found".to_owned())],
            });
        }
        Err(error) => {
            return Ok(Integrity { valid: false, results: vec![wrong("graft.lock", error.to_string())] });
        }
    };
    let mut results = Vec::new();
    for (name, entry) in &reading.lock.entries {
        let store = Store::of_checkout(workspace.git(), &workspace.checkout(name))?;
        let actual = store.as_ref().map(Store::head).transpose()?.flatten();
        let dirty = match &store {
            Some(store) => store.dirty(&workspace.checkout(name))?.len(),
            None => 0,
        };
        let message = match &actual {
            None => Some("it is not checked out: `deps sync` does that".to_owned()),
            Some(actual) if *actual != entry.commit => Some(match &store {
                Some(store) if store.peel(&entry.commit)?.as_ref() == Some(actual) => {
                    "the lock names an annotated tag instead of its commit: `deps validate --fix` mends it"
                        .to_owned()
                }
                _ => "it is at another commit than the lock says: `deps sync` moves it".to_owned(),
            }),
            Some(_) if dirty > 0 => Some(format!("{dirty} of its files were changed")),
            Some(_) => None,
        };
        results.push(IntegrityResult {
            name: name.to_string(),
            valid: message.is_none(),
            expected_commit: Some(entry.commit.to_string()),
            actual_commit: actual.map(|commit| commit.to_string()),
            message: message.unwrap_or_else(|| "Commit matches".to_owned()),
        });
    }
    Ok(Integrity { valid: results.iter().all(|result| result.valid), results })
}

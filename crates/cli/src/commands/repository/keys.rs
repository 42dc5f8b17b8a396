//! `backstay repository keys`

use std::path::{Path, PathBuf};

use backstay_model::ErrorKind;
use backstay_repository::{Credential, KeyKind, Repository};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::backend::bare::Bare;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::render::table::{Align, Table};
use crate::{human, secrets, terminal};

/// Manage the passwords and key files that open the repository
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    List(KeysListArgs),
    Add(KeysAddArgs),
    Remove(KeysRemoveArgs),
    Rotate(KeysRotateArgs),
}

/// List the keys
#[derive(Debug, Args)]
pub(crate) struct KeysListArgs {}

/// Add a password or a key file
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository keys add --new-password-file second-password --label 'recovery sheet'
  backstay repository keys add --new-key-file backup.key")]
pub(crate) struct KeysAddArgs {
    /// Read the new password from FILE (default: asked for on the terminal)
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,

    /// Create FILE with a new random key
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_file")]
    pub(crate) new_key_file: Option<PathBuf>,

    /// What the key is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
}

/// Remove a key; the last one stays
#[derive(Debug, Args)]
pub(crate) struct KeysRemoveArgs {
    /// The key, as `keys list` shows it, or a unique prefix
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

/// Replace the key in use by a new one; no data is rewritten
///
/// The old password or key file does not open the repository any more. The master key behind it stays: who kept an old copy
/// of the `keys` objects with the old password or key file can still read everything, also what is saved later. If that
/// matters, copy into a new repository with `repository copy`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository keys rotate
  backstay repository keys rotate --key-file old.key --new-key-file new.key")]
pub(crate) struct KeysRotateArgs {
    /// Read the new password from FILE (default: asked for on the terminal)
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,

    /// Create FILE with a new random key
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_file")]
    pub(crate) new_key_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: KeysCommand) -> CommandResult {
    let bare = Bare::here(cx)?;
    let inner = cx.clone();
    let repository = cx.blocking("Opening", move |_, _| bare.open(&inner)).await?;
    match command {
        KeysCommand::List(_) => list(cx, &repository),
        KeysCommand::Add(args) => add(cx, repository, args).await,
        KeysCommand::Remove(args) => remove(cx, &repository, &args.key),
        KeysCommand::Rotate(args) => rotate(cx, repository, args).await,
    }
}

fn list(cx: &Context, repository: &Repository) -> CommandResult {
    let keys = repository.keys()?;
    let values: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "id": key.id,
                "kind": kind(key.kind),
                "label": key.label,
                "created_at": key.created_at,
                "current": key.current,
            })
        })
        .collect();
    cx.output.result(&json!({"keys": values}), |out, style| {
        let mut table = Table::new(&[
            ("KEY", Align::Left),
            ("KIND", Align::Left),
            ("ADDED", Align::Left),
            ("", Align::Left),
            ("LABEL", Align::Left),
        ]);
        for key in &keys {
            table.row(vec![
                key.id.clone(),
                kind(key.kind).to_owned(),
                human::local_time(key.created_at),
                if key.current { "in use".to_owned() } else { String::new() },
                human::one_line(&key.label),
            ]);
        }
        table.write(out, style)
    })?;
    Ok(Exit::Done)
}

async fn add(cx: &Context, repository: Repository, args: KeysAddArgs) -> CommandResult {
    let credential = new_credential(cx, args.new_password_file.as_deref(), args.new_key_file.as_deref())?;
    let (label, now) = (args.label.unwrap_or_default(), cx.clock.now());
    let id = cx.blocking("Adding", move |_, _| Ok(repository.add_key(&credential, &label, now)?)).await?;
    cx.output.result(&json!({"id": id}), |out, _| writeln!(out, "added {id}"))?;
    Ok(Exit::Done)
}

fn remove(cx: &Context, repository: &Repository, wanted: &str) -> CommandResult {
    let keys = repository.keys()?;
    let matching: Vec<_> =
        keys.iter().filter(|key| !wanted.is_empty() && key.id.starts_with(wanted)).collect();
    let [key] = matching.as_slice() else {
        let failure = if matching.is_empty() {
            Failure::new(ErrorKind::NotFound, format!("there is no key {wanted}"))
        } else {
            Failure::usage(format!("{wanted} is the beginning of several keys"))
        };
        return Err(failure.hint("`backstay repository keys list` shows them"));
    };
    repository.remove_key(&key.id)?;
    cx.output.result(&json!({"removed": key.id}), |out, _| writeln!(out, "removed {}", key.id))?;
    Ok(Exit::Done)
}

async fn rotate(cx: &Context, repository: Repository, args: KeysRotateArgs) -> CommandResult {
    let current = repository.keys()?.into_iter().find(|key| key.current).ok_or_else(|| {
        Failure::new(ErrorKind::Conflict, "the key in use was removed meanwhile")
            .hint("`backstay repository keys list` shows the others")
    })?;
    let credential = new_credential(cx, args.new_password_file.as_deref(), args.new_key_file.as_deref())?;
    let (old, now) = (current.id.clone(), cx.clock.now());
    let id = cx.blocking("Replacing", move |_, _| Ok(repository.change_key(&old, &credential, now)?)).await?;
    cx.output.result(&json!({"removed": current.id, "id": id}), |out, _| {
        writeln!(out, "replaced {} by {id}", current.id)
    })?;
    Ok(Exit::Done)
}

fn new_credential(
    cx: &Context,
    password_file: Option<&Path>,
    key_file: Option<&Path>,
) -> Result<Credential, Failure> {
    if let Some(path) = key_file {
        return secrets::create_key_file(path, &*cx.rng);
    }
    if let Some(path) = password_file {
        return Ok(Credential::password(secrets::read_line(path)?));
    }
    terminal::ask_new_secret("new password")?.map(Credential::password).ok_or_else(|| {
        Failure::usage("there is no terminal to ask for the new password")
            .hint("give --new-password-file or --new-key-file")
    })
}

const fn kind(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Password => "password",
        KeyKind::KeyFile => "key_file",
    }
}

//! `backstay repository init`

use backstay_repository::{InitOptions, Repository, RepositoryError, Settings};
use clap::Args;
use serde_json::json;

use crate::backend::bare::Bare;
use crate::commands::prune::parse_age_seconds;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::secrets;

/// Create a repository
///
/// Without a password file or key file the password is asked for on the terminal. There is no way back into a repository
/// whose every password and key file is lost.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository init --repository /backup/app --password-file ~/.app-password
  backstay repository init --repository s3://bucket/app --key-file app.key --new-key")]
pub(crate) struct InitArgs {
    /// Create the key file that --key-file names
    #[arg(long, requires = "key_file")]
    pub(crate) new_key: bool,

    /// How long content that nothing needs any more stays; longer than the longest save
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = parse_age_seconds)]
    pub(crate) grace: i64,
}

/// Creates the repository.
pub(crate) async fn run(cx: &Context, args: InitArgs) -> CommandResult {
    let bare = Bare::here(cx)?;
    let store = bare.location.open()?;
    if Repository::exists(&*store)? {
        return Err(RepositoryError::AlreadyExists { location: bare.location.to_string() }.into());
    }
    if cx.globals.repository.is_none() {
        return Err(Failure::usage("the workspace's own repository is created by `backstay save`")
            .hint("name another place with --repository"));
    }
    let credential = match &cx.globals.key_file {
        Some(path) if args.new_key => secrets::create_key_file(path, &*cx.rng)?,
        _ => bare.new_credential()?,
    };
    let options = InitOptions {
        credential,
        key_label: "first".to_owned(),
        settings: Settings { collect_grace_seconds: args.grace.unsigned_abs() },
        created_at: cx.clock.now(),
    };
    let rng = cx.rng.clone();
    let repository = cx.blocking("Creating", move |_, _| Ok(Repository::init(store, &options, rng)?)).await?;
    let value = json!({"repository_id": repository.id(), "location": bare.location.to_string()});
    cx.output.result(&value, |out, _| writeln!(out, "created a repository in {}", bare.location))?;
    cx.output.hint("add a second key and keep it elsewhere: `backstay repository keys add`");
    Ok(Exit::Done)
}

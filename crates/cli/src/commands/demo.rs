//! `backstay demo`

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use backstay_model::id::random_suffix;
use backstay_model::{Caller, ErrorKind, Role};
use backstay_service::Run;
use backstay_service::view::{NewSnapshot, NewToken};
use clap::{Args, Parser};
use serde_json::{Value, json};

use super::{login_link, serve};
use crate::args::{Cli, Globals};
use crate::backend::admin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human::{self, Size};
use crate::output::Format;
use crate::settings::{ServerFlags, ServerSettings};
use crate::{demo, dispatch, logging};

/// Show the main job on generated files: save, change, compare, restore, undo, verify
///
/// Runs the real commands and prints each step with its time. With --serve it then serves the result on loopback.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay demo
  backstay demo --serve --directory /tmp/backstay-demo")]
pub(crate) struct DemoArgs {
    /// Work in DIR, which is empty or does not exist (default: a new directory among the temporary files)
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// How many files to generate
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub(crate) files: u32,

    /// Serve afterwards
    #[arg(long)]
    pub(crate) serve: bool,

    /// Where to serve
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8470")]
    pub(crate) listen: SocketAddr,
}

/// Runs the steps, and serves afterwards when asked to.
pub(crate) async fn run(cx: &Context, args: DemoArgs) -> CommandResult {
    let directory = empty_directory(cx, args.directory.as_deref())?;
    let workspace = directory.join("workspace");
    let failed = |error: io::Error| Failure::io(format!("cannot write into {}", directory.display()), &error);
    fs::create_dir_all(&workspace).map_err(failed)?;
    let mut steps = Steps { cx, workspace: workspace.clone(), done: Vec::new() };

    let (root, files) = (workspace.clone(), args.files);
    steps
        .own("generate a workspace", move || {
            let made = demo::generate(&root, files)?;
            Ok(format!("{}, {}", human::count(made.files, "file", "files"), Size(made.bytes)))
        })
        .await?;
    steps.command(&["save", "--label", "the beginning", "--pin"]).await?;
    steps.command(&["save", "--label", "nothing changed"]).await?;
    steps.change(1).await?;
    steps.command(&["diff", "latest"]).await?;
    steps.command(&["save", "--label", "after the first day"]).await?;
    steps.change(2).await?;
    steps.command(&["save", "--label", "after the second day"]).await?;
    steps.command(&["list"]).await?;
    steps.command(&["diff", "latest~3", "latest", "data"]).await?;
    steps.command(&["restore", "latest~3"]).await?;
    steps.command(&["diff", "latest~3", "--exit-code"]).await?;
    steps.command(&["undo"]).await?;
    steps.command(&["diff", "latest", "--exit-code"]).await?;
    steps.command(&["prune", "--keep", "2"]).await?;
    steps.command(&["verify", "--all", "--data", "full"]).await?;
    steps.command(&["verify", "latest", "--restore-test"]).await?;
    steps.command(&["audit", "verify"]).await?;
    steps.command(&["stats"]).await?;

    let done = std::mem::take(&mut steps.done);
    cx.output
        .result(&json!({"directory": directory, "workspace": workspace, "steps": done}), |out, style| {
            writeln!(out, "\n{} Everything is in {}", style.good("done."), directory.display())
        })?;
    if args.serve { serve_result(cx, &directory, &workspace, args.listen).await } else { Ok(Exit::Done) }
}

/// The directory to work in; made when missing, refused when something is in it.
fn empty_directory(cx: &Context, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let directory = match named {
        Some(named) => cx.directory()?.join(named),
        None => std::env::temp_dir().join(format!("backstay-demo-{}", random_suffix(&*cx.rng, 8))),
    };
    let failed = |error: io::Error| Failure::io(format!("cannot use {}", directory.display()), &error);
    fs::create_dir_all(&directory).map_err(failed)?;
    if fs::read_dir(&directory).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", directory.display()))
            .hint("name an empty directory, or none for a new one"));
    }
    directory.canonicalize().map_err(failed)
}

/// The steps of the demonstration and what they took.
struct Steps<'a> {
    cx: &'a Context,
    workspace: PathBuf,
    done: Vec<Value>,
}

impl Steps<'_> {
    /// Runs a command as if it had been typed in the workspace.
    async fn command(&mut self, words: &[&str]) -> Result<(), Failure> {
        let shown = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
        let shown = format!("backstay {}", shown.collect::<Vec<_>>().join(" "));
        self.heading(&format!("$ {shown}"))?;
        let workspace = self.workspace.to_string_lossy().into_owned();
        let line = ["backstay", "-C", &workspace].into_iter().chain(words.iter().copied());
        let cli = Cli::try_parse_from(line).map_err(|error| Failure::usage(error.to_string()))?;
        let mut cx = self.cx.clone();
        cx.globals = Globals { no_progress: self.cx.globals.no_progress, ..cli.globals };
        cx.globals.server = None;
        if self.cx.output.format() != Format::Text {
            cx.output = cx.output.silenced();
        }
        let started = Instant::now();
        let exit = Box::pin(dispatch::dispatch(&cx, cli.command)).await?;
        self.took(&shown, started)?;
        if exit == Exit::Done {
            Ok(())
        } else {
            Err(Failure::new(ErrorKind::Internal, format!("`{shown}` ended with exit code {}", exit.code())))
        }
    }

    /// Does something that is no command of Backstay.
    async fn own(
        &mut self,
        what: &str,
        work: impl FnOnce() -> io::Result<String> + Send + 'static,
    ) -> Result<(), Failure> {
        self.heading(&format!("# {what}"))?;
        let started = Instant::now();
        let result = tokio::task::spawn_blocking(work).await;
        let result = result.map_err(|error| Failure::new(ErrorKind::Internal, error.to_string()))?;
        let text = result.map_err(|error| Failure::io(format!("cannot {what}"), &error))?;
        self.line(&text)?;
        self.took(what, started)
    }

    async fn change(&mut self, round: u64) -> Result<(), Failure> {
        let root = self.workspace.clone();
        self.own("edit, add, delete, rename and chmod files", move || {
            demo::change(&root, round)?;
            Ok(format!("round {round}"))
        })
        .await
    }

    fn heading(&self, text: &str) -> Result<(), Failure> {
        if self.cx.output.format() != Format::Text {
            return Ok(());
        }
        self.cx.output.write(|out| writeln!(out, "\n{}", self.cx.output.style().strong(text)))
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        if self.cx.output.format() != Format::Text {
            return Ok(());
        }
        self.cx.output.write(|out| writeln!(out, "{text}"))
    }

    fn took(&mut self, step: &str, started: Instant) -> Result<(), Failure> {
        let took = started.elapsed();
        let value = json!({"step": step, "milliseconds": took.as_millis() as u64});
        self.cx.output.event("step", &value);
        self.done.push(value);
        self.line(&self.cx.output.style().dim(&format!("took {}", human::elapsed(took))))
    }
}

/// Serves a fresh data directory in which the workspace is registered.
async fn serve_result(cx: &Context, directory: &Path, workspace: &Path, listen: SocketAddr) -> CommandResult {
    let flags = ServerFlags {
        data_directory: Some(directory.join("data")),
        listen: Some(listen),
        allowed_root: vec![directory.to_path_buf()],
        log: Some("warn".to_owned()),
        ..ServerFlags::default()
    };
    // What the person's environment says about a server or a repository is not meant for the demonstration.
    let globals = Globals { repository: None, password_file: None, key_file: None, ..cx.globals.clone() };
    let settings = ServerSettings::resolve(&globals, &flags, &|_| None)?;
    logging::start(&settings.log.value, settings.log_format.value)?;
    let service = admin::service(cx, &settings).await?;
    let system = Caller::system("demo");
    service.ensure_administrator().await?;
    let source = service.ensure_workspace(&system, workspace, "demo").await?;
    let run = Run { cancel: cx.cancel.clone(), ..Run::default() };
    let new = NewSnapshot { label: "served".to_owned(), ..NewSnapshot::default() };
    service.create_snapshot(&system, &source.id, new, &run).await?;
    let listener = serve::listen(&settings).await?;
    let address = serve::local_address(&listener)?;
    let mut shown = settings.clone();
    shown.listen.value = address;
    let (url, until) = login_link::create(&service, &system, None, &shown).await?;
    let token = NewToken {
        name: "demo".to_owned(),
        role: Role::Superadmin,
        expires_at: Some(cx.clock.now().plus_seconds(12 * 3600)),
    };
    let token = service.create_token(&system, token).await?;
    let token_file = directory.join("token");
    write_private(&token_file, &token.secret)?;
    let value = json!({"address": format!("http://{address}"), "login_link": url, "login_link_expires_at": until, "token_file": token_file});
    cx.output.event("listening", &value);
    if cx.output.format() == Format::Text {
        cx.output.write(|out| {
            writeln!(
                out,
                "\nServing on http://{address} (API: http://{address}/api/docs); Ctrl-C stops it."
            )?;
            writeln!(out, "Log in once, until {}: {url}\n", human::local_time(until))?;
            writeln!(out, "Three commands to try in another terminal:")?;
            writeln!(
                out,
                "  export BACKSTAY_SERVER=http://{address} BACKSTAY_TOKEN_FILE={}",
                token_file.display()
            )?;
            writeln!(out, "  {} list", program())?;
            writeln!(out, "  {} save --label 'from the other terminal'", program())?;
            writeln!(out, "  {} diff latest --content", program())
        })?;
    }
    serve::serve(cx, service, &settings, listener, None).await
}

/// How this program was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "backstay".to_owned())
}

fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))
}

//! A program for tests. `supervise` is the supervising entry point; `run CONFINEMENT TEXT` runs a shell text under it,
//! writes its output as it comes, and a last line that says how it ended.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use backstay_process::{Command, Confinement, Program, Supervisor, run, supervise};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|word| word.to_str()) {
        Some("supervise") => Ok(supervise(arguments)),
        Some("run") => {
            let confinement = arguments.next().context("no confinement")?;
            run_text(&confinement, arguments.next().context("no text")?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("supervise, or run CONFINEMENT TEXT"),
    }
}

fn run_text(confinement: &OsString, text: OsString) -> Result<()> {
    let mut command = Command::new(Program::shell(text), std::env::current_dir()?);
    command.confinement = match confinement.to_str() {
        Some("strongest") => Confinement::Strongest,
        Some("no-user-namespace") => Confinement::NoUserNamespace,
        Some("no-namespace") => Confinement::NoNamespace,
        _ => bail!("no such confinement"),
    };
    let mut live = |_, bytes: &[u8]| {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    };
    let outcome = run(&Supervisor::this_program(["supervise"]), &command, &mut live, &|| false)?;
    let names: Vec<_> = outcome.leftovers.iter().map(|leftover| leftover.name.as_str()).collect();
    println!("{:?} {:?} {names:?}", outcome.end, outcome.isolation);
    Ok(())
}

//! `backstay verify`

use std::io::{self, Write};
use std::time::Instant;

use backstay_service::view::{VerifyDepth, VerifyReport};
use clap::Args;

use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};
use crate::style::Style;

/// Prove that snapshots can be put back
///
/// Checks that everything a snapshot needs is there and, with --data, reads content back and checks every hash. Damage is
/// exit code 1, with each path that is lost.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay verify                          structure, and 5 % of the data, of the latest
  backstay verify --all --data full        everything
  backstay verify latest --restore-test    put it into a scratch directory and compare")]
pub(crate) struct VerifyArgs {
    /// The snapshots (default: the latest)
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// Every snapshot of the workspace
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,

    /// How much content to read: a percentage from 0 to 100, or `full`
    #[arg(long, value_name = "PCT|full", default_value = "5", value_parser = parse_data)]
    pub(crate) data: DataShare,

    /// Also restore into a scratch directory (with --server: of the server's machine) and compare
    #[arg(long)]
    pub(crate) restore_test: bool,
}

/// How much content a verification reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DataShare {
    /// That many percent of the packs, chosen at random; 0 checks the structure only.
    Percent(f64),
    /// All of it.
    Full,
}

pub(crate) fn parse_data(text: &str) -> Result<DataShare, String> {
    if text == "full" {
        return Ok(DataShare::Full);
    }
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(100.0) => Ok(DataShare::Full),
        Ok(percent) if (0.0..100.0).contains(&percent) => Ok(DataShare::Percent(percent)),
        _ => Err("a share is a percentage from 0 to 100, or `full`".to_owned()),
    }
}

/// Verifies and names every lost path.
pub(crate) async fn run(cx: &Context, args: VerifyArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let ids = if args.all {
        on!(backend, all_ready())?
    } else if args.ids.is_empty() {
        vec![on!(backend, resolve("latest"))?]
    } else {
        let mut ids = Vec::new();
        for text in &args.ids {
            ids.push(on!(backend, resolve(text))?);
        }
        ids
    };
    let started = Instant::now();
    let depth = args.data.depth();
    let report = on!(backend, verify(cx, &ids, depth, args.restore_test))?;
    let healthy = report.healthy;
    cx.output.result(&report, |out, style| {
        write_report(out, style, &report)?;
        for test in &report.restore_tests {
            let word = if test.identical { style.good("identical") } else { style.error("different") };
            writeln!(out, "restore test of {}: {word}", test.snapshot)?;
            for difference in &test.differences {
                writeln!(out, "  {}", human::one_line(difference))?;
            }
        }
        Ok(())
    })?;
    cx.output.note(&format!("in {}", human::elapsed(started.elapsed())));
    if !healthy {
        cx.output.hint("`backstay repository repair --help` tells what can be healed; everything not named here restores");
    }
    Ok(if healthy { Exit::Done } else { Exit::Negative })
}

/// What was looked at and what is damaged.
pub(crate) fn write_report(out: &mut dyn Write, style: Style, report: &VerifyReport) -> io::Result<()> {
    for damage in &report.damage {
        let of = damage.snapshot.as_ref().map(|id| format!(" in {id}")).unwrap_or_default();
        writeln!(
            out,
            "{} {}{of}: {}",
            style.error("damaged:"),
            human::one_line(&damage.object),
            human::one_line(&damage.reason)
        )?;
        for path in &damage.lost_paths {
            writeln!(out, "  lost: {}", human::one_line(path))?;
        }
    }
    let verdict = if report.healthy { style.good("healthy") } else { style.error("damaged") };
    writeln!(
        out,
        "{verdict}: {}, {}, {} read",
        human::count(report.snapshots, "snapshot", "snapshots"),
        human::count(report.chunks, "chunk", "chunks"),
        Size(report.bytes_read)
    )
}

impl DataShare {
    /// How much a verification reads.
    pub(crate) fn depth(self) -> VerifyDepth {
        match self {
            Self::Full => VerifyDepth::Full,
            Self::Percent(percent) if percent <= 0.0 => VerifyDepth::Structure,
            Self::Percent(percent) => VerifyDepth::Sample(percent.ceil().min(100.0) as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_full() {
        assert_eq!(parse_data("full"), Ok(DataShare::Full));
        assert_eq!(parse_data("100"), Ok(DataShare::Full));
        assert_eq!(parse_data("2.5%"), Ok(DataShare::Percent(2.5)));
        for text in ["", "-1", "101", "NaN", "half"] {
            assert!(parse_data(text).is_err(), "{text:?}");
        }
    }
}

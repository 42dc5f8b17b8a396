//! `backstay trust`

use clap::Args;
use serde_json::json;

use crate::backend;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Allow the hooks in backstay.yaml, as they are now, to run
///
/// A workspace declares shell commands in `backstay.yaml` below `hooks`: before_save, after_save, before_restore,
/// after_restore, before_upgrade, after_upgrade and after_rollback. They run with your rights, so they run only after you have
/// trusted exactly this text on this machine; whoever changes it has to be trusted again. What a hook calls, a script in the
/// workspace for example, is not part of the text.
///
/// Prints the hooks that it trusts.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay trust --dry-run     show the hooks and whether they are trusted
  backstay trust
  backstay trust --revoke")]
pub(crate) struct TrustArgs {
    /// Trust nothing here any more
    #[arg(long)]
    pub(crate) revoke: bool,

    /// Show the hooks and change nothing
    #[arg(long, conflicts_with = "revoke")]
    pub(crate) dry_run: bool,
}

/// Trusts.
pub(crate) async fn run(cx: &Context, args: TrustArgs) -> CommandResult {
    if cx.globals.server.is_some() {
        return Err(Failure::usage(
            "hooks are trusted on the machine of the workspace, by the user who runs them",
        )
        .hint("leave out --server"));
    }
    if args.revoke {
        let revoked = backend::trust::revoke(cx).await?;
        cx.output.result(&json!({"trusted": false, "revoked": revoked}), |out, _| {
            writeln!(out, "{}", if revoked { "revoked" } else { "nothing was trusted" })
        })?;
        return Ok(Exit::Done);
    }
    let hooks =
        if args.dry_run { backend::trust::show(cx).await? } else { backend::trust::trust(cx).await? };
    cx.output.result(&hooks, |out, style| {
        for hook in &hooks.hooks {
            writeln!(out, "{}", style.strong(&format!("{}:", hook.hook)))?;
            // Control characters could hide a part of the text from the one who judges it.
            for line in hook.run.lines() {
                writeln!(out, "  {}", crate::human::one_line(line))?;
            }
        }
        let word = if hooks.trusted { "trusted" } else { "not trusted" };
        writeln!(out, "{word}: {} ({})", hooks.root.display(), &hooks.digest[..16])
    })?;
    Ok(Exit::Done)
}

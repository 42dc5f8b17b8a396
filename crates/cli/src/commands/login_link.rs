//! `backstay login-link`

use backstay_model::{Caller, ErrorKind, Role, Timestamp};
use backstay_server::login_path;
use backstay_service::{PageRequest, Service};
use clap::Args;
use serde_json::json;

use crate::backend::admin::{self, Admin};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;
use crate::settings::{ServerFlags, ServerSettings};

/// Print a one-time link that logs an administrator in
///
/// Works on the server's data directory, so whoever may read that may log in.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay login-link
  backstay login-link --user anna --data-directory /srv/backstay")]
pub(crate) struct LoginLinkArgs {
    /// Whom to log in (default: the first administrator)
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Prints a link.
pub(crate) async fn run(cx: &Context, args: LoginLinkArgs) -> CommandResult {
    let settings = admin::settings(cx, &args.flags)?;
    let Admin::Direct(service, caller) = Admin::server(cx, &args.flags).await? else {
        return Err(Failure::usage("a login link is made on the server's machine").hint("leave out --server"));
    };
    let link = create(&service, &caller, args.user.as_deref(), &settings).await?;
    cx.output.result(&json!({"url": link.0, "expires_at": link.1}), |out, _| writeln!(out, "{}", link.0))?;
    cx.output.note(&format!("works once, until {}", human::local_time(link.1)));
    Ok(Exit::Done)
}

/// Makes a link for the named user, else for the first administrator, who is created when there is nobody yet.
pub(crate) async fn create(
    service: &Service,
    caller: &Caller,
    name: Option<&str>,
    settings: &ServerSettings,
) -> Result<(String, Timestamp), Failure> {
    let user = if let Some(name) = name {
        service.find_user(caller, name).await?
    } else if let Some(user) = service.ensure_administrator().await? {
        user
    } else {
        let users = service.list_users(caller, &PageRequest::first(1000)).await?.items;
        users.into_iter().find(|user| user.role == Role::Superadmin && !user.disabled).ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, "there is no administrator who can sign in")
                .hint("name a user with --user")
        })?
    };
    let link = service.create_login_link(caller, &user.id).await?;
    Ok((format!("{}{}", settings.url(), login_path(&link.secret)), link.expires_at))
}

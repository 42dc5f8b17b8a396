//! `backstay users`

use std::path::PathBuf;

use crate::backend::wire;
use backstay_api::user as wire_user;
use backstay_model::{ErrorKind, Role, TenantId};
use backstay_service::PageRequest;
use backstay_service::view::{NewUser, UserChange};
use clap::{Args, Subcommand};

use crate::backend::admin::Admin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::settings::ServerFlags;
use crate::{human, render, secrets, terminal};

/// Manage the users of a server
///
/// With --server over its API, else directly on its data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    Add(UsersAddArgs),
    List(UsersListArgs),
    SetRole(UsersSetRoleArgs),
    Disable(UsersDisableArgs),
}

/// Add a user
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay users add anna --role operator
  backstay users add root --role superadmin --new-password-file pw")]
pub(crate) struct UsersAddArgs {
    /// The name to log in with
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// viewer, operator, technical, admin or superadmin
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    pub(crate) role: backstay_model::Role,

    /// The tenant the user belongs to
    #[arg(long, value_name = "TENANT", default_value = "default")]
    pub(crate) tenant: String,

    /// Read the password from FILE (default: asked for on the terminal)
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// List the users
#[derive(Debug, Args)]
pub(crate) struct UsersListArgs {
    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Give a user another role
#[derive(Debug, Args)]
pub(crate) struct UsersSetRoleArgs {
    /// The user
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// viewer, operator, technical, admin or superadmin
    #[arg(value_name = "ROLE")]
    pub(crate) role: backstay_model::Role,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Lock a user out, at once and everywhere
#[derive(Debug, Args)]
pub(crate) struct UsersDisableArgs {
    /// The user
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: UsersCommand) -> CommandResult {
    match command {
        UsersCommand::Add(args) => add(cx, args).await,
        UsersCommand::List(args) => list(cx, args).await,
        UsersCommand::SetRole(args) => {
            let change = |role| (Some(role), None);
            change_user(cx, &args.flags, &args.name, change(args.role)).await
        }
        UsersCommand::Disable(args) => change_user(cx, &args.flags, &args.name, (None, Some(true))).await,
    }
}

async fn add(cx: &Context, args: UsersAddArgs) -> CommandResult {
    let admin = Admin::server(cx, &args.flags).await?;
    let password = match &args.new_password_file {
        Some(path) => Some(secrets::read_line(path)?),
        None => terminal::ask_new_secret(&format!("password of {}", args.name))?,
    };
    let user = match admin {
        Admin::Remote(client) => {
            let tenant_id = Some(args.tenant).filter(|tenant| tenant != "default");
            client
                .create_user(&wire_user::NewUser { name: args.name, password, role: args.role, tenant_id })
                .await?
        }
        Admin::Direct(service, caller) => {
            let tenant = TenantId::parse(&args.tenant).map_err(|error| Failure::usage(error.to_string()))?;
            let new = NewUser { name: args.name, password, role: args.role, tenant: Some(tenant) };
            wire::user(service.create_user(&caller, new).await?)
        }
    };
    cx.output
        .result(&user, |out, _| writeln!(out, "added {} as {}", human::one_line(&user.name), user.role))?;
    Ok(Exit::Done)
}

async fn list(cx: &Context, args: UsersListArgs) -> CommandResult {
    let page = match Admin::server(cx, &args.flags).await? {
        Admin::Remote(client) => {
            client.list_users(&wire_user::UserQuery { limit: Some(1000), ..Default::default() }).await?
        }
        Admin::Direct(service, caller) => {
            let page = service.list_users(&caller, &PageRequest::first(1000)).await?;
            wire_user::UserPage {
                users: page.items.into_iter().map(wire::user).collect(),
                total: page.total,
                next: page.next,
                message: None,
            }
        }
    };
    cx.output.result(&page, |out, style| render::access::users(out, style, &page.users))?;
    Ok(Exit::Done)
}

async fn change_user(
    cx: &Context,
    flags: &ServerFlags,
    name: &str,
    (role, disabled): (Option<Role>, Option<bool>),
) -> CommandResult {
    let user = match Admin::server(cx, flags).await? {
        Admin::Remote(client) => {
            let query = wire_user::UserQuery { limit: Some(1000), ..Default::default() };
            let users = client.list_users(&query).await?.users;
            let found = users.into_iter().find(|user| user.name == name || user.id == name);
            let found = found.ok_or_else(|| {
                Failure::new(ErrorKind::NotFound, format!("there is no user `{name}`"))
                    .hint("`backstay users list` shows them")
            })?;
            client.update_user(&found.id, &wire_user::UserChange { role, password: None, disabled }).await?
        }
        Admin::Direct(service, caller) => {
            let found = service.find_user(&caller, name).await?;
            let change = UserChange { role, password: None, disabled };
            wire::user(service.update_user(&caller, &found.id, change).await?)
        }
    };
    cx.output.result(&user, |out, _| {
        let state = if user.disabled { "disabled".to_owned() } else { user.role.to_string() };
        writeln!(out, "{} is {state} now", human::one_line(&user.name))
    })?;
    Ok(Exit::Done)
}

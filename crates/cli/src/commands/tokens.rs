//! `backstay tokens`

use crate::backend::wire;
use backstay_api::token as wire_token;
use backstay_model::{TenantId, TokenId};
use backstay_service::PageRequest;
use backstay_service::view::NewToken;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::backend::admin::Admin;
use crate::commands::prune::parse_age_seconds;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::render;
use crate::settings::ServerFlags;

/// Manage the API tokens of a server
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    Create(TokensCreateArgs),
    List(TokensListArgs),
    Revoke(TokensRevokeArgs),
}

/// Create a token; its secret is printed once
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay tokens create ci --role operator --expires 90d > token
  BACKSTAY_TOKEN=$(cat token) backstay --server http://127.0.0.1:8470 list")]
pub(crate) struct TokensCreateArgs {
    /// What the token is for
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// viewer, operator, technical, admin or superadmin
    #[arg(long, value_name = "ROLE", default_value = "operator")]
    pub(crate) role: backstay_model::Role,

    /// The tenant the token belongs to
    #[arg(long, value_name = "TENANT", default_value = "default")]
    pub(crate) tenant: String,

    /// How long it works, for example 90d (default: until it is revoked)
    #[arg(long, value_name = "AGE", value_parser = parse_age_seconds)]
    pub(crate) expires: Option<i64>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// List the tokens, without their secrets
#[derive(Debug, Args)]
pub(crate) struct TokensListArgs {
    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Revoke a token, at once
#[derive(Debug, Args)]
pub(crate) struct TokensRevokeArgs {
    /// The token's id
    #[arg(value_name = "TOKEN")]
    pub(crate) token: String,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: TokensCommand) -> CommandResult {
    match command {
        TokensCommand::Create(args) => create(cx, args).await,
        TokensCommand::List(args) => list(cx, args).await,
        TokensCommand::Revoke(args) => revoke(cx, args).await,
    }
}

async fn create(cx: &Context, args: TokensCreateArgs) -> CommandResult {
    let expires_at = args.expires.map(|seconds| cx.clock.now().plus_seconds(seconds));
    let created = match Admin::server(cx, &args.flags).await? {
        Admin::Remote(client) => {
            if args.tenant != "default" {
                return Err(Failure::usage("over the API a token belongs to your own tenant")
                    .hint("leave out --tenant, or run this on the server's machine without --server"));
            }
            client
                .create_token(&wire_token::NewToken { name: args.name, role: args.role, expires_at })
                .await?
        }
        Admin::Direct(service, mut caller) => {
            caller.tenant =
                TenantId::parse(&args.tenant).map_err(|error| Failure::usage(error.to_string()))?;
            let new = NewToken { name: args.name, role: args.role, expires_at };
            wire::created_token(service.create_token(&caller, new).await?)
        }
    };
    cx.output.result(&created, |out, _| writeln!(out, "{}", created.secret))?;
    cx.output.note("the token is shown this once; keep it in a file that only you can read");
    Ok(Exit::Done)
}

async fn list(cx: &Context, args: TokensListArgs) -> CommandResult {
    let page = match Admin::server(cx, &args.flags).await? {
        Admin::Remote(client) => {
            client.list_tokens(&wire_token::TokenQuery { limit: Some(1000), ..Default::default() }).await?
        }
        Admin::Direct(service, caller) => {
            let page = service.list_tokens(&caller, &PageRequest::first(1000)).await?;
            wire_token::TokenPage {
                tokens: page.items.into_iter().map(wire::token).collect(),
                total: page.total,
                next: page.next,
                message: None,
            }
        }
    };
    cx.output.result(&page, |out, style| render::access::tokens(out, style, &page.tokens))?;
    Ok(Exit::Done)
}

async fn revoke(cx: &Context, args: TokensRevokeArgs) -> CommandResult {
    match Admin::server(cx, &args.flags).await? {
        Admin::Remote(client) => client.delete_token(&args.token).await?,
        Admin::Direct(service, caller) => {
            let id = TokenId::parse(&args.token).map_err(|error| Failure::usage(error.to_string()))?;
            service.revoke_token(&caller, &id).await?;
        }
    }
    cx.output.result(&json!({"revoked": args.token}), |out, _| writeln!(out, "revoked {}", args.token))?;
    Ok(Exit::Done)
}

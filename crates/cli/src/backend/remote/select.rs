//! Which server, which workspace on it, which snapshot.

use std::path::Path;

use backstay_api::snapshot::{SnapshotQuery, StateOrAll};
use backstay_api::workspace::{Workspace, WorkspaceQuery};
use backstay_client::{Client, ClientOptions};
use backstay_model::{ErrorKind, SnapshotState, Trigger};

use super::{PAGE, Remote};
use crate::context::Context;
use crate::failure::Failure;
use crate::secrets;

/// A client of the server at `url`, with the token of the file or the environment.
pub(crate) fn client(cx: &Context, url: &str) -> Result<Client, Failure> {
    let token = match &cx.globals.token_file {
        Some(path) => Some(secrets::read_line(path)?),
        None => std::env::var("BACKSTAY_TOKEN").ok().filter(|token| !token.is_empty()),
    };
    Ok(Client::new(url, ClientOptions::new(token.as_deref(), cx.rng.clone()))?)
}

/// Every workspace that the caller sees.
pub(crate) async fn workspaces(client: &Client) -> Result<Vec<Workspace>, Failure> {
    let mut query = WorkspaceQuery { limit: Some(PAGE), ..WorkspaceQuery::default() };
    let mut all = Vec::new();
    loop {
        let page = client.list_workspaces(&query).await?;
        all.extend(page.workspaces);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(all),
        }
    }
}

/// The workspace with this id or name.
pub(crate) async fn named(client: &Client, wanted: &str) -> Result<Workspace, Failure> {
    let found = workspaces(client).await?.into_iter().find(|one| one.id == wanted || one.name == wanted);
    found.ok_or_else(|| {
        Failure::new(ErrorKind::NotFound, format!("the server has no workspace `{wanted}`"))
            .hint("`backstay workspaces list` shows what it has")
    })
}

/// The workspace that the command means: the named one, else the one whose root is here, else the only one.
pub(super) async fn workspace(client: &Client, cx: &Context) -> Result<Workspace, Failure> {
    if let Some(wanted) = &cx.globals.workspace {
        return named(client, wanted).await;
    }
    let all = workspaces(client).await?;
    let here = cx.workspace().ok();
    let within = |root: &str| here.as_ref().is_some_and(|here| here.root == Path::new(root));
    if let Some(found) = all.iter().find(|workspace| within(&workspace.root)) {
        return Ok(found.clone());
    }
    match all.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::new(ErrorKind::NotFound, "the server has no workspace that you may see")
            .hint("`backstay workspaces add ROOT` registers one")),
        _ => Err(Failure::usage("the server has several workspaces and none of them is here")
            .hint("name one with --workspace; `backstay workspaces list` shows them")),
    }
}

/// The full id that `text` means: `latest`, `latest~N`, an id or a unique prefix.
pub(super) async fn snapshot(remote: &Remote, text: &str) -> Result<String, Failure> {
    let Some(back) = text.strip_prefix("latest") else { return by_prefix(remote, text).await };
    let back = match back.strip_prefix('~') {
        Some(number) => number.parse::<usize>().ok(),
        None if back.is_empty() => Some(0),
        None => None,
    };
    let Some(mut back) = back else { return by_prefix(remote, text).await };
    let mut query =
        SnapshotQuery { state: Some(StateOrAll::One(SnapshotState::Ready)), ..remote.query().await? };
    loop {
        let page = remote.client.list_snapshots(&query).await?;
        for snapshot in page.snapshots.into_iter().filter(|snapshot| snapshot.trigger != Trigger::Safety) {
            if back == 0 {
                return Ok(snapshot.id);
            }
            back -= 1;
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => {
                return Err(Failure::new(ErrorKind::NotFound, format!("there is no snapshot {text}"))
                    .hint("`backstay list` shows the snapshots"));
            }
        }
    }
}

async fn by_prefix(remote: &Remote, text: &str) -> Result<String, Failure> {
    if remote.client.snapshot_exists(text).await? {
        return Ok(text.to_owned());
    }
    let query = SnapshotQuery { q: Some(text.to_owned()), ..remote.query().await? };
    let page = remote.client.list_snapshots(&query).await?;
    let mut matching =
        page.snapshots.into_iter().map(|snapshot| snapshot.id).filter(|id| id.starts_with(text));
    match (matching.next(), matching.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::new(ErrorKind::NotFound, format!("there is no snapshot {text}"))
            .hint("`backstay list` shows the snapshots")),
        (Some(one), Some(two)) => Err(Failure::usage(format!("{text} is the beginning of several ids"))
            .because(format!("{one}, {two}"))
            .hint("give more of it")),
    }
}

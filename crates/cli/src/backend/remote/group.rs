//! Saves several workspaces of a server as one.

use std::path::Path;

use backstay_api::group::{NewGroupSnapshot, NewWorkspaceGroup, WorkspaceGroup, WorkspaceGroupQuery};
use backstay_api::workspace::Workspace;
use backstay_client::Client;
use backstay_model::ErrorKind;

use super::{PAGE, select, task};
use crate::backend::group::SavedGroup;
use crate::context::Context;
use crate::failure::Failure;

/// The workspaces that `names` mean: ids, names, or directories of the server's machine.
pub(crate) async fn members(
    client: &Client,
    cx: &Context,
    names: &[String],
) -> Result<Vec<Workspace>, Failure> {
    let known = select::workspaces(client).await?;
    let here = cx.directory()?;
    let mut members: Vec<Workspace> = Vec::new();
    for name in names {
        let directory = here.join(name);
        let directory = directory.canonicalize().unwrap_or(directory);
        let found = known.iter().find(|one| one.id == *name || one.name == *name);
        let found = found.or_else(|| known.iter().find(|one| Path::new(&one.root) == directory));
        let found = found.ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, format!("the server has no workspace `{name}`"))
                .hint("`backstay workspaces list` shows what it has; name one by its name, id or root")
        })?;
        if members.iter().all(|member| member.id != found.id) {
            members.push(found.clone());
        }
    }
    members.sort_by(|one, two| one.id.cmp(&two.id));
    Ok(members)
}

/// Saves the members, all or none, as the group called `name`, which comes to be when there is none.
pub(crate) async fn save(
    client: &Client,
    cx: &Context,
    name: &str,
    members: &[Workspace],
    label: &str,
    wait: u64,
) -> Result<SavedGroup, Failure> {
    let mut ids: Vec<String> = members.iter().map(|member| member.id.clone()).collect();
    ids.sort();
    let group = match named(client, name).await? {
        Some(group) if group.workspace_ids == ids => group,
        Some(_) => {
            return Err(Failure::new(ErrorKind::Conflict, format!("the group `{name}` has other members"))
                .hint("use another name"));
        }
        None => {
            let new = NewWorkspaceGroup { name: name.to_owned(), workspace_ids: ids };
            client.create_workspace_group(&new).await?
        }
    };
    let client = client.waiting_for_locks(u32::try_from(wait).unwrap_or(u32::MAX));
    let new = NewGroupSnapshot { label: label.to_owned() };
    let accepted = client.create_group_snapshot(&group.id, &new, 0).await?;
    if let Some(id) = &accepted.task_id {
        task::finish(&client, cx, "Saving", id).await?;
    }
    let mut snapshots = Vec::new();
    for id in &accepted.snapshot_ids {
        snapshots.push(client.get_snapshot(id).await?);
    }
    Ok(SavedGroup { group: group.name, group_snapshot_id: accepted.group_snapshot_id, snapshots })
}

async fn named(client: &Client, name: &str) -> Result<Option<WorkspaceGroup>, Failure> {
    let mut query = WorkspaceGroupQuery { limit: Some(PAGE), ..WorkspaceGroupQuery::default() };
    loop {
        let page = client.list_workspace_groups(&query).await?;
        if let Some(found) = page.workspace_groups.into_iter().find(|group| group.name == name) {
            return Ok(Some(found));
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(None),
        }
    }
}

//! One change of several workspaces, under all of their locks.

use std::sync::Arc;

use backstay_catalog::{OperationRow, SnapshotRow, SourceRow};
use backstay_model::{Caller, OperationId, SnapshotId};
use backstay_source_workspace::{self as workspace, GroupMember, Selection, Steps, WorkspaceLock};

use super::execute::{PutBack, Secured};
use super::operation::Done;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::context_of;

/// A member whose change is planned and can be undone.
pub(crate) struct SecuredMember {
    operation: OperationId,
    target: SnapshotId,
    secured: Secured,
}

impl Service {
    /// Plans putting a whole snapshot back into a member, and takes its safety snapshot.
    pub(crate) async fn secure_member(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        target: &SnapshotRow,
        run: &Run,
    ) -> Result<SecuredMember> {
        let put_back = PutBack {
            target: target.clone(),
            selection: Selection::all(),
            keep_new: false,
            force: false,
            listed: Vec::new(),
            git: None,
        };
        let secured = self.secure(caller, source, row, &put_back, run).await?;
        Ok(SecuredMember { operation: row.id.clone(), target: target.id.clone(), secured })
    }

    /// Changes all members or none; `locks` are theirs, in the same order. Returns how each operation ended.
    ///
    /// Errors: with code `unfinished` when the group is decided and a member could not be finished, which the next recovery
    /// of that workspace does. After any other every workspace is as it was.
    pub(crate) async fn execute_members(
        &self,
        members: Vec<SecuredMember>,
        locks: Vec<Arc<WorkspaceLock>>,
        run: &Run,
    ) -> Result<Vec<Done>> {
        let (context, lazy) = (context_of(run), self.lazy_repository().clone());
        blocking("restore the group", move || {
            let changing: Vec<GroupMember<'_>> = members
                .iter()
                .zip(&locks)
                .filter_map(|(member, lock)| {
                    let safety = member.secured.safety.as_ref()?;
                    Some(GroupMember {
                        plan: &member.secured.plan,
                        lock,
                        operation: member.operation.clone(),
                        snapshot: member.target.clone(),
                        safety_snapshot: Some(safety.id.clone()),
                    })
                })
                .collect();
            let reader = lazy.get()?.reader();
            let reports = workspace::execute_group(&changing, &reader, &Steps::unlimited(), &context)?;
            drop(changing);
            let mut reports = reports.into_iter();
            let done = members.into_iter().map(|member| {
                let report = if member.secured.safety.is_some() { reports.next() } else { None };
                member.secured.done(report)
            });
            Ok(done.collect())
        })
        .await
    }
}

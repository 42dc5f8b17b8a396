//! Reading a typed checkpoint with its channels and pending writes.

use std::collections::HashMap;

use backstay_catalog::{CheckpointRow, ContentTable, JobRow, Session, WriteRow};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::{Place, decode};
use backstay_source_job::{Json, Manifest, Value};

use super::step_of;
use crate::checkpoints::{Contents, JobKeys, check_project, damaged, find_job, public_id};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{
    ChannelValue, PendingWrite, ThreadAnswer, ThreadKey, ThreadTuple, ThreadWrite, TypedValue,
};

impl Service {
    /// The typed checkpoint with this id, or the one with the greatest id of the namespace; `None` when there is none. One whose
    /// tag the caller has, as `known` says, is not decoded.
    pub async fn get_tuple(
        &self,
        caller: &Caller,
        project: &str,
        thread_id: &str,
        namespace: &str,
        checkpoint_id: Option<&str>,
        known: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<Option<ThreadAnswer>> {
        check_project(project)?;
        let mut fields = Fields::default();
        let checkpoint = checkpoint_id.unwrap_or("latest").to_owned();
        let key =
            ThreadKey { thread_id: thread_id.into(), namespace: namespace.into(), checkpoint_id: checkpoint };
        super::check::key(&mut fields, &key);
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("job", thread_id)).await?;
        let mut read = self.read().await?;
        let Some(job) = find_job(&mut read, caller, project, thread_id).await? else { return Ok(None) };
        let row = match checkpoint_id {
            Some(name) => read.checkpoint_by_name(job.number, namespace, name).await?,
            None => read.latest_by_name(job.number, namespace).await?,
        };
        let Some(row) = row.filter(|row| !row.head.flags.carrier) else { return Ok(None) };
        let writes = read.checkpoint_writes(job.number, row.head.name.as_slice()).await?;
        let writes: Vec<WriteRow> = writes.into_iter().filter(|write| write.namespace == namespace).collect();
        let tag = tag_of(&row, &writes);
        if known(&tag) {
            return Ok(Some(ThreadAnswer::Unchanged { tag }));
        }
        let keys = JobKeys::of(self.keyring().await?, &job);
        let mut tuples = self.tuples_with(&mut read, &job, &keys, vec![(row, writes)]).await?;
        Ok(tuples.pop().map(|tuple| ThreadAnswer::Found(Box::new(tuple))))
    }

    /// The manifest of a typed checkpoint.
    pub(crate) async fn manifest(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        row: &CheckpointRow,
    ) -> Result<Manifest> {
        let number = row.head.number;
        let table = ContentTable::Checkpoints;
        let content = self.content_of(session, keys, table, number, row.head.base, row.body.clone()).await?;
        let name = row.head.name.as_deref().unwrap_or_default();
        let content = content.map_err(|cause| damaged(name).because(cause))?;
        Manifest::decode(&content.raw).map_err(|cause| damaged(name).because(cause))
    }

    /// Everything that belongs to these typed checkpoints of one job.
    pub(crate) async fn tuples(
        &self,
        session: &mut Session,
        job: &JobRow,
        keys: &JobKeys,
        rows: Vec<CheckpointRow>,
    ) -> Result<Vec<ThreadTuple>> {
        let names: Vec<String> = rows.iter().filter_map(|row| row.head.name.clone()).collect();
        let mut writes: HashMap<(String, String), Vec<WriteRow>> = HashMap::new();
        for write in session.checkpoint_writes(job.number, &names).await? {
            writes.entry((write.namespace.clone(), write.name.clone())).or_default().push(write);
        }
        let rows = rows.into_iter().map(|row| {
            let namespace = row.head.namespace.clone().unwrap_or_default();
            let own = writes.remove(&(namespace, row.head.name.clone().unwrap_or_default()));
            (row, own.unwrap_or_default())
        });
        let rows = rows.collect();
        self.tuples_with(session, job, keys, rows).await
    }

    /// These typed checkpoints of one job, each with its pending writes.
    async fn tuples_with(
        &self,
        session: &mut Session,
        job: &JobRow,
        keys: &JobKeys,
        rows: Vec<(CheckpointRow, Vec<WriteRow>)>,
    ) -> Result<Vec<ThreadTuple>> {
        let mut manifests = Vec::with_capacity(rows.len());
        for (row, _) in &rows {
            manifests.push(self.manifest(session, keys, row).await?);
        }
        let mut stored: Vec<i64> = manifests.iter().flat_map(Manifest::stored_values).collect();
        stored.sort_unstable();
        stored.dedup();
        let contents = self.contents(session, keys, ContentTable::Values, &stored).await?;
        let tuples = rows.into_iter().zip(manifests).map(|((row, own), manifest)| {
            let tag = tag_of(&row, &own);
            let name = row.head.name.clone().unwrap_or_default();
            let channels = values_of(&contents, &manifest, &name)?;
            let writes = own.into_iter().map(|write| pending(keys, write)).collect::<Result<_>>()?;
            let metadata = Json::parse(&manifest.metadata).unwrap_or(Json::Null);
            Ok(ThreadTuple {
                key: ThreadKey {
                    thread_id: job.name.clone(),
                    namespace: row.head.namespace.clone().unwrap_or_default(),
                    checkpoint_id: name,
                },
                parent: manifest.parent,
                head: TypedValue { value_type: manifest.head_type, data: manifest.head },
                metadata: manifest.metadata,
                channels,
                writes,
                id: public_id(row.head.number, &step_of(&metadata)),
                sequence: row.head.sequence,
                created_at: row.head.at,
                tag,
            })
        });
        tuples.collect()
    }

    /// The channels of a manifest with their values.
    pub(crate) async fn channel_values(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        manifest: &Manifest,
        name: &str,
    ) -> Result<Vec<ChannelValue>> {
        let stored: Vec<i64> = manifest.stored_values().collect();
        let contents = self.contents(session, keys, ContentTable::Values, &stored).await?;
        values_of(&contents, manifest, name)
    }
}

/// The channels of a manifest, whose stored values are among `contents`.
fn values_of(contents: &Contents, manifest: &Manifest, name: &str) -> Result<Vec<ChannelValue>> {
    let values = manifest.channels.iter().map(|channel| {
        let data = match &channel.value {
            Value::Inline(bytes) => bytes.clone(),
            Value::Stored(number) => match contents.get(number) {
                Some(Ok(content)) => content.raw.to_vec(),
                Some(Err(cause)) => return Err(damaged(name).because(*cause)),
                None => return Err(damaged(name)),
            },
        };
        Ok(ChannelValue {
            name: channel.name.clone(),
            version: channel.version.clone(),
            value: TypedValue { value_type: channel.value_type.clone(), data },
        })
    });
    values.collect()
}

/// Changes whenever the checkpoint or one of its pending writes does.
fn tag_of(row: &CheckpointRow, writes: &[WriteRow]) -> String {
    let mark = writes.iter().map(|write| write.number).max().unwrap_or(0);
    format!("{}-{}-{mark}-{}", row.head.number, row.head.revision, writes.len())
}

/// A pending write, opened.
pub(super) fn pending(keys: &JobKeys, row: WriteRow) -> Result<PendingWrite> {
    let opened = keys.open(Place::Write(row.number), row.body);
    let data = opened
        .and_then(|(key, plain)| decode(&key, &plain, None))
        .map_err(|cause| damaged(&row.name).because(cause))?
        .0;
    Ok(PendingWrite {
        checkpoint_id: row.name,
        task_id: row.task,
        task_path: row.task_path,
        write: ThreadWrite {
            index: row.index,
            channel: row.channel,
            value: TypedValue { value_type: row.value_type, data },
        },
    })
}

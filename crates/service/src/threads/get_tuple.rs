//! Reading a typed checkpoint with its channels and pending writes.

use std::collections::HashMap;

use backstay_catalog::{CheckpointRow, ContentTable, JobRow, Session, WriteRow};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::{Place, decode};
use backstay_source_job::{Json, Manifest, Value};

use super::step_of;
use crate::checkpoints::{JobKeys, check_project, damaged, find_job, public_id};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{ChannelValue, PendingWrite, ThreadKey, ThreadTuple, ThreadWrite, TypedValue};

impl Service {
    /// The typed checkpoint with this id, or the one with the greatest id of the namespace; `None` when there is none.
    pub async fn get_tuple(
        &self,
        caller: &Caller,
        project: &str,
        thread_id: &str,
        namespace: &str,
        checkpoint_id: Option<&str>,
    ) -> Result<Option<ThreadTuple>> {
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
        let keys = JobKeys::of(self.keyring().await?, &job);
        let mut tuples = self.tuples(&mut read, &job, &keys, vec![row]).await?;
        Ok(tuples.pop())
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
        let mut tuples = Vec::with_capacity(rows.len());
        for row in rows {
            let manifest = self.manifest(session, keys, &row).await?;
            let namespace = row.head.namespace.clone().unwrap_or_default();
            let name = row.head.name.clone().unwrap_or_default();
            let own = writes.remove(&(namespace.clone(), name.clone())).unwrap_or_default();
            let mark = own.iter().map(|write| write.number).max().unwrap_or(0);
            let tag = format!("{}-{}-{mark}-{}", row.head.number, row.head.revision, own.len());
            let channels = self.channel_values(session, keys, &manifest, &name).await?;
            let writes = own.into_iter().map(|write| pending(keys, write)).collect::<Result<_>>()?;
            let metadata = Json::parse(&manifest.metadata).unwrap_or(Json::Null);
            tuples.push(ThreadTuple {
                key: ThreadKey { thread_id: job.name.clone(), namespace, checkpoint_id: name },
                parent: manifest.parent,
                head: TypedValue { value_type: manifest.head_type, data: manifest.head },
                metadata: manifest.metadata,
                channels,
                writes,
                id: public_id(row.head.number, &step_of(&metadata)),
                sequence: row.head.sequence,
                created_at: row.head.at,
                tag,
            });
        }
        Ok(tuples)
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

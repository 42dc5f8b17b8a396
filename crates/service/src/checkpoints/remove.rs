//! Removing checkpoints so that nothing that stays loses what it needs.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{CheckpointHead, ContentTable, JobRow, Tx};
use backstay_source_job::content::encode;

use super::contents::place;
use super::item::record;
use super::keyring::JobKeys;
use super::public_id;
use crate::error::Result;
use crate::service::Service;

impl Service {
    /// Removes the checkpoints with the heads `doomed`, and moves the job's counts; `unlisted` tells how many of what was
    /// listed no longer is, carriers too.
    ///
    /// What stays and is encoded against something that goes is encoded again, against the nearest that stays or alone;
    /// one of those that cannot be decoded keeps its whole chain, which then is not removed but carries it.
    pub(crate) async fn remove_checkpoints(
        &self,
        tx: &mut Tx,
        job: &JobRow,
        keys: &JobKeys,
        heads: &[CheckpointHead],
        unlisted: u64,
    ) -> Result<()> {
        let going: Vec<i64> = heads.iter().map(|head| head.number).collect();
        let doomed: HashSet<i64> = going.iter().copied().collect();
        let bases: HashMap<i64, Option<i64>> = heads.iter().map(|head| (head.number, head.base)).collect();
        let mut dependents: Vec<(i64, i64)> = tx
            .encoded_against(ContentTable::Checkpoints, &going)
            .await?
            .into_iter()
            .filter(|(number, _)| !doomed.contains(number))
            .collect();
        dependents.sort_unstable();
        let mut carriers: HashSet<i64> = HashSet::new();
        for (number, base) in dependents {
            let mut wanted = vec![number];
            let mut next = Some(base);
            while let Some(base) = next.filter(|base| doomed.contains(base)) {
                next = bases.get(&base).copied().flatten();
            }
            wanted.extend(next);
            let mut contents = self.contents(tx, keys, ContentTable::Checkpoints, &wanted).await?;
            let Some(Ok(content)) = contents.remove(&number) else {
                // It is damaged; removing what it was encoded against would take away what is left to repair it with.
                let mut carrier = Some(base);
                while let Some(number) = carrier.filter(|number| doomed.contains(number)) {
                    carriers.insert(number);
                    carrier = bases.get(&number).copied().flatten();
                }
                continue;
            };
            let base = next.and_then(|next| contents.remove(&next)?.ok().map(|content| (next, content)));
            let sealing = keys.newest();
            let against = base.as_ref().map(|(_, base)| (&base.raw[..], base.chain));
            let encoded = encode(&sealing, &content.raw, against);
            let place = place(ContentTable::Checkpoints, number);
            let body = sealing.seal(place, &encoded.bytes, self.nonce());
            let base = base.map(|(base, _)| base).filter(|_| encoded.based);
            tx.rebase_content(ContentTable::Checkpoints, number, base, &body).await?;
        }
        for head in heads.iter().filter(|head| carriers.contains(&head.number)) {
            let flags = backstay_catalog::CheckpointFlags { carrier: true, ..head.flags };
            tx.set_checkpoint_flags(head.number, flags).await?;
        }
        let gone: Vec<i64> = going.into_iter().filter(|number| !carriers.contains(number)).collect();
        tx.delete_checkpoints(&gone).await?;
        let (first, newest) = (tx.first_checkpoint(job.number).await?, tx.newest_checkpoint(job.number).await?);
        let mut progress = job.progress();
        progress.checkpoints = job.checkpoints.saturating_sub(unlisted);
        progress.first_sequence = first.map_or(job.last_sequence + 1, |first| first.sequence);
        progress.updated_at = self.now();
        let newest = newest.map(|newest| newest.number);
        if newest != job.newest {
            progress.newest = newest;
            progress.newest_id = match newest {
                Some(number) => {
                    let row = tx.checkpoints(&[number]).await?.pop();
                    let record = row.and_then(|row| record(keys, number, row.record));
                    record.map(|record| public_id(number, &record.step_name))
                }
                None => None,
            };
        }
        tx.move_jobs(&[progress]).await?;
        Ok(())
    }
}

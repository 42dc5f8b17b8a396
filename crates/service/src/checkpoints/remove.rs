//! Removing checkpoints so that nothing that stays loses what it needs.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{CheckpointFlags, CheckpointHead, ContentTable, JobRow, Tx};
use backstay_source_job::Manifest;
use backstay_source_job::content::encode;

use super::contents::place;
use super::item::record;
use super::keyring::JobKeys;
use super::public_id;
use crate::error::Result;
use crate::service::Service;
use crate::threads::needed_by;

/// What a removal did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// How many listed checkpoints are no longer listed.
    pub(crate) unlisted: u64,
    /// How many listed checkpoints stay.
    pub(crate) kept: u64,
    /// How many stay unseen because later ones need what they hold.
    pub(crate) carriers: u64,
    /// How many pending writes went.
    pub(crate) writes: u64,
}

impl Service {
    /// Removes those of `heads`, all of a job's, whose number is in `doomed`.
    ///
    /// What the delta channels of remaining checkpoints need stays as a carrier, or goes with `force`. Carriers of
    /// earlier removals go when nothing needs them any more, and so do channel values that nothing refers to.
    pub(crate) async fn remove_checkpoints(
        &self,
        tx: &mut Tx,
        job: &JobRow,
        keys: &JobKeys,
        heads: &[CheckpointHead],
        mut doomed: HashSet<i64>,
        force: bool,
    ) -> Result<Removed> {
        let was_carrier: HashSet<i64> =
            heads.iter().filter(|head| head.flags.carrier).map(|head| head.number).collect();
        // Carriers stay only as long as something needs them.
        doomed.extend(&was_carrier);
        let remaining: Vec<i64> =
            heads.iter().map(|head| head.number).filter(|number| !doomed.contains(number)).collect();
        let manifests =
            if remaining.is_empty() { HashMap::new() } else { self.manifests(tx, keys, heads).await? };
        let needed = needed_by(heads, &manifests, &remaining);
        let carriers: HashSet<i64> =
            if force { HashSet::new() } else { needed.intersection(&doomed).copied().collect() };
        let gone: HashSet<i64> = doomed.difference(&carriers).copied().collect();
        let writes = if remaining.is_empty() {
            tx.delete_writes(job.number, None).await?
        } else {
            let going = heads.iter().filter(|head| gone.contains(&head.number));
            let keys: Vec<(String, String)> =
                going.filter_map(|head| head.namespace.clone().zip(head.name.clone())).collect();
            tx.delete_writes(job.number, Some(&keys)).await?
        };
        for head in heads.iter().filter(|head| carriers.contains(&head.number) && !head.flags.carrier) {
            let flags = CheckpointFlags { carrier: true, pinned: false, ..head.flags };
            tx.set_checkpoint_flags(head.number, flags).await?;
        }
        let going: Vec<CheckpointHead> =
            heads.iter().filter(|head| gone.contains(&head.number)).cloned().collect();
        let unlisted = doomed.difference(&was_carrier).count() as u64;
        let parents: HashMap<i64, Option<i64>> = heads
            .iter()
            .filter(|head| doomed.contains(&head.number))
            .map(|head| (head.number, head.parent))
            .collect();
        follow_what_stays(tx, &parents).await?;
        self.remove_rows(tx, job, keys, &going, unlisted).await?;
        self.sweep_values(tx, job, keys, heads, &gone, &manifests).await?;
        Ok(Removed { unlisted, kept: remaining.len() as u64, carriers: carriers.len() as u64, writes })
    }

    /// Removes the rows of checkpoints and moves the job's counts; `unlisted` tells how many of what was listed no
    /// longer is.
    ///
    /// What stays and is encoded against something that goes is encoded again, against the nearest that stays or alone;
    /// one of those that cannot be decoded keeps its whole chain, which then is not removed but carries it.
    pub(crate) async fn remove_rows(
        &self,
        tx: &mut Tx,
        job: &JobRow,
        keys: &JobKeys,
        going: &[CheckpointHead],
        unlisted: u64,
    ) -> Result<()> {
        let numbers: Vec<i64> = going.iter().map(|head| head.number).collect();
        let bases: HashMap<i64, Option<i64>> = going.iter().map(|head| (head.number, head.base)).collect();
        let table = ContentTable::Checkpoints;
        let mut dependents = tx.encoded_against(table, &numbers).await?;
        dependents.retain(|(number, _)| !bases.contains_key(number));
        dependents.sort_unstable();
        let mut carriers: HashSet<i64> = HashSet::new();
        for (number, base) in dependents {
            let mut next = Some(base);
            while let Some(above) = next.and_then(|base| bases.get(&base)) {
                next = *above;
            }
            if !self.rebase(tx, keys, table, number, next).await? {
                // It is damaged; removing what it was encoded against would take away what is left to repair it with.
                let mut carrier = Some(base);
                while let Some((number, above)) = carrier.and_then(|base| bases.get_key_value(&base)) {
                    carriers.insert(*number);
                    carrier = *above;
                }
            }
        }
        for head in going.iter().filter(|head| carriers.contains(&head.number) && !head.flags.carrier) {
            let flags = CheckpointFlags { carrier: true, pinned: false, ..head.flags };
            tx.set_checkpoint_flags(head.number, flags).await?;
        }
        let gone: Vec<i64> = numbers.into_iter().filter(|number| !carriers.contains(number)).collect();
        tx.delete_checkpoints(&gone).await?;
        self.move_ends(tx, job, keys, unlisted).await
    }

    /// Encodes a content against `base` or alone, whatever it was encoded against before; `false` when it cannot be read.
    async fn rebase(
        &self,
        tx: &mut Tx,
        keys: &JobKeys,
        table: ContentTable,
        number: i64,
        base: Option<i64>,
    ) -> Result<bool> {
        let wanted: Vec<i64> = std::iter::once(number).chain(base).collect();
        let mut contents = self.contents_in_catalog(tx, keys, table, &wanted).await?.here;
        let Some(Ok(content)) = contents.remove(&number) else { return Ok(false) };
        let base = base.and_then(|base| contents.remove(&base)?.ok().map(|content| (base, content)));
        let sealing = keys.newest();
        let against = base.as_ref().map(|(_, base)| (&base.raw[..], base.chain));
        let encoded = encode(&sealing, &content.raw, against);
        let body = sealing.seal(place(table, number), &encoded.bytes, self.nonce());
        let base = base.map(|(base, _)| base).filter(|_| encoded.based);
        tx.rebase_content(table, number, base, &body).await?;
        Ok(true)
    }

    /// Notes which checkpoint is now the first and which the newest of a job.
    async fn move_ends(&self, tx: &mut Tx, job: &JobRow, keys: &JobKeys, unlisted: u64) -> Result<()> {
        let (first, newest) =
            (tx.first_checkpoint(job.number).await?, tx.newest_checkpoint(job.number).await?);
        let mut progress = job.progress();
        progress.checkpoints = job.checkpoints.saturating_sub(unlisted);
        progress.first_sequence = first.map_or(job.last_sequence + 1, |first| first.sequence);
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

    /// Removes the channel values of a job to which nothing refers that stays.
    async fn sweep_values(
        &self,
        tx: &mut Tx,
        job: &JobRow,
        keys: &JobKeys,
        heads: &[CheckpointHead],
        gone: &HashSet<i64>,
        manifests: &HashMap<i64, Manifest>,
    ) -> Result<()> {
        if !heads.iter().any(|head| head.flags.typed && gone.contains(&head.number)) {
            return Ok(());
        }
        let mut staying = heads.iter().filter(|head| head.flags.typed && !gone.contains(&head.number));
        if !staying.all(|head| manifests.contains_key(&head.number)) {
            // What a damaged manifest refers to is not known, so nothing is taken away.
            return Ok(());
        }
        let live: HashSet<i64> = manifests
            .iter()
            .filter(|(number, _)| !gone.contains(number))
            .flat_map(|(_, manifest)| manifest.stored_values())
            .collect();
        let table = ContentTable::Values;
        let mut dead = tx.values_of_job(job.number).await?;
        dead.retain(|number| !live.contains(number));
        let dying: HashSet<i64> = dead.iter().copied().collect();
        let mut spared: HashSet<i64> = HashSet::new();
        for (number, _) in tx.encoded_against(table, &dead).await? {
            if !dying.contains(&number) && !self.rebase(tx, keys, table, number, None).await? {
                spared.extend(tx.content_chains(table, &[number]).await?.iter().map(|link| link.number));
            }
        }
        dead.retain(|number| !spared.contains(number));
        tx.delete_values(&dead).await?;
        Ok(())
    }
}

/// Lets what follows one of `doomed`, given with their parents, follow the nearest of its ancestors that stays, so that this
/// one is not taken for the end of a branch.
pub(crate) async fn follow_what_stays(tx: &mut Tx, doomed: &HashMap<i64, Option<i64>>) -> Result<()> {
    for (number, parent) in doomed {
        let mut next = *parent;
        while let Some(above) = next.and_then(|next| doomed.get(&next)) {
            next = *above;
        }
        tx.replace_parent(*number, next).await?;
    }
    Ok(())
}

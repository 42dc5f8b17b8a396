//! Cleaning a job: the newest stay, and what is protected.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{CheckpointHead, ContentTable, Session};
use backstay_model::retention::job::{JobCandidate, JobDecision, JobReason, JobRules, decide};
use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::batch::source_of;
use super::item::record;
use super::keyring::JobKeys;
use super::list_checkpoints::find_job;
use super::{check_project, public_id};
use crate::error::Result;
use crate::service::{Describe, Service};
use crate::view::Cleaned;

impl Service {
    /// Applies `rules` to a job in one transaction, or with `dry_run` tells what that would do. An unknown job has
    /// nothing to clean.
    pub async fn clean_job(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        rules: &JobRules,
        dry_run: bool,
    ) -> Result<Cleaned> {
        Ok(self.clean_job_of(caller, project, job_id, rules, dry_run, None).await?.0)
    }

    /// The same; of what would go only what is among `shown`. Also tells why each of those goes that do.
    pub(crate) async fn clean_job_of(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        rules: &JobRules,
        dry_run: bool,
        shown: Option<&HashSet<String>>,
    ) -> Result<(Cleaned, Vec<&'static str>)> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::Prune, &Subject::new("job", job_id)).await?;
        let mut cleaned = Cleaned { job_id: job_id.to_owned(), deleted: Vec::new(), kept: Vec::new() };
        // Opening the keys may take a transaction, so it comes first.
        let ring = self.keyring().await?;
        let mut tx = self.begin().await?;
        let Some(job) = find_job(&mut tx, caller, project, job_id).await? else {
            return Ok((cleaned, Vec::new()));
        };
        let keys = JobKeys::of(ring, &job);
        let mut heads = tx.all_checkpoint_heads(job.number).await?;
        // What is taken for the last good one is read before anything goes.
        for head in heads.iter_mut().rev().filter(|head| !head.flags.carrier) {
            if self.is_whole(&mut tx, &keys, ContentTable::Checkpoints, head.number).await? {
                break;
            }
            if !head.flags.damaged {
                head.flags.damaged = true;
                tx.set_checkpoint_flags(head.number, head.flags).await?;
            }
        }
        let mut decisions = decide(rules, false, &candidates(&heads), self.now());
        let ids = self.public_ids(&mut tx, &keys, &heads).await?;
        let id_of = |decision: &JobDecision| ids.get(&decision.number).cloned().unwrap_or_default();
        if let Some(shown) = shown {
            for decision in &mut decisions {
                if !decision.keep && !shown.contains(&id_of(&*decision)) {
                    (decision.keep, decision.reason) = (true, JobReason::NotShown);
                }
            }
        }
        let mut doomed = HashSet::new();
        let mut reasons = Vec::new();
        for decision in decisions.iter().rev() {
            if decision.keep {
                cleaned.kept.push((id_of(decision), decision.reason));
            } else {
                cleaned.deleted.push(id_of(decision));
                reasons.push(decision.reason.as_str());
                doomed.insert(decision.number);
            }
        }
        if dry_run || doomed.is_empty() {
            return Ok((cleaned, reasons));
        }
        let going: Vec<CheckpointHead> = heads.into_iter().filter(|head| doomed.contains(&head.number)).collect();
        self.remove_checkpoints(&mut tx, &job, &keys, &going, going.len() as u64).await?;
        for decision in decisions.iter().rev().filter(|decision| !decision.keep) {
            let event = self.event(caller, "checkpoint.deleted", Subject::new("checkpoint", &id_of(decision)));
            let data = json!({"job_id": job.name, "reason": decision.reason});
            tx.record(event.of_source(&job.tenant, Kind::Job, &source_of(&job)).with(data));
        }
        tx.commit().await?;
        Ok((cleaned, reasons))
    }

    /// The public ids of checkpoints.
    pub(crate) async fn public_ids(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        heads: &[CheckpointHead],
    ) -> Result<HashMap<i64, String>> {
        let numbers: Vec<i64> = heads.iter().map(|head| head.number).collect();
        let mut ids = HashMap::with_capacity(numbers.len());
        for row in session.checkpoints(&numbers).await? {
            let number = row.head.number;
            let step = record(keys, number, row.record).map(|record| record.step_name);
            ids.insert(number, public_id(number, step.as_deref().unwrap_or_default()));
        }
        Ok(ids)
    }
}

/// What retention looks at: the listed checkpoints, newest first.
pub(crate) fn candidates(heads: &[CheckpointHead]) -> Vec<JobCandidate> {
    let followed: HashSet<i64> =
        heads.iter().filter(|head| !head.flags.carrier).filter_map(|head| head.parent).collect();
    heads
        .iter()
        .rev()
        .filter(|head| !head.flags.carrier)
        .map(|head| JobCandidate {
            number: head.number,
            at: head.at,
            good: !head.flags.damaged,
            held: head.flags.held,
            pinned: head.flags.pinned,
            branch_head: !followed.contains(&head.number),
            expires_at: head.expires_at,
            needed: None,
        })
        .collect()
}

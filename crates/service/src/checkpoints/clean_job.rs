//! Cleaning a job: the newest stay, and what is protected.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{CheckpointHead, JobRow, Session, Tx};
use backstay_model::retention::job::{
    JobCandidate, JobDecision, JobReason, JobRules, decide, next_decision_at,
};
use backstay_model::{Action, Caller, Kind, Subject, Timestamp};
use serde_json::json;

use super::batch::source_of;
use super::contents::Condition;
use super::item::record;
use super::keyring::JobKeys;
use super::list_checkpoints::find_job;
use super::{check_job_name, check_project, public_id};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::Cleaned;

/// What cleaning a job did or would do.
pub(crate) struct Cleaning {
    pub(crate) cleaned: Cleaned,
    /// Why each of those goes that do.
    pub(crate) reasons: Vec<&'static str>,
    /// When something may go again although nothing is saved.
    pub(crate) next_at: Option<Timestamp>,
}

/// What cleaning is given beside the rules.
#[derive(Default)]
pub(crate) struct Given {
    /// The condition of checkpoints that were read just before.
    pub(crate) read: HashMap<i64, Condition>,
    /// Of what would go only these go.
    pub(crate) shown: Option<HashSet<String>>,
}

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
        check_project(project)?;
        let mut fields = Fields::default();
        check_job_name(&mut fields, "job_id", job_id);
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::Prune, &Subject::new("job", job_id)).await?;
        // Opening the keys may take a transaction, so it comes first.
        self.keyring().await?;
        let read = self.read_large(caller, project, job_id).await?;
        let mut tx = self.begin().await?;
        let Some(job) = find_job(&mut tx, caller, project, job_id).await? else {
            return Ok(Cleaned { job_id: job_id.to_owned(), deleted: Vec::new(), kept: Vec::new() });
        };
        let cleaning =
            self.clean(&mut tx, caller, &job, rules, &Given { read, shown: None }, dry_run).await?;
        if dry_run {
            tx.roll_back().await;
        } else {
            tx.commit().await?;
        }
        Ok(cleaning.cleaned)
    }

    /// Applies `rules` to a job in the caller's transaction. The preview and the execution differ in nothing but the removal.
    pub(crate) async fn clean(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        job: &JobRow,
        rules: &JobRules,
        given: &Given,
        dry_run: bool,
    ) -> Result<Cleaning> {
        let keys = JobKeys::of(self.keyring().await?, job);
        let mut heads = tx.all_checkpoint_heads(job.number).await?;
        let empty = self.find_last_good(tx, &keys, &mut heads, &given.read).await?;
        let needed = self.needed_checkpoints(tx, job.number).await?;
        let told = self.told_of(tx, &keys, &heads).await?;
        let ended = match rules.keep_after_completion {
            Some(_) => {
                let named: Vec<&str> = told.values().filter_map(|told| told.execution.as_deref()).collect();
                self.ended_executions(tx, job, &named).await?
            }
            None => HashMap::new(),
        };
        let ended: HashMap<i64, i64> = told
            .iter()
            .filter_map(|(number, told)| Some((*number, *ended.get(told.execution.as_deref()?)?)))
            .collect();
        let candidates = candidates(&heads, &needed, &empty, &ended);
        let mut decisions = decide(rules, &candidates, self.now());
        let next_at = next_decision_at(rules, &candidates, &decisions, job.updated_at, self.now());
        let id_of = |decision: &JobDecision| {
            told.get(&decision.number).map_or_else(String::new, |told| told.id.clone())
        };
        for decision in decisions.iter_mut().filter(|decision| !decision.keep) {
            if given.shown.as_ref().is_some_and(|shown| !shown.contains(&id_of(decision))) {
                (decision.keep, decision.reason) = (true, JobReason::NotShown);
            }
        }
        let mut cleaned = Cleaned { job_id: job.name.clone(), deleted: Vec::new(), kept: Vec::new() };
        let mut doomed = HashSet::new();
        let mut reasons = Vec::new();
        for decision in decisions.iter().rev() {
            if decision.keep {
                cleaned.kept.push((id_of(decision), decision.reason));
                continue;
            }
            let id = id_of(decision);
            if !dry_run {
                let event = self.event(caller, "checkpoint.deleted", Subject::new("checkpoint", &id));
                let data = json!({"job_id": job.name, "reason": decision.reason});
                tx.record(event.of_source(&job.tenant, Kind::Job, &source_of(job)).with(data));
            }
            cleaned.deleted.push(id);
            reasons.push(decision.reason.as_str());
            doomed.insert(decision.number);
        }
        if !dry_run && !doomed.is_empty() {
            self.remove_checkpoints(tx, job, &keys, &heads, doomed, false).await?;
        }
        Ok(Cleaning { cleaned, reasons, next_at })
    }

    /// For a job with contents in the repository: reads its newest checkpoints until one is whole, and tells the condition
    /// of each. This may take long, so it comes before the transaction.
    pub(crate) async fn read_large(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
    ) -> Result<HashMap<i64, Condition>> {
        let mut session = self.read().await?;
        match find_job(&mut session, caller, project, job_id).await? {
            Some(job) => self.read_large_of(&mut session, &job).await,
            None => Ok(HashMap::new()),
        }
    }

    /// The same for a job that is known.
    pub(crate) async fn read_large_of(
        &self,
        session: &mut Session,
        job: &JobRow,
    ) -> Result<HashMap<i64, Condition>> {
        let mut read = HashMap::new();
        if session.has_stored_contents(job.number).await? {
            let keys = JobKeys::of(self.keyring().await?, job);
            let heads = session.all_checkpoint_heads(job.number).await?;
            for head in heads.iter().rev().filter(|head| !head.flags.carrier) {
                let condition = self.condition_of(session, &keys, head).await?;
                read.insert(head.number, condition);
                if condition == Condition::Whole {
                    break;
                }
            }
        }
        Ok(read)
    }

    /// Reads the newest checkpoints from the disk until one is whole, and marks those that are damaged: what is taken for the
    /// last good one must be it before anything goes. Returns those of them that have no state.
    async fn find_last_good(
        &self,
        tx: &mut Tx,
        keys: &JobKeys,
        heads: &mut [CheckpointHead],
        read: &HashMap<i64, Condition>,
    ) -> Result<HashSet<i64>> {
        let mut empty = HashSet::new();
        for head in heads.iter_mut().rev().filter(|head| !head.flags.carrier) {
            let condition = match read.get(&head.number) {
                Some(condition) => *condition,
                None => self.condition_of(tx, keys, head).await?,
            };
            match condition {
                Condition::Whole => break,
                Condition::Empty => {
                    empty.insert(head.number);
                }
                Condition::Damaged if !head.flags.damaged => {
                    head.flags.damaged = true;
                    tx.set_checkpoint_flags(head.number, head.flags).await?;
                }
                Condition::Damaged => {}
            }
        }
        Ok(empty)
    }

    /// The public ids of checkpoints.
    pub(crate) async fn public_ids(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        heads: &[CheckpointHead],
    ) -> Result<HashMap<i64, String>> {
        let told = self.told_of(session, keys, heads).await?;
        Ok(told.into_iter().map(|(number, told)| (number, told.id)).collect())
    }

    /// What the descriptions of checkpoints tell.
    async fn told_of(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        heads: &[CheckpointHead],
    ) -> Result<HashMap<i64, Told>> {
        let numbers: Vec<i64> = heads.iter().map(|head| head.number).collect();
        let mut told = HashMap::with_capacity(numbers.len());
        for row in session.checkpoints(&numbers).await? {
            let number = row.head.number;
            let record = record(keys, number, row.record).unwrap_or_default();
            told.insert(
                number,
                Told { id: public_id(number, &record.step_name), execution: record.execution },
            );
        }
        Ok(told)
    }
}

/// What the description of a checkpoint tells.
struct Told {
    /// Its public id.
    id: String,
    /// The execution that saved it.
    execution: Option<String>,
}

/// What retention looks at: the listed checkpoints, newest first.
fn candidates(
    heads: &[CheckpointHead],
    needed: &HashMap<i64, JobReason>,
    empty: &HashSet<i64>,
    ended: &HashMap<i64, i64>,
) -> Vec<JobCandidate> {
    let followed: HashSet<i64> =
        heads.iter().filter(|head| !head.flags.carrier).filter_map(|head| head.parent).collect();
    heads
        .iter()
        .rev()
        .filter(|head| !head.flags.carrier)
        .map(|head| JobCandidate {
            number: head.number,
            at: head.at,
            good: !head.flags.damaged && !empty.contains(&head.number),
            held: head.flags.held,
            pinned: head.flags.pinned,
            branch_head: !followed.contains(&head.number),
            expires_at: head.expires_at,
            needed: needed.get(&head.number).copied(),
            ended: ended.get(&head.number).copied(),
        })
        .collect()
}

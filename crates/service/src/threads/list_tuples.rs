//! Listing typed checkpoints.

use backstay_catalog::{CheckpointRow, JobRow, NamedFilter, Session};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::Json;

use crate::checkpoints::{JobKeys, check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{ThreadFilter, ThreadPage, ThreadPlace};

/// How many checkpoints are looked at for one page with a filter; the page may then be short and still have a next one.
const MOST_LOOKED_AT: usize = 5000;

impl Service {
    /// A page of typed checkpoints with their channels and writes, greatest id first. Without a thread those of every
    /// thread of the project.
    pub async fn list_tuples(
        &self,
        caller: &Caller,
        project: &str,
        filter: &ThreadFilter,
    ) -> Result<ThreadPage> {
        check_project(project)?;
        let subject = Subject::new("job", filter.thread_id.as_deref().unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::View, &subject).await?;
        let wanted = match filter.metadata.as_deref().map(Json::parse) {
            None => None,
            Some(Ok(wanted @ Json::Object(_))) => Some(wanted),
            Some(_) => return Err(ServiceError::invalid("filter", "it must be a JSON object")),
        };
        let mut read = self.read().await?;
        let jobs = match &filter.thread_id {
            Some(thread) => find_job(&mut read, caller, project, thread).await?.into_iter().collect(),
            None => self.every_job(&mut read, caller, project).await?,
        };
        let ring = self.keyring().await?;
        let limit = filter.limit.max(1) as usize;
        let mut page = ThreadPage { items: Vec::new(), next: None };
        let mut place = filter.after.clone();
        let mut looked_at = 0;
        loop {
            let rows = merged(&mut read, &jobs, filter, place.as_ref(), limit - page.items.len() + 1).await?;
            if rows.is_empty() {
                page.next = None;
                return Ok(page);
            }
            for (job, row) in rows {
                if page.items.len() == limit || looked_at >= MOST_LOOKED_AT {
                    page.next = place;
                    return Ok(page);
                }
                looked_at += 1;
                place = Some(ThreadPlace {
                    checkpoint_id: row.head.name.clone().unwrap_or_default(),
                    job: job.number,
                    namespace: row.head.namespace.clone().unwrap_or_default(),
                });
                let keys = JobKeys::of(ring.clone(), job);
                if let Some(wanted) = &wanted {
                    let manifest = self.manifest(&mut read, &keys, &row).await?;
                    if !Json::parse(&manifest.metadata).is_ok_and(|metadata| metadata.contains(wanted)) {
                        continue;
                    }
                }
                page.items.extend(self.tuples(&mut read, job, &keys, vec![row]).await?);
            }
        }
    }

    /// Every job of a project, oldest first.
    pub(crate) async fn every_job(
        &self,
        session: &mut Session,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<JobRow>> {
        let mut jobs: Vec<JobRow> = Vec::new();
        loop {
            let after = jobs.last().map_or(0, |job| job.number);
            let more = session.jobs_of_project(&caller.tenant, project, after, 1000).await?;
            if more.is_empty() {
                return Ok(jobs);
            }
            jobs.extend(more);
        }
    }
}

/// The next checkpoints of all `jobs` behind `place`: by id descending, then by job, then by namespace.
async fn merged<'j>(
    session: &mut Session,
    jobs: &'j [JobRow],
    filter: &ThreadFilter,
    place: Option<&ThreadPlace>,
    limit: usize,
) -> Result<Vec<(&'j JobRow, CheckpointRow)>> {
    let mut found: Vec<(&JobRow, CheckpointRow)> = Vec::new();
    for job in jobs {
        let after = place.map(|place| {
            // In a job before the place's own everything with its id was listed, in a later one nothing.
            let namespace = match job.number.cmp(&place.job) {
                std::cmp::Ordering::Less => "\u{10ffff}".repeat(4),
                std::cmp::Ordering::Equal => place.namespace.clone(),
                std::cmp::Ordering::Greater => String::new(),
            };
            (place.checkpoint_id.clone(), namespace, job.number > place.job)
        });
        let mut own = Vec::new();
        if let Some((name, _, true)) = &after {
            // The empty namespace itself comes behind the place as well.
            own.extend(session.checkpoint_by_name(job.number, "", name).await?.filter(|row| {
                !row.head.flags.carrier
                    && filter.namespace.as_deref().is_none_or(str::is_empty)
                    && filter.before.as_ref().is_none_or(|before| name < before)
            }));
        }
        let named = NamedFilter {
            namespace: filter.namespace.clone(),
            before: filter.before.clone(),
            after: after.map(|(name, namespace, _)| (name, namespace)),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        own.extend(session.list_by_name(job.number, &named).await?);
        found.extend(own.into_iter().map(|row| (job, row)));
    }
    found.sort_by(|(job, row), (other_job, other)| {
        (&other.head.name, job.number, &row.head.namespace).cmp(&(
            &row.head.name,
            other_job.number,
            &other.head.namespace,
        ))
    });
    found.truncate(limit);
    Ok(found)
}

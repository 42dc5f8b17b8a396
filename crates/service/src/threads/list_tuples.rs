//! Listing typed checkpoints.

use std::cmp::Ordering;
use std::collections::VecDeque;

use backstay_catalog::{CheckpointRow, JobRow, NamedFilter, Session};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::Json;

use crate::checkpoints::{JobKeys, check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{ThreadFilter, ThreadPage, ThreadPlace};

/// How many checkpoints are looked at for one page with a filter; the page may then be short and still have a next one.
const MOST_LOOKED_AT: usize = 5000;

/// How many checkpoints of each of many jobs are read at once.
const SMALL_PIECE: u32 = 4;

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
        let mut merge = Merge::begin(&mut read, &jobs, filter, filter.after.as_ref()).await?;
        let mut place = filter.after.clone();
        let mut looked_at = 0;
        // What is wanted of one job in a row is read together.
        let mut wanted_rows: Vec<CheckpointRow> = Vec::new();
        let mut wanted_of: Option<&JobRow> = None;
        while let Some((job, row)) = merge.next(&mut read).await? {
            if page.items.len() + wanted_rows.len() == limit || looked_at >= MOST_LOOKED_AT {
                page.next = place;
                break;
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
            if let Some(of) = wanted_of.filter(|of| of.number != job.number) {
                let rows = std::mem::take(&mut wanted_rows);
                let keys = JobKeys::of(ring.clone(), of);
                page.items.extend(self.tuples(&mut read, of, &keys, rows).await?);
            }
            wanted_of = Some(job);
            wanted_rows.push(row);
        }
        if let Some(of) = wanted_of {
            let keys = JobKeys::of(ring.clone(), of);
            page.items.extend(self.tuples(&mut read, of, &keys, wanted_rows).await?);
        }
        Ok(page)
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

/// The checkpoints of several jobs: by id descending, then by job, then by namespace. Each job is read a piece at a time.
struct Merge<'j> {
    sources: Vec<Pieces<'j>>,
    filter: &'j ThreadFilter,
    piece: u32,
}

/// The checkpoints of one job.
struct Pieces<'j> {
    job: &'j JobRow,
    /// The id and the namespace behind which the next piece begins.
    after: Option<(String, String)>,
    rows: VecDeque<CheckpointRow>,
    ended: bool,
}

impl<'j> Merge<'j> {
    /// Those of `jobs` behind `place`.
    async fn begin(
        session: &mut Session,
        jobs: &'j [JobRow],
        filter: &'j ThreadFilter,
        place: Option<&ThreadPlace>,
    ) -> Result<Self> {
        let mut sources = Vec::with_capacity(jobs.len());
        for job in jobs {
            let mut source = Pieces { job, after: None, rows: VecDeque::new(), ended: false };
            if let Some(place) = place {
                // In a job before the place's own everything with its id was listed, in a later one nothing.
                let namespace = match job.number.cmp(&place.job) {
                    Ordering::Less => "\u{10ffff}".repeat(4),
                    Ordering::Equal => place.namespace.clone(),
                    Ordering::Greater => String::new(),
                };
                if job.number > place.job && filter.namespace.as_deref().is_none_or(str::is_empty) {
                    // The empty namespace itself comes behind the place as well.
                    let own = session.checkpoint_by_name(job.number, "", &place.checkpoint_id).await?;
                    source.rows.extend(own.filter(|row| {
                        let before = filter.before.as_ref();
                        !row.head.flags.carrier && before.is_none_or(|before| place.checkpoint_id < *before)
                    }));
                }
                source.after = Some((place.checkpoint_id.clone(), namespace));
            }
            sources.push(source);
        }
        let piece = if jobs.len() == 1 { filter.limit.max(1).saturating_add(1) } else { SMALL_PIECE };
        Ok(Self { sources, filter, piece })
    }

    async fn next(&mut self, session: &mut Session) -> Result<Option<(&'j JobRow, CheckpointRow)>> {
        for source in self.sources.iter_mut().filter(|source| source.rows.is_empty() && !source.ended) {
            source.fill(session, self.filter, self.piece).await?;
        }
        let first = self.sources.iter_mut().filter(|source| !source.rows.is_empty()).min_by(|a, b| {
            let name = |source: &Pieces<'_>| source.rows.front().and_then(|row| row.head.name.clone());
            name(b).cmp(&name(a)).then(a.job.number.cmp(&b.job.number))
        });
        Ok(first.and_then(|source| Some((source.job, source.rows.pop_front()?))))
    }
}

impl Pieces<'_> {
    async fn fill(&mut self, session: &mut Session, filter: &ThreadFilter, limit: u32) -> Result<()> {
        let named = NamedFilter {
            namespace: filter.namespace.clone(),
            before: filter.before.clone(),
            after: self.after.take(),
            limit,
        };
        self.rows.extend(session.list_by_name(self.job.number, &named).await?);
        self.ended = self.rows.len() < limit as usize;
        self.after = self.rows.back().map(|row| {
            (row.head.name.clone().unwrap_or_default(), row.head.namespace.clone().unwrap_or_default())
        });
        Ok(())
    }
}

//! The channel values of a copied thread.

use std::collections::HashMap;

use backstay_catalog::{ContentTable, JobNumbers, JobRow, StoredContentRow, Tx, ValueRow};
use backstay_model::{Caller, ErrorKind};
use backstay_source_job::content::{JobKey, Place, encode};

use crate::checkpoints::{Content, Described, JobKeys, Prepared, StoredContent, damaged};
use crate::error::{Result, ServiceError};
use crate::service::Service;

/// Values to insert.
#[derive(Default)]
pub(super) struct CopiedValues {
    pub(super) rows: Vec<ValueRow>,
    /// Which of them lie in the repository.
    pub(super) stored: Vec<StoredContentRow>,
    /// The number of each value in the copy.
    pub(super) moved: HashMap<i64, i64>,
}

/// Values that must be copied in the repository before a transaction can refer to them.
pub(super) type Missing = Vec<StoredContent>;

impl Service {
    /// Encodes and seals the values with these numbers for the job `target`. Of those that lie in the repository there must be a copy
    /// in `prepared`, by number; else those are returned.
    pub(super) async fn copy_values(
        &self,
        tx: &mut Tx,
        (from, keys): (&JobRow, &JobKeys),
        (target, sealing): (&JobRow, &JobKey),
        numbers: &mut JobNumbers,
        mut order: Vec<i64>,
        prepared: &HashMap<i64, Prepared>,
    ) -> Result<Result<CopiedValues, Missing>> {
        order.sort_unstable();
        let found = self.rows_on_disk(tx, keys, ContentTable::Values, &order).await?;
        let mut here = found.here;
        let links = tx.content_chains(ContentTable::Values, &order).await?;
        let bases: HashMap<i64, Option<i64>> =
            links.into_iter().map(|link| (link.number, link.base)).collect();
        let missing: Missing =
            found.stored.into_iter().filter(|stored| !prepared.contains_key(&stored.number)).collect();
        if !missing.is_empty() {
            return Ok(Err(missing));
        }
        if prepared.values().any(|prepared| prepared.is_stale(self.now())) {
            let message = "Copying took too long; nothing was copied";
            return Err(ServiceError::new(ErrorKind::Unavailable, message).hint("do it again"));
        }
        let mut copied = CopiedValues::default();
        let mut before: HashMap<i64, Content> = HashMap::new();
        for old in order {
            numbers.other += 1;
            let number = numbers.other;
            copied.moved.insert(old, number);
            if let Some(prepared) = prepared.get(&old) {
                let body = prepared.seal(Place::Value(number), self.nonce());
                copied.rows.push(ValueRow { number, job: target.number, base: None, body });
                copied.stored.push(prepared.row(target.number, ContentTable::Values, number));
                continue;
            }
            let Some(Ok(content)) = here.remove(&old) else { return Err(damaged(&from.name)) };
            let base = bases.get(&old).copied().flatten().and_then(|base| copied.moved.get(&base).copied());
            let base = base.and_then(|base| Some((base, before.get(&base)?)));
            let encoded = encode(sealing, &content.raw, base.map(|(_, base)| (&base.raw[..], base.chain)));
            let body = sealing.seal(Place::Value(number), &encoded.bytes, self.nonce());
            let base = base.map(|(base, _)| base).filter(|_| encoded.based);
            copied.rows.push(ValueRow { number, job: target.number, base, body });
            before.insert(number, Content { raw: content.raw, chain: encoded.chain });
        }
        Ok(Ok(copied))
    }

    /// Copies values in the repository for the thread `to`, whose number nobody has to know yet.
    pub(super) async fn prepare_values(
        &self,
        caller: &Caller,
        project: &str,
        (from, to): (&str, &str),
        missing: Missing,
    ) -> Result<HashMap<i64, Prepared>> {
        let described = Described {
            tenant: caller.tenant.clone(),
            project: project.to_owned(),
            job: to.to_owned(),
            holder: ContentTable::Values,
            label: String::new(),
            attributes: std::collections::BTreeMap::new(),
        };
        match self.copy_contents(caller, described, missing).await? {
            Ok(prepared) => Ok(prepared),
            Err(cause) => Err(damaged(from).because(cause)),
        }
    }
}

//! Reading contents along their chains.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{CheckpointHead, ContentTable, Link, Session};
use backstay_source_job::Manifest;
use backstay_source_job::content::{ContentError, Place, decode, peek};

use super::cache::Content;
use super::keyring::JobKeys;
use crate::error::Result;
use crate::service::Service;

/// Contents by number; those that cannot be read with the reason.
pub(crate) type Contents = HashMap<i64, Result<Content, ContentError>>;

pub(crate) const fn place(table: ContentTable, number: i64) -> Place {
    match table {
        ContentTable::Checkpoints => Place::Body(number),
        ContentTable::Values => Place::Value(number),
    }
}

impl Service {
    /// The content of the row that was just read; its chain is read when it has one that is not at hand.
    pub(crate) async fn content_of(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        number: i64,
        base: Option<i64>,
        body: Vec<u8>,
    ) -> Result<Result<Content, ContentError>> {
        if let Some(base) = base {
            let known = self.saving().cache.lock().get(table, base);
            let Some(base) = known else {
                let mut contents = self.contents(session, keys, table, &[number]).await?;
                return Ok(contents.remove(&number).unwrap_or(Err(ContentError::Damaged)));
            };
            let link = Link { number, base: None, body };
            if let Ok(found) = self.decode_link(keys, table, link, Some(&base)) {
                return Ok(Ok(found));
            }
            // Another server may have replaced the base since it was last seen here.
            let mut contents = self.contents_on_disk(session, keys, table, &[number]).await?;
            return Ok(contents.remove(&number).unwrap_or(Err(ContentError::Damaged)));
        }
        let link = Link { number, base, body };
        Ok(self.decode_link(keys, table, link, None))
    }

    /// Whether the state of a checkpoint, or its manifest and all its channel values, can be read from the disk.
    pub(crate) async fn is_whole(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        head: &CheckpointHead,
    ) -> Result<bool> {
        let mut found =
            self.contents_on_disk(session, keys, ContentTable::Checkpoints, &[head.number]).await?;
        let Some(Ok(content)) = found.remove(&head.number) else { return Ok(false) };
        if !head.flags.typed {
            return Ok(true);
        }
        let Ok(manifest) = Manifest::decode(&content.raw) else { return Ok(false) };
        let values: Vec<i64> = manifest.stored_values().collect();
        let found = self.contents_on_disk(session, keys, ContentTable::Values, &values).await?;
        Ok(values.iter().all(|number| found.get(number).is_some_and(Result::is_ok)))
    }

    /// The contents with these numbers, read from the disk with everything that they need.
    pub(crate) async fn contents_on_disk(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        numbers: &[i64],
    ) -> Result<Contents> {
        let links = session.content_chains(table, numbers).await?;
        Ok(self.decode_chain(keys, table, links, Contents::new()))
    }

    /// The contents with these numbers.
    pub(crate) async fn contents(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        numbers: &[i64],
    ) -> Result<Contents> {
        let mut found = Contents::new();
        let mut missing = Vec::new();
        {
            let mut cache = self.saving().cache.lock();
            for number in numbers {
                match cache.get(table, *number) {
                    Some(content) => drop(found.insert(*number, Ok(content))),
                    None => missing.push(*number),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        missing.sort_unstable();
        missing.dedup();
        let links = session.content_chains(table, &missing).await?;
        let mut decoded = self.decode_chain(keys, table, links, found);
        if missing.iter().any(|number| !matches!(decoded.get(number), Some(Ok(_)))) {
            // Another server may have replaced a base since it was last seen here.
            decoded.extend(self.contents_on_disk(session, keys, table, &missing).await?);
        }
        Ok(decoded)
    }

    /// Decodes `links`, lowest number first: a base has a lower number than what is encoded against it.
    fn decode_chain(
        &self,
        keys: &JobKeys,
        table: ContentTable,
        links: Vec<Link>,
        mut found: Contents,
    ) -> Contents {
        for link in links {
            let number = link.number;
            if found.contains_key(&number) {
                continue;
            }
            let base = match link.base {
                None => Ok(None),
                Some(base) => match found.get(&base) {
                    Some(Ok(base)) => Ok(Some(base.clone())),
                    Some(Err(error)) => Err(*error),
                    None => Err(ContentError::Damaged),
                },
            };
            let decoded = base.and_then(|base| self.decode_link(keys, table, link, base.as_ref()));
            found.insert(number, decoded);
        }
        found
    }

    fn decode_link(
        &self,
        keys: &JobKeys,
        table: ContentTable,
        link: Link,
        base: Option<&Content>,
    ) -> Result<Content, ContentError> {
        let (key, plain) = keys.open(place(table, link.number), link.body)?;
        let (based, ..) = peek(&plain)?;
        if based != base.is_some() {
            return Err(ContentError::Damaged);
        }
        let (raw, chain) = decode(&key, &plain, base.map(|base| &base.raw[..]))?;
        let content = Content { raw: Arc::new(raw), chain };
        if based || content.raw.len() >= 1024 {
            self.saving().cache.lock().insert(table, link.number, content.clone());
        }
        Ok(content)
    }
}

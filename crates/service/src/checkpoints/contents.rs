//! Reading contents along their chains.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{CheckpointHead, ContentTable, Link, Session};
use backstay_source_job::Manifest;
use backstay_source_job::content::{ContentError, Place, Reference, decode, peek};

use super::cache::Content;
use super::keyring::JobKeys;
use super::stored::StoredContent;
use crate::error::Result;
use crate::service::Service;

/// Contents by number; those that cannot be read with the reason.
pub(crate) type Contents = HashMap<i64, Result<Content, ContentError>>;

/// What a row holds: a content, or where in the repository it lies.
pub(crate) enum Held {
    Here(Content),
    Stored(StoredContent),
}

/// In which condition a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Everything of it can be read.
    Whole,
    /// It was imported without a state.
    Empty,
    /// Not everything of it can be read.
    Damaged,
}

/// What rows hold, by number.
#[derive(Default)]
pub(crate) struct InCatalog {
    /// The contents that are there; those that cannot be read with the reason.
    pub(crate) here: Contents,
    /// Those that lie in the repository.
    pub(crate) stored: Vec<StoredContent>,
}

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
        let held = self.held_by(session, keys, table, number, base, body).await?;
        self.read_held(table, held).await
    }

    /// What the row holds that was just read; its chain is read when it has one that is not at hand.
    pub(crate) async fn held_by(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        number: i64,
        base: Option<i64>,
        body: Vec<u8>,
    ) -> Result<Result<Held, ContentError>> {
        let Some(base) = base else {
            return Ok(self.decode_link(keys, table, Link { number, base, body }, None));
        };
        let known = self.saving().cache.lock().get(table, base);
        let mut contents = match known {
            None => self.contents(session, keys, table, &[number]).await?,
            Some(base) => match self.decode_link(keys, table, Link { number, base: None, body }, Some(&base))
            {
                Ok(found) => return Ok(Ok(found)),
                // Another server may have replaced the base since it was last seen here.
                Err(_) => self.contents_on_disk(session, keys, table, &[number]).await?,
            },
        };
        Ok(contents.remove(&number).unwrap_or(Err(ContentError::Damaged)).map(Held::Here))
    }

    /// The content that a row holds or refers to.
    pub(crate) async fn read_held(
        &self,
        table: ContentTable,
        held: Result<Held, ContentError>,
    ) -> Result<Result<Content, ContentError>> {
        match held {
            Err(error) => Ok(Err(error)),
            Ok(Held::Here(content)) => Ok(Ok(content)),
            Ok(Held::Stored(stored)) => {
                let known = self.saving().cache.lock().get(table, stored.number);
                if let Some(content) = known {
                    return Ok(Ok(content));
                }
                let number = stored.number;
                let mut found = self.load_contents(table, vec![stored]).await?;
                Ok(found.remove(&number).unwrap_or(Err(ContentError::Damaged)))
            }
        }
    }

    /// Reads the state of a checkpoint, or its manifest and all its channel values, from the disk.
    pub(crate) async fn condition_of(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        head: &CheckpointHead,
    ) -> Result<Condition> {
        let mut found =
            self.contents_on_disk(session, keys, ContentTable::Checkpoints, &[head.number]).await?;
        let Some(Ok(content)) = found.remove(&head.number) else { return Ok(Condition::Damaged) };
        if !head.flags.typed {
            return Ok(if content.raw.is_empty() { Condition::Empty } else { Condition::Whole });
        }
        let Ok(manifest) = Manifest::decode(&content.raw) else { return Ok(Condition::Damaged) };
        let values: Vec<i64> = manifest.stored_values().collect();
        let found = self.contents_on_disk(session, keys, ContentTable::Values, &values).await?;
        let whole = values.iter().all(|number| found.get(number).is_some_and(Result::is_ok));
        Ok(if whole { Condition::Whole } else { Condition::Damaged })
    }

    /// The contents with these numbers, read from the disk with everything that they need.
    pub(crate) async fn contents_on_disk(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        numbers: &[i64],
    ) -> Result<Contents> {
        let found = self.rows_on_disk(session, keys, table, numbers).await?;
        self.read_stored(table, found).await
    }

    /// What the rows with these numbers hold, nothing of it from memory.
    pub(crate) async fn rows_on_disk(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        numbers: &[i64],
    ) -> Result<InCatalog> {
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
        let found = self.contents_in_catalog(session, keys, table, numbers).await?;
        self.read_stored(table, found).await
    }

    /// The contents with these numbers, as far as they do not have to be read from the repository. For transactions.
    pub(crate) async fn contents_in_catalog(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        table: ContentTable,
        numbers: &[i64],
    ) -> Result<InCatalog> {
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
            return Ok(InCatalog { here: found, stored: Vec::new() });
        }
        missing.sort_unstable();
        missing.dedup();
        let links = session.content_chains(table, &missing).await?;
        let mut decoded = self.decode_chain(keys, table, links, found);
        if missing.iter().any(|number| !decoded.has(*number)) {
            // Another server may have replaced a base since it was last seen here.
            let again = self.rows_on_disk(session, keys, table, &missing).await?;
            decoded.here.extend(again.here);
            decoded.stored = again.stored;
        }
        Ok(decoded)
    }

    /// Reads what lies in the repository.
    async fn read_stored(&self, table: ContentTable, found: InCatalog) -> Result<Contents> {
        let InCatalog { mut here, stored } = found;
        here.extend(self.load_contents(table, stored).await?);
        Ok(here)
    }

    /// Decodes `links`, lowest number first: a base has a lower number than what is encoded against it.
    fn decode_chain(
        &self,
        keys: &JobKeys,
        table: ContentTable,
        links: Vec<Link>,
        here: Contents,
    ) -> InCatalog {
        let mut found = InCatalog { here, stored: Vec::new() };
        for link in links {
            let number = link.number;
            if found.here.contains_key(&number) {
                continue;
            }
            let base = match link.base {
                None => Ok(None),
                Some(base) => match found.here.get(&base) {
                    Some(Ok(base)) => Ok(Some(base.clone())),
                    Some(Err(error)) => Err(*error),
                    None => Err(ContentError::Damaged),
                },
            };
            match base.and_then(|base| self.decode_link(keys, table, link, base.as_ref())) {
                Ok(Held::Stored(stored)) => found.stored.push(stored),
                Ok(Held::Here(content)) => drop(found.here.insert(number, Ok(content))),
                Err(error) => drop(found.here.insert(number, Err(error))),
            }
        }
        found
    }

    fn decode_link(
        &self,
        keys: &JobKeys,
        table: ContentTable,
        link: Link,
        base: Option<&Content>,
    ) -> Result<Held, ContentError> {
        let number = link.number;
        let (key, plain) = keys.open(place(table, number), link.body)?;
        let (based, ..) = peek(&plain)?;
        if based != base.is_some() {
            return Err(ContentError::Damaged);
        }
        if let Some(reference) = Reference::decode(&plain)? {
            return Ok(Held::Stored(StoredContent { number, key, reference }));
        }
        let (raw, chain) = decode(&key, &plain, base.map(|base| &base.raw[..]))?;
        let content = Content { raw: Arc::new(raw), chain };
        if based || content.raw.len() >= 1024 {
            self.saving().cache.lock().insert(table, number, content.clone());
        }
        Ok(Held::Here(content))
    }
}

impl InCatalog {
    fn has(&self, number: i64) -> bool {
        matches!(self.here.get(&number), Some(Ok(_)))
            || self.stored.iter().any(|stored| stored.number == number)
    }
}

//! Lists in pages.

use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};

/// The largest page.
const LARGEST: u32 = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most; 1 to 1000.
    pub limit: u32,
    /// How many items to skip. For a long list `cursor` is the fast way.
    pub offset: u64,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The first `limit` items.
    pub const fn first(limit: u32) -> Self {
        Self { limit, offset: 0, cursor: None }
    }

    fn checked_limit(&self) -> Result<u32> {
        match self.limit {
            1..=LARGEST => Ok(self.limit),
            _ => Err(ServiceError::invalid("limit", format!("it takes 1 to {LARGEST}"))),
        }
    }

    /// As the catalog takes it.
    pub(crate) fn paging(&self) -> Result<backstay_catalog::Paging> {
        Ok(backstay_catalog::Paging {
            limit: self.checked_limit()?,
            offset: self.offset,
            after: self.cursor.clone(),
            total: backstay_catalog::Total::Exact,
        })
    }

    /// The wanted part of a list that is there as a whole; its cursor is a place in it.
    pub(crate) fn cut<T>(&self, items: Vec<T>) -> Result<Page<T>> {
        let limit = self.checked_limit()? as usize;
        let total = items.len() as u64;
        let start = match self.cursor.as_deref() {
            Some(cursor) => place_of(cursor)?,
            None => 0,
        };
        let start = start.saturating_add(self.offset);
        let rest = items.into_iter().skip(usize::try_from(start).unwrap_or(usize::MAX));
        let items: Vec<T> = rest.take(limit).collect();
        let end = start + items.len() as u64;
        Ok(Page { next: (end < total && !items.is_empty()).then(|| cursor_at(end)), items, total })
    }
}

/// The cursor of the place `place`.
pub(crate) fn cursor_at(place: u64) -> String {
    format!("n{place:x}")
}

/// The place that a cursor of [`cursor_at`] names.
pub(crate) fn place_of(cursor: &str) -> Result<u64> {
    cursor
        .strip_prefix('n')
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| ServiceError::invalid("cursor", "it is not one that a list gave out"))
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(100)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// How many there are in all, whatever the page.
    pub total: u64,
    /// The `cursor` of the next page; `None` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other things.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), total: self.total, next: self.next }
    }
}

impl<T> From<backstay_catalog::Page<T>> for Page<T> {
    fn from(page: backstay_catalog::Page<T>) -> Self {
        Self { items: page.items, total: page.total, next: page.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_list_are_the_list() {
        let mut request = PageRequest::first(3);
        let mut seen = Vec::new();
        loop {
            let page = request.cut((0..8).collect()).unwrap();
            assert_eq!(page.total, 8);
            seen.extend(page.items);
            match page.next {
                Some(next) => request.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_foreign_cursor_and_a_foreign_limit_are_refused() {
        let foreign = PageRequest { cursor: Some("../x".into()), ..PageRequest::default() };
        assert!(foreign.cut(vec![1]).is_err());
        assert!(PageRequest::first(0).cut(vec![1]).is_err());
        assert!(PageRequest::first(1001).paging().is_err());
    }
}

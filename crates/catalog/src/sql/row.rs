//! Reading rows, field by field in the order of the columns.

use std::fmt::Display;
use std::str::FromStr;

use backstay_model::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row};

use crate::error::{CatalogError, Result};

/// A row of either database.
pub(crate) enum RawRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A struct that is read from a row.
pub(crate) trait Record: Sized {
    /// The table, for error messages.
    const TABLE: &'static str;

    /// Takes the fields in the order of the query's columns; the first one identifies the row.
    fn read(fields: &mut Fields<'_>) -> Result<Self>;

    /// Reads a whole row.
    fn from_row(row: &RawRow) -> Result<Self> {
        Self::read(&mut Fields::new(Self::TABLE, row))
    }
}

/// Takes the fields of one row from left to right.
pub(crate) struct Fields<'r> {
    table: &'static str,
    row: &'r RawRow,
    next: usize,
}

macro_rules! get {
    ($self:ident, $type:ty) => {{
        let index = $self.next;
        $self.next += 1;
        let value = match $self.row {
            RawRow::Sqlite(row) => row.try_get::<$type, _>(index),
            RawRow::Postgres(row) => row.try_get::<$type, _>(index),
        };
        value.map_err(|error| $self.broken(index, &error))
    }};
}

impl<'r> Fields<'r> {
    /// The fields of `row`, which came from `table`.
    pub(crate) fn new(table: &'static str, row: &'r RawRow) -> Self {
        Self { table, row, next: 0 }
    }

    /// The error for the field at `index`.
    fn broken(&self, index: usize, detail: &dyn Display) -> CatalogError {
        let column = match self.row {
            RawRow::Sqlite(row) => row.columns().get(index).map(|column| column.name().to_owned()),
            RawRow::Postgres(row) => row.columns().get(index).map(|column| column.name().to_owned()),
        };
        let id = match self.row {
            RawRow::Sqlite(row) => row
                .try_get::<String, _>(0)
                .or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string())),
            RawRow::Postgres(row) => row
                .try_get::<String, _>(0)
                .or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string())),
        };
        CatalogError::BrokenRow {
            table: self.table,
            column: column.unwrap_or_else(|| index.to_string()),
            id: id.unwrap_or_default(),
            detail: detail.to_string(),
        }
    }

    /// An integer.
    pub(crate) fn int(&mut self) -> Result<i64> {
        get!(self, i64)
    }

    /// An integer or NULL.
    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>> {
        get!(self, Option<i64>)
    }

    /// A count or size.
    pub(crate) fn count(&mut self) -> Result<u64> {
        let value = self.int()?;
        u64::try_from(value).map_err(|error| self.broken(self.next - 1, &error))
    }

    /// A small count.
    pub(crate) fn small(&mut self) -> Result<u32> {
        let value = self.int()?;
        u32::try_from(value).map_err(|error| self.broken(self.next - 1, &error))
    }

    /// A flag, stored as 0 or 1.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    /// A time.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.int().map(Timestamp::from_micros)
    }

    /// A time or NULL.
    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.optional_int()?.map(Timestamp::from_micros))
    }

    /// A text.
    pub(crate) fn text(&mut self) -> Result<String> {
        get!(self, String)
    }

    /// A text or NULL.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>> {
        get!(self, Option<String>)
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        get!(self, Vec<u8>)
    }

    /// An id or a word of a vocabulary.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Result<T> {
        let text = self.text()?;
        text.parse().map_err(|error: T::Err| self.broken(self.next - 1, &error))
    }

    /// An id or a word of a vocabulary, or NULL.
    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(&mut self) -> Result<Option<T>> {
        let text = self.optional_text()?;
        text.map(|text| text.parse()).transpose().map_err(|error: T::Err| self.broken(self.next - 1, &error))
    }

    /// A value stored as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|error| self.broken(self.next - 1, &error))
    }

    /// A value stored as JSON, or NULL.
    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let text = self.optional_text()?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| self.broken(self.next - 1, &error))
    }

    /// A hash of 32 bytes.
    pub(crate) fn hash(&mut self) -> Result<[u8; 32]> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|bytes: Vec<u8>| {
            self.broken(self.next - 1, &format!("{} bytes instead of 32", bytes.len()))
        })
    }
}

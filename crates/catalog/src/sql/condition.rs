//! Conditions under construction, and the query that merges facets.

use super::value::Value;

/// A condition under construction: its text and the values bound so far.
#[derive(Clone)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    postgres: bool,
}

impl Condition {
    /// One that holds for everything, in the dialect of PostgreSQL or of SQLite.
    pub(crate) fn new(postgres: bool) -> Self {
        Self { text: String::new(), values: Vec::new(), postgres }
    }

    /// Binds a value; returns its place.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds `text` with `{}` standing for the value.
    pub(crate) fn and(&mut self, text: &str, value: impl Into<Value>) {
        let place = self.bind(value);
        self.and_text(&text.replace("{}", &place));
    }

    /// Adds a condition without a value.
    pub(crate) fn and_text(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(text);
    }

    /// Adds that `column` is one of `values`.
    pub(crate) fn and_in(&mut self, column: &str, values: &[i64]) {
        let any = self.any_of(values);
        self.and_text(&format!("{column} {any}"));
    }

    /// Binds `values`; returns the end of a condition that `column` is one of them, unless they are `all` that there are.
    ///
    /// No index is asked for them: behind a range of the index's other columns, PostgreSQL would go through that range once for
    /// each value.
    pub(crate) fn among(&mut self, column: &str, values: &[i64], all: bool) -> String {
        if all { String::new() } else { format!("AND +{column} {}", self.any_of(values)) }
    }

    /// Binds `values`; returns the end of a comparison with any of them.
    fn any_of(&mut self, values: &[i64]) -> String {
        if self.postgres {
            // Reading and planning a text takes longer the more places it has.
            return format!("= ANY ({})", self.bind(values));
        }
        let places: Vec<String> = values.iter().map(|value| self.bind(*value)).collect();
        format!("IN ({})", places.join(", "))
    }
}

/// The newest rows of several facets, merged.
///
/// Each facet has a stretch of an index of its own, in the order of the key, so no more is read of any of them than the page
/// may need.
pub(crate) struct NewestOfFacets<'a> {
    pub(crate) table: &'static str,
    /// What orders the table.
    pub(crate) key: &'static str,
    pub(crate) facets: &'a [i64],
    pub(crate) limit: u64,
    pub(crate) offset: u64,
}

impl NewestOfFacets<'_> {
    /// A query for the keys of the rows for which `condition` holds too, newest first.
    pub(crate) fn query(&self, condition: &mut Condition) -> String {
        let Self { table, key, limit, offset, .. } = self;
        let rest = if condition.text.is_empty() { String::new() } else { format!("AND {}", condition.text) };
        let arm = |facet: &str| {
            format!(
                "SELECT {key} FROM {table} WHERE {table}.facet = {facet} {rest} ORDER BY {key} DESC LIMIT {}",
                limit + offset
            )
        };
        // PostgreSQL would plan each arm of a union by itself, which takes longer than reading them.
        let arms = if condition.postgres {
            let wanted = condition.bind(self.facets);
            format!("unnest({wanted}) AS wanted (facet) CROSS JOIN LATERAL ({}) AS arm", arm("wanted.facet"))
        } else {
            let arms: Vec<String> = self
                .facets
                .iter()
                .map(|facet| format!("SELECT * FROM ({}) AS arm", arm(&condition.bind(*facet))))
                .collect();
            format!("({}) AS arms", arms.join(" UNION ALL "))
        };
        format!("SELECT {key} FROM {arms} ORDER BY {key} DESC LIMIT {limit} OFFSET {offset}")
    }
}

//! What texts of people may look like.

use crate::error::{FieldProblem, Result, ServiceError};
use backstay_model::ErrorKind;

/// Collects what is wrong with the fields of a request, so that all of it is told at once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldProblem>);

impl Fields {
    /// Notes that `field` is wrong unless `good`.
    pub(crate) fn check(&mut self, good: bool, field: &str, detail: &str) {
        if !good {
            self.0.push(FieldProblem { field: field.to_owned(), detail: detail.to_owned() });
        }
    }

    /// A name of a workspace or group: 1 to 100 of `A-Za-z0-9 ._-`, not only blanks and dots.
    pub(crate) fn name(&mut self, field: &str, name: &str) {
        let good = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._-".contains(&b))
            && !name.bytes().all(|b| b" .".contains(&b));
        self.check(good, field, "it takes 1 to 100 letters, digits, blanks, `.`, `_` or `-`");
    }

    /// A line of text without control characters.
    pub(crate) fn line(&mut self, field: &str, text: &str, longest: usize) {
        let good = text.chars().count() <= longest && !text.chars().any(char::is_control);
        self.check(good, field, &format!("it takes at most {longest} characters without control characters"));
    }

    /// Any text without NUL.
    pub(crate) fn text(&mut self, field: &str, text: &str, longest: usize) {
        let good = text.chars().count() <= longest && !text.contains('\0');
        self.check(good, field, &format!("it takes at most {longest} characters"));
    }

    /// `Invalid` with every problem when there is one.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let mut error = ServiceError::new(ErrorKind::Invalid, format!("{}: {}", first.field, first.detail));
        error.fields = self.0;
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_told() {
        let mut fields = Fields::default();
        fields.name("name", "a/b");
        fields.line("label", "two\nlines", 200);
        fields.text("description", "ok", 2000);
        let error = fields.finish().unwrap_err();
        let named: Vec<&str> = error.fields.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(named, ["name", "label"]);
    }

    #[test]
    fn names_follow_the_contract() {
        for (name, good) in
            [("My work-1_2.3", true), ("", false), ("..", false), (&*"x".repeat(101), false), ("é", false)]
        {
            let mut fields = Fields::default();
            fields.name("name", name);
            assert_eq!(fields.finish().is_ok(), good, "{name}");
        }
    }
}

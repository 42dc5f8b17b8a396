//! Forms: JSON Schemas of what an approver fills in.
//!
//! A form comes from a client and is used by the server, so its cost is bounded before anything is compiled: its size,
//! how large it grows when its references are followed, and how many patterns it has. References lead into the form itself
//! alone and never in a circle; patterns take linear time.

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// The longest form, in bytes of JSON text.
const MAX_FORM_BYTES: usize = 64 << 10;
/// The longest values, in bytes of JSON text.
pub const MAX_VALUES_BYTES: usize = 32 << 10;
/// How many values a form may have when every reference is replaced by what it leads to.
const MAX_NODES: u64 = 4000;
/// How deep it may be then.
const MAX_DEPTH: usize = 100;
/// How many patterns it may have.
const MAX_PATTERNS: usize = 100;
/// How large a pattern may become, in bytes.
const MAX_PATTERN_BYTES: usize = 256 << 10;
/// The longest description of a problem, in characters; it may tell the value.
const LONGEST_DETAIL: usize = 300;
/// How many problems are told at once.
const MOST_PROBLEMS: usize = 20;

/// A form, ready to check values.
pub struct Form(Validator);

/// A text that is no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// It is no object, or too long.
    #[error("it takes a JSON object of at most {MAX_FORM_BYTES} bytes")]
    Shape,
    /// A reference leads out of it.
    #[error("`{0}` leads out of the form; references begin with `#/`, or are `#`")]
    Outside(String),
    /// A reference leads to nothing.
    #[error("`{0}` leads to nothing")]
    Nothing(String),
    /// A reference leads back to itself.
    #[error("`{0}` leads in a circle")]
    Circle(String),
    /// It uses what would make its cost unknown.
    #[error("`{0}` cannot be used in a form")]
    Keyword(String),
    /// It is too much work.
    #[error(
        "with its references followed it has more than {MAX_NODES} values, {MAX_DEPTH} levels or {MAX_PATTERNS} patterns"
    )]
    TooLarge,
    /// It is no JSON Schema.
    #[error("it is no JSON Schema: {0}")]
    NoSchema(String),
}

/// What is wrong with values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON pointer into the values, empty for all of them.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Form {
    /// Makes a form of a JSON Schema (2020-12, whatever it says of itself).
    pub fn new(schema: &Value) -> Result<Self, FormError> {
        if !schema.is_object() || schema.to_string().len() > MAX_FORM_BYTES {
            return Err(FormError::Shape);
        }
        let mut measure = Measure { root: schema, patterns: 0, known: HashMap::new() };
        if measure.extent(schema, 0)?.nodes > MAX_NODES || measure.patterns > MAX_PATTERNS {
            return Err(FormError::TooLarge);
        }
        let patterns =
            PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES);
        let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns);
        options.build(schema).map(Self).map_err(|error| FormError::NoSchema(shortened(&error.to_string())))
    }

    /// What is wrong with `values`; nothing when they fit.
    pub fn check(&self, values: &Value) -> Vec<Problem> {
        let errors = self.0.iter_errors(values).take(MOST_PROBLEMS);
        let told = errors.map(|error| Problem {
            pointer: error.instance_path().to_string(),
            detail: shortened(&error.to_string()),
        });
        told.collect()
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Measures what a form comes to.
struct Measure<'a> {
    root: &'a Value,
    patterns: usize,
    /// What references come to; `None` while one is followed.
    known: HashMap<&'a str, Option<Extent>>,
}

/// How many values there are, and how deep they lie.
#[derive(Clone, Copy)]
struct Extent {
    nodes: u64,
    height: usize,
}

impl<'a> Measure<'a> {
    /// The extent of `value`, which lies `depth` deep.
    fn extent(&mut self, value: &'a Value, depth: usize) -> Result<Extent, FormError> {
        if depth > MAX_DEPTH {
            return Err(FormError::TooLarge);
        }
        let mut whole = Extent { nodes: 1, height: 0 };
        let mut add = |part: Extent| {
            whole.nodes = whole.nodes.saturating_add(part.nodes);
            whole.height = whole.height.max(part.height + 1);
        };
        match value {
            Value::Array(items) => {
                for item in items {
                    add(self.extent(item, depth + 1)?);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    add(self.member(key, member, depth)?);
                }
            }
            _ => {}
        }
        Ok(whole)
    }

    fn member(&mut self, key: &str, value: &'a Value, depth: usize) -> Result<Extent, FormError> {
        match (key, value) {
            ("$ref", Value::String(reference)) => return self.reference(reference, depth + 1),
            // With these, where a reference leads depends on more than the place that it names.
            ("$dynamicRef" | "$recursiveRef" | "$dynamicAnchor" | "$recursiveAnchor" | "$anchor", _)
            | ("$id", Value::String(_)) => return Err(FormError::Keyword(key.to_owned())),
            ("pattern", Value::String(_)) => self.patterns += 1,
            ("patternProperties", Value::Object(patterns)) => self.patterns += patterns.len(),
            _ => {}
        }
        self.extent(value, depth + 1)
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Result<Extent, FormError> {
        let known = match self.known.get(reference) {
            Some(None) => return Err(FormError::Circle(reference.to_owned())),
            Some(Some(known)) => *known,
            None => {
                let pointer = reference.strip_prefix('#');
                let pointer = pointer.filter(|rest| rest.is_empty() || rest.starts_with('/'));
                let pointer = pointer.ok_or_else(|| FormError::Outside(reference.to_owned()))?;
                let target = self.root.pointer(pointer);
                let target = target.ok_or_else(|| FormError::Nothing(reference.to_owned()))?;
                self.known.insert(reference, None);
                let found = self.extent(target, depth)?;
                self.known.insert(reference, Some(found));
                found
            }
        };
        if depth + known.height > MAX_DEPTH {
            return Err(FormError::TooLarge);
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_checked_and_every_problem_is_told_with_its_place() {
        let form = Form::new(&json!({
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"$ref": "#/$defs/count"}, "code": {"type": "string", "pattern": "^[a-z]+$"}},
            "$defs": {"count": {"type": "integer", "minimum": 1}},
        }))
        .unwrap();
        assert_eq!(form.check(&json!({"amount": 3, "code": "abc"})), []);
        let problems = form.check(&json!({"amount": 0, "code": "A"}));
        let places: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(places, ["/amount", "/code"]);
        assert_eq!(form.check(&json!({}))[0].pointer, "");
    }

    #[test]
    fn what_costs_too_much_is_refused_before_it_is_compiled() {
        let refused = |schema: Value| Form::new(&schema).err().unwrap();
        assert_eq!(refused(json!([])), FormError::Shape);
        assert_eq!(refused(json!({"description": "x".repeat(MAX_FORM_BYTES)})), FormError::Shape);
        assert_eq!(refused(json!({"$ref": "#"})), FormError::Circle("#".into()));
        assert_eq!(
            refused(json!({"properties": {"next": {"$ref": "#/properties/next"}}})),
            FormError::Circle("#/properties/next".into())
        );
        assert_eq!(refused(json!({"$ref": "#/none"})), FormError::Nothing("#/none".into()));
        for outside in ["http://127.0.0.1/schema", "file:///etc/passwd", "other.json", "#anchor"] {
            assert_eq!(refused(json!({"$ref": outside})), FormError::Outside(outside.into()));
        }
        for keyword in ["$id", "$anchor", "$dynamicRef", "$recursiveRef"] {
            let schema = json!({"properties": {"a": {keyword: "x"}}});
            assert_eq!(refused(schema), FormError::Keyword(keyword.into()));
        }
        // Each level doubles the one before: 2^40 values.
        let mut doubled = json!({"$defs": {"d0": {"type": "string"}}});
        for n in 1..=40 {
            let below = format!("#/$defs/d{}", n - 1);
            doubled["$defs"][format!("d{n}")] = json!({"allOf": [{"$ref": below}, {"$ref": below}]});
        }
        doubled["$ref"] = json!("#/$defs/d40");
        assert_eq!(refused(doubled), FormError::TooLarge);
        let mut chain = json!({"$defs": {"d0": {"type": "string"}}, "$ref": "#/$defs/d900"});
        for n in 1..=900 {
            chain["$defs"][format!("d{n}")] = json!({"$ref": format!("#/$defs/d{}", n - 1)});
        }
        assert_eq!(refused(chain), FormError::TooLarge);
        let patterns: Vec<_> = (0..=MAX_PATTERNS).map(|_| json!({"pattern": "a"})).collect();
        assert_eq!(refused(json!({"anyOf": patterns})), FormError::TooLarge);
        for schema in [
            json!({"type": 3}),
            json!({"pattern": "("}),
            json!({"pattern": "(?=a)"}),
            json!({"pattern": "\\w{5000}"}),
        ] {
            assert!(matches!(refused(schema), FormError::NoSchema(_)));
        }
    }
}

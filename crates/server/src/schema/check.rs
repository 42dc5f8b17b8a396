//! The part of JSON Schema 2020-12 that the OpenAPI document uses.

use std::collections::HashMap;

use backstay_api::FieldError;
use backstay_model::Timestamp;
use regex::Regex;
use serde_json::Value;

/// At most this many errors are listed.
const MAX_ERRORS: usize = 50;

/// Checks values against one schema and those it refers to.
#[derive(Debug)]
pub(crate) struct Checker {
    root: Value,
    components: HashMap<String, Value>,
    patterns: HashMap<String, Regex>,
}

impl Checker {
    /// A checker for `root`, which may refer to `components` by name.
    pub(crate) fn new(root: Value, components: HashMap<String, Value>) -> Self {
        let mut patterns = HashMap::new();
        collect_patterns(&root, &mut patterns);
        for schema in components.values() {
            collect_patterns(schema, &mut patterns);
        }
        Self { root, components, patterns }
    }

    /// What is wrong with `value`; empty when nothing is.
    pub(crate) fn check(&self, value: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.visit(&self.root, value, "", &mut errors);
        errors.truncate(MAX_ERRORS);
        errors
    }

    fn visit(&self, schema: &Value, value: &Value, field: &str, errors: &mut Vec<FieldError>) {
        if errors.len() >= MAX_ERRORS {
            return;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            if let Some(target) = self.components.get(name) {
                self.visit(target, value, field, errors);
            }
            return;
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            self.visit_choices(choices, value, field, errors);
            return;
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.visit(part, value, field, errors);
        }
        if let Some(wanted) = schema.get("type")
            && !has_type(wanted, value)
        {
            errors.push(FieldError::new(name_of(field), format!("must be {}", article(wanted))));
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array)
            && !words.contains(value)
        {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            errors.push(FieldError::new(name_of(field), format!("must be one of {}", words.join(", "))));
            return;
        }
        match value {
            Value::String(text) => self.visit_string(schema, text, field, errors),
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                if let Some(bound) = schema.get("minimum").and_then(Value::as_f64)
                    && number < bound
                {
                    errors.push(FieldError::new(name_of(field), format!("must be at least {bound}")));
                }
                if let Some(bound) = schema.get("maximum").and_then(Value::as_f64)
                    && number > bound
                {
                    errors.push(FieldError::new(name_of(field), format!("must be at most {bound}")));
                }
            }
            Value::Array(items) => self.visit_array(schema, items, field, errors),
            Value::Object(members) => self.visit_object(schema, members, field, errors),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// One of the choices must fit; when none does, the errors of the one that is not `null` are the useful ones.
    fn visit_choices(&self, choices: &[Value], value: &Value, field: &str, errors: &mut Vec<FieldError>) {
        let mut best: Option<Vec<FieldError>> = None;
        for choice in choices {
            let mut found = Vec::new();
            self.visit(choice, value, field, &mut found);
            if found.is_empty() {
                return;
            }
            if choice.get("type").and_then(Value::as_str) != Some("null") {
                best = Some(found);
            }
        }
        errors.extend(best.unwrap_or_default());
    }

    fn visit_string(&self, schema: &Value, text: &str, field: &str, errors: &mut Vec<FieldError>) {
        let length = text.chars().count() as u64;
        if let Some(bound) = schema.get("minLength").and_then(Value::as_u64)
            && length < bound
        {
            let detail = if length == 0 {
                "must not be empty".to_owned()
            } else {
                format!("must have at least {bound} characters")
            };
            errors.push(FieldError::new(name_of(field), detail));
        } else if let Some(bound) = schema.get("maxLength").and_then(Value::as_u64)
            && length > bound
        {
            errors.push(FieldError::new(name_of(field), format!("must have at most {bound} characters")));
        } else if text.contains('\0') {
            errors.push(FieldError::new(name_of(field), "must not contain the NUL character"));
        } else if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text))
        {
            errors.push(FieldError::new(name_of(field), format!("must match {pattern}")));
        } else if schema.get("format").and_then(Value::as_str) == Some("date-time")
            && Timestamp::parse(text).is_none()
        {
            errors.push(FieldError::new(
                name_of(field),
                "must be a time in RFC 3339, for example 2026-01-08T09:30:00Z",
            ));
        }
    }

    fn visit_array(&self, schema: &Value, items: &[Value], field: &str, errors: &mut Vec<FieldError>) {
        let length = items.len() as u64;
        if let Some(bound) = schema.get("minItems").and_then(Value::as_u64)
            && length < bound
        {
            errors.push(FieldError::new(name_of(field), format!("must have at least {bound} items")));
        }
        if let Some(bound) = schema.get("maxItems").and_then(Value::as_u64)
            && length > bound
        {
            errors.push(FieldError::new(name_of(field), format!("must have at most {bound} items")));
            return;
        }
        if let Some(item_schema) = schema.get("items") {
            for (number, item) in items.iter().enumerate() {
                self.visit(item_schema, item, &format!("{field}[{number}]"), errors);
            }
        }
    }

    fn visit_object(
        &self,
        schema: &Value,
        members: &serde_json::Map<String, Value>,
        field: &str,
        errors: &mut Vec<FieldError>,
    ) {
        let inner = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if let Some(name) = name.as_str()
                && !members.contains_key(name)
            {
                errors.push(FieldError::new(inner(name), "is missing"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, member) in members {
            match known.and_then(|known| known.get(name)) {
                Some(member_schema) => self.visit(member_schema, member, &inner(name), errors),
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    let shown: String = name.chars().take(100).collect();
                    errors.push(FieldError::new(inner(&shown), "is not a known field"));
                }
                None => {}
            }
        }
    }
}

fn name_of(field: &str) -> &str {
    if field.is_empty() { "body" } else { field }
}

fn collect_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
                let regex =
                    Regex::new(pattern).expect("the patterns of the wire types are regular expressions");
                patterns.insert(pattern.to_owned(), regex);
            }
            members.values().for_each(|member| collect_patterns(member, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        _ => {}
    }
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    match wanted {
        Value::Array(choices) => choices.iter().any(|choice| has_type(choice, value)),
        Value::String(name) => match name.as_str() {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            _ => true,
        },
        _ => true,
    }
}

fn article(wanted: &Value) -> String {
    let word = |name: &Value| match name.as_str().unwrap_or_default() {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        "null" => "null",
        _ => "a text",
    };
    match wanted {
        Value::Array(choices) => choices.iter().map(word).collect::<Vec<_>>().join(" or "),
        single => word(single).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(schema: Value, value: &Value) -> Vec<(String, String)> {
        let components = HashMap::from([(
            "Rules".to_owned(),
            json!({"type":"object","additionalProperties":false,
            "properties":{"keep":{"type":"integer","minimum":0,"maximum":5}}}),
        )]);
        Checker::new(schema, components).check(value).into_iter().map(|e| (e.field, e.detail)).collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let schema = json!({"type":"object","required":["name","root"],"additionalProperties":false,"properties":{
            "name":{"type":"string","minLength":1,"pattern":"^[a-z]+$"},
            "rules":{"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Rules"}]},
            "paths":{"type":"array","maxItems":2,"items":{"type":"string","minLength":1}}}});
        let value = json!({"name":"A","rules":{"keep":9,"keap":1},"paths":["x",""],"extra":1});
        let found = errors(schema, &value);
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["root", "extra", "name", "paths[1]", "rules.keap", "rules.keep"]);
    }

    #[test]
    fn null_fits_a_nullable_field_and_nothing_else_does() {
        let schema = json!({"type":["string","null"],"maxLength":3});
        assert!(errors(schema.clone(), &Value::Null).is_empty());
        assert_eq!(errors(schema, &json!(5))[0].1, "must be a text or null");
    }

    #[test]
    fn a_time_that_is_none_and_a_nul_are_refused() {
        let schema = json!({"type":"string","format":"date-time"});
        assert!(errors(schema.clone(), &json!("2026-01-08T09:30:00Z")).is_empty());
        assert_eq!(errors(schema.clone(), &json!("yesterday")).len(), 1);
        assert_eq!(errors(json!({"type":"string"}), &json!("a\u{0}b")).len(), 1);
    }

    #[test]
    fn a_bound_counts_characters_and_includes_itself() {
        let schema = json!({"type":"string","maxLength":2});
        assert!(errors(schema.clone(), &json!("éé")).is_empty());
        assert_eq!(errors(schema, &json!("ééé")).len(), 1);
    }
}

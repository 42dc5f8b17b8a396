//! Reads a query string by the schema of its parameters.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use backstay_api::FieldError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::Required;

use super::Checker;
use super::types::to_json;

struct Parameter {
    name: String,
    required: bool,
    wants: Wants,
    checker: Checker,
}

#[derive(Clone, Copy)]
enum Wants {
    Integer,
    Boolean,
    Text,
    Texts,
}

static PARAMETERS: LazyLock<RwLock<HashMap<TypeId, Arc<Vec<Parameter>>>>> = LazyLock::new(RwLock::default);

/// Reads `query` as a `T`. Parameters that `T` does not have are ignored.
pub(crate) fn read_query<T>(query: &str) -> Result<T, Vec<FieldError>>
where
    T: IntoParams + DeserializeOwned + 'static,
{
    let values = read_values::<T>(query)?;
    serde_json::from_value(Value::Object(values))
        .map_err(|error| vec![FieldError::new("query", error.to_string())])
}

/// Reads `query` as the fields of a `T`, each as its schema wants it.
pub(crate) fn read_values<T: IntoParams + 'static>(
    query: &str,
) -> Result<Map<String, Value>, Vec<FieldError>> {
    let mut values = Map::new();
    let mut errors = Vec::new();
    let parameters = parameters_of::<T>();
    let given: Vec<(String, String)> = url_pairs(query);
    for parameter in parameters.iter() {
        let mut found = given.iter().filter(|(name, _)| *name == parameter.name);
        if matches!(parameter.wants, Wants::Texts) {
            let all: Value = found.map(|(_, text)| text.clone()).collect();
            let wrong = parameter.checker.check(&all);
            errors.extend(wrong.into_iter().map(|e| FieldError::new(&parameter.name, e.detail)));
            values.insert(parameter.name.clone(), all);
            continue;
        }
        let Some((_, text)) = found.next() else {
            if parameter.required {
                errors.push(FieldError::new(&parameter.name, "is missing"));
            }
            continue;
        };
        if found.next().is_some() {
            errors.push(FieldError::new(&parameter.name, "is given more than once"));
            continue;
        }
        match convert(parameter.wants, text) {
            Ok(value) => {
                let wrong = parameter.checker.check(&value);
                if wrong.is_empty() {
                    values.insert(parameter.name.clone(), value);
                }
                errors.extend(wrong.into_iter().map(|e| FieldError::new(&parameter.name, e.detail)));
            }
            Err(detail) => errors.push(FieldError::new(&parameter.name, detail)),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

fn convert(wants: Wants, text: &str) -> Result<Value, &'static str> {
    match wants {
        Wants::Integer => text
            .parse::<u64>()
            .map(Value::from)
            .or_else(|_| text.parse::<i64>().map(Value::from))
            .map_err(|_| "must be a whole number"),
        Wants::Boolean => match text {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err("must be true or false"),
        },
        Wants::Text | Wants::Texts => Ok(Value::String(text.to_owned())),
    }
}

fn parameters_of<T: IntoParams + 'static>() -> Arc<Vec<Parameter>> {
    let id = TypeId::of::<T>();
    if let Some(parameters) = PARAMETERS.read().expect("no holder of this lock panics").get(&id) {
        return Arc::clone(parameters);
    }
    let parameters: Vec<_> = T::into_params(|| None)
        .into_iter()
        .map(|parameter| {
            let schema = parameter.schema.as_ref().map_or(Value::Bool(true), to_json);
            Parameter {
                name: parameter.name,
                required: matches!(parameter.required, Required::True),
                wants: wants(&schema),
                checker: Checker::new(schema, HashMap::new()),
            }
        })
        .collect();
    let parameters = Arc::new(parameters);
    PARAMETERS.write().expect("no holder of this lock panics").insert(id, Arc::clone(&parameters));
    parameters
}

fn wants(schema: &Value) -> Wants {
    let is = |name: &str| match schema.get("type") {
        Some(Value::String(word)) => word == name,
        Some(Value::Array(words)) => words.iter().any(|word| word == name),
        _ => false,
    };
    match () {
        () if is("integer") => Wants::Integer,
        () if is("boolean") => Wants::Boolean,
        () if is("array") => Wants::Texts,
        () => Wants::Text,
    }
}

/// The pairs of a query string; what is not UTF-8 gets replacement characters.
fn url_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use backstay_api::content::{ArchiveQuery, ContentQuery};
    use backstay_api::snapshot::{KindOrAll, SnapshotQuery, StateOrAll};
    use backstay_model::{Kind, SnapshotState};

    use super::*;

    #[test]
    fn a_query_is_read_by_its_schema() {
        let query: SnapshotQuery =
            read_query("kind=workspace&state=ready&q=a%20b+c%C3%A9&pinned=true&limit=5&other=1").unwrap();
        assert_eq!(query.kind, Some(KindOrAll::One(Kind::Workspace)));
        assert_eq!(read_query::<SnapshotQuery>("kind=all").unwrap().kind, Some(KindOrAll::All));
        assert_eq!(query.state, Some(StateOrAll::One(SnapshotState::Ready)));
        assert_eq!(query.q.as_deref(), Some("a b cé"));
        assert_eq!((query.pinned, query.limit), (Some(true), Some(5)));
    }

    #[test]
    fn a_list_is_given_piece_by_piece() {
        let query: ArchiveQuery = read_query("select=a%26b&select=*.rs").unwrap();
        assert_eq!(query.select, ["a&b", "*.rs"]);
        assert_eq!(read_query::<ArchiveQuery>("").unwrap(), ArchiveQuery::default());
        let many = "select=a&".repeat(1001);
        assert_eq!(read_query::<ArchiveQuery>(&many).unwrap_err()[0].field, "select");
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let errors = read_query::<SnapshotQuery>("kind=cat&limit=0&offset=x&since=now&pinned=maybe&q=%00")
            .unwrap_err();
        let mut fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["kind", "limit", "offset", "pinned", "q", "since"]);
        assert_eq!(
            read_query::<SnapshotQuery>("limit=1&limit=2").unwrap_err()[0].detail,
            "is given more than once"
        );
        assert_eq!(read_query::<ContentQuery>("").unwrap_err()[0].detail, "is missing");
    }
}

//! Applying a JSON Patch (RFC 6902).

use crate::json::Json;
use crate::json::index_of_token as index;

/// A patch that cannot be applied. Nothing is half applied: the result is the whole or this error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operation {operation}: {reason}")]
pub struct PatchError {
    /// Which operation, from 0.
    pub operation: usize,
    /// Why not.
    pub reason: String,
}

/// The most operations that a patch may have.
const MAX_OPERATIONS: usize = 10_000;

/// `target` after all operations of `operations`, a list as in RFC 6902.
pub fn patch(mut target: Json, operations: &Json) -> Result<Json, PatchError> {
    let failed = |operation| move |reason: String| PatchError { operation, reason };
    let Json::Array(operations) = operations else {
        return Err(failed(0)("a patch is a list of operations".to_owned()));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(failed(MAX_OPERATIONS)(format!("a patch has at most {MAX_OPERATIONS} operations")));
    }
    for (n, operation) in operations.iter().enumerate() {
        apply(&mut target, operation).map_err(failed(n))?;
    }
    Ok(target)
}

fn apply(target: &mut Json, operation: &Json) -> Result<(), String> {
    let text = |name: &str| match operation.get(name) {
        Some(Json::String(text)) => Ok(text.as_str()),
        _ => Err(format!("`{name}` must be a text")),
    };
    let value = || operation.get("value").cloned().ok_or_else(|| "`value` is missing".to_owned());
    let path = text("path")?;
    match text("op")? {
        "add" => add(target, path, value()?),
        "remove" => remove(target, path).map(|_| ()),
        "replace" => {
            let place = find(target, path)?;
            *place = value()?;
            Ok(())
        }
        "move" => {
            let from = text("from")?;
            if path.starts_with(&format!("{from}/")) {
                return Err("a value cannot be moved into itself".to_owned());
            }
            let moved = remove(target, from)?;
            add(target, path, moved)
        }
        "copy" => {
            let copied = find(target, text("from")?)?.clone();
            add(target, path, copied)
        }
        "test" => {
            let wanted = value()?;
            if find(target, path)?.equals(&wanted) {
                Ok(())
            } else {
                Err(format!("the value at {path:?} is another"))
            }
        }
        other => Err(format!("`{}` is no operation", other.chars().take(40).collect::<String>())),
    }
}

fn tokens(path: &str) -> Result<Vec<String>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let rest = path.strip_prefix('/').ok_or_else(|| format!("{path:?} is no JSON pointer"))?;
    Ok(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

fn find<'j>(target: &'j mut Json, path: &str) -> Result<&'j mut Json, String> {
    let missing = || format!("there is nothing at {path:?}");
    let mut value = target;
    for token in tokens(path)? {
        value = match value {
            Json::Array(items) => index(&token).and_then(|index| items.get_mut(index)).ok_or_else(missing)?,
            Json::Object(fields) => fields
                .iter_mut()
                .find(|(key, _)| *key == token)
                .map(|(_, value)| value)
                .ok_or_else(missing)?,
            _ => return Err(missing()),
        };
    }
    Ok(value)
}

/// The container of the value at `path`, and the last token.
fn parent<'j>(target: &'j mut Json, path: &str) -> Result<(&'j mut Json, String), String> {
    let last = tokens(path)?.pop().ok_or_else(|| "the whole has no container".to_owned())?;
    let end = path.rfind('/').unwrap_or(0);
    Ok((find(target, &path[..end])?, last))
}

fn add(target: &mut Json, path: &str, value: Json) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (container, token) = parent(target, path)?;
    match container {
        Json::Array(items) => {
            let at = if token == "-" { Some(items.len()) } else { index(&token) };
            let at = at
                .filter(|at| *at <= items.len())
                .ok_or_else(|| format!("{path:?} is outside of the list"))?;
            items.insert(at, value);
        }
        Json::Object(fields) => match fields.iter_mut().find(|(key, _)| *key == token) {
            Some((_, old)) => *old = value,
            None => fields.push((token, value)),
        },
        _ => return Err(format!("{path:?} is neither in a list nor in an object")),
    }
    Ok(())
}

fn remove(target: &mut Json, path: &str) -> Result<Json, String> {
    let missing = || format!("there is nothing at {path:?}");
    let (container, token) = parent(target, path)?;
    match container {
        Json::Array(items) => {
            let at = index(&token).filter(|at| *at < items.len()).ok_or_else(missing)?;
            Ok(items.remove(at))
        }
        Json::Object(fields) => {
            let at = fields.iter().position(|(key, _)| *key == token).ok_or_else(missing)?;
            Ok(fields.remove(at).1)
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(target: &str, operations: &str) -> Result<String, PatchError> {
        patch(Json::parse(target).unwrap(), &Json::parse(operations).unwrap()).map(|json| json.to_text())
    }

    #[test]
    fn the_operations_of_the_rfc_do_what_it_says() {
        for (target, operations, expected) in [
            (r#"{"a":[1,2]}"#, r#"[{"op":"add","path":"/a/-","value":3}]"#, r#"{"a":[1,2,3]}"#),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"/a","value":2}]"#, r#"{"a":2}"#),
            (r#"{"a":1,"b":2}"#, r#"[{"op":"remove","path":"/a"}]"#, r#"{"b":2}"#),
            (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":1}"#),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"test","path":"/b/0","value":1}]"#,
                r#"{"a":[1],"b":[1]}"#,
            ),
            (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{}}]"#, "{}"),
        ] {
            assert_eq!(patched(target, operations).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_applied_says_which_operation() {
        for operations in [
            r#"[{"op":"remove","path":"/x"}]"#,
            r#"[{"op":"replace","path":"/x","value":1}]"#,
            r#"[{"op":"add","path":"/a/5","value":1}]"#,
            r#"[{"op":"test","path":"/a","value":9}]"#,
            r#"[{"op":"move","from":"/a","path":"/a/0"}]"#,
            r#"[{"op":"jump","path":"/a"}]"#,
            r#"[{"op":"add","path":"a","value":1}]"#,
            r#"[{"op":"remove","path":""}]"#,
            r#"[{"path":"/a"}]"#,
        ] {
            assert_eq!(patched(r#"{"a":[1]}"#, operations).unwrap_err().operation, 0, "{operations}");
        }
    }
}

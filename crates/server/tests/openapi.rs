//! The OpenAPI document: reviewed, complete, consistent.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(backstay_server::openapi_document()).unwrap()
}

/// Every operation of the document: path, method, what it says.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "head", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                found.push((path.clone(), method.clone(), operation.clone()));
            }
        }
    }
    found
}

/// Run with `UPDATE_OPENAPI=1` to accept what changed, then review the difference.
#[test]
fn the_committed_document_is_that_of_the_code() {
    // Cargo runs a test in the directory of its package.
    let path = Path::new("openapi.json");
    let mut text = backstay_server::openapi_document().to_pretty_json().unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "crates/server/openapi.json is not that of the code: run this test with UPDATE_OPENAPI=1 and review it"
    );
}

#[test]
fn every_operation_says_who_may_call_it_and_what_may_go_wrong() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no id"));
        assert!(ids.insert(id.to_owned()), "{id} is the id of two operations");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name} has no summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
        for status in ["400", "500", "503"] {
            assert!(responses.contains_key(status), "{name} lacks {status}");
        }
        let open = operation["security"]
            .as_array()
            .is_some_and(|any| any.iter().any(|one| one == &serde_json::json!({})));
        assert_eq!(
            !open || ["/login", "/api/v1/sessions", "/metrics"].contains(&path.as_str()),
            responses.contains_key("401"),
            "{name}: 401"
        );
        assert_eq!(!open || path == "/metrics", responses.contains_key("403"), "{name}: 403");
        let has_id = path.contains('{');
        if has_id {
            assert!(responses.contains_key("404"), "{name} names a thing and lacks 404");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, path.matches('{').count(), "{name}: path parameters");
        let mut names: Vec<_> = parameters
            .iter()
            .map(|p| format!("{}/{}", p["in"].as_str().unwrap(), p["name"].as_str().unwrap()))
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), parameters.len(), "{name} names a parameter twice");
        if parameters.iter().any(|parameter| parameter["in"] == "query") {
            assert!(responses.contains_key("422"), "{name} has a query and lacks 422");
        }
        let is_list = responses.get("200").is_some_and(|ok| ok.to_string().contains("Page\""));
        if is_list {
            for parameter in ["query/limit", "query/offset", "query/cursor"] {
                assert!(names.iter().any(|name| name == parameter), "{name} is a list and lacks {parameter}");
            }
        }
        if operation.get("requestBody").is_some() {
            for status in ["413", "415", "422"] {
                assert!(responses.contains_key(status), "{name} has a body and lacks {status}");
            }
        }
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{name} {status}");
            // An address that is too long is refused before it reaches the API, without a body.
            let without_body = method == "head" || status == "414";
            if !without_body && (status.starts_with('4') || status.starts_with('5')) {
                assert!(
                    response["content"]["application/problem+json"].is_object(),
                    "{name} {status} is no problem"
                );
            }
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    fn visit(value: &Value, schemas: &Value, missing: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let name = reference.trim_start_matches("#/components/schemas/");
                    if schemas.get(name).is_none() {
                        missing.insert(name.to_owned());
                    }
                }
                members.values().for_each(|member| visit(member, schemas, missing));
            }
            Value::Array(items) => items.iter().for_each(|item| visit(item, schemas, missing)),
            _ => {}
        }
    }
    let document = document();
    let mut missing = BTreeSet::new();
    visit(&document, &document["components"]["schemas"], &mut missing);
    assert_eq!(missing, BTreeSet::new());
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn a_request_body_refuses_unknown_fields() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else {
            continue;
        };
        let text = schema.to_string();
        let name = text.split("#/components/schemas/").nth(1).and_then(|rest| rest.split('"').next());
        let name = name.unwrap_or_else(|| panic!("{method} {path} has a body without a name: {text}"));
        let body = &document["components"]["schemas"][name];
        assert_eq!(body["additionalProperties"], false, "{method} {path}: {name} takes anything");
    }
}

/// Two types of one name would be one schema in the document, that of whichever comes last.
#[test]
fn every_type_on_the_wire_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    let mut places = vec![PathBuf::from("../api/src")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(place).unwrap();
        for line in text.lines() {
            let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            let Some(rest) = declared else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(names.insert(name.clone()), "{name} is declared twice");
        }
    }
    assert!(names.contains("Problem") && names.contains("Approval"), "the types are elsewhere");
}

//! Checkpoints in JSON, as older savers wrote them.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Members, NO_MAPPING, Parts, VALUES};
use crate::manifest::Version;

pub(super) fn take_apart(bytes: &[u8]) -> Result<Parts<'_>, &'static str> {
    let mut members = Members::of(mapping(bytes)?, mapping)?;
    let channels = members.channels(version, |_| false)?;
    let values = object(&members.values);
    let mut rest: Vec<(String, &[u8])> = members.rest;
    if !members.values.is_empty() {
        rest.push((VALUES.to_owned(), &values));
    }
    Ok(Parts { head: object(&rest), channels })
}

/// The members of an object, each in its own text.
struct Texts<'b>(Vec<(String, &'b RawValue)>);

impl<'de> Deserialize<'de> for Texts<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Texts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Texts(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn mapping(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, &'static str> {
    let texts: Texts<'_> = serde_json::from_slice(bytes).map_err(|_| NO_MAPPING)?;
    Ok(texts.0.into_iter().map(|(name, text)| (name, text.get().as_bytes())).collect())
}

fn version(bytes: &[u8]) -> Option<Version> {
    match serde_json::from_slice(bytes).ok()? {
        serde_json::Value::String(text) => Some(Version::Text(text)),
        serde_json::Value::Number(number) => {
            number.as_i64().map(Version::Int).or_else(|| number.as_f64().map(Version::Float))
        }
        _ => None,
    }
}

fn object(members: &[(String, &[u8])]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, name).expect("a text has a JSON form, and a Vec takes everything");
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_the_text_that_it_was() {
        let text = r#"{"v":1,"ts":"t","channel_values":{"a":{"lc":2, "n": 1.50},"loose":[1]},
            "channel_versions":{"a":3,"b":"0002.7"},"versions_seen":{}}"#;
        let parts = take_apart(text.as_bytes()).unwrap();
        assert_eq!(parts.channels[0].value, Some(&br#"{"lc":2, "n": 1.50}"#[..]));
        assert_eq!(parts.channels[0].version, Version::Int(3));
        assert_eq!(
            (parts.channels[1].value, &parts.channels[1].version),
            (None, &Version::Text("0002.7".into()))
        );
        let head = r#"{"v":1,"ts":"t","versions_seen":{},"channel_values":{"loose":[1]}}"#;
        assert_eq!(String::from_utf8(parts.head).unwrap(), head);
        for text in ["", "[]", "{", r#"{"v":1}"#, r#"{"channel_versions":{"a":[]}}"#] {
            assert!(take_apart(text.as_bytes()).is_err(), "{text}");
        }
    }
}

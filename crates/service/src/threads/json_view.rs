//! A typed checkpoint as JSON, for those who look at it as a checkpoint of its job. It may lose something.

use backstay_source_job::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::view::{ChannelValue, TypedValue};

/// The channels by name: JSON and msgpack as the values they are, everything else as its type and base64.
pub(crate) fn json_view(channels: &[ChannelValue]) -> String {
    let fields: Map<String, Value> =
        channels.iter().map(|channel| (channel.name.clone(), value(&channel.value))).collect();
    Value::Object(fields).to_string()
}

fn value(from: &TypedValue) -> Value {
    let read = match from.value_type.as_str() {
        "null" | "empty" => Some(Value::Null),
        "json" => std::str::from_utf8(&from.data)
            .ok()
            .filter(|text| is_shallow(text))
            .and_then(|text| serde_json::from_str(text).ok()),
        "msgpack" => rmp_serde::from_slice(&from.data).ok(),
        _ => None,
    };
    read.unwrap_or_else(|| json!({"type": from.value_type, "data": STANDARD.encode(&from.data)}))
}

/// Whether a text can be read without going deep.
fn is_shallow(text: &str) -> bool {
    State::parse(&format!("{{\"v\":{text}}}")).is_ok()
}

#[cfg(test)]
mod tests {
    use backstay_source_job::Version;

    use super::*;

    #[test]
    fn what_can_be_read_is_shown_and_the_rest_stays_bytes() {
        let channel = |name: &str, value_type: &str, data: &[u8]| ChannelValue {
            name: name.into(),
            version: Version::Int(1),
            value: TypedValue { value_type: value_type.into(), data: data.to_vec() },
        };
        let shown = json_view(&[
            channel("a", "msgpack", &[0x92, 1, 0xa1, b'x']),
            channel("b", "pickle", b"\x80"),
            channel("c", "null", b""),
            channel("d", "msgpack", b"\xc1"),
        ]);
        let shown: Value = serde_json::from_str(&shown).unwrap_or_default();
        assert_eq!(shown["a"], json!([1, "x"]));
        assert_eq!(shown["b"], json!({"type": "pickle", "data": "gA=="}));
        assert_eq!((&shown["c"], &shown["d"]["type"]), (&Value::Null, &json!("msgpack")));
    }
}

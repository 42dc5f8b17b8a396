//! What a typed checkpoint consists of: its head, and which stored value each of its channels has.

use crate::wire::{Decoder, Encoder, Malformed};

/// A version of a channel, with its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Version {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
}

/// A channel of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The type of the value, for the client.
    pub value_type: String,
    /// Whether the value is a snapshot of a channel whose changes are its writes.
    pub delta_snapshot: bool,
    /// The value.
    pub value: Value,
}

/// Where the bytes of a channel's value are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Here, because they are few.
    Inline(Vec<u8>),
    /// In the stored value with this number.
    Stored(i64),
}

/// The longest value that lies in the manifest itself.
pub const MAX_INLINE_BYTES: usize = 96;

/// A typed checkpoint without the bytes of its larger channel values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// The client's id of the checkpoint that this one follows.
    pub parent: Option<String>,
    /// The type of the head.
    pub head_type: String,
    /// The head: everything but the values of channels.
    pub head: Vec<u8>,
    /// JSON text of an object.
    pub metadata: String,
    /// The channels, in the order of their names.
    pub channels: Vec<Channel>,
    /// Channels whose changes are their writes, as the metadata counted them.
    pub delta_channels: Vec<String>,
}

const FORMAT: u8 = 1;

impl Manifest {
    /// The channel with this name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        let at = self.channels.binary_search_by(|channel| channel.name.as_str().cmp(name)).ok()?;
        self.channels.get(at)
    }

    /// The numbers of the stored values.
    pub fn stored_values(&self) -> impl Iterator<Item = i64> {
        self.channels.iter().filter_map(|channel| match channel.value {
            Value::Stored(number) => Some(number),
            Value::Inline(_) => None,
        })
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.byte(FORMAT);
        out.option(self.parent.as_deref());
        out.text(&self.metadata);
        out.number(self.delta_channels.len() as u64);
        for name in &self.delta_channels {
            out.text(name);
        }
        out.number(self.channels.len() as u64);
        for channel in &self.channels {
            out.text(&channel.name);
            match &channel.version {
                Version::Int(number) => {
                    out.byte(0);
                    out.0.extend_from_slice(&number.to_le_bytes());
                }
                Version::Float(number) => {
                    out.byte(1);
                    out.0.extend_from_slice(&number.to_le_bytes());
                }
                Version::Text(text) => {
                    out.byte(2);
                    out.text(text);
                }
            }
            out.text(&channel.value_type);
            out.byte(u8::from(channel.delta_snapshot));
            match &channel.value {
                Value::Inline(bytes) => {
                    out.byte(0);
                    out.bytes(bytes);
                }
                Value::Stored(number) => {
                    out.byte(1);
                    out.0.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
        out.text(&self.head_type);
        out.bytes(&self.head);
        out.0
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Decoder(bytes);
        if from.byte()? != FORMAT {
            return Err(Malformed("its version is unknown"));
        }
        let parent = from.option()?;
        let metadata = from.text()?;
        // No count is believed before its items are there.
        let mut delta_channels = Vec::new();
        for _ in 0..from.number()? {
            delta_channels.push(from.text()?);
        }
        let mut channels = Vec::new();
        for _ in 0..from.number()? {
            channels.push(channel(&mut from)?);
        }
        let head_type = from.text()?;
        let head = from.bytes()?.to_vec();
        from.end()?;
        Ok(Self { parent, head_type, head, metadata, channels, delta_channels })
    }
}

fn channel(from: &mut Decoder<'_>) -> Result<Channel, Malformed> {
    let name = from.text()?;
    let version = match from.byte()? {
        0 => Version::Int(i64::from_le_bytes(eight(from)?)),
        1 => Version::Float(f64::from_le_bytes(eight(from)?)),
        2 => Version::Text(from.text()?),
        _ => return Err(Malformed("a version has an unknown type")),
    };
    let value_type = from.text()?;
    let delta_snapshot = from.byte()? != 0;
    let value = match from.byte()? {
        0 => Value::Inline(from.bytes()?.to_vec()),
        1 => Value::Stored(i64::from_le_bytes(eight(from)?)),
        _ => return Err(Malformed("a value has an unknown place")),
    };
    Ok(Channel { name, version, value_type, delta_snapshot, value })
}

fn eight(from: &mut Decoder<'_>) -> Result<[u8; 8], Malformed> {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(from.take(8)?);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_manifest_reads_back() {
        let channel = |name: &str, version, value| Channel {
            name: name.into(),
            version,
            value_type: "msgpack".into(),
            delta_snapshot: name == "b",
            value,
        };
        let manifest = Manifest {
            parent: Some("1ef".into()),
            head_type: "msgpack".into(),
            head: vec![1, 2, 3],
            metadata: "{\"step\":1}".into(),
            channels: vec![
                channel("a", Version::Int(-3), Value::Stored(1 << 50)),
                channel("b", Version::Float(1.0), Value::Inline(vec![0xc0])),
                channel("c", Version::Text("0001.5".into()), Value::Stored(2)),
            ],
            delta_channels: vec!["b".into()],
        };
        assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest);
        assert_eq!(manifest.stored_values().collect::<Vec<_>>(), [1 << 50, 2]);
        assert!(manifest.channel("b").unwrap().delta_snapshot);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_manifest_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(first) = bytes.first_mut() { *first = FORMAT; }
            if let Ok(manifest) = Manifest::decode(&bytes) {
                prop_assert!(Manifest::decode(&manifest.encode()).is_ok());
            }
        }
    }
}

//! Checkpoints as the savers of LangGraph keep them in databases: one value that holds everything.
//!
//! It is taken apart into a head, versions and values of channels, each in the bytes in which it stood. No object is built
//! from any of them, and nothing but the outermost mapping and the one of the channels is looked into.

mod json;
mod msgpack;

use crate::manifest::Version;

/// A checkpoint, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts<'b> {
    /// Everything but versions of channels and the values of those that have one, in the form of the whole.
    pub head: Vec<u8>,
    /// The channels that have a version.
    pub channels: Vec<Part<'b>>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<'b> {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The value, in the form of the whole; `None` for one without.
    pub value: Option<&'b [u8]>,
    /// Whether the value is a snapshot of a channel whose changes are its writes.
    pub delta_snapshot: bool,
}

/// A value that is no checkpoint that can be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inseparable {
    /// Its type is one that is not looked into.
    #[error("its type is `{0}`, which is not looked into")]
    Type(String),
    /// It is not what its type says, or no checkpoint.
    #[error("it is no checkpoint: {0}")]
    Form(&'static str),
}

/// Takes apart the bytes of a checkpoint of type `msgpack` or `json`.
pub fn take_apart<'b>(value_type: &str, bytes: &'b [u8]) -> Result<Parts<'b>, Inseparable> {
    match value_type {
        "msgpack" => msgpack::take_apart(bytes).map_err(Inseparable::Form),
        "json" => json::take_apart(bytes).map_err(Inseparable::Form),
        other => Err(Inseparable::Type(other.chars().take(40).collect())),
    }
}

const VALUES: &str = "channel_values";
const VERSIONS: &str = "channel_versions";
const NO_MAPPING: &str = "it is no mapping with texts as keys";
const NO_VERSION: &str = "a version of a channel is neither a number nor a text";

/// The members of a checkpoint, each in the bytes in which it stood.
struct Members<'b> {
    rest: Vec<(String, &'b [u8])>,
    versions: Vec<(String, &'b [u8])>,
    values: Vec<(String, &'b [u8])>,
}

impl<'b> Members<'b> {
    fn of(
        whole: Vec<(String, &'b [u8])>,
        mapping: impl Fn(&'b [u8]) -> Result<Vec<(String, &'b [u8])>, &'static str>,
    ) -> Result<Self, &'static str> {
        let mut members = Self { rest: Vec::new(), versions: Vec::new(), values: Vec::new() };
        let mut is_checkpoint = false;
        for (name, value) in whole {
            match name.as_str() {
                VALUES => members.values = mapping(value)?,
                VERSIONS => {
                    is_checkpoint = true;
                    members.versions = mapping(value)?;
                }
                _ => members.rest.push((name, value)),
            }
        }
        if is_checkpoint { Ok(members) } else { Err("it has no `channel_versions`") }
    }

    /// The channels; what is left of the values has no version.
    fn channels(
        &mut self,
        version: impl Fn(&'b [u8]) -> Option<Version>,
        is_snapshot: impl Fn(&'b [u8]) -> bool,
    ) -> Result<Vec<Part<'b>>, &'static str> {
        let mut values: std::collections::HashMap<String, &'b [u8]> = self.values.drain(..).collect();
        let channels = self.versions.drain(..).map(|(name, bytes)| {
            let version = version(bytes).ok_or(NO_VERSION)?;
            let value = values.remove(&name);
            Ok(Part { name, version, value, delta_snapshot: value.is_some_and(&is_snapshot) })
        });
        let channels = channels.collect::<Result<Vec<_>, &'static str>>()?;
        self.values = values.into_iter().collect();
        self.values.sort();
        Ok(channels)
    }
}

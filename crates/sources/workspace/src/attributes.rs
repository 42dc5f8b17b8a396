//! What a workspace notes in the manifest of a snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exclude::ExcludeOptions;

/// The name of the attribute.
const NAME: &str = "workspace";

/// The named paths as texts, for people; absent when everything was captured.
const SCOPE: &str = "scope";

/// What a workspace notes in the manifest of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkspaceAttributes {
    /// The named paths, when not everything was captured. A restore touches nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Vec<u8>>,
    /// What was left out. A restore leaves that alone.
    #[serde(default)]
    pub excludes: ExcludeOptions,
    /// The metadata of the root, which has no entry.
    #[serde(default)]
    pub root: RootMetadata,
}

/// The metadata of the root of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RootMetadata {
    /// The 12 permission bits; 0 when not known.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The time of the last change, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl WorkspaceAttributes {
    /// As a manifest holds it.
    pub fn to_map(&self) -> BTreeMap<String, serde_json::Value> {
        let value = serde_json::to_value(self).expect("lists, numbers and texts can be written as JSON");
        let mut attributes = BTreeMap::from([(NAME.to_owned(), value)]);
        if !self.scope.is_empty() {
            let scope = self.scope.iter().map(|path| String::from_utf8_lossy(path).into());
            attributes.insert(SCOPE.to_owned(), serde_json::Value::Array(scope.collect()));
        }
        attributes
    }

    /// Reads it from the attributes of a manifest; the default when it is not there.
    pub fn from_map(attributes: &BTreeMap<String, serde_json::Value>) -> Self {
        attributes.get(NAME).and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_read_back() {
        let attributes = WorkspaceAttributes {
            scope: vec![b"a\xff".to_vec()],
            root: RootMetadata {
                mode: 0o755,
                xattrs: vec![(b"user.a".to_vec(), vec![0, 255])],
                ..RootMetadata::default()
            },
            ..WorkspaceAttributes::default()
        };
        assert_eq!(WorkspaceAttributes::from_map(&attributes.to_map()), attributes);
    }
}

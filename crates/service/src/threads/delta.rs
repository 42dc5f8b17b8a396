//! Channels whose changes are their writes.

use std::collections::{HashMap, HashSet};

use backstay_catalog::CheckpointHead;
use backstay_source_job::{Channel, Manifest, Value};

/// Whether a channel has a value of its own in a checkpoint, from which its history begins.
pub(super) fn is_seed(channel: &Channel) -> bool {
    channel.value_type != "empty" || !matches!(&channel.value, Value::Inline(bytes) if bytes.is_empty())
}

/// The delta channels of a thread: every one that was ever stored as a snapshot or that the metadata counted.
fn delta_channels<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> HashSet<&'m str> {
    manifests
        .flat_map(|manifest| {
            let snapshots = manifest.channels.iter().filter(|channel| channel.delta_snapshot);
            manifest
                .delta_channels
                .iter()
                .map(String::as_str)
                .chain(snapshots.map(|channel| channel.name.as_str()))
        })
        .collect()
}

/// What the delta channels of `remaining` need: every checkpoint back to the nearest that stores the channel's value.
pub(crate) fn needed_by(
    heads: &[CheckpointHead],
    manifests: &HashMap<i64, Manifest>,
    remaining: &[i64],
) -> HashSet<i64> {
    let deltas = delta_channels(manifests.values());
    let mut needed = HashSet::new();
    if deltas.is_empty() {
        return needed;
    }
    let by_name: HashMap<(&str, &str), i64> = heads
        .iter()
        .filter_map(|head| Some(((head.namespace.as_deref()?, head.name.as_deref()?), head.number)))
        .collect();
    let of: HashMap<i64, &CheckpointHead> = heads.iter().map(|head| (head.number, head)).collect();
    for channel in &deltas {
        // Where a path was walked before, the rest of it is known to be needed.
        let mut walked = HashSet::new();
        for start in remaining {
            let mut at = *start;
            while let (Some(manifest), Some(head)) = (manifests.get(&at), of.get(&at)) {
                if !walked.insert(at) || manifest.channel(channel).is_some_and(is_seed) {
                    break;
                }
                let Some(parent) = manifest.parent.as_deref() else { break };
                let namespace = head.namespace.as_deref().unwrap_or_default();
                let Some(parent) = by_name.get(&(namespace, parent)) else { break };
                needed.insert(*parent);
                at = *parent;
            }
        }
    }
    needed
}

//! The snapshot of a run as an HDF5 file.
//!
//! The file has two layers. The groups `meta`, `config`, `arch`, `random`, `params`, `hidden_units` and `history` are
//! format 2 of `juniper.cascor`, as its tools read it. The group `backstay` has what going on bit for bit needs beyond
//! them, and the checksum of every dataset and attribute of the file.
//!
//! Equal snapshots are equal bytes. Nothing in a file is ever executed: pickled states are neither read nor written.

mod checksums;
mod error;
mod names;
mod own;
mod partial;
mod read;
mod standard;
mod state_dict;
mod text;

use std::io::Write;
use std::sync::Arc;

use backstay_hdf5::write::{Group, Member, Plan, WriteError};
use backstay_model::Timestamp;
use backstay_trainer::{Dataset, Origin, State};
use serde::{Deserialize, Serialize};

pub use error::SnapshotError;
pub use partial::Partial;

/// Which format a file says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatName {
    /// `juniper.cascor`.
    Current,
    /// `cascor_hdf5_v1`, the same under an older name.
    Legacy,
}

/// What a snapshot says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The UUID of the network.
    pub uuid: String,
    /// When the snapshot was made; `None` in a file from elsewhere whose text is no time.
    pub created: Option<Timestamp>,
    /// What a person wrote about it.
    pub description: String,
    /// How many snapshots of the network there were.
    pub snapshot_counter: u64,
    /// Where it comes from.
    pub lineage: Lineage,
}

/// Where a snapshot comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// The run that it is of.
    pub run_id: Option<String>,
    /// Its id.
    pub snapshot_id: Option<String>,
    /// The snapshot from which the run was forked.
    pub parent_snapshot_id: Option<String>,
    /// Why it was made.
    pub trigger: Option<String>,
}

/// A snapshot: all of a run, or as much of it as a file from elsewhere holds.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What it says about itself.
    pub header: Header,
    /// What it holds.
    pub content: Content,
}

/// What a snapshot holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// All of a run: training goes on bit for bit.
    Exact {
        /// The state.
        state: Box<State>,
        /// What is learned.
        data: Arc<Dataset>,
    },
    /// The network and what else a file of another tool holds.
    Partial(Box<Partial>),
}

impl Snapshot {
    /// The file of a run, placed and measured, to be written or sent.
    ///
    /// # Errors
    /// When the description or a name does not fit the format.
    pub fn plan(header: &Header, state: &State, data: &Dataset) -> Result<Plan, WriteError> {
        group(header, state, data).plan()
    }

    /// Everything in the file as a tree. That of a file from elsewhere has what was read of it, in the groups of the format.
    pub fn group(&self) -> Group {
        match &self.content {
            Content::Exact { state, data } => group(&self.header, state, data),
            Content::Partial(partial) => {
                let state = partial.as_ref().clone().into_state(Origin::Given(String::new()));
                let mut root = Group::new();
                standard::write(&mut root, &self.header, &state);
                root
            }
        }
    }

    /// The network alone, for other tools: without history, and without what going on needs.
    pub fn network_group(&self) -> Group {
        let mut root = Group::new();
        let state = match &self.content {
            Content::Exact { state, .. } => state.as_ref().clone(),
            Content::Partial(partial) => partial.as_ref().clone().into_state(Origin::Given(String::new())),
        };
        standard::write_network(&mut root, &self.header, &state);
        root
    }

    /// Writes the file of a run. Returns its length in bytes.
    ///
    /// # Errors
    /// When the output fails, or as for [`Snapshot::plan`].
    pub fn write(
        header: &Header,
        state: &State,
        data: &Dataset,
        out: &mut impl Write,
    ) -> Result<u64, WriteError> {
        let plan = Self::plan(header, state, data)?;
        let bytes = plan.bytes();
        plan.write(out)?;
        Ok(bytes)
    }
}

/// The whole file of a run.
fn group(header: &Header, state: &State, data: &Dataset) -> Group {
    let mut root = Group::new();
    standard::write(&mut root, header, state);
    let mut own = own::write(header, state, data);
    let checksums = checksums::of_tree(&root, &own);
    own.dataset(names::CHECKSUMS, checksums);
    root.group(names::OWN, own);
    root
}

/// How many groups, the root among them, and datasets a tree has.
pub fn group_size(root: &Group) -> (u64, u64) {
    root.members().values().fold((1, 0), |(groups, datasets), member| match member {
        Member::Group(group) => {
            let (more_groups, more_datasets) = group_size(group);
            (groups + more_groups, datasets + more_datasets)
        }
        Member::Dataset(_) => (groups, datasets + 1),
    })
}

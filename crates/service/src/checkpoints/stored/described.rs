//! The root manifest of a content: enough to find it, to read it and to know what it is without the catalog.

use std::collections::BTreeMap;

use backstay_catalog::ContentTable;
use backstay_model::{Kind, SnapshotId, SourceId, TenantId, Timestamp, Trigger};
use backstay_repository::{Counts, DirectoryRef, Manifest};
use serde_json::{Value, json};

use crate::checkpoints::job_key;

/// The file that a JSON state is.
pub(crate) const STATE_FILE: &str = "state.json";
/// The file that a channel value is.
pub(crate) const VALUE_FILE: &str = "value";
/// The attribute that tells which catalog refers to the content.
const CATALOG: &str = "catalog";

/// What a content is.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// The tenant of the job.
    pub(crate) tenant: TenantId,
    /// The project.
    pub(crate) project: String,
    /// The job.
    pub(crate) job: String,
    /// Whether it is a state or a channel value.
    pub(crate) holder: ContentTable,
    /// What it is called in lists of the repository: a step or a channel.
    pub(crate) label: String,
    /// What else is known of it.
    pub(crate) attributes: BTreeMap<String, Value>,
}

/// Who writes contents.
#[derive(Debug, Clone)]
pub(super) struct Author {
    /// The fingerprint of the catalog.
    pub(super) catalog: String,
    pub(super) host: String,
    pub(super) actor: String,
}

impl Described {
    /// The one file of its tree.
    pub(super) const fn file(&self) -> &'static str {
        match self.holder {
            ContentTable::Checkpoints => STATE_FILE,
            ContentTable::Values => VALUE_FILE,
        }
    }

    /// The root manifest over `root`, which holds the one file of `length` bytes.
    pub(super) fn manifest(
        &self,
        author: &Author,
        id: &SnapshotId,
        created_at: Timestamp,
        root: DirectoryRef,
        length: usize,
    ) -> Manifest {
        let mut attributes = self.attributes.clone();
        attributes.insert(CATALOG.to_owned(), json!(author.catalog));
        attributes.insert("project".to_owned(), json!(self.project));
        Manifest {
            snapshot: id.clone(),
            source: source_of(&self.tenant, &self.project, &self.job),
            source_name: self.job.clone(),
            kind: Kind::Job,
            tenant: self.tenant.clone(),
            created_at,
            trigger: Trigger::Manual,
            label: Some(self.label.clone()).filter(|label| !label.is_empty()),
            description: None,
            host: author.host.clone(),
            actor: author.actor.clone(),
            parent: None,
            root,
            counts: Counts { files: 1, directories: 1, ..Counts::default() },
            logical_bytes: length as u64,
            new_bytes: 0,
            stored_bytes: 0,
            partial: false,
            attributes,
            warnings: Vec::new(),
        }
    }
}

/// A job as the source in a manifest. Its number is the catalog's and says nothing in a repository.
fn source_of(tenant: &TenantId, project: &str, job: &str) -> SourceId {
    use std::fmt::Write as _;
    let mut id = String::from("job-");
    for byte in job_key(tenant, project, job) {
        write!(id, "{byte:02x}").expect("a String takes everything");
    }
    SourceId::parse(&id).expect("a prefix and digits are an id")
}

/// Whether a manifest is that of a content of a job and no snapshot.
pub(crate) fn is_content(manifest: &Manifest) -> bool {
    manifest.kind == Kind::Job
}

/// Whether the catalog with this fingerprint refers to the content, or would if its save had ended.
pub(super) fn is_of(manifest: &Manifest, catalog: &str) -> bool {
    manifest.attributes.get(CATALOG).and_then(Value::as_str) == Some(catalog)
}

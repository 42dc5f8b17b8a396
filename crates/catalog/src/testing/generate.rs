//! A year in the life of an installation, reproducible from a seed.

use backstay_model::{
    Actor, ActorKind, EventData, EventDraft, Kind, Outcome, SnapshotId, SnapshotState, SourceId, Subject,
    TenantId, Timestamp, Trigger,
};
use serde_json::json;

use crate::snapshots::{SnapshotRow, Tombstone};
use crate::sources::SourceRow;

const YEAR_MICROS: u64 = 365 * 86_400 * 1_000_000;
const WORDS: [&str; 24] = [
    "alpha",
    "before",
    "release",
    "candidate",
    "schema",
    "upgrade",
    "dataset",
    "training",
    "rollback",
    "hotfix",
    "baseline",
    "experiment",
    "customer",
    "invoice",
    "report",
    "archive",
    "migration",
    "nightly",
    "weekly",
    "monthly",
    "draft",
    "final",
    "review",
    "audit",
];
const ACTIONS: [&str; 20] = [
    "snapshot.created",
    "snapshot.ready",
    "snapshot.failed",
    "snapshot.deleted",
    "snapshot.restored",
    "snapshot.pinned",
    "snapshot.verified",
    "task.queued",
    "task.started",
    "task.done",
    "task.failed",
    "user.login",
    "user.logout",
    "token.used",
    "source.registered",
    "source.changed",
    "retention.applied",
    "webhook.delivered",
    "session.expired",
    "hold.placed",
];

/// Makes the `n`th tenant, source, snapshot and event; always the same ones.
#[derive(Debug, Clone)]
pub struct Generator {
    /// How many tenants there are; the first is the default one and has two fifths of everything.
    pub tenants: u64,
    /// How many sources there are.
    pub sources: u64,
    /// How many users act.
    pub actors: u64,
    /// When the year begins.
    pub start: Timestamp,
    /// How many snapshots and events fill the year.
    pub snapshots: u64,
    /// See `snapshots`.
    pub events: u64,
}

/// SplitMix64: a number that depends on `n` and `purpose` alone.
fn mix(n: u64, purpose: u64) -> u64 {
    let mut word =
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl Generator {
    /// A year with this many snapshots and events.
    pub fn new(snapshots: u64, events: u64) -> Self {
        let start = Timestamp::from_micros(1_735_689_600_000_000);
        Self { tenants: 50, sources: 500, actors: 200, start, snapshots, events }
    }

    /// The id of the `n`th tenant.
    pub fn tenant(&self, n: u64) -> TenantId {
        let text = if n == 0 { "default".to_owned() } else { format!("tenant-{n:03}") };
        TenantId::parse(&text).expect("generated ids are good")
    }

    fn tenant_of_source(&self, n: u64) -> TenantId {
        self.tenant(if n % 5 < 2 { 0 } else { 1 + mix(n, 1) % (self.tenants - 1) })
    }

    /// The id of the `n`th source.
    pub fn source_id(&self, n: u64) -> SourceId {
        SourceId::parse(&format!("src-{:016}-sourceab", 1_735_689_600_000_000 + n))
            .expect("generated ids are good")
    }

    pub(crate) fn source(&self, n: u64) -> SourceRow {
        SourceRow {
            id: self.source_id(n),
            tenant: self.tenant_of_source(n),
            kind: Kind::ALL[(mix(n, 2) % 5) as usize],
            name: format!("source {n}"),
            root: Some(format!("/srv/source-{n}")),
            host: "host-1".into(),
            settings: json!({}),
            retention: None,
            state_serial: 1,
            created_at: self.start,
            updated_at: self.start,
            removed_at: None,
        }
    }

    /// The id of the `n`th actor.
    pub fn actor(&self, n: u64) -> Actor {
        Actor { kind: ActorKind::User, id: format!("user-{:016}-abcdefgh", n + 1), name: format!("User {n}") }
    }

    /// The id of the `n`th snapshot.
    pub fn snapshot_id(&self, n: u64) -> SnapshotId {
        let suffix: String =
            (0..8).map(|place| char::from(b'a' + (mix(n, 100 + place) % 26) as u8)).collect();
        SnapshotId::parse(&format!("snapshot-{:016}-{suffix}", self.snapshot_time(n).as_micros()))
            .expect("generated ids are good")
    }

    fn snapshot_time(&self, n: u64) -> Timestamp {
        Timestamp::from_micros(self.start.as_micros() + (n * (YEAR_MICROS / self.snapshots.max(1))) as i64)
    }

    fn label(n: u64) -> Option<String> {
        match mix(n, 3) % 10 {
            0..5 => Some("nightly".into()),
            5..7 => {
                let word = |purpose| WORDS[(mix(n, purpose) % 24) as usize];
                Some(format!("{} {} {}", word(4), word(5), n % 1000))
            }
            _ => None,
        }
    }

    pub(crate) fn snapshot(&self, n: u64) -> SnapshotRow {
        let source = self.source(mix(n, 6) % self.sources);
        let at = self.snapshot_time(n);
        let (state, failure) = match mix(n, 7) % 1000 {
            0..880 => (SnapshotState::Ready, None),
            880..900 => (SnapshotState::Failed, Some("the disk was full".to_owned())),
            900 => (SnapshotState::Creating, None),
            _ => (SnapshotState::Deleted, None),
        };
        let actor = self.actor(mix(n, 8) % self.actors);
        let size = mix(n, 9) % 1_000_000_000;
        SnapshotRow {
            created_at: at,
            id: self.snapshot_id(n),
            tenant: source.tenant,
            source: source.id,
            kind: source.kind,
            state,
            trigger: match mix(n, 10) % 20 {
                0..14 => Trigger::Scheduled,
                14..17 => Trigger::Manual,
                17..19 => Trigger::Safety,
                _ => Trigger::Import,
            },
            pinned: mix(n, 11).is_multiple_of(200),
            name: None,
            label: Self::label(n),
            description: None,
            finished_at: Some(at.plus_seconds(3)),
            parent: None,
            group: None,
            operation: None,
            manifest_id: Some(format!("{:032x}", u128::from(mix(n, 12)))),
            tree_id: Some(format!("{:032x}", u128::from(mix(n, 13)))),
            logical_bytes: size,
            added_bytes: size / 10,
            stored_bytes: size / 25,
            counts: json!({"files": size / 10_000, "directories": size / 100_000}),
            warning_count: 0,
            warnings: json!([]),
            partial: false,
            attributes: json!({}),
            created_by: actor.clone(),
            failure,
            lease_owner: None,
            lease_expires_at: None,
            tombstone: (state == SnapshotState::Deleted).then(|| Tombstone {
                at: at.plus_seconds(86_400),
                by: actor,
                reason: "retention".into(),
            }),
            verified_at: None,
            damage: None,
        }
    }

    pub(crate) fn event(&self, n: u64) -> EventDraft {
        let snapshot = mix(n, 20) % self.snapshots.max(1);
        let source = self.source(mix(snapshot, 6) % self.sources);
        let action = ACTIONS[(mix(n, 21) % 20) as usize];
        EventDraft {
            at: Timestamp::from_micros(
                self.start.as_micros() + (n * (YEAR_MICROS / self.events.max(1))) as i64,
            ),
            tenant: source.tenant,
            actor: self.actor(mix(n, 22) % self.actors),
            action: action.to_owned(),
            kind: Some(source.kind),
            source: Some(source.id),
            subject: Subject::new("snapshot", &self.snapshot_id(snapshot)),
            outcome: match mix(n, 23) % 100 {
                0 => Outcome::Denied,
                1 | 2 => Outcome::Failed,
                _ => Outcome::Ok,
            },
            data: EventData::from(json!({
                "label": Self::label(snapshot),
                "bytes": mix(n, 24) % 1_000_000_000,
                "ticket": format!("case{}", mix(n, 25) % 1_000_000),
            })),
            request_id: Some(format!("req-{n:x}")),
        }
    }
}

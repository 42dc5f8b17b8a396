//! A trainer that goes on from a snapshot.

use std::collections::BTreeMap;

use backstay_model::{ErrorKind, Rng};
use backstay_source_training::{Content, Header, Lineage, Snapshot};
use backstay_trainer::{Status, Trainer};
use serde_json::Value;

use crate::error::{Result, ServiceError};

/// A trainer and what its snapshots say of themselves.
pub struct Resumed {
    /// The trainer.
    pub trainer: Trainer,
    /// What every snapshot of it says.
    pub header: Header,
}

/// A trainer that goes on from `snapshot`, of the run `name`. A run that trained or was paused when the snapshot was taken is
/// stopped. A fork at its beginning, which tells the parameters of its own, is another network from there on.
///
/// Errors: `Conflict` when going on bit for bit is not possible; `Damaged` when the state contradicts itself.
pub fn resumed(
    snapshot: Snapshot,
    name: &str,
    fork: Option<&BTreeMap<String, Value>>,
    rng: &dyn Rng,
) -> Result<Resumed> {
    let (mut state, data) = match snapshot.content {
        Content::Exact { state, data } => (state, data),
        Content::Partial(partial) => {
            let message = format!(
                "Training of `{name}` cannot go on from its last snapshot; missing: {}",
                partial.missing.join(", ")
            );
            return Err(ServiceError::conflict(message).code("not_exact"));
        }
    };
    if matches!(state.status, Status::Started | Status::Paused) {
        state.status = Status::Stopped;
    }
    let mut trainer = Trainer::resume(*state, data).map_err(|error| {
        ServiceError::new(ErrorKind::Damaged, format!("The last state of `{name}` cannot be gone on from"))
            .because(error)
    })?;
    let mut header = snapshot.header;
    if let Some(params) = fork {
        header.uuid = uuid(rng);
        let params = params.iter().map(|(name, value)| (name.as_str(), value));
        trainer.set_parameters(params, None).map_err(super::live::invalid_parameters)?;
    }
    Ok(Resumed { trainer, header })
}

/// What the snapshots of a new network say of themselves.
pub fn new_header(rng: &dyn Rng) -> Header {
    Header {
        uuid: uuid(rng),
        created: None,
        description: String::new(),
        snapshot_counter: 0,
        lineage: Lineage::default(),
    }
}

/// A random UUID (RFC 9562, version 4).
fn uuid(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use backstay_model::SeededRng;

    use super::*;

    #[test]
    fn a_uuid_tells_its_version() {
        let made = uuid(&SeededRng::new(1));
        assert_eq!((made.len(), &made[14..15]), (36, "4"));
        assert!("89ab".contains(&made[19..20]), "{made}");
        assert_ne!(made, uuid(&SeededRng::new(2)));
    }
}

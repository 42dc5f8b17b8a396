//! Holds: each forbids the deletion of a snapshot.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::ActorRef;
use crate::page::{list_query, page};

/// Something that forbids the deletion of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// The id.
    pub id: String,
    /// The snapshot.
    pub snapshot_id: String,
    /// Why.
    pub reason: String,
    /// Whether it is the pin.
    pub pin: bool,
    /// Who placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<ActorRef>,
    /// When it was placed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

page!(
    /// A page of holds, newest first.
    HoldPage,
    holds: Hold
);

list_query!(
    /// Which holds to list.
    HoldQuery {}
);

/// A hold to place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Why.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000]*$")]
    pub reason: String,
    /// When it ends by itself; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

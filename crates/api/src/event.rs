//! Events: entries of the log that history, audit trail, live stream and webhooks are views of.

use backstay_model::{Actor, ActorKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::page::{list_query, page};
use crate::words;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActorRef {
    /// What kind of actor.
    #[schema(schema_with = words::actor_kind)]
    pub kind: ActorKind,
    /// The id of the user or token, or a fixed word.
    pub id: String,
    /// The name shown to people.
    pub name: String,
}

impl From<Actor> for ActorRef {
    fn from(actor: Actor) -> Self {
        Self { kind: actor.kind, id: actor.id, name: actor.name }
    }
}

/// Something that happened, or that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The number of the event: without gaps, and growing in the order in which changes were committed.
    pub seq: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What happened, for example `snapshot.ready`.
    #[serde(rename = "type")]
    #[schema(examples("snapshot.ready"))]
    pub event_type: String,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Who did it.
    pub actor: ActorRef,
    /// The kind of thing it happened to, for example `snapshot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_kind: Option<String>,
    /// The id of the thing it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// Whether it was done or `denied`.
    pub outcome: String,
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What else is known about it.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The hash of this event over the one before, in hexadecimal.
    pub hash: String,
}

page!(
    /// A page of events, newest first.
    EventPage,
    events: Event
);

list_query!(
    /// Which events to list.
    EventQuery {
        /// Only of this type; `snapshot.` with the dot takes all types that begin so.
        #[param(min_length = 1, max_length = 100)]
        r#type: String,
        /// Only about the thing with this id.
        #[param(min_length = 1, max_length = 200)]
        subject: String,
        /// Only by the actor with this id.
        #[param(min_length = 1, max_length = 200)]
        actor: String,
        /// Only done, or only denied, ones.
        #[param(inline)]
        outcome: Outcome,
        /// Only with this text in what is told of it, whatever the case.
        #[param(max_length = 200)]
        q: String,
        /// Only at or after this instant.
        #[param(value_type = Option<String>, format = DateTime)]
        since: Timestamp,
        /// Only before this instant.
        #[param(value_type = Option<String>, format = DateTime)]
        until: Timestamp,
    }
);

/// Whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Denied,
}

/// Where to begin a live stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Send what happened after this number first. The header `Last-Event-ID` wins; without both, only what happens
    /// from now on is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub after: Option<u64>,
    /// Only of this type; `snapshot.` with the dot takes all types that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 100)]
    pub r#type: Option<String>,
}

//! Events: entries of the log that history, audit trail, live stream and webhooks are views of.

use backstay_model::{Actor, ActorKind, Kind, Outcome, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::page::list_query;
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
    /// What was done, for example `snapshot.created`.
    #[schema(examples("snapshot.created"))]
    pub action: String,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Who did it.
    pub actor: ActorRef,
    /// The kind of the source, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::kind)]
    pub kind: Option<Kind>,
    /// The source, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// What it was done to.
    pub subject: SubjectRef,
    /// How it ended.
    #[schema(schema_with = words::outcome)]
    pub outcome: Outcome,
    /// What else is known about it.
    #[schema(value_type = Value)]
    pub data: Value,
    /// The request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The hash of the event before, in hexadecimal.
    pub prev_hash: String,
    /// The hash of this event over the one before, in hexadecimal.
    pub hash: String,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectRef {
    /// The type of thing, for example `snapshot`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// A page of events, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// This page, in the order of the list.
    pub events: Vec<Event>,
    /// How many there are in all, whatever the page; where `total_exact` is false, there are more.
    pub total: u64,
    /// Whether all were counted. A search whose matches no counter knows is counted up to 1000.
    pub total_exact: bool,
    /// The `cursor` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// A sentence for a person, for example why the list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

list_query!(
    /// Which events to list.
    EventQuery {
        /// Only this action; `snapshot.` with the dot takes all that begin so.
        #[param(min_length = 1, max_length = 100)]
        action: String,
        /// Only of this source.
        #[param(min_length = 1, max_length = 128)]
        source: String,
        /// Only about the thing with this id.
        #[param(min_length = 1, max_length = 200)]
        subject: String,
        /// Only by the actor with this id or name.
        #[param(min_length = 1, max_length = 200)]
        actor: String,
        /// Only with this outcome.
        #[param(schema_with = words::outcome)]
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

/// Where to begin a live stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Send what happened after this number first. The header `Last-Event-ID` wins; without both, only what happens
    /// from now on is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub after: Option<u64>,
    /// Only this action; `snapshot.` with the dot takes all that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 100)]
    pub action: Option<String>,
}

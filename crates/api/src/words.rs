//! The schemas of the words that `backstay-model` defines: each is a string of a closed set.

use backstay_model::{ActorKind, Kind, Outcome, Role, SnapshotState, Trigger};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

fn one_of<'a>(description: &str, words: impl Iterator<Item = &'a str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words.map(str::to_owned)))
        .build()
}

/// The schema of a [`Kind`].
pub fn kind() -> Object {
    one_of("What the source is.", Kind::ALL.iter().map(|word| word.as_str()))
}

/// The schema of a [`Kind`] or `all`.
pub fn kind_or_all() -> Object {
    let words = Kind::ALL.iter().map(|word| word.as_str()).chain(["all"]);
    one_of("Only of this kind; `all`, as without it: of every kind.", words)
}

/// The schema of a [`SnapshotState`].
pub fn snapshot_state() -> Object {
    one_of("Where the snapshot is in its life.", SnapshotState::ALL.iter().map(|word| word.as_str()))
}

/// The schema of a state, or all of them.
pub fn state_or_all() -> Object {
    let words = SnapshotState::ALL.iter().map(|word| word.as_str()).chain(["all"]);
    one_of("Only in this state; `all`: in every one. Without it: all but deleted ones.", words)
}

/// The schema of a [`Trigger`].
pub fn trigger() -> Object {
    one_of("Why the snapshot was taken.", Trigger::ALL.iter().map(|word| word.as_str()))
}

/// The schema of a [`Role`].
pub fn role() -> Object {
    one_of("A role; each includes what the one before may do.", Role::ALL.iter().map(|word| word.as_str()))
}

/// The schema of an [`ActorKind`].
pub fn actor_kind() -> Object {
    one_of("What kind of actor it was.", ActorKind::ALL.iter().map(|word| word.as_str()))
}

/// The schema of an [`Outcome`].
pub fn outcome() -> Object {
    one_of("How it ended.", Outcome::ALL.iter().map(|word| word.as_str()))
}

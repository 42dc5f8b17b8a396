//! Who stands behind a caller.

use backstay_model::{ActorKind, Caller, TokenId};
use backstay_source_job::execution::Person;

use crate::error::Result;
use crate::service::Service;

impl Service {
    /// The person who acts: a user also when a token of the user acts, so that nobody is two persons.
    pub(super) async fn person(&self, caller: &Caller) -> Result<Person> {
        let actor = caller.actor.clone();
        let token = (actor.kind == ActorKind::Token).then(|| TokenId::parse(&actor.id).ok()).flatten();
        let user = match token {
            Some(id) => self.read().await?.token(&id).await?.and_then(|row| row.user),
            None => None,
        };
        Ok(Person { actor, user: user.map(|user| user.to_string()) })
    }
}

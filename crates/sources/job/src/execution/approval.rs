//! Approvals: who may decide, until when, and what the decisions come to.

use backstay_model::execution::{DeadlineDefault, OnDeny};
use backstay_model::{Actor, ActorKind, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a step asks for before it may act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// What is to be decided.
    pub title: String,
    /// Who may decide.
    #[serde(default)]
    pub approvers: Approvers,
    /// How many must approve.
    pub min_approvals: u32,
    /// Whether the requester may not approve.
    pub four_eyes: bool,
    /// Until when it can be decided.
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline.
    pub default: DeadlineDefault,
    /// What a denial does to the execution.
    pub on_deny: OnDeny,
    /// A JSON Schema of the values that an approval gives.
    pub form: Option<Value>,
    /// Who asks.
    pub requester: Person,
}

/// Somebody who asks or decides. A user and the tokens that belong to the user are one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who acts.
    pub actor: Actor,
    /// The user to whom the token belongs with which they act.
    pub user: Option<String>,
}

impl Person {
    /// Somebody who acts without a token of a user.
    pub const fn of(actor: Actor) -> Self {
        Self { actor, user: None }
    }

    fn key(&self) -> (ActorKind, &str) {
        self.user.as_deref().map_or((self.actor.kind, self.actor.id.as_str()), |user| (ActorKind::User, user))
    }

    /// Whether both are the same person.
    pub fn is(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// Who may decide: those with at least one of the roles, and those with one of the names. When nobody is named, operators
/// and whoever may do more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvers {
    /// Roles.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Names or ids of users and tokens; the id of a user stands for the tokens that belong to the user, too.
    #[serde(default)]
    pub users: Vec<String>,
}

/// What one person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub person: Person,
    /// Whether it was an approval.
    pub approved: bool,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The values that go with it.
    pub values: Option<Value>,
}

/// Why somebody may not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNotDecide {
    /// The request does not name them.
    #[error("You are not among the approvers")]
    NotAsked,
    /// Four eyes are asked for.
    #[error("This approval takes another person than the one who asked for it")]
    Requester,
}

/// What decisions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tally {
    /// More approvals are needed.
    Open,
    /// Enough have approved.
    Approved,
    /// Somebody denied.
    Denied,
}

impl ApprovalRequest {
    /// Whether this person may decide.
    pub fn may_decide(&self, person: &Person, role: Role) -> Result<(), MayNotDecide> {
        let Person { actor, user: owner } = person;
        let is_named =
            |user: &String| *user == actor.id || *user == actor.name || Some(user) == owner.as_ref();
        let named = self.approvers.users.iter().any(is_named);
        let lowest = if self.approvers.roles.is_empty() && self.approvers.users.is_empty() {
            Some(Role::Operator)
        } else {
            self.approvers.roles.iter().copied().min()
        };
        if !named && lowest.is_none_or(|lowest| role < lowest) {
            return Err(MayNotDecide::NotAsked);
        }
        if self.four_eyes && person.is(&self.requester) {
            return Err(MayNotDecide::Requester);
        }
        Ok(())
    }

    /// What `decisions` come to: one denial is enough, approvals count once for each person.
    pub fn tally(&self, decisions: &[Decision]) -> Tally {
        if decisions.iter().any(|decision| !decision.approved) {
            return Tally::Denied;
        }
        let persons = decisions.iter().enumerate().filter(|(index, decision)| {
            !decisions[..*index].iter().any(|earlier| earlier.person.is(&decision.person))
        });
        if persons.count() >= self.min_approvals as usize { Tally::Approved } else { Tally::Open }
    }

    /// Whether nobody can decide any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_767_435_330_000_000);

    fn actor(name: &str) -> Person {
        Person::of(Actor { kind: ActorKind::User, id: format!("user-{name}"), name: name.to_owned() })
    }

    fn token(name: &str, owner: Option<&str>) -> Person {
        let actor = Actor { kind: ActorKind::Token, id: format!("token-{name}"), name: name.to_owned() };
        Person { actor, user: owner.map(|owner| format!("user-{owner}")) }
    }

    fn request() -> ApprovalRequest {
        ApprovalRequest {
            title: "Send it?".to_owned(),
            approvers: Approvers::default(),
            min_approvals: 1,
            four_eyes: false,
            deadline: None,
            default: DeadlineDefault::Deny,
            on_deny: OnDeny::Pause,
            form: None,
            requester: actor("rita"),
        }
    }

    fn decision(name: &str, approved: bool) -> Decision {
        Decision { person: actor(name), approved, reason: None, at: NOW, values: None }
    }

    #[test]
    fn who_may_decide() {
        let open = request();
        assert_eq!(open.may_decide(&actor("olaf"), Role::Operator), Ok(()));
        assert_eq!(open.may_decide(&actor("vera"), Role::Viewer), Err(MayNotDecide::NotAsked));
        let named = ApprovalRequest {
            approvers: Approvers { roles: vec![Role::Admin], users: vec!["vera".to_owned()] },
            ..request()
        };
        assert_eq!(named.may_decide(&actor("vera"), Role::Viewer), Ok(()));
        assert_eq!(named.may_decide(&actor("olaf"), Role::Technical), Err(MayNotDecide::NotAsked));
        assert_eq!(named.may_decide(&actor("anna"), Role::Superadmin), Ok(()));
        let only_users = ApprovalRequest {
            approvers: Approvers { roles: vec![], users: vec!["vera".to_owned()] },
            ..request()
        };
        assert_eq!(only_users.may_decide(&actor("anna"), Role::Superadmin), Err(MayNotDecide::NotAsked));
        let four_eyes = ApprovalRequest { four_eyes: true, ..request() };
        assert_eq!(four_eyes.may_decide(&actor("rita"), Role::Admin), Err(MayNotDecide::Requester));
        assert_eq!(four_eyes.may_decide(&actor("olaf"), Role::Operator), Ok(()));
        assert_eq!(
            four_eyes.may_decide(&token("ci", Some("rita")), Role::Operator),
            Err(MayNotDecide::Requester),
            "a token of hers is she"
        );
        assert_eq!(four_eyes.may_decide(&token("ci", None), Role::Operator), Ok(()));
        let by_id = ApprovalRequest {
            approvers: Approvers { roles: vec![], users: vec!["user-vera".to_owned()] },
            ..request()
        };
        assert_eq!(by_id.may_decide(&token("ci", Some("vera")), Role::Viewer), Ok(()));
    }

    #[test]
    fn decisions_are_counted_by_person() {
        let two = ApprovalRequest { min_approvals: 2, ..request() };
        assert_eq!(two.tally(&[]), Tally::Open);
        assert_eq!(two.tally(&[decision("a", true), decision("a", true)]), Tally::Open);
        assert_eq!(two.tally(&[decision("a", true), decision("b", true)]), Tally::Approved);
        assert_eq!(two.tally(&[decision("a", true), decision("b", false)]), Tally::Denied);
        let hers = Decision { person: token("ci", Some("a")), ..decision("a", true) };
        assert_eq!(two.tally(&[decision("a", true), hers]), Tally::Open);
    }

    #[test]
    fn the_deadline_itself_is_too_late() {
        let timed = ApprovalRequest { deadline: Some(NOW), ..request() };
        assert!(!timed.is_over(NOW.plus_seconds(-1)));
        assert!(timed.is_over(NOW));
    }
}

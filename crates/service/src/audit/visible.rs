//! Which events a caller sees.

use backstay_catalog::EventFilter as RowFilter;
use backstay_model::{Action, Caller, Outcome, Subject, policy};

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::EventFilter;

/// What everybody sees of the own tenant. The rest is about access: users, tokens, sessions, denied attempts, exports.
const OPEN_ACTIONS: [&str; 13] = [
    "snapshot.",
    "source.",
    "operation.",
    "group.",
    "task.",
    "repository.",
    "hold.",
    "dependency.",
    "checkpoint.",
    "job.",
    "execution.",
    "step.",
    "approval.",
];

/// The filter of the catalog for what `caller` may see of `filter`; `None` when that is nothing.
pub(crate) fn visible(caller: &Caller, filter: &EventFilter) -> Result<Option<RowFilter>> {
    let audits = policy::allows(caller.role, None, Action::Audit);
    let mut actions = filter.actions.clone();
    if !audits {
        actions = if actions.is_empty() {
            OPEN_ACTIONS.iter().map(|action| (*action).to_owned()).collect()
        } else {
            // A prefix that reaches beyond an open one is narrowed to it.
            actions.iter().flat_map(|wanted| narrowed(wanted)).collect()
        };
        if actions.is_empty() {
            return Ok(None);
        }
    }
    let outcome = match filter.outcome.as_deref() {
        Some(word) => Some(word.parse::<Outcome>().map_err(|error| ServiceError::invalid("outcome", error))?),
        None => None,
    };
    Ok(Some(RowFilter {
        tenant: Service::visible_tenant(caller),
        actor: filter.actor.clone(),
        actions,
        without: Vec::new(),
        outcome,
        source: filter.source.clone(),
        subject: filter.subject.as_ref().map(|id| Subject::new("", id)),
        since: filter.since,
        until: filter.until,
        text: filter.text.clone(),
    }))
}

fn narrowed(wanted: &str) -> Vec<String> {
    OPEN_ACTIONS
        .iter()
        .filter_map(|open| {
            if wanted.starts_with(open) {
                Some(wanted.to_owned())
            } else if open.starts_with(wanted) {
                Some((*open).to_owned())
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use backstay_model::{Actor, Role, TenantId};

    use super::*;

    fn caller(role: Role) -> Caller {
        Caller { actor: Actor::system("test"), tenant: TenantId::default_tenant(), role }
    }

    #[test]
    fn a_viewer_does_not_see_access() {
        let asked = |actions: &[&str]| {
            let actions = actions.iter().map(|action| (*action).to_owned()).collect();
            let filter = EventFilter { actions, ..EventFilter::default() };
            visible(&caller(Role::Viewer), &filter).unwrap().map(|filter| filter.actions)
        };
        assert_eq!(asked(&["user."]), None);
        assert_eq!(asked(&["snapshot.created"]), Some(vec!["snapshot.created".to_owned()]));
        assert_eq!(asked(&["s"]), Some(["snapshot.", "source.", "step."].map(str::to_owned).to_vec()));
        assert!(asked(&[]).unwrap().iter().all(|action| !"session.started".starts_with(action.as_str())));
    }

    #[test]
    fn an_administrator_sees_all_of_the_tenant_and_no_other() {
        let filter = visible(&caller(Role::Admin), &EventFilter::default()).unwrap().unwrap();
        assert!(filter.actions.is_empty());
        assert_eq!(filter.tenant, Some(TenantId::default_tenant()));
        assert_eq!(
            visible(&caller(Role::Superadmin), &EventFilter::default()).unwrap().unwrap().tenant,
            None
        );
    }
}

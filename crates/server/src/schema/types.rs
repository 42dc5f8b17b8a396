//! One checker for each type of body, made on first use.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::Checker;

static CHECKERS: LazyLock<RwLock<HashMap<TypeId, Arc<Checker>>>> = LazyLock::new(RwLock::default);

/// The checker of the schema of `T`.
pub(crate) fn body_checker<T: ToSchema + 'static>() -> Arc<Checker> {
    let id = TypeId::of::<T>();
    if let Some(checker) = CHECKERS.read().expect("no holder of this lock panics").get(&id) {
        return Arc::clone(checker);
    }
    let mut parts = vec![];
    T::schemas(&mut parts);
    let components = parts.into_iter().map(|(name, schema)| (name, to_json(&schema))).collect();
    let checker = Arc::new(Checker::new(to_json(&T::schema()), components));
    CHECKERS.write().expect("no holder of this lock panics").insert(id, Arc::clone(&checker));
    checker
}

pub(super) fn to_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a schema is JSON")
}

#[cfg(test)]
mod tests {
    use backstay_api::prune::PruneRequest;
    use backstay_api::snapshot::NewSnapshot;
    use backstay_api::workspace::NewWorkspace;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bounds_of_the_wire_types_hold() {
        let checker = body_checker::<NewWorkspace>();
        assert!(checker.check(&json!({"name":"My work_1.0","root":"/srv/x"})).is_empty());
        assert_eq!(checker.check(&json!({"name":"a/b","root":"relative"})).len(), 2);
        assert_eq!(checker.check(&json!({"name":"x".repeat(101),"root":"/", "x": 1})).len(), 2);
    }

    #[test]
    fn bounds_reach_into_lists_and_nested_objects() {
        let checker = body_checker::<NewSnapshot>();
        assert!(checker.check(&json!({})).is_empty());
        assert_eq!(checker.check(&json!({"paths":["a", ""]}))[0].field, "paths[1]");
        assert_eq!(checker.check(&json!({"label":"a\nb"}))[0].field, "label");
        let checker = body_checker::<PruneRequest>();
        assert_eq!(checker.check(&json!({"rules":{"keep_daily":-1}}))[0].field, "rules.keep_daily");
        assert_eq!(checker.check(&json!({"rules":{"keep_within":"30 days"}}))[0].field, "rules.keep_within");
    }
}

//! Checking parameters before there is a trainer.

use std::collections::BTreeMap;

use backstay_trainer::Parameters;
use serde_json::Value;

/// What is wrong with these values of parameters, by name; nothing when a trainer takes all of them. The number of threads is no part
/// of a state, and therefore none of these.
pub fn check_parameters(changes: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    let defaults = Parameters::default();
    let problem = |(name, value): (&String, &Value)| {
        if name == "threads" {
            return Some((name.clone(), "is no parameter of a run".to_owned()));
        }
        let problems = defaults.with([(name.as_str(), value)]).err()?;
        Some((name.clone(), problems.first().map(|problem| problem.problem.clone()).unwrap_or_default()))
    };
    changes.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_trainer_would_refuse_is_told_by_name() {
        let changes = |value: Value| serde_json::from_value(value).unwrap();
        assert!(check_parameters(&changes(json!({"seed": 7, "learning_rate": 0.1}))).is_empty());
        let wrong = json!({"learning_rate": -5, "threads": 2, "speed": 1, "seed": 7});
        let names: Vec<_> = check_parameters(&changes(wrong)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["learning_rate", "speed", "threads"]);
    }
}

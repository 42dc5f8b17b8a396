//! The retention policy of jobs that have none, as a setting.

use std::fmt;
use std::str::FromStr;

use backstay_model::retention::job::JobRules;
use serde::Deserialize;

/// A policy; as text it is JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "JobRules")]
pub(crate) struct JobRetention(pub(crate) JobRules);

impl TryFrom<JobRules> for JobRetention {
    type Error = String;

    fn try_from(rules: JobRules) -> Result<Self, String> {
        match rules.problems().first() {
            Some((field, problem)) => Err(format!("{field}: {problem}")),
            None => Ok(Self(rules)),
        }
    }
}

impl FromStr for JobRetention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

impl fmt::Display for JobRetention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", serde_json::json!(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_json_within_its_bounds() {
        let policy: JobRetention = r#"{"keep_last": 100, "keep_for_s": 3600}"#.parse().unwrap();
        assert_eq!(policy.to_string(), r#"{"keep_for_s":3600,"keep_last":100}"#);
        for (text, wanted) in
            [(r#"{"keep_last": 0}"#, "keep_last"), (r#"{"keep": 1}"#, "unknown field"), ("5", "invalid type")]
        {
            let error = text.parse::<JobRetention>().unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}

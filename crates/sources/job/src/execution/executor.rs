//! Executors: for which jobs one is, and what it answers.

use globset::GlobBuilder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest glob, in bytes.
const MAX_GLOB_BYTES: usize = 255;
/// The longest reason that is taken over from an executor, in characters.
const LONGEST_REASON: usize = 200;

/// How well globs fit a job; a greater one fits better.
///
/// One that is the very name of the job or its workflow fits best, then the one with the most characters that stand for
/// themselves. `None`: none fits.
pub fn fitness(globs: &[String], job: &str, workflow: Option<&str>) -> Option<usize> {
    let fits = globs.iter().filter_map(|glob| {
        let is_name = glob == job || Some(glob.as_str()) == workflow;
        if is_name {
            return Some(usize::MAX);
        }
        let matcher = compile(glob).ok()?.compile_matcher();
        let fits = matcher.is_match(job) || workflow.is_some_and(|workflow| matcher.is_match(workflow));
        fits.then(|| glob.chars().filter(|c| !"*?[]{}".contains(*c)).count())
    });
    fits.max()
}

/// Whether a text is a glob.
pub fn is_glob(glob: &str) -> bool {
    (1..=MAX_GLOB_BYTES).contains(&glob.len()) && !glob.chars().any(char::is_control) && compile(glob).is_ok()
}

/// Names of jobs are no paths: `*` stands for slashes, too.
fn compile(glob: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(false).backslash_escape(true).build()
}

/// What an executor answers to a message.
#[derive(Debug, Deserialize)]
struct Body<'b> {
    #[serde(default)]
    accepted: bool,
    reason: Option<String>,
    #[serde(borrow)]
    state: Option<&'b RawValue>,
}

/// An answer of an executor with status 2xx, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Yes; with the JSON text of the present state, when it gave one.
    Accepted(Option<String>),
    /// No, and why.
    Refused(String),
}

impl Reply {
    /// Reads the body of an answer: only `{"accepted": true}` is a yes.
    pub fn read(body: &[u8]) -> Self {
        // A list would be read as the fields in their order.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice::<Body<'_>>(if is_object { body } else { b"" }) {
            Ok(Body { accepted: true, state, .. }) => {
                Self::Accepted(state.map(|state| state.get().to_owned()))
            }
            Ok(Body { reason, .. }) => {
                Self::Refused(reason.map_or_else(|| "the executor refused".to_owned(), |text| line(&text)))
            }
            Err(_) => Self::Refused("the executor did not say that it accepted".to_owned()),
        }
    }
}

/// One line of a text from outside, shortened.
pub fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = plain.take(LONGEST_REASON).collect();
    let line = line.trim();
    if line.is_empty() { "the executor refused".to_owned() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_best_glob_says_how_well_an_executor_fits() {
        assert_eq!(fitness(&globs(&["*"]), "any/thing", None), Some(0));
        assert_eq!(fitness(&globs(&["*", "night*"]), "nightly", None), Some(5));
        assert_eq!(fitness(&globs(&["night*", "nightly"]), "nightly", None), Some(usize::MAX));
        assert_eq!(fitness(&globs(&["reports"]), "job-1", Some("reports")), Some(usize::MAX));
        assert_eq!(fitness(&globs(&["rep*"]), "job-1", Some("reports")), Some(3));
        assert_eq!(fitness(&globs(&["a*/?"]), "a/b/c", None), Some(2));
        assert_eq!(fitness(&globs(&["x*", "["]), "nightly", Some("reports")), None);
        assert_eq!(fitness(&[], "nightly", None), None);
    }

    #[test]
    fn what_is_no_glob_is_told() {
        assert!(is_glob("a[bc]*") && is_glob("{a,b}"));
        for wrong in ["", "[", "{a", "a\nb", &"x".repeat(256)] {
            assert!(!is_glob(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        assert_eq!(Reply::read(b"{\"accepted\":true,\"more\":1}"), Reply::Accepted(None));
        assert_eq!(
            Reply::read(b"{\"accepted\": true, \"state\": {\"n\":1e2}}"),
            Reply::Accepted(Some("{\"n\":1e2}".to_owned()))
        );
        assert_eq!(
            Reply::read(b"{\"accepted\":false,\"reason\":\"busy\\u0000\\nnow\"}"),
            Reply::Refused("busy  now".to_owned())
        );
        for no in ["{}", "{\"accepted\":false}", "{\"reason\":\" \"}"] {
            assert_eq!(Reply::read(no.as_bytes()), Reply::Refused("the executor refused".to_owned()), "{no}");
        }
        for nothing in
            ["", "true", "{\"accepted\":\"true\"}", "{\"accepted\":1}", "<html>", "[true,null,null]"]
        {
            let no = Reply::Refused("the executor did not say that it accepted".to_owned());
            assert_eq!(Reply::read(nothing.as_bytes()), no, "{nothing}");
        }
        let long = format!("{{\"reason\":\"{}\"}}", "é".repeat(1000));
        assert_eq!(Reply::read(long.as_bytes()), Reply::Refused("é".repeat(200)));
    }
}

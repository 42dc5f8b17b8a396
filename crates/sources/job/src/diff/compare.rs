//! The structural difference of two trees.

use std::hash::{DefaultHasher, Hash, Hasher};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::json::Json;

/// What kind of change one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A value that was not there.
    Add,
    /// A value that is no longer there.
    Remove,
    /// Another value in the same place.
    Replace,
}

/// One operation of the way from the old tree to the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it does.
    pub kind: ChangeKind,
    /// Where: a JSON pointer into the tree as the operations before have left it.
    pub path: String,
    /// The value before.
    pub old: Option<Json>,
    /// The value after.
    pub new: Option<Json>,
}

/// Lists longer than this on both sides, beginning and end in common left out, are not aligned: the search would take
/// the square of their length.
const MAX_ALIGNED: usize = 4000;

/// The operations that turn `old` into `new`, in the order in which they are to be applied.
///
/// Items of lists are aligned (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986), so that an insertion
/// at the front is one operation. Numbers are equal when their texts are.
pub fn diff(old: &Json, new: &Json) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut String::new(), old, new, &mut changes);
    changes
}

fn compare(path: &mut String, old: &Json, new: &Json, out: &mut Vec<Change>) {
    match (old, new) {
        (Json::Object(before), Json::Object(after)) => {
            for (key, value) in before {
                within(path, key, |path| match new.get(key) {
                    Some(found) => compare(path, value, found, out),
                    None => push(out, ChangeKind::Remove, path, Some(value), None),
                });
            }
            for (key, value) in after.iter().filter(|(key, _)| old.get(key).is_none()) {
                within(path, key, |path| push(out, ChangeKind::Add, path, None, Some(value)));
            }
        }
        (Json::Array(before), Json::Array(after)) => lists(path, before, after, out),
        _ if old == new => {}
        _ => push(out, ChangeKind::Replace, path, Some(old), Some(new)),
    }
}

/// Works from the end to the front, so that an index is still that of the old list when its turn comes.
fn lists(path: &mut String, old: &[Json], new: &[Json], out: &mut Vec<Change>) {
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let back = old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, after) = (&old[front..old.len() - back], &new[front..new.len() - back]);
    let steps = if before.len().max(after.len()) > MAX_ALIGNED {
        vec![(0..before.len(), 0..after.len())]
    } else {
        let hashes = |items: &[Json]| items.iter().map(hash).collect::<Vec<_>>();
        let aligned = capture_diff_slices(Algorithm::Myers, &hashes(before), &hashes(after));
        // Only the lengths of the steps are certain: their places are not moved when the library moves steps.
        let (mut old_at, mut new_at) = (0, 0);
        let place = |step: &DiffOp| {
            let from = old_at..old_at + step.old_range().len();
            let to = new_at..new_at + step.new_range().len();
            (old_at, new_at) = (from.end, to.end);
            (from, to)
        };
        aligned.iter().map(place).collect()
    };
    for (from, to) in steps.into_iter().rev() {
        let (from, to) = (from.start + front..from.end + front, to.start + front..to.end + front);
        let paired = from.len().min(to.len());
        for index in (from.start + paired..from.end).rev() {
            within(path, &index.to_string(), |path| {
                push(out, ChangeKind::Remove, path, Some(&old[index]), None);
            });
        }
        for (n, value) in new[to.start + paired..to.end].iter().enumerate() {
            let index = from.start + paired + n;
            within(path, &index.to_string(), |path| push(out, ChangeKind::Add, path, None, Some(value)));
        }
        for n in (0..paired).rev() {
            let index = from.start + n;
            within(path, &index.to_string(), |path| compare(path, &old[index], &new[to.start + n], out));
        }
    }
}

fn hash(json: &Json) -> u64 {
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    hasher.finish()
}

fn within(path: &mut String, token: &str, work: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&token.replace('~', "~0").replace('/', "~1"));
    work(path);
    path.truncate(length);
}

fn push(out: &mut Vec<Change>, kind: ChangeKind, path: &str, old: Option<&Json>, new: Option<&Json>) {
    out.push(Change { kind, path: path.to_owned(), old: old.cloned(), new: new.cloned() });
}

impl ChangeKind {
    /// The word of RFC 6902.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

impl Change {
    /// The operation as an object of a JSON Patch.
    pub fn to_operation(&self) -> Json {
        let text = |text: &str| Json::String(text.to_owned());
        let mut fields =
            vec![("op".to_owned(), text(self.kind.as_str())), ("path".to_owned(), text(&self.path))];
        fields.extend(self.new.clone().map(|value| ("value".to_owned(), value)));
        Json::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diff::patch;

    fn operations(old: &str, new: &str) -> String {
        let changes = diff(&Json::parse(old).unwrap(), &Json::parse(new).unwrap());
        Json::Array(changes.iter().map(Change::to_operation).collect()).to_text()
    }

    #[test]
    fn an_insertion_at_the_front_is_one_operation() {
        assert_eq!(operations("[1,2,3]", "[0,1,2,3]"), r#"[{"op":"add","path":"/0","value":0}]"#);
        assert_eq!(operations("[1,2,3]", "[2,3]"), r#"[{"op":"remove","path":"/0"}]"#);
        assert_eq!(
            operations(r#"[{"a":1},{"a":2}]"#, r#"[{"a":1},{"a":3}]"#),
            r#"[{"op":"replace","path":"/1/a","value":3}]"#
        );
        assert_eq!(
            operations(r#"{"a/b":1}"#, r#"{"a~b":1}"#),
            r#"[{"op":"remove","path":"/a~1b"},{"op":"add","path":"/a~0b","value":1}]"#
        );
        assert_eq!(operations("{}", "{}"), "[]");
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (0..5i32).prop_map(|n| Json::Number(n.to_string())),
            "[ab/~]{0,2}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                proptest::collection::btree_map("[a-c/~]{0,2}", inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn steps_that_were_moved_have_their_place() {
        let read = |text| Json::parse(text).unwrap();
        let (old, new) = (read("[null,false,false,null]"), read("[null,null,null,0]"));
        let operations = diff(&old, &new).iter().map(Change::to_operation).collect();
        assert!(patch(old, &Json::Array(operations)).unwrap().equals(&new));
    }

    proptest! {
        #[test]
        fn the_patch_of_a_difference_gives_the_other(old in tree(), new in tree()) {
            let operations = diff(&old, &new).iter().map(Change::to_operation).collect();
            let patched = patch(old, &Json::Array(operations)).unwrap();
            prop_assert!(patched.equals(&new), "{} instead of {}", patched.to_text(), new.to_text());
        }
    }
}

//! The readable part of a checkpoint's id.

/// The longest slug.
const LONGEST: usize = 64;

/// Each run of what is not `A-Za-z0-9._-` becomes one `-`; `.` and `-` at the ends are cut; at most 64 characters;
/// `step` when nothing is left.
pub fn slug(step_name: &str) -> String {
    let mut out = String::with_capacity(step_name.len().min(LONGEST));
    let mut in_run = false;
    for c in step_name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
            out.push(c);
            in_run = false;
        } else if !in_run {
            out.push('-');
            in_run = true;
        }
    }
    let cut = |text: &str| text.trim_matches(['.', '-']).to_owned();
    let mut out = cut(&out);
    out.truncate(LONGEST);
    let out = cut(&out);
    if out.is_empty() { "step".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_becomes_a_plain_word() {
        for (name, expected) in [
            ("step_2", "step_2"),
            ("../../evil", "evil"),
            ("a/b", "a-b"),
            ("a  b\u{e9}c", "a-b-c"),
            ("...", "step"),
            ("\u{1f600}", "step"),
            ("-x-", "x"),
        ] {
            assert_eq!(slug(name), expected, "{name:?}");
        }
        assert_eq!(slug(&"x".repeat(255)).len(), 64);
        assert_eq!(slug(&format!("{}./{}", "x".repeat(63), "y")), "x".repeat(63));
    }
}

//! Writes a scalar in the style of the one that it replaces.

use super::node::Style;

/// `text` as a scalar. Plain stays plain where that reads back as the same text; a block becomes double quotes.
pub(crate) fn render(text: &str, style: Style) -> String {
    match style {
        Style::Plain if plain_is_safe(text) => text.to_owned(),
        Style::Single if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', "''")),
        _ => double(text),
    }
}

fn double(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_control() => {
                let code = format!("\\u{:04x}", u32::from(other));
                quoted.push_str(&code);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `text` reads back as itself without quotes, in block and in flow context.
fn plain_is_safe(text: &str) -> bool {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '.'));
    let ends_well = !text.ends_with([':', ' ']);
    let word = text.to_ascii_lowercase();
    let means_else =
        matches!(word.as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    let holds_else = text.contains(": ")
        || text.contains(" #")
        || text.chars().any(|c| c.is_control() || ",[]{}".contains(c));
    begins_well && ends_well && !means_else && !holds_else && !text.starts_with("...")
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_reads_back(text in "[ -~é\\n\\t]{0,40}", style in 0..4) {
            let style = [Style::Plain, Style::Single, Style::Double, Style::Block][style as usize];
            for document in [format!("k: {}\n", render(&text, style)), format!("{{k: {}}}\n", render(&text, style))] {
                let root = parse(&document).unwrap().unwrap();
                prop_assert_eq!(root.get("k").unwrap().text(), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn plain_stays_plain_where_it_can() {
        assert_eq!(render("https://h/kb#v2", Style::Plain), "https://h/kb#v2");
        assert_eq!(render("1.0", Style::Plain), "\"1.0\"");
        assert_eq!(render("it's", Style::Single), "'it''s'");
    }
}

//! From text to nodes, within bounds.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::node::{Entry, Node, Scalar, Style, Value};

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The most nodes, those used through aliases counted each time.
const MAX_NODES: usize = 100_000;
/// The deepest nesting, through aliases too.
const MAX_DEPTH: usize = 64;

/// Why text is not acceptable YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct YamlError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

impl YamlError {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

/// Parses one document; `None` when there is nothing in it but comments.
///
/// Refuses more than [`MAX_BYTES`], 100,000 nodes, a nesting of 64, several documents, and a key given twice.
pub fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError::new(1, "the file is larger than 1 MiB"));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { text, ..Builder::default() };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| YamlError::new(error.marker().line(), error.info()))?;
        builder.take(event, &span)?;
    }
    Ok(builder.root.filter(|root| !(root.is_null() && root.span.is_empty())))
}

/// A collection whose end was not seen yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<Node>,
    /// The nodes in it so far and the levels below it.
    nodes: usize,
    depth: usize,
    /// Where the entry of a key was seen first, to find a key given twice.
    seen: HashMap<String, usize>,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    root: Option<Node>,
    documents: usize,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let line = span.start.line();
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(YamlError::new(line, "the file has more than one document"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let value = Value::Scalar(Scalar { text: text.into_owned(), style });
                let node = Node { line, span: range, shared: false, value };
                self.finished(Anchored { node, nodes: 1, depth: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Value::Sequence(Vec::new()), anchor, line, range),
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                self.open(Value::Mapping { entries: Vec::new(), flow }, anchor, line, range)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let mut open =
                    self.stack.pop().ok_or_else(|| YamlError::new(line, "an end without a beginning"))?;
                let closes = matches!(self.text.as_bytes().get(range.start), Some(b']' | b'}'));
                open.node.span.end = if closes && range.end > range.start {
                    range.end
                } else {
                    last_end(&open.node).max(open.node.span.start)
                };
                merge(&mut open)?;
                let Open { node, anchor, nodes, depth, .. } = open;
                self.finished(Anchored { node, nodes: nodes + 1, depth: depth + 1 }, anchor)
            }
            Event::Alias(id) => {
                let found = self.anchors.get(&id).cloned();
                let mut anchored =
                    found.ok_or_else(|| YamlError::new(line, "an alias is used inside its own anchor"))?;
                share(&mut anchored.node);
                anchored.node.line = line;
                anchored.node.span = range;
                self.finished(anchored, 0)
            }
            _ => Ok(()),
        }
    }

    fn range(&self, span: &Span) -> std::ops::Range<usize> {
        let at = |byte: Option<usize>| byte.unwrap_or(0).min(self.text.len());
        let start = at(span.start.byte_offset());
        start..at(span.end.byte_offset()).max(start)
    }

    fn open(
        &mut self,
        value: Value,
        anchor: usize,
        line: usize,
        range: std::ops::Range<usize>,
    ) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(YamlError::new(line, "the nesting is deeper than 64"));
        }
        let node = Node { line, span: range, shared: false, value };
        self.stack.push(Open { node, anchor, key: None, nodes: 0, depth: 0, seen: HashMap::new() });
        Ok(())
    }

    fn finished(&mut self, done: Anchored, anchor: usize) -> Result<(), YamlError> {
        let line = done.node.line;
        if self.stack.len() + done.depth > MAX_DEPTH {
            return Err(YamlError::new(line, "the nesting is deeper than 64"));
        }
        // Whatever an alias repeats is counted again; a collection's own children were counted one by one.
        self.nodes +=
            if done.node.shared || matches!(done.node.value, Value::Scalar(_)) { done.nodes } else { 1 };
        if self.nodes > MAX_NODES {
            return Err(YamlError::new(line, "the file has more than 100,000 values"));
        }
        if anchor != 0 {
            self.nodes += done.nodes;
            self.anchors.insert(anchor, done.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(done.node);
            return Ok(());
        };
        open.nodes += done.nodes;
        open.depth = open.depth.max(done.depth);
        match &mut open.node.value {
            Value::Sequence(items) => items.push(done.node),
            Value::Mapping { entries, .. } => {
                if let Some(key) = open.key.take() {
                    entries.push(Entry { key, value: done.node });
                } else {
                    let Value::Scalar(Scalar { text, .. }) = &done.node.value else {
                        return Err(YamlError::new(line, "a key is a list or a mapping"));
                    };
                    if let Some(first) = open.seen.insert(text.clone(), line) {
                        let text = crate::name::shown(text);
                        let problem = format!("the key `{text}` is there already, in line {first}");
                        return Err(YamlError::new(line, problem));
                    }
                    open.key = Some(done.node);
                }
            }
            Value::Scalar(_) => {}
        }
        Ok(())
    }
}

/// The end of the last thing in a collection.
fn last_end(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => node.span.end,
        Value::Sequence(items) => items.iter().map(|item| item.span.end).max().unwrap_or(node.span.end),
        Value::Mapping { entries, .. } => entries
            .iter()
            .map(|entry| entry.value.span.end.max(entry.key.span.end))
            .max()
            .unwrap_or(node.span.end),
    }
}

/// Marks everything below as standing elsewhere. The depth is bounded.
fn share(node: &mut Node) {
    node.shared = true;
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter_mut().for_each(share),
        Value::Mapping { entries, .. } => {
            for entry in entries {
                share(&mut entry.key);
                share(&mut entry.value);
            }
        }
    }
}

/// Replaces the merge key `<<` by what it brings; what the mapping says itself wins.
fn merge(open: &mut Open) -> Result<(), YamlError> {
    let Value::Mapping { entries, .. } = &mut open.node.value else { return Ok(()) };
    let is_merge = |entry: &Entry| matches!(&entry.key.value, Value::Scalar(Scalar { text, style: Style::Plain }) if text == "<<");
    let Some(at) = entries.iter().position(is_merge) else { return Ok(()) };
    let brought = entries.remove(at).value;
    let line = brought.line;
    let sources = match brought.value {
        Value::Mapping { .. } => vec![brought],
        Value::Sequence(items) => items,
        Value::Scalar(_) => return Err(YamlError::new(line, "`<<` takes a mapping")),
    };
    for mut source in sources {
        share(&mut source);
        let Value::Mapping { entries: more, .. } = source.value else {
            return Err(YamlError::new(line, "`<<` takes a mapping"));
        };
        for entry in more {
            if let Some(text) = entry.key.text().map(str::to_owned)
                && !open.seen.contains_key(&text)
            {
                open.seen.insert(text, line);
                entries.push(entry);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse(text).unwrap().unwrap()
    }

    #[test]
    fn spans_are_the_bytes_of_the_values() {
        let text = "# é\na: 'x' # c\nb:\n  c: \"y#1\"\n  d: [1, {e: f}]\n\n# end\nz: |\n  block\n";
        let root = tree(text);
        let slice = |node: &Node| &text[node.span.clone()];
        assert_eq!(slice(root.get("a").unwrap()), "'x'");
        let b = root.get("b").unwrap();
        assert_eq!(slice(b.get("c").unwrap()), "\"y#1\"");
        assert_eq!(slice(b.get("d").unwrap()), "[1, {e: f}]");
        assert_eq!(slice(b), "c: \"y#1\"\n  d: [1, {e: f}]");
        assert_eq!((b.entry("d").unwrap().key.line, root.get("z").unwrap().text()), (5, Some("block\n")));
    }

    #[test]
    fn nothing_is_no_document_and_two_are_too_many() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("# only a comment\n").unwrap(), None);
        assert_eq!(parse("a: 1\n---\nb: 2\n").unwrap_err().line, 2);
    }

    #[test]
    fn a_key_given_twice_names_both_lines() {
        let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!((error.line, error.problem.contains("line 1")), (3, true));
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        let root = tree("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nsame: *b\n");
        let used = root.get("use").unwrap();
        assert_eq!((used.get("x").unwrap().text(), used.get("y").unwrap().text()), (Some("1"), Some("3")));
        assert!(used.get("x").unwrap().shared && !used.get("y").unwrap().shared);
        assert_eq!(root.get("same").unwrap().get("y").unwrap().text(), Some("2"));
    }

    #[test]
    fn an_alias_bomb_is_refused_early() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 9].join(", ");
            text = format!("{text}a{level}: &a{level} [{items}]\n");
        }
        assert!(parse(&text).unwrap_err().problem.contains("100,000"));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse(&"- ".repeat(10_000)).is_err());
        assert!(parse(&format!("{}1{}", "[".repeat(65), "]".repeat(65))).is_err());
    }

    #[test]
    fn an_alias_inside_its_own_anchor_is_refused() {
        assert!(parse("a: &a [*a]\n").is_err());
    }
}

//! Cells and lines of CSV (RFC 4180), safe to open in a spreadsheet.

/// Appends `cells` as one line. A cell that a spreadsheet would take for a formula gets a `'` before it.
pub(crate) fn append_line<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a str>) {
    for (number, cell) in cells.into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        append_cell(out, cell);
    }
    out.extend_from_slice(b"\r\n");
}

fn append_cell(out: &mut Vec<u8>, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    // All bytes are looked at, without a way out in the middle, so that the processor takes many at once.
    let quoted = cell.bytes().fold(false, |found, byte| found | matches!(byte, b'"' | b',' | b'\r' | b'\n'));
    if !formula && !quoted {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for (number, piece) in cell.split('"').enumerate() {
        if number > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[&str]) -> String {
        let mut out = Vec::new();
        append_line(&mut out, cells.iter().copied());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_needs_quotes_gets_them() {
        assert_eq!(line(&["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(line(&["a,b", "say \"x\"", "two\nlines"]), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
    }

    #[test]
    fn a_formula_is_disarmed() {
        for start in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(line(&[start]), format!("\"'{start}\"\r\n"), "{start:?}");
        }
        assert_eq!(line(&["a=1"]), "a=1\r\n");
    }
}

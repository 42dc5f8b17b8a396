//! Tables of numbers as text (RFC 4180, without line breaks in fields).

use crate::data::{DataError, MAX_VALUES, Table};

/// Reads a table. A first line in which no field is a number names the columns; empty lines are passed over.
pub(super) fn read(bytes: &[u8]) -> Result<Table, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = Table { width: 0, values: Vec::new() };
    let mut named = None;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let problem = |problem: String| DataError::Line { line: number + 1, problem };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = str::from_utf8(line).map_err(|_| problem("is no UTF-8 text".to_owned()))?;
        if line.trim().is_empty() {
            continue;
        }
        let fields = || line.split(',').map(|field| field.trim().trim_matches('"').trim());
        if table.width == 0 && named.is_none() && fields().all(|field| field.parse::<f64>().is_err()) {
            named = Some(fields().count());
            continue;
        }
        let start = table.values.len();
        for field in fields() {
            let value: f64 =
                field.parse().map_err(|_| problem(format!("`{}` is no number", shortened(field))))?;
            if !value.is_finite() {
                return Err(problem(format!("`{}` is not finite", shortened(field))));
            }
            table.values.push(value);
        }
        let width = table.values.len() - start;
        let wanted = if table.width > 0 { table.width } else { named.unwrap_or(width) };
        if width != wanted {
            return Err(problem(format!("has {width} fields where {wanted} are expected")));
        }
        if table.values.len() > MAX_VALUES {
            return Err(problem(format!("is beyond the {MAX_VALUES} values that are read")));
        }
        table.width = width;
    }
    if table.width == 0 {
        return Err(DataError::Format("the file has no numbers".to_owned()));
    }
    Ok(table)
}

/// The begin of a field, for a message.
fn shortened(field: &str) -> String {
    field.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_and_without_names() {
        for text in ["x,y,class\n1,-2.5,0\r\n\n3e-1, 4 ,\"1\"\n", "\u{feff}1,-2.5,0\n0.3,4,1"] {
            let table = read(text.as_bytes()).unwrap();
            assert_eq!((table.width, table.values), (3, vec![1.0, -2.5, 0.0, 0.3, 4.0, 1.0]));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, message) in [
            ("1,2\n3\n", "line 2: has 1 fields where 2 are expected"),
            ("a,b,c\n1,2\n", "line 2: has 2 fields where 3 are expected"),
            ("1,2\n3,x\n", "line 2: `x` is no number"),
            ("1,2\n3,\n", "line 2: `` is no number"),
            ("1,nan\n", "line 1: `nan` is not finite"),
            ("1,inf\n", "line 1: `inf` is not finite"),
            ("", "the file has no numbers"),
            ("a,b\n", "the file has no numbers"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), message, "{text:?}");
        }
        assert!(read(b"1,2\n\xff,3").is_err());
    }
}

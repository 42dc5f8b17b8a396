//! Many rows with one statement.

use std::fmt::Write;

use super::statement::Statement;
use super::value::Value;

/// The most rows of one statement.
const MOST: usize = 64;

/// Cuts `items` into batches of 64, 32, 16 and so on, so that few texts of statements are ever prepared.
pub(crate) fn batches<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let largest = items.len().min(MOST);
        if largest == 0 {
            return None;
        }
        let (batch, rest) = items.split_at(1 << largest.ilog2());
        items = rest;
        Some(batch)
    })
}

/// `($1, $2), ($3, $4)`: the places for the values of `count` rows of `columns` each.
pub(crate) fn rows(columns: usize, count: usize) -> String {
    let mut text = String::with_capacity(columns * count * 6);
    for row in 0..count {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "" } else { ", " };
            write!(text, "{separator}${}", row * columns + column + 1).expect("a String takes everything");
        }
        text.push(')');
    }
    text
}

/// Completes `statement` with `IN (…)` of `numbers`, at least one: as many places as the next power of two, the last
/// number again in what is left.
pub(crate) fn any_of<T: Into<Value> + Clone>(mut statement: Statement, numbers: &[T]) -> Statement {
    let places = numbers.len().next_power_of_two();
    let first = statement.values.len() + 1;
    let text = statement.text.to_mut();
    text.push_str(" IN (");
    for place in 0..places {
        let separator = if place == 0 { "" } else { ", " };
        write!(text, "{separator}${}", first + place).expect("a String takes everything");
    }
    text.push(')');
    for place in 0..places {
        let number = numbers.get(place).or(numbers.last()).cloned().expect("there is one at least");
        statement = statement.bind(number);
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::sql;

    #[test]
    fn batches_are_powers_of_two_and_lose_nothing() {
        let items: Vec<usize> = (0..201).collect();
        let sizes: Vec<usize> = batches(&items).map(<[usize]>::len).collect();
        assert_eq!(sizes, [64, 64, 64, 8, 1]);
        assert_eq!(batches(&items).flatten().copied().collect::<Vec<_>>(), items);
    }

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(rows(2, 2), "($1, $2), ($3, $4)");
        let statement = any_of(sql("x", "a = $1 AND b").bind(9i64), &[1i64, 2, 3]);
        assert_eq!(statement.text, "a = $1 AND b IN ($2, $3, $4, $5)");
        assert_eq!(statement.values.len(), 5);
    }
}

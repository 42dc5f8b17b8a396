//! Checkpoints in MessagePack, as far as they must be read to be taken apart.

use super::{Members, NO_MAPPING, Parts, VALUES};
use crate::manifest::Version;

const EARLY_END: &str = "it ends too early";
/// The code of the extension type in which a snapshot of a delta channel is wrapped.
const DELTA_SNAPSHOT: u8 = 7;

pub(super) fn take_apart(bytes: &[u8]) -> Result<Parts<'_>, &'static str> {
    let mut members = Members::of(mapping(bytes)?, mapping)?;
    let channels = members.channels(version, is_delta_snapshot)?;
    let mut head = Vec::new();
    put_map(&mut head, members.rest.len() + usize::from(!members.values.is_empty()));
    for (name, value) in &members.rest {
        put_text(&mut head, name);
        head.extend_from_slice(value);
    }
    if !members.values.is_empty() {
        put_text(&mut head, VALUES);
        put_map(&mut head, members.values.len());
        for (name, value) in &members.values {
            put_text(&mut head, name);
            head.extend_from_slice(value);
        }
    }
    Ok(Parts { head, channels })
}

/// What a value begins with.
enum Lead {
    /// It is over.
    Whole,
    /// So many bytes follow.
    Bytes(u64),
    /// So many values follow.
    Items(u64),
}

/// Takes values from the front.
struct Scanner<'b>(&'b [u8]);

impl<'b> Scanner<'b> {
    fn take(&mut self, count: u64) -> Result<&'b [u8], &'static str> {
        let count = usize::try_from(count).map_err(|_| EARLY_END)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(EARLY_END)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of `width` bytes, the highest first.
    fn number(&mut self, width: u64) -> Result<u64, &'static str> {
        Ok(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn lead(&mut self) -> Result<Lead, &'static str> {
        let first = self.number(1)?;
        Ok(match first {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Lead::Whole,
            0x80..=0x8f => Lead::Items((first & 0x0f) * 2),
            0x90..=0x9f => Lead::Items(first & 0x0f),
            0xa0..=0xbf => Lead::Bytes(first & 0x1f),
            0xc4..=0xc6 => Lead::Bytes(self.number(1 << (first - 0xc4))?),
            0xc7..=0xc9 => Lead::Bytes(self.number(1 << (first - 0xc7))? + 1),
            0xca => Lead::Bytes(4),
            0xcb => Lead::Bytes(8),
            0xcc..=0xcf => Lead::Bytes(1 << (first - 0xcc)),
            0xd0..=0xd3 => Lead::Bytes(1 << (first - 0xd0)),
            0xd4..=0xd8 => Lead::Bytes((1 << (first - 0xd4)) + 1),
            0xd9..=0xdb => Lead::Bytes(self.number(1 << (first - 0xd9))?),
            0xdc | 0xdd => Lead::Items(self.number(2 << (first - 0xdc))?),
            0xde | 0xdf => Lead::Items(self.number(2 << (first - 0xde))? * 2),
            _ => return Err("a value has an unknown form"),
        })
    }

    /// The next value, however deep it is nested.
    fn value(&mut self) -> Result<&'b [u8], &'static str> {
        let start = self.0;
        let mut open = 1_u64;
        while open > 0 {
            open -= 1;
            match self.lead()? {
                Lead::Whole => {}
                Lead::Bytes(count) => {
                    self.take(count)?;
                }
                // Each value has one byte at least, so no number is believed that cannot be.
                Lead::Items(count) if count > self.0.len() as u64 => return Err(EARLY_END),
                Lead::Items(count) => open += count,
            }
        }
        Ok(&start[..start.len() - self.0.len()])
    }

    fn text(&mut self) -> Result<String, &'static str> {
        let is_text = matches!(self.0.first(), Some(0xa0..=0xbf | 0xd9..=0xdb));
        match self.lead()? {
            Lead::Bytes(count) if is_text => {
                String::from_utf8(self.take(count)?.to_vec()).map_err(|_| NO_MAPPING)
            }
            _ => Err(NO_MAPPING),
        }
    }
}

/// The members of a mapping with texts as keys that is all of `bytes`.
fn mapping(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, &'static str> {
    let mut scanner = Scanner(bytes);
    if !matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(NO_MAPPING);
    }
    let Lead::Items(count) = scanner.lead()? else { return Err(NO_MAPPING) };
    let mut members = Vec::new();
    for _ in 0..count / 2 {
        members.push((scanner.text()?, scanner.value()?));
    }
    if scanner.0.is_empty() { Ok(members) } else { Err("something follows it") }
}

fn version(bytes: &[u8]) -> Option<Version> {
    let mut scanner = Scanner(bytes);
    let first = *bytes.first()?;
    if matches!(first, 0xa0..=0xbf | 0xd9..=0xdb) {
        return scanner.text().ok().map(Version::Text);
    }
    let rest = &bytes[1..];
    let number = || rest.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Some(match first {
        0x00..=0x7f | 0xe0..=0xff => Version::Int(i64::from(first.cast_signed())),
        0xca => Version::Float(f32::from_be_bytes(rest.try_into().ok()?).into()),
        0xcb => Version::Float(f64::from_be_bytes(rest.try_into().ok()?)),
        0xcc..=0xcf => Version::Int(i64::try_from(number()).ok()?),
        0xd0..=0xd3 => {
            // The sign is in the highest bit of what is there.
            let unused = 64 - 8 * u32::try_from(rest.len()).ok()?;
            Version::Int((number() << unused).cast_signed() >> unused)
        }
        _ => return None,
    })
}

/// Whether a value is the extension type of snapshots.
fn is_delta_snapshot(bytes: &[u8]) -> bool {
    let code = match bytes.first() {
        Some(0xd4..=0xd8) => bytes.get(1),
        Some(0xc7) => bytes.get(2),
        Some(0xc8) => bytes.get(3),
        Some(0xc9) => bytes.get(5),
        _ => None,
    };
    code == Some(&DELTA_SNAPSHOT)
}

fn put_map(out: &mut Vec<u8>, members: usize) {
    match u16::try_from(members) {
        Ok(few @ 0..=15) => out.push(0x80 | few as u8),
        Ok(some) => {
            out.push(0xde);
            out.extend_from_slice(&some.to_be_bytes());
        }
        Err(_) => {
            out.push(0xdf);
            out.extend_from_slice(&(members as u32).to_be_bytes());
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(0xdb);
    out.extend_from_slice(&(text.len() as u32).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Vec<u8> {
        let mut out = vec![0xa0 | text.len() as u8];
        out.extend_from_slice(text.as_bytes());
        out
    }

    fn map(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = vec![0x80 | members.len() as u8];
        for (name, value) in members {
            out.extend(text(name));
            out.extend_from_slice(value);
        }
        out
    }

    #[test]
    fn each_channel_is_the_bytes_that_it_was() {
        let list: &[u8] = &[0x93, 1, 0xc3, 0xcd, 1, 0];
        let snapshot: &[u8] = &[0xc7, 2, 7, 0x91, 5];
        let values = map(&[("a", list), ("b", snapshot), ("unversioned", &[9])]);
        let versions = map(&[
            ("a", &text("0001.5")),
            ("b", &[0xd1, 0xff, 0xfe]),
            ("none", &[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        ]);
        let whole = map(&[
            ("v", &[4]),
            ("channel_values", &values),
            ("channel_versions", &versions),
            ("id", &text("x")),
        ]);
        let parts = take_apart(&whole).unwrap();
        let channel = |name: &str, version, value, delta_snapshot| super::super::Part {
            name: name.into(),
            version,
            value,
            delta_snapshot,
        };
        assert_eq!(
            parts.channels,
            [
                channel("a", Version::Text("0001.5".into()), Some(list), false),
                channel("b", Version::Int(-2), Some(snapshot), true),
                channel("none", Version::Float(1.5), None, false),
            ]
        );
        let head = mapping(&parts.head).unwrap();
        let names: Vec<&str> = head.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["v", "id", "channel_values"]);
        assert_eq!(mapping(head[2].1).unwrap(), [("unversioned".to_owned(), &[9][..])]);
    }

    #[test]
    fn what_is_no_checkpoint_is_none() {
        for bytes in
            [&[][..], &[0x90], &[0x81, 1, 2], &map(&[("v", &[1])]), &[0xdf, 0xff, 0xff, 0xff, 0xff], &[0xc1]]
        {
            assert!(take_apart(bytes).is_err(), "{bytes:?}");
        }
        let two = [map(&[("channel_versions", &[0x80])]), vec![1]].concat();
        assert!(take_apart(&two).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = take_apart(&bytes);
            let _ = take_apart(&map(&[("channel_versions", &bytes)]));
        }
    }
}

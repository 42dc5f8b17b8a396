//! Events in the binary format of PostgreSQL's `COPY`.
//!
//! A signature, flags, an extension; then rows, each a number of fields and for each field its length, or -1 for NULL, and its
//! bytes; and -1 instead of a number of fields at the end. All integers are big-endian. See the section "File Formats" of
//! PostgreSQL's documentation of `COPY`.

use std::str::FromStr;

use backstay_model::{Actor, Event, EventData, EventHash, Subject, Timestamp};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The columns of an event.
const FIELDS: i16 = 16;

/// The bytes are not events.
struct Malformed;

type Parsed<T> = Result<T, Malformed>;

/// What remains to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Begins behind the header.
    fn of(bytes: &'a [u8]) -> Parsed<Self> {
        let mut rest = Self(bytes.strip_prefix(SIGNATURE).ok_or(Malformed)?);
        // Flags: none of them is for a reader that knows no later version.
        let _flags: [u8; 4] = rest.array()?;
        let extension = rest.length()?.ok_or(Malformed)?;
        rest.take(extension)?;
        Ok(rest)
    }

    fn take(&mut self, length: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// A length, or -1.
    fn length(&mut self) -> Parsed<Option<usize>> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| Malformed),
        }
    }

    /// Whether another row begins; all have the columns of an event.
    fn row(&mut self) -> Parsed<bool> {
        match i16::from_be_bytes(self.array()?) {
            -1 => Ok(false),
            FIELDS => Ok(true),
            _ => Err(Malformed),
        }
    }

    fn optional(&mut self) -> Parsed<Option<&'a [u8]>> {
        self.length()?.map(|length| self.take(length)).transpose()
    }

    fn fixed<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        self.optional()?.and_then(|bytes| bytes.try_into().ok()).ok_or(Malformed)
    }

    fn integer(&mut self) -> Parsed<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    fn optional_text(&mut self) -> Parsed<Option<&'a str>> {
        self.optional()?.map(std::str::from_utf8).transpose().map_err(|_| Malformed)
    }

    fn text(&mut self) -> Parsed<&'a str> {
        self.optional_text()?.ok_or(Malformed)
    }

    fn word<T: FromStr>(&mut self) -> Parsed<T> {
        self.text()?.parse().map_err(|_| Malformed)
    }

    fn optional_word<T: FromStr>(&mut self) -> Parsed<Option<T>> {
        self.optional_text()?.map(str::parse).transpose().map_err(|_| Malformed)
    }

    fn event(&mut self) -> Parsed<Event> {
        Ok(Event {
            seq: self.integer()?.try_into().map_err(|_| Malformed)?,
            at: Timestamp::from_micros(self.integer()?),
            tenant: self.word()?,
            actor: Actor { kind: self.word()?, id: self.text()?.to_owned(), name: self.text()?.to_owned() },
            action: self.text()?.to_owned(),
            kind: self.optional_word()?,
            source: self.optional_word()?,
            subject: Subject { kind: self.text()?.to_owned(), id: self.text()?.to_owned() },
            outcome: self.word()?,
            data: EventData::from_stored(self.text()?.to_owned()),
            request_id: self.optional_text()?.map(str::to_owned),
            prev_hash: EventHash::from_bytes(self.fixed()?),
            hash: EventHash::from_bytes(self.fixed()?),
        })
    }
}

/// How many events there are, and the number of the last; `None` when these are none.
pub(super) fn outline(bytes: &[u8]) -> Option<(u64, Option<i64>)> {
    let count = |bytes| {
        let mut rest = Rest::of(bytes)?;
        let (mut count, mut last) = (0, None);
        while rest.row()? {
            last = Some(rest.integer()?);
            for _ in 1..FIELDS {
                rest.optional()?;
            }
            count += 1;
        }
        Ok::<_, Malformed>((count, last))
    };
    count(bytes).ok()
}

/// The events; `None` when one of their values is not what it should be.
pub(super) fn events(bytes: &[u8]) -> Option<Vec<Event>> {
    let read = |bytes| {
        let mut rest = Rest::of(bytes)?;
        let mut events = Vec::new();
        while rest.row()? {
            events.push(rest.event()?);
        }
        Ok::<_, Malformed>(events)
    };
    read(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(rows: &[[Option<&[u8]>; 16]]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for row in rows {
            bytes.extend(FIELDS.to_be_bytes());
            for field in row {
                match field {
                    Some(field) => {
                        bytes.extend((field.len() as i32).to_be_bytes());
                        bytes.extend(*field);
                    }
                    None => bytes.extend((-1i32).to_be_bytes()),
                }
            }
        }
        bytes.extend((-1i16).to_be_bytes());
        bytes
    }

    fn row<'a>(seq: &'a [u8; 8], hash: &'a [u8; 32]) -> [Option<&'a [u8]>; 16] {
        let texts = ["default", "user", "u1", "Ann", "snapshot.created"];
        let mut row = [None; 16];
        row[0] = Some(&seq[..]);
        row[1] = Some(&seq[..]);
        for (place, text) in row[2..7].iter_mut().zip(texts) {
            *place = Some(text.as_bytes());
        }
        for (place, text) in row[9..13].iter_mut().zip(["snapshot", "s1", "ok", "{}"]) {
            *place = Some(text.as_bytes());
        }
        row[14] = Some(&hash[..]);
        row[15] = Some(&hash[..]);
        row
    }

    #[test]
    fn rows_become_events() {
        let (one, two, hash) = (1i64.to_be_bytes(), 2i64.to_be_bytes(), [7; 32]);
        let bytes = copy(&[row(&one, &hash), row(&two, &hash)]);
        assert_eq!(outline(&bytes), Some((2, Some(2))));
        let events = events(&bytes).unwrap();
        assert_eq!((events[0].seq, events[1].seq), (1, 2));
        assert_eq!((events[0].actor.name.as_str(), events[0].request_id.as_deref()), ("Ann", None));
        assert_eq!(outline(&copy(&[])), Some((0, None)));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let (one, hash) = (1i64.to_be_bytes(), [7; 32]);
        let mut negative = row(&one, &hash);
        let minus = (-1i64).to_be_bytes();
        negative[0] = Some(&minus);
        assert_eq!(events(&copy(&[negative])), None);
        let mut short = row(&one, &hash);
        short[15] = Some(&hash[..31]);
        assert_eq!(events(&copy(&[short])), None);
        let mut unknown = row(&one, &hash);
        unknown[11] = Some(b"maybe");
        assert_eq!(events(&copy(&[unknown])), None);

        let whole = copy(&[row(&one, &hash)]);
        for end in 0..whole.len() {
            assert_eq!((outline(&whole[..end]), events(&whole[..end])), (None, None), "{end}");
        }
        for place in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] ^= flip;
                let _ = (outline(&damaged), events(&damaged));
            }
        }
    }
}

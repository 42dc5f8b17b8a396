//! Sizes, times and counts as a person reads them.

use std::fmt;
use std::time::Duration;

use backstay_model::Timestamp;
use jiff::tz::TimeZone;

/// Bytes with a binary unit, for example `1.5 MiB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        f.pad(&format!("{value:.1} {}", UNITS[unit]))
    }
}

/// A time in the zone of this machine, to the second, for example `2026-01-03 11:15:30`.
pub(crate) fn local_time(instant: Timestamp) -> String {
    in_zone(instant, TimeZone::system())
}

fn in_zone(instant: Timestamp, zone: TimeZone) -> String {
    instant.to_jiff().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A duration with about three digits, for example `34 ms`, `1.25 s`, `3 min 20 s`.
pub(crate) fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", duration.as_millis())
    } else if seconds < 100.0 {
        format!("{seconds:.2} s")
    } else if seconds < 3600.0 {
        format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
    } else {
        format!("{} h {} min", duration.as_secs() / 3600, duration.as_secs() / 60 % 60)
    }
}

/// `1 file`, `2 files`, `12,345 files`.
pub(crate) fn count(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { singular } else { plural })
}

/// A number with a comma between groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A file name or other foreign text on one line: control characters, also those that steer a terminal, are escaped.
pub(crate) fn one_line(text: &str) -> String {
    if !text.chars().any(is_unsafe) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) { safe.extend(character.escape_default()) } else { safe.push(character) }
    }
    safe
}

/// Controls, and the marks that reorder text on a terminal.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_the_unit_that_keeps_them_short() {
        let shown: Vec<_> =
            [0, 1023, 1024, 1_572_864, 1024 * 1024 - 1, u64::MAX].map(|n| Size(n).to_string()).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "1.0 MiB", "16.0 EiB"]);
        assert_eq!(format!("{:>10}", Size(5)), "       5 B");
    }

    #[test]
    fn durations_read_naturally() {
        let shown =
            [34, 1250, 200_000, 7_500_000].map(|milliseconds| elapsed(Duration::from_millis(milliseconds)));
        assert_eq!(shown, ["34 ms", "1.25 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(1_234_567, "file", "files"), "1,234,567 files");
        assert_eq!(count(100, "file", "files"), "100 files");
    }

    #[test]
    fn a_hostile_name_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(one_line("plain ü"), "plain ü");
    }

    #[test]
    fn a_time_is_shown_to_the_second() {
        assert_eq!(
            in_zone(Timestamp::from_micros(1_767_435_330_123_456), TimeZone::UTC),
            "2026-01-03 10:15:30"
        );
    }
}

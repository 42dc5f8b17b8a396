//! Words of a shell text.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Writes a word so that a POSIX shell reads exactly its bytes (POSIX.1-2024, Shell Command Language, 2.2.2).
pub fn quote(word: &OsStr) -> OsString {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(byte);
    if !word.is_empty() && word.as_bytes().iter().all(plain) {
        return word.to_owned();
    }
    let mut quoted = vec![b'\''];
    for &byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            byte => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words: [&[u8]; 7] =
            [b"", b"plain-1.0", b"a b", b"it's", b"$(reboot) `x` \"y\" \\", b"line\nbreak\t*", b"\xff\xfe'"];
        for word in words {
            let mut text = OsString::from("printf %s ");
            text.push(quote(OsStr::from_bytes(word)));
            let output = std::process::Command::new("/bin/sh").arg("-c").arg(text).output().unwrap();
            assert_eq!(output.stdout, word);
        }
    }

    #[test]
    fn plain_words_stay_readable() {
        assert_eq!(quote(OsStr::new("--to=v1.2")), "--to=v1.2");
        assert_eq!(quote(OsStr::new("it's")), r"'it'\''s'");
    }
}

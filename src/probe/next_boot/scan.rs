//! The version that a module tells, in a stream: an initramfs is not read twice.
//!
//! Source: `MODULE_INFO` in include/linux/moduleparam.h of Linux: `version=535.161.08`, ended by a zero byte.

use std::io::{self, Read};

const FIELD: &[u8] = b"version=";
/// Bytes of a version that are looked at, and of the field in all.
const LONGEST: usize = 40;
const OVERLAP: usize = FIELD.len() + LONGEST + 2;
const CHUNK: usize = 128 << 10;

/// The version of NVIDIA's module; reads no further once it is found.
pub(super) fn version(content: &mut dyn Read) -> io::Result<Option<String>> {
    let mut window = vec![0; OVERLAP + CHUNK];
    let mut kept = 0;
    loop {
        let read = content.read(window.get_mut(kept..).unwrap_or_default())?;
        let filled = kept + read;
        let seen = window.get(..filled).unwrap_or_default();
        if let Some(version) = version_in(seen) {
            return Ok(Some(version));
        }
        if read == 0 {
            return Ok(None);
        }
        let from = filled.saturating_sub(OVERLAP);
        kept = filled - from;
        window.copy_within(from..filled, 0);
    }
}

fn version_in(bytes: &[u8]) -> Option<String> {
    let mut from = 0;
    while let Some(found) = bytes.get(from..)?.iter().position(|byte| *byte == b'v') {
        let at = from + found;
        from = at + 1;
        let is_begun = at
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let rest = bytes.get(at..).unwrap_or_default();
        if is_begun && let Some(value) = rest.strip_prefix(FIELD) {
            let length = value.iter().take(LONGEST).position(|byte| *byte == 0);
            let version = length.and_then(|length| std::str::from_utf8(value.get(..length)?).ok());
            if let Some(version) = version.filter(|version| is_version(version)) {
                return Some(version.to_owned());
            }
        }
    }
    None
}

/// Numbers with dots between them: `535.161.08`.
fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.contains('.') && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle<'b>(&'b [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn a_version_is_found_wherever_it_lies() {
        let field = b"license=NVIDIA\0srcversion=12.5\0version=535.161.08\0supported=external\0";
        for before in [0, 1, 20, CHUNK - 60, CHUNK - 30, CHUNK - 5, CHUNK, CHUNK + 3] {
            let module = [&vec![b'x'; before][..], b"\0version=%d.%d\0", field, &[7; 300]].concat();
            for step in [1000, CHUNK * 2] {
                let found = version(&mut Trickle(&module, step)).unwrap();
                assert_eq!(found.as_deref(), Some("535.161.08"), "{before} {step}");
            }
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "version=",
            "version=1.2",
            "srcversion=1.2\0",
            "version=abc.d\0",
            "version=1\0",
            "version=1..2\0",
        ] {
            assert_eq!(version(&mut text.as_bytes()).unwrap(), None, "{text}");
        }
    }
}

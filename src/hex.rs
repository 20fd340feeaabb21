//! Bytes in small hexadecimal digits.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The bytes, two digits each.
pub(crate) fn of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of the bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    of(&Sha256::digest(bytes))
}

//! Documents of ours that somebody else hands back: bounded, and each with the number of its layout.

use serde::Deserialize;

/// Largest document that is read, in bytes; one of ours has some ten thousand.
pub(crate) const LARGEST: u64 = 64 << 20;

/// The one field that every layout has.
#[derive(Deserialize)]
struct Layout {
    schema: u64,
}

/// The text of a document, and the number of its layout. Of a longer one the first bytes beyond [`LARGEST`] are enough.
///
/// # Errors
/// What is wrong with it: its length, a byte, or line and column.
pub(crate) fn read(bytes: Vec<u8>) -> Result<(String, u64), String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("more than {LARGEST} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let layout: Layout = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok((text, layout.schema))
}

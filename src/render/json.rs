//! JSON, for programs.

use serde::Serialize;

/// A document, indented, with a newline at its end.
///
/// # Panics
/// Never: reports and facts hold nothing that JSON cannot.
pub fn json(document: &impl Serialize) -> String {
    #[expect(
        clippy::expect_used,
        reason = "reports and facts hold strings, numbers and maps with text keys only"
    )]
    let mut text = serde_json::to_string_pretty(document).expect("a document of plain values");
    text.push('\n');
    text
}

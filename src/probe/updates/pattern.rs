//! Patterns of names: regular expressions.

use regex_lite::RegexBuilder;

/// Whether a name begins as a regular expression of Python's says; none where we cannot read that.
pub(super) fn begins_like(name: &str, expression: &str) -> Option<bool> {
    found(&format!("^(?:{expression})"), name)
}

/// The same anywhere in a text, as apt's preferences have it; one that we cannot read meets nothing.
pub(super) fn has(text: &str, expression: &str) -> bool {
    found(expression, text).unwrap_or(false)
}

/// Size of a compiled expression at most, in bytes.
const LARGEST: usize = 1 << 20;

fn found(expression: &str, text: &str) -> Option<bool> {
    let expression = RegexBuilder::new(expression).size_limit(LARGEST).build().ok()?;
    Some(expression.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_meet_from_the_beginning_of_a_name() {
        // The comments of 50unattended-upgrades: without the $ it would match all of them.
        for (name, expression, begins) in [
            ("libc6-dev", "libc6", Some(true)),
            ("libc6-dev", "libc6$", Some(false)),
            ("libxenstore3.0", "(lib)?xen(store)?", Some(true)),
            ("x-nvidia", "nvidia", Some(false)),
            ("nvidia", "(?=nvidia)", None),
            ("a", "(", None),
        ] {
            assert_eq!(begins_like(name, expression), begins, "{name} {expression}");
        }
    }
}

//! Patterns of names: regular expressions.

use regex_lite::RegexBuilder;

/// Whether a name begins as a regular expression of Python's says; one that we cannot read meets nothing.
pub(super) fn begins_like(name: &str, expression: &str) -> bool {
    found(&format!("^(?:{expression})"), name)
}

/// The same anywhere in a text, as apt's preferences have it.
pub(super) fn has(text: &str, expression: &str) -> bool {
    found(expression, text)
}

/// Size of a compiled expression at most, in bytes.
const LARGEST: usize = 1 << 20;

fn found(expression: &str, text: &str) -> bool {
    RegexBuilder::new(expression)
        .size_limit(LARGEST)
        .build()
        .is_ok_and(|expression| expression.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_meet_from_the_beginning_of_a_name() {
        // The comments of 50unattended-upgrades: without the $ it would match all of them.
        assert!(begins_like("libc6-dev", "libc6") && !begins_like("libc6-dev", "libc6$"));
        assert!(begins_like("libxenstore3.0", "(lib)?xen(store)?") && !begins_like("x-nvidia", "nvidia"));
        assert!(!begins_like("nvidia", "(?=nvidia)") && !begins_like("a", "("));
    }
}

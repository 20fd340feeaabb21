//! Patterns of names: regular expressions.

use regex_lite::{Regex, RegexBuilder};

/// What meets the names that begin as a regular expression of Python's says; none where we cannot read that.
pub(super) fn beginning(expression: &str) -> Option<Regex> {
    compiled(&format!("^(?:{expression})"))
}

/// The same anywhere in a text, as apt's preferences have it; one that we cannot read meets nothing.
pub(super) fn has(text: &str, expression: &str) -> bool {
    compiled(expression).is_some_and(|expression| expression.is_match(text))
}

/// Size of a compiled expression at most, in bytes.
const LARGEST: usize = 1 << 20;

fn compiled(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression).size_limit(LARGEST).build().ok()
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
            let said = beginning(expression).map(|expression| expression.is_match(name));
            assert_eq!(said, begins, "{name} {expression}");
        }
    }
}

//! Patterns of names: of the shell's kind, and regular expressions.

use regex_lite::RegexBuilder;

/// Whether a text is what a pattern with `*` and `?` says, as fnmatch(3) has it; classes in brackets are left to apt.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut of, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((at, of));
                of += 1;
            }
            Some(c) if *c == '?' || text.get(at) == Some(c) => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((from, star_of)) => {
                    star = Some((from + 1, star_of));
                    at = from + 1;
                    of = star_of + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(of..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
}

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
    fn patterns_of_the_shell() {
        for (text, pattern, is) in [
            ("Debian", "Debian", true),
            ("Debian-Security", "Debian*", true),
            ("nvidia-driver-535-server", "nvidia-*-server", true),
            ("nvidia-driver-535", "nvidia-*-server", false),
            ("abc", "a?c", true),
            ("", "*", true),
            ("a", "", false),
            ("aab", "*ab", true),
        ] {
            assert_eq!(is_like(text, pattern), is, "{text} {pattern}");
        }
    }

    #[test]
    fn expressions_meet_from_the_beginning_of_a_name() {
        // The comments of 50unattended-upgrades: without the $ it would match all of them.
        assert!(begins_like("libc6-dev", "libc6") && !begins_like("libc6-dev", "libc6$"));
        assert!(begins_like("libxenstore3.0", "(lib)?xen(store)?") && !begins_like("x-nvidia", "nvidia"));
        assert!(!begins_like("nvidia", "(?=nvidia)") && !begins_like("a", "("));
    }
}

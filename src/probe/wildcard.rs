//! Patterns of the shell's kind.

/// Whether a text is what a pattern with `*` and `?` says, as fnmatch(3) has it; classes in brackets are left to apt.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
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
}

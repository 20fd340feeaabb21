//! Which of two versions of a package of Debian's is newer. Source: deb-version(7).

use std::cmp::Ordering;

/// Compares as `dpkg --compare-versions` does: by epoch, by what stands before the last dash, by what stands behind it.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (Version::of(left), Version::of(right));
    left.epoch
        .cmp(&right.epoch)
        .then_with(|| part(left.upstream, right.upstream))
        .then_with(|| part(left.revision, right.revision))
}

struct Version<'a> {
    epoch: u64,
    upstream: &'a [u8],
    revision: &'a [u8],
}

impl<'a> Version<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self {
            epoch: epoch.parse().unwrap_or(0),
            upstream: upstream.as_bytes(),
            revision: revision.as_bytes(),
        }
    }
}

/// Letters before numbers before the end is not how it goes: `~` is before the end, and the end before all else.
fn part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (words, digits) = (take(&mut left, is_word), take(&mut left, is_digit));
        let (other_words, other_digits) = (take(&mut right, is_word), take(&mut right, is_digit));
        let ordering = word(words, other_words).then_with(|| number(digits, other_digits));
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    !byte.is_ascii_digit()
}

fn take<'a>(text: &mut &'a [u8], is_of: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|byte| !is_of(*byte)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

fn word(left: &[u8], right: &[u8]) -> Ordering {
    let longest = left.len().max(right.len());
    let rank = |text: &[u8], at: usize| match text.get(at) {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..longest)
        .map(|at| rank(left, at).cmp(&rank(right, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length.
fn number(left: &[u8], right: &[u8]) -> Ordering {
    let strip = |text: &[u8]| {
        text.iter()
            .position(|byte| *byte != b'0')
            .map_or(Vec::new(), |at| text.get(at..).unwrap_or_default().to_vec())
    };
    let (left, right) = (strip(left), strip(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each the older one first. Versions of deb-version(7), of Ubuntu's and of NVIDIA's archives.
    const PAIRS: [(&str, &str); 14] = [
        ("1.0~~", "1.0~~a"),
        ("1.0~~a", "1.0~"),
        ("1.0~", "1.0"),
        ("1.0", "1.0a"),
        ("535.161.08-0ubuntu2.22.04.1", "535.183.01-0ubuntu0.22.04.1"),
        ("535.161.08-1", "1:535.54.03-1"),
        ("6.5.0.1025.25~22.04.1", "6.8.0-1010.10~22.04.1"),
        ("6.8.0-1009.9", "6.8.0-1010.10"),
        ("5.15.0.99.96", "5.15.0.100.97"),
        ("525.147.05-7~deb12u1", "525.147.05-7"),
        ("1.09", "1.10"),
        ("2:1.0-1", "10:0.1-1"),
        ("1.0-1", "1.0-1+b1"),
        ("1.2", "1.2.1"),
    ];

    #[test]
    fn the_newer_one_is_told_both_ways() {
        for (old, new) in PAIRS {
            assert_eq!(compare(old, new), Ordering::Less, "{old} {new}");
            assert_eq!(compare(new, old), Ordering::Greater, "{new} {old}");
        }
        for (one, same) in [("1.0-0", "1.0"), ("0:1", "1"), ("1.01", "1.1"), ("", "0")] {
            assert_eq!(compare(one, same), Ordering::Equal, "{one} {same}");
        }
    }

    #[test]
    fn dpkg_says_the_same() {
        let dpkg = |old: &str, new: &str| {
            std::process::Command::new("dpkg").args(["--compare-versions", old, "lt", new]).status()
        };
        if dpkg("1", "2").is_err() {
            println!("skipped: no dpkg here");
            return;
        }
        let parts = ["1", "0", "~", "a", ".", "+", "-", "Z", "10", "09", "1:"];
        // Every text of up to three of them that dpkg takes for a version, each beside its successor.
        let texts: Vec<String> = (0..parts.len().pow(3))
            .map(|at| [at % 11, at / 11 % 11, at / 121].map(|at| parts[at]).concat())
            .filter(|text| {
                text.starts_with(|c: char| c.is_ascii_digit()) && text.rfind(':').is_none_or(|at| at == 1)
            })
            .filter(|text| !text.ends_with([':', '-']) && !text.contains(":~") && !text.contains(":a"))
            .step_by(3)
            .collect();
        for pair in texts.windows(2).step_by(2) {
            let [old, new] = pair else { panic!() };
            let says = dpkg(old, new).unwrap().success();
            assert_eq!(compare(old, new) == Ordering::Less, says, "{old} {new}");
        }
    }
}

//! The head and the tail of a stream that may be endless.

use std::fmt::Write;

/// Bytes kept from the beginning.
const HEAD: usize = 8 << 10;
/// Bytes kept from the end.
const TAIL: usize = 16 << 10;

/// Head and tail of what was written; memory does not grow with the rest.
#[derive(Debug, Default)]
pub struct Excerpt {
    head: Vec<u8>,
    tail: Vec<u8>,
    dropped: u64,
}

impl Excerpt {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        if self.tail.len() > 2 * TAIL {
            let excess = self.tail.len() - TAIL;
            self.tail.drain(..excess);
            self.dropped += excess as u64;
        }
    }

    /// The excerpt as text, with a line that says how much is left out; control characters are shown as such.
    pub fn text(&self) -> String {
        let excess = self.tail.len().saturating_sub(TAIL);
        let dropped = self.dropped + excess as u64;
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if dropped > 0 {
            let _ = write!(text, "\n[{dropped} bytes left out]\n");
        }
        text.push_str(&String::from_utf8_lossy(self.tail.get(excess..).unwrap_or_default()));
        text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stream_is_kept_whole() {
        let mut excerpt = Excerpt::default();
        excerpt.feed(b"one\n");
        excerpt.feed(b"two\x1b[0m");
        assert_eq!(excerpt.text(), "one\ntwo\u{fffd}[0m");
    }

    #[test]
    fn of_a_long_stream_head_and_tail_remain() {
        let mut excerpt = Excerpt::default();
        for i in 0..1_000_000_u32 {
            excerpt.feed(format!("{i}\n").as_bytes());
        }
        let text = excerpt.text();
        assert!(text.starts_with("0\n1\n"), "{}", &text[..20]);
        assert!(text.ends_with("999998\n999999\n"));
        assert!(text.len() < HEAD + TAIL + 64, "{}", text.len());
        let (_, after) = text.split_once("\n[").unwrap();
        let dropped: usize = after.split_once(' ').unwrap().0.parse().unwrap();
        let written: usize = (0..1_000_000_u32).map(|i| i.to_string().len() + 1).sum();
        assert_eq!(dropped, written - HEAD - TAIL);
    }
}

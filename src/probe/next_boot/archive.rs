//! The archives that an initramfs is made of: cpio of the kind "newc".
//!
//! Invariant: whatever the archive says of sizes, no more is kept than a head and a name.
//!
//! Source: <https://docs.kernel.org/driver-api/early-userspace/buffer-format.html>.

use std::io::{self, Read};

/// Length of a member's head.
const HEAD: usize = 110;
/// Longest name of a member, in bytes: `PATH_MAX` of Linux.
const LONGEST_NAME: u64 = 4096;
/// The name of the member that ends an archive.
const END: &str = "TRAILER!!!";
/// What heads begin with, without and with a sum of the content.
pub(super) const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];

/// What an archive is read from: some of it can be passed over without being read.
pub(super) trait Input: Read {
    /// Passes so many bytes over.
    fn pass(&mut self, bytes: u64) -> io::Result<()>;
}

/// Goes through the members up to the end of the archive. `visit` gets the name of each, and its content to read as much
/// of as it likes.
pub(super) fn members<I: Input>(
    input: &mut I,
    visit: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let mut head = [0; HEAD];
        input.read_exact(&mut head)?;
        if !MAGICS.iter().any(|magic| head.starts_with(magic)) {
            return Err(broken("no head of a member of a cpio archive"));
        }
        let (size, name_size) = (number(&head, 6)?, number(&head, 11)?);
        if name_size == 0 || name_size > LONGEST_NAME {
            return Err(broken("a member's name is too long"));
        }
        let mut name = vec![0; usize::try_from(name_size).unwrap_or_default()];
        input.read_exact(&mut name)?;
        input.pass(padding(HEAD as u64 + name_size))?;
        name.pop();
        let name = String::from_utf8_lossy(&name);
        if name == END {
            return Ok(());
        }
        let mut content = Read::take(&mut *input, size);
        visit(name.trim_start_matches("./"), &mut content)?;
        let left = content.limit();
        input.pass(left + padding(size))?;
    }
}

/// The number in this place of a head: eight digits in hexadecimal.
fn number(head: &[u8; HEAD], place: usize) -> io::Result<u64> {
    let at = 6 + place * 8;
    let digits = head.get(at..at + 8).and_then(|digits| std::str::from_utf8(digits).ok());
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| broken("a member's head holds no numbers"))
}

/// What is missing to a multiple of four.
fn padding(length: u64) -> u64 {
    length.next_multiple_of(4) - length
}

/// An error that says what is wrong with the form.
pub(super) fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Input for &[u8] {
        fn pass(&mut self, bytes: u64) -> io::Result<()> {
            let rest = usize::try_from(bytes).ok().and_then(|bytes| self.get(bytes..));
            *self = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(())
        }
    }

    fn names(mut archive: &[u8]) -> io::Result<Vec<(String, usize)>> {
        let mut names = Vec::new();
        members(&mut archive, &mut |name, content| {
            let mut read = Vec::new();
            content.take(2).read_to_end(&mut read)?;
            names.push((name.to_owned(), read.len()));
            Ok(())
        })?;
        Ok(names)
    }

    fn member(name: &str, content: &str) -> String {
        let head = format!("070701{:08X}{:08X}", 1, 0o100_644) + &"00000000".repeat(4);
        let head =
            format!("{head}{:08X}{}{:08X}00000000", content.len(), "00000000".repeat(4), name.len() + 1);
        let pad = |text: String| {
            let to = text.len().next_multiple_of(4);
            format!("{text:\0<to$}")
        };
        pad(format!("{head}{name}\0")) + &pad(content.to_owned())
    }

    #[test]
    fn members_are_told_with_their_content() {
        let archive =
            [member("./etc/one", "12345"), member("two", ""), member(END, ""), "rest".into()].concat();
        assert_eq!(names(archive.as_bytes()).unwrap(), [("etc/one".to_owned(), 2), ("two".to_owned(), 0)]);
    }

    #[test]
    fn garbage_is_an_error_and_no_more() {
        let whole = [member("one", "12345"), member(END, "")].concat();
        for cut in 0..whole.len() - 4 {
            assert!(names(&whole.as_bytes()[..cut]).is_err(), "{cut}");
        }
        for at in 0..whole.len() {
            let mut garbled = whole.clone().into_bytes();
            garbled[at] = b'Z';
            let _ = names(&garbled);
        }
    }
}

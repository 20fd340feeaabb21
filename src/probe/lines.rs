//! Lines of files that may be endless: never more of a file than asked for, never more of a line than `LONGEST`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take},
};

/// Bytes kept of a line; the rest of it is passed over.
const LONGEST: u64 = 2048;

/// The lines of a file, without what ends them; bytes that are no UTF-8 are replaced.
pub(crate) struct Lines<R> {
    reader: BufReader<Take<R>>,
}

impl<R: Read> Lines<R> {
    /// The lines in the first `most` bytes.
    pub(crate) fn first(reader: R, most: u64) -> Self {
        Self { reader: BufReader::new(reader.take(most)) }
    }
}

impl Lines<File> {
    /// The lines in the last `most` bytes; a line that begins before them is left out.
    pub(crate) fn last(mut file: File, most: u64) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        let start = size.saturating_sub(most);
        file.seek(SeekFrom::Start(start))?;
        let mut lines = Self::first(file, most);
        if start > 0 {
            lines.next();
        }
        Ok(lines)
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut line).ok()?;
        if read == 0 {
            return None;
        }
        if line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n').ok()?;
        }
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_line_without_end_costs_its_rest_alone() {
        let text = format!("a\r\n\n{}\nlast", "x".repeat(1 << 20));
        let lines: Vec<String> = Lines::first(text.as_bytes(), 2 << 20).collect();
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [1, 0, 2048, 4]);
        assert_eq!(Lines::first(text.as_bytes(), 2).collect::<Vec<_>>(), ["a"]);
        assert_eq!(Lines::first(&b"\xff\n"[..], 10).collect::<Vec<_>>(), ["\u{fffd}"]);
    }

    #[test]
    fn the_end_of_a_file_begins_with_a_whole_line() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\nthree\n").unwrap();
        let last = |most| Lines::last(file.try_clone().unwrap(), most).unwrap().collect::<Vec<_>>();
        assert_eq!(last(100), ["one", "two", "three"]);
        assert_eq!(last(8), ["three"]);
        assert_eq!(last(0), [""; 0]);
    }
}

//! Reports one after another, as `cat` and JSON Lines have them, cut into parts that hold whole ones.
//!
//! Invariants: a part ends where a report ends, as far as there is JSON; what is longer than any report is passed over and
//! told, and never held.

use super::{LARGEST, Line, Work, report::too_large};
use gpucheck_checks::seats::Seat;
use memchr::{memchr2, memrchr};
use std::io::{self, Read};

/// Bytes that are read at a time: some dozens of reports.
const PART: usize = 1 << 20;

/// Hands out the parts of a stream.
pub(super) fn hand_out(mut source: impl Read, line: &mut Line) {
    let mut cutter = Cutter::default();
    let mut is_end = false;
    while !is_end {
        match source.by_ref().take(PART as u64).read_to_end(&mut cutter.bytes) {
            Ok(read) => is_end = read < PART,
            Err(error) => {
                let seat = Seat::At(cutter.begins + cutter.bytes.len() as u64);
                line.put(Work::Missing { seat, why: cannot_be_read(&error) });
                is_end = true;
            }
        }
        cutter.cut(is_end, line);
    }
}

fn cannot_be_read(error: &io::Error) -> String {
    format!("the rest of standard input cannot be read: {error}")
}

/// What is read and not handed out yet.
#[derive(Default)]
struct Cutter {
    /// Where in the stream it begins.
    begins: u64,
    bytes: Vec<u8>,
    /// How long it was when no end was found in it.
    searched: usize,
    /// It is the rest of something that is too large.
    is_passing_over: bool,
}

impl Cutter {
    fn cut(&mut self, is_end: bool, line: &mut Line) {
        let end = if is_end { Some(self.bytes.len()) } else { last_boundary(&self.bytes) };
        if self.is_passing_over {
            match first_boundary(&self.bytes) {
                Some(first) => {
                    drop(self.take(first));
                    self.is_passing_over = false;
                    return self.cut(is_end, line);
                }
                // The last byte may be the first of a boundary.
                None => drop(self.take(self.bytes.len().saturating_sub(2))),
            }
            return;
        }
        // Only where it has grown by as much again, so that no byte is looked at again and again.
        let is_to_search = self.bytes.len() >= 2 * self.searched;
        let end = end.or_else(|| is_to_search.then(|| last_end(&self.bytes)).flatten());
        self.searched = if is_to_search { self.bytes.len() } else { self.searched };
        if let Some(end) = end {
            let begins = self.begins;
            line.put(Work::Part { begins, bytes: self.take(end) });
        } else if self.bytes.len() > LARGEST {
            line.put(Work::Missing { seat: Seat::At(self.begins), why: too_large() });
            self.is_passing_over = true;
        }
    }

    fn take(&mut self, end: usize) -> Vec<u8> {
        self.searched = 0;
        let rest = self.bytes.split_off(end);
        self.begins += end as u64;
        std::mem::replace(&mut self.bytes, rest)
    }
}

/// Where the last report begins that begins on a line of its own. In JSON a brace that closes and one that opens have
/// nothing but a line's end between them only there: in a list a comma stands between, in a text no line ends.
fn last_boundary(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    loop {
        let newline = memrchr(b'\n', bytes.get(..end)?)?;
        if is_boundary(bytes, newline) {
            return Some(newline + 1);
        }
        end = newline;
    }
}

fn first_boundary(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find(|newline| is_boundary(bytes, *newline)).map(|newline| newline + 1)
}

fn is_boundary(bytes: &[u8], newline: usize) -> bool {
    let before = bytes.get(..newline).map(|before| before.strip_suffix(b"\r").unwrap_or(before));
    bytes.get(newline + 1) == Some(&b'{') && before.is_some_and(|before| before.ends_with(b"}"))
}

/// Where the last whole report ends, whatever stands between reports.
fn last_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at, mut end) = (0_usize, 0, None);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match text_end(bytes, at + 1) {
                Some(text) => at = text,
                None => return end,
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    end
}

/// Where the quotation mark stands that ends a text.
fn text_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

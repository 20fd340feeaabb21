//! What a shared library says of itself: its sections, and what it wants of the dynamic loader.
//!
//! Our own reader and not a crate's: libraries of frameworks have gigabytes, and a few kilobytes of them are wanted.
//!
//! Invariants: of a file that somebody else wrote only headers and what they point to are read, each bounded; what does not
//! fit together is an error.
//! Source: ELF gABI, "ELF Header", "Program Header", "Dynamic Section"; ELF is read for 64 bits, little-endian.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// Most program headers that are looked at; honest libraries have some ten.
const MOST_SEGMENTS: u64 = 64;
/// Most bytes of the dynamic section; a library with a hundred needs has 2 kB.
const LONGEST_DYNAMIC: u64 = 64 << 10;
/// Longest name or search path; TensorFlow 2.21 names the same twenty folders again and again, in 20 kB.
const LONGEST_TEXT: u64 = 1 << 20;
/// Most libraries that one can want.
const MOST_NEEDED: usize = 256;

/// What a library wants of the loader.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// Its own name, `DT_SONAME`.
    pub(super) soname: Option<String>,
    /// `DT_NEEDED`, in its order.
    pub(super) needed: Vec<String>,
    /// `DT_RPATH`.
    pub(super) rpath: Option<String>,
    /// `DT_RUNPATH`.
    pub(super) runpath: Option<String>,
    /// `e_machine`; the loader passes over libraries of another one.
    pub(super) machine: u64,
}

/// A part of the file that is loaded: address, offset, size in the file.
type Load = (u64, u64, u64);

/// Reads what a library wants.
pub(super) fn wants(file: &mut File) -> io::Result<Wants> {
    let header = header(file)?;
    let (table, size) = (number(&header, 0x20, 8)?, number(&header, 0x36, 2)?);
    let count = number(&header, 0x38, 2)?;
    if size != 56 || count > MOST_SEGMENTS {
        return Err(odd("its segments are not those of a library"));
    }
    let table = read_at(file, table, size * count)?;
    let (mut loads, mut dynamic) = (Vec::new(), None);
    for index in 0..count {
        let at = usize::try_from(index * size).map_err(|_| odd("too large"))?;
        let field = |offset: usize| number(&table, at + offset, 8);
        match number(&table, at, 4)? {
            1 => loads.push((field(0x10)?, field(0x08)?, field(0x20)?)),
            2 => dynamic = Some((field(0x08)?, field(0x20)?)),
            _ => {}
        }
    }
    let mut wants = Wants { machine: number(&header, 0x12, 2)?, ..Wants::default() };
    let Some((at, size)) = dynamic else { return Ok(wants) };
    let dynamic = read_at(file, at, size.min(LONGEST_DYNAMIC))?;
    let entries = entries(&dynamic);
    let strings = entries.iter().find(|(tag, _)| *tag == 5).map(|(_, address)| *address);
    let strings =
        strings.and_then(|address| offset(&loads, address)).ok_or_else(|| odd("it has no names"))?;
    for (tag, value) in entries {
        let mut text = || text_at(file, strings.checked_add(value).ok_or_else(|| odd("too large"))?);
        match tag {
            1 if wants.needed.len() < MOST_NEEDED => wants.needed.push(text()?),
            14 => wants.soname = Some(text()?),
            15 => wants.rpath = Some(text()?),
            29 => wants.runpath = Some(text()?),
            _ => {}
        }
    }
    Ok(wants)
}

/// Tags and values up to `DT_NULL`.
fn entries(dynamic: &[u8]) -> Vec<(u64, u64)> {
    let pairs =
        dynamic.chunks_exact(16).map_while(|pair| Some((number(pair, 0, 8).ok()?, number(pair, 8, 8).ok()?)));
    pairs.take_while(|(tag, _)| *tag != 0).collect()
}

/// Where in the file an address lies.
fn offset(loads: &[Load], address: u64) -> Option<u64> {
    loads.iter().find_map(|(start, at, size)| {
        let inside = address.checked_sub(*start).filter(|inside| inside < size)?;
        at.checked_add(inside)
    })
}

fn text_at(file: &mut File, at: u64) -> io::Result<String> {
    let bytes = read_at(file, at, LONGEST_TEXT)?;
    let end = bytes.iter().position(|byte| *byte == 0).ok_or_else(|| odd("a name without an end"))?;
    Ok(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
}

/// The header of a 64-bit little-endian library.
pub(super) fn header(file: &mut File) -> io::Result<Vec<u8>> {
    let header = read_at(file, 0, 64)?;
    if header.starts_with(b"\x7fELF\x02\x01") { Ok(header) } else { Err(odd("no 64-bit library")) }
}

pub(super) fn read_at(file: &mut File, at: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A little-endian number of so many bytes.
pub(super) fn number(bytes: &[u8], at: usize, size: usize) -> io::Result<u64> {
    let bytes =
        at.checked_add(size).and_then(|end| bytes.get(at..end)).ok_or_else(|| odd("it ends early"))?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

pub(super) fn odd(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_rusts_wants_the_c_library() {
        // This very test: Rust's own programs for glibc are linked with it.
        let wants = wants(&mut File::open(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert!(wants.needed.iter().any(|name| name == "libc.so.6"), "{wants:?}");
        assert_eq!(wants.soname, None);
    }

    #[test]
    fn what_is_no_library_or_lies_is_an_error() {
        let tree = tempfile::tempdir().unwrap();
        let path = tree.path().join("lib.so");
        let real = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut lying = real[..64].to_vec();
        lying[0x38..0x3a].fill(0xff);
        for content in [&b""[..], b"\x7fELF\x01\x01", &real[..64], &real[..600], &lying] {
            std::fs::write(&path, content).unwrap();
            assert!(wants(&mut File::open(&path).unwrap()).is_err(), "{} bytes", content.len());
        }
    }
}

//! How the parts of an initramfs and apt's lists are packed, and reading them unpacked.
//!
//! Invariants: everything is a stream; no more memory is taken than the form's own window, and a window beyond
//! `MEMORY_KIB` is refused.
//!
//! Source: lib/decompress.c and lib/decompress_unlz4.c of Linux.

use super::archive::{MAGICS, broken};
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::{Action, LzmaStream, Status, StreamResult, XzStream};
use ruzstd::decoding::StreamingDecoder;
use std::io::{self, BufRead, Read};

/// Most memory for a window of xz and of lzma, in KiB; what mkinitramfs and dracut use is a hundredth of it.
const MEMORY_KIB: u32 = 128 << 10;
/// A block of lz4's old form holds no more, in bytes.
const LZ4_BLOCK: usize = 8 << 20;
const LZ4_MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// How a part is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Packing {
    /// Not at all.
    Cpio,
    Gzip,
    Zstd,
    Lz4,
    Xz,
    /// What xz writes with `--format=lzma`.
    Lzma,
    Bzip2,
    /// In a form that Linux knows, too, and that is not read here.
    Unread(&'static str),
}

impl Packing {
    /// By what it begins with; none where Linux would not know it either.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        if MAGICS.iter().any(|magic| beginning.starts_with(magic)) {
            return Some(Self::Cpio);
        }
        let known: [(&[u8], Self); 8] = [
            (&[0x1f, 0x8b], Self::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Self::Zstd),
            (&LZ4_MAGIC, Self::Lz4),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Self::Xz),
            (b"BZh", Self::Bzip2),
            (&[0x5d, 0, 0], Self::Lzma),
            (&[0x89, b'L', b'Z', b'O'], Self::Unread("lzo")),
            (b"070707", Self::Unread("cpio of the kind \"odc\"")),
        ];
        known.into_iter().find(|(magic, _)| beginning.starts_with(magic)).map(|(_, packing)| packing)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cpio => "cpio",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Bzip2 => "bzip2",
            Self::Unread(name) => name,
        }
    }

    /// What is packed so, unpacked.
    pub(in crate::probe) fn unpack<'r, R: BufRead + 'r>(self, input: R) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Self::Cpio => Box::new(input),
            Self::Gzip => Box::new(GzDecoder::new(input)),
            Self::Zstd => Box::new(StreamingDecoder::new(input).map_err(io::Error::other)?),
            Self::Lz4 => Box::new(Lz4::new(input)?),
            Self::Xz => {
                let mut stream = XzStream::new_mem_limit(false, MEMORY_KIB);
                let process = Box::new(move |from: &_, to: &mut _, action| stream.process(from, to, action));
                Box::new(Lzma { input, process })
            }
            Self::Lzma => {
                let mut stream = LzmaStream::new_mem_limit(MEMORY_KIB, None);
                let process = Box::new(move |from: &_, to: &mut _, action| stream.process(from, to, action));
                Box::new(Lzma { input, process })
            }
            Self::Bzip2 => Box::new(BzDecoder::new(input)),
            Self::Unread(name) => {
                return Err(broken(&format!("it is packed as {name}, which is not read here")));
            }
        })
    }
}

/// A step of unpacking: from, to, and whether more comes.
type Process = Box<dyn FnMut(&[u8], &mut [u8], Action) -> io::Result<StreamResult>>;

/// A stream of xz or of lzma. The crate's own readers are made anew for each kind of input, and as slow as this crate is
/// small.
struct Lzma<R> {
    input: R,
    process: Process,
}

impl<R: BufRead> Read for Lzma<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let packed = self.input.fill_buf()?;
            let action = if packed.is_empty() { Action::Finish } else { Action::Run };
            let is_over = packed.is_empty();
            let done = (self.process)(packed, buffer, action)?;
            self.input.consume(done.bytes_consumed);
            match done.status {
                Status::StreamEnd => return Ok(done.bytes_produced),
                Status::Ok if done.bytes_produced > 0 || buffer.is_empty() => return Ok(done.bytes_produced),
                Status::Ok if is_over => return Err(io::ErrorKind::UnexpectedEof.into()),
                Status::Ok => {}
            }
        }
    }
}

/// The old form of lz4, which Linux reads: blocks of 8 MiB, each after its packed length.
struct Lz4<R> {
    input: R,
    packed: Vec<u8>,
    block: Vec<u8>,
    at: usize,
    filled: usize,
}

impl<R: Read> Lz4<R> {
    fn new(mut input: R) -> io::Result<Self> {
        let mut magic = [0; 4];
        input.read_exact(&mut magic)?;
        Ok(Self { input, packed: Vec::new(), block: vec![0; LZ4_BLOCK], at: 0, filled: 0 })
    }

    /// Unpacks the next block; false where there is none.
    fn fill(&mut self) -> io::Result<bool> {
        let Some(length) = self.length()? else { return Ok(false) };
        self.packed.clear();
        Read::take(&mut self.input, length as u64).read_to_end(&mut self.packed)?;
        if self.packed.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled =
            lz4_flex::block::decompress_into(&self.packed, &mut self.block).map_err(io::Error::other)?;
        self.at = 0;
        Ok(true)
    }

    /// The packed length of the next block. Files of this form may follow each other, and zeros may follow the last one.
    fn length(&mut self) -> io::Result<Option<usize>> {
        loop {
            let mut length = Vec::new();
            Read::take(&mut self.input, 4).read_to_end(&mut length)?;
            let Ok(bytes) = <[u8; 4]>::try_from(length.as_slice()) else {
                let is_end = length.iter().all(|byte| *byte == 0);
                return if is_end { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            };
            let length = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
            match length {
                _ if bytes == LZ4_MAGIC => {}
                0 => return Ok(None),
                // lz4's own bound of what a block may grow to.
                length if length > LZ4_BLOCK + LZ4_BLOCK / 255 + 16 => {
                    return Err(broken("a block of lz4 is longer than can be"));
                }
                length => return Ok(Some(length)),
            }
        }
    }
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.filled {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let mut rest = self.block.get(self.at..self.filled).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

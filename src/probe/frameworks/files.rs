//! Reading files that belong to somebody else.
//!
//! Invariant: neither a pipe, a device nor an endless file put in a file's place holds the reader up.

use rustix::fs::{Mode, OFlags};
use std::{fs::File, io, io::Read, path::Path};

/// Longest file that is read, in bytes; METADATA with a long description stays under a tenth of it.
const LONGEST: u64 = 1 << 20;

/// The text of a regular file, up to a length that honest ones do not reach.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_block_or_never_end_is_refused() {
        for path in ["/dev/zero", "/dev/tty", "/"] {
            assert!(read_text(Path::new(path)).is_err(), "{path}");
        }
    }
}

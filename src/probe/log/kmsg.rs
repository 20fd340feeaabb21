//! `/dev/kmsg`: one record a read, `PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT`, then lines about the device.
//!
//! Source: <https://docs.kernel.org/admin-guide/abi-testing.html> (dev-kmsg).

use super::kept::Kept;
use gpucheck_checks::fact::KernelLog;
use rustix::{
    fs::{FileType, Mode, OFlags, fstat, major, minor, open},
    io::Errno,
};
use std::{io, os::fd::OwnedFd};

pub(super) const PATH: &str = "/dev/kmsg";
/// Numbers of the device. Some containers put a terminal in its place.
const DEVICE: (u32, u32) = (1, 11);
/// A record is never longer (`CONSOLE_EXT_LOG_MAX`).
pub(crate) const RECORD: usize = 8192;
/// Records read at most; the largest buffer holds fewer.
const MOST_RECORDS: usize = 1 << 20;

/// What the kernel said since it booted.
///
/// # Errors
/// The operating system's: without privileges where `kernel.dmesg_restrict` is 1.
pub(super) fn read() -> io::Result<KernelLog> {
    let device = open_device()?;
    let mut kept = Kept::default();
    let mut record = [0_u8; RECORD];
    for _ in 0..MOST_RECORDS {
        match rustix::io::read(&device, &mut record) {
            // The end; nothing that is still to come is waited for.
            Ok(0) | Err(Errno::AGAIN) => break,
            Ok(length) => take(record.get(..length).unwrap_or_default(), &mut kept),
            // Overwritten while it was read: the next read goes on behind it.
            Err(Errno::PIPE | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(kept.log(PATH))
}

/// The device, which does not wait for what is still to come.
///
/// # Errors
/// The operating system's, or that it is something else.
pub(crate) fn open_device() -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let device = open(PATH, flags, Mode::empty())?;
    let stat = fstat(&device)?;
    let is_character = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if !is_character || (major(stat.st_rdev), minor(stat.st_rdev)) != DEVICE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the kernel's log"));
    }
    Ok(device)
}

fn take(record: &[u8], kept: &mut Kept) {
    if let Some(text) = kernel_text(&String::from_utf8_lossy(record)) {
        text.lines().for_each(|line| kept.take(line));
    }
}

/// The words of a record that the kernel wrote; other programs may write to the device as well, and are told by their
/// facility.
pub(crate) fn kernel_text(record: &str) -> Option<String> {
    let (prefix, rest) = record.split_once(';')?;
    let priority: u32 = prefix.split(',').next()?.parse().ok()?;
    (priority >> 3 == 0).then(|| unescaped(rest.lines().next().unwrap_or_default()))
}

/// Bytes that are not printed stand as `\x0a`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        if let Some(byte) = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            bytes.extend(part.bytes().skip(2));
        } else {
            bytes.extend(b"\\x");
            bytes.extend(part.bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_the_kernel_writes_them() {
        for (record, text) in [
            ("4,812,5140900,-;NVRM: one\\x0aNVRM: two\n SUBSYSTEM=pci\n", Some("NVRM: one\nNVRM: two")),
            ("6,339,5140900,-;a \\x5c backslash, \\xzz and \\x", Some("a \\ backslash, \\xzz and \\x")),
            // Written by systemd: facility 3.
            ("30,420,5140900,-;systemd[1]: Starting nvidia-persistenced.service", None),
            ("x,1,2,-;no priority", None),
            ("6,1,2,-", None),
            ("", None),
        ] {
            assert_eq!(kernel_text(record).as_deref(), text, "{record}");
        }
    }
}

//! What the idle daemon keeps in memory.
//!
//! Invariant: only pages of programs' files that nothing has written to are given back; Linux brings them again where they
//! are wanted.

use rustix::mm::{Advice, madvise};
use std::{ffi::c_void, fs};

/// Gives back the code that was needed once: to start, or for what has just been done.
pub(super) fn give_back() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (from, length) in maps.lines().filter_map(code) {
        // SAFETY: the pages are a file's, mapped to be executed and read: no one of them holds anything that the file
        // does not.
        let _ = unsafe {
            madvise(std::ptr::with_exposed_provenance_mut::<c_void>(from), length, Advice::LinuxDontNeed)
        };
    }
}

/// Where a line of `/proc/PID/maps` says that a file's code lies, and how long it is.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let is_code = fields.next()? == "r-xp" && fields.nth(3)?.starts_with('/');
    let number = |text| usize::from_str_radix(text, 16).ok();
    let (from, to) = (number(from)?, number(to)?);
    Some((from, to.checked_sub(from)?)).filter(|_| is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_given_back() {
        let line = "55a0c000-55b00000 r-xp 0020c000 fe:00 5308438                    /usr/bin/gpucheck";
        assert_eq!(code(line), Some((0x55a0_c000, 0xf_4000)));
        for line in [
            "55a0c000-55b00000 r--p 0020c000 fe:00 5308438                    /usr/bin/gpucheck",
            "55a0c000-55b00000 rw-p 00000000 00:00 0                          [heap]",
            "7ffe955a3000-7ffe955c4000 r-xp 00000000 00:00 0                  [vdso]",
            "7ffe955a3000-7ffe955c4000 r-xp 00000000 00:00 0",
            "",
        ] {
            assert_eq!(code(line), None, "{line}");
        }
        // This very code is among it.
        give_back();
        assert_eq!(code(line).map(|(_, length)| length), Some(0xf_4000));
    }
}

//! The kernel log: `/dev/kmsg` on this machine, else the files that a log daemon writes.
//!
//! Invariants: only lines of the boot that is looked at, as far as that can be told; nothing is run, nothing waits;
//! files are read from their end, and never more of them than `MOST`.

mod kept;
pub(crate) mod kmsg;

use crate::{
    probe::{boot_time, lines::Lines},
    root::Root,
};
use gpucheck_checks::fact::{KernelLog, Observed, ProbeFailure};
use kept::Kept;
use std::{
    fs::File,
    io,
    time::{Duration, UNIX_EPOCH},
};

/// Bytes read of the end of each file.
const MOST: u64 = 4 << 20;
/// Where log daemons and distributions put the kernel's lines, the one with the fewest others first.
const FILES: [&str; 4] = ["/var/log/kern.log", "/var/log/messages", "/var/log/syslog", "/var/log/dmesg"];

/// Looks at the kernel log.
pub fn probe(root: &Root) -> Observed<KernelLog> {
    let refused = if root.is_this_machine() {
        match kmsg::read() {
            Ok(log) => return Observed::Seen(log),
            Err(error) => Some(error),
        }
    } else {
        None
    };
    match (FILES.iter().find_map(|path| of_file(root, path)), refused) {
        (Some(log), _) => Observed::Seen(log),
        (None, None) => Observed::not_probed("this root has no readable kernel log under /var/log"),
        (None, Some(error)) => Observed::Failed(ProbeFailure::Refused {
            step: format!("read {}", kmsg::PATH),
            code: 0,
            name: "unreadable".to_owned(),
            message: error.to_string(),
        }),
    }
}

/// What a file and the one before it hold of the boot that is looked at; none where that is nothing.
fn of_file(root: &Root, path: &str) -> Option<KernelLog> {
    let current = of_this_boot(root, path)?;
    let mut kept = Kept::default();
    if let Some(older) = of_this_boot(root, &format!("{path}.1")) {
        read(older, &mut kept).ok()?;
    }
    read(current, &mut kept).ok()?;
    let running = root.value("/proc/sys/kernel/osrelease");
    let is_older = match (kept.release(), &running) {
        (Some(logged), Some(running)) => logged != running,
        _ => false,
    };
    (kept.has_lines() && !is_older).then(|| kept.log(path))
}

fn read(file: File, kept: &mut Kept) -> io::Result<()> {
    for line in Lines::last(file, MOST)? {
        if let Some(text) = kernel_text(&line) {
            kept.take(text);
        }
    }
    Ok(())
}

/// A file, unless this machine has booted since it was last written.
fn of_this_boot(root: &Root, path: &str) -> Option<File> {
    let file = root.open(path).ok()?;
    let written = file.metadata().ok()?.modified().ok()?;
    let booted = boot_time(root).and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let is_stale = root.is_this_machine() && booted.is_some_and(|booted| written < booted);
    (!is_stale).then_some(file)
}

/// The kernel's words in a line of a log file: `Nov 23 09:00:00 host kernel: [   12.345678] WORDS`, or as dmesg writes
/// it, `[   12.345678] WORDS`. None in a line of another program.
fn kernel_text(line: &str) -> Option<&str> {
    let text = match line.split_once("kernel: ") {
        Some((before, text)) if before.is_empty() || before.ends_with([' ', ']']) => text,
        _ if line.starts_with('[') => line,
        _ => return None,
    };
    Some(without_stamps(text))
}

/// `[   12.345678][  T123] words` without what stands in the leading brackets; `[drm] words` as it is.
fn without_stamps(text: &str) -> &str {
    let Some((inside, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) else {
        return text;
    };
    let is_stamp = inside.contains(|c: char| c.is_ascii_digit())
        && inside.chars().all(|c| c.is_ascii_digit() || " .TC".contains(c));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    if is_stamp { without_stamps(rest.strip_prefix("kernel: ").unwrap_or(rest)) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_found_in_every_form() {
        let text = "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.161.08";
        for line in [
            format!("Nov 23 09:00:00 vm kernel: [   12.345678] {text}"),
            format!("Nov 23 09:00:00 vm kernel: {text}"),
            format!("2026-11-23T09:00:00.123456+00:00 vm kernel: {text}"),
            format!("[   12.345678] {text}"),
            format!("[   12.345678] kernel: {text}"),
            format!("[   12.345678][  T871] {text}"),
        ] {
            assert_eq!(kernel_text(&line), Some(text), "{line}");
        }
        assert_eq!(kernel_text("[    1.0] [drm] nouveau"), Some("[drm] nouveau"));
        for line in ["Nov 23 09:00:00 vm nvidia-persistenced: Started (712)", "", "notkernel: x"] {
            assert_eq!(kernel_text(line), None, "{line}");
        }
    }
}

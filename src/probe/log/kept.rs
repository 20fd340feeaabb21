//! What is kept of a kernel log: lines about GPUs and their driver, bounded, and the driver's numbered errors.

use gpucheck_checks::fact::{KernelLog, PciAddress, Xid};
use std::collections::VecDeque;

/// Lines kept of the beginning, where a driver says why it does not start.
const FIRST: usize = 150;
/// Lines kept of the end.
const LAST: usize = 150;
/// Characters kept of each.
const LONGEST: usize = 400;
/// Kinds of errors kept: numbers, each with its GPU.
const XIDS: usize = 64;
/// The line with which each boot begins.
const BOOT: &str = "Linux version ";
/// A numbered error of the driver.
const XID: &str = "NVRM: Xid (";

/// What makes a line matter.
const WORDS: [&str; 8] = [
    "NVRM",
    "nvidia",
    "nouveau",
    "vfio-pci",
    "hv_pci",
    "module verification failed",
    "Loading of ",
    "Lockdown: ",
];
/// What the PCI code says of memory regions that it finds no room for.
const REGION_TROUBLE: [&str; 3] = ["no space", "can't assign", "failed to assign"];
/// Beginnings of lines that have such words and do not matter: systemd and the auditor, boot parameters.
const OTHERS: [&str; 5] = ["systemd", "audit", "Command line: ", "Kernel command line: ", "traps: "];
/// What the kernel says of a program that crashed; in which library is no matter of the driver's.
const CRASH: &str = "]: segfault at ";

/// The lines of the boot that was read last.
#[derive(Default)]
pub(super) struct Kept {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: usize,
    xids: Vec<Xid>,
    release: Option<String>,
    any: bool,
}

impl Kept {
    /// Takes a line. One that begins a boot drops what was before.
    pub(super) fn take(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix(BOOT) {
            let release = rest.split_whitespace().next().unwrap_or_default().to_owned();
            *self = Self { release: Some(release), ..Self::default() };
        }
        self.any = true;
        if matters(line) {
            self.keep(line.chars().take(LONGEST).collect());
        }
    }

    fn keep(&mut self, line: String) {
        if let Some(xid) = xid(&line) {
            self.count(xid);
        }
        if self.first.len() < FIRST {
            self.first.push(line);
            return;
        }
        self.last.push_back(line);
        if self.last.len() > LAST {
            self.last.pop_front();
            self.left_out += 1;
        }
    }

    fn count(&mut self, xid: Xid) {
        let is_full = self.xids.len() >= XIDS;
        let known = self.xids.iter_mut().find(|known| known.pci == xid.pci && known.number == xid.number);
        match known {
            Some(known) => {
                known.text = xid.text;
                known.count = known.count.saturating_add(1);
            }
            None if is_full => {}
            None => self.xids.push(xid),
        }
    }

    /// The Linux that booted, where the line is there that tells.
    pub(super) fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Whether the kernel said anything at all.
    pub(super) fn has_lines(&self) -> bool {
        self.any
    }

    /// All of it, as read from here.
    pub(super) fn log(self, source: &str) -> KernelLog {
        KernelLog {
            source: source.to_owned(),
            whole_boot: self.release.is_some(),
            lines: self.first.into_iter().chain(self.last).collect(),
            left_out: self.left_out,
            xids: self.xids,
        }
    }
}

fn matters(line: &str) -> bool {
    let holds = |words: &[&str]| words.iter().any(|word| line.contains(word));
    !OTHERS.iter().any(|beginning| line.starts_with(beginning))
        && !line.contains(CRASH)
        && (holds(&WORDS) || (line.contains("BAR ") && holds(&REGION_TROUBLE)))
}

/// `NVRM: Xid (PCI:0000:b3:00): 79, pid=1234, GPU has fallen off the bus.`; older drivers have no `PCI:`, some have
/// more words in the parentheses or behind them.
fn xid(line: &str) -> Option<Xid> {
    let (_, rest) = line.split_once(XID)?;
    let (place, rest) = rest.split_once(')')?;
    let address = place.split_whitespace().next()?;
    let address = address.strip_prefix("PCI:").unwrap_or(address);
    let (_, said) = rest.split_once(": ")?;
    let (number, text) = said.split_once(',')?;
    let number = number.trim().parse().ok()?;
    Some(Xid { pci: PciAddress::new(address), number, text: text.trim().to_owned(), count: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: impl IntoIterator<Item = String>) -> KernelLog {
        let mut kept = Kept::default();
        lines.into_iter().for_each(|line| kept.take(&line));
        kept.log("test")
    }

    #[test]
    fn errors_are_numbered_counted_and_placed() {
        // lyulyul/shine-cluster#172, leptonai/gpud (kmsg tests), NVIDIA/open-gpu-kernel-modules#1104.
        let log = kept([
            "NVRM: Xid (PCI:0000:b3:00): 79, pid=1234, name=python, GPU has fallen off the bus.".to_owned(),
            "NVRM: Xid (0000:03:00): 14, Channel 00000001".to_owned(),
            "NVRM: Xid (PCI:0000:b3:00): 79, pid='<unknown>', name=<unknown>, again".to_owned(),
            "NVRM: Xid (PCI:0000:05:00 GPU-I:05): 43, pid=7, Ch 00000008".to_owned(),
            "NVRM: Xid (PCI:0000:05:00): many, words".to_owned(),
            "nvidia-nvswitch0: SXid (PCI:0000:85:00.0): 20034, Fatal, Link 30 LTSSM Fault Up".to_owned(),
        ]);
        let told: Vec<_> = log.xids.iter().map(|xid| (xid.pci.as_str(), xid.number, xid.count)).collect();
        assert_eq!(told, [("0000:b3:00.0", 79, 2), ("0000:03:00.0", 14, 1), ("0000:05:00.0", 43, 1)]);
        assert!(log.xids[0].text.ends_with("again"));
        assert_eq!(log.lines.len(), 6);
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end() {
        let log = kept((0..1000).map(|number| format!("NVRM: line {number} {}", "x".repeat(1000))));
        assert_eq!((log.lines.len(), log.left_out), (FIRST + LAST, 1000 - FIRST - LAST));
        assert!(log.lines[0].starts_with("NVRM: line 0 ") && log.lines[299].starts_with("NVRM: line 999 "));
        assert!(log.lines.iter().all(|line| line.chars().count() <= LONGEST));
    }

    #[test]
    fn a_boot_drops_what_was_before() {
        let log = kept(
            ["NVRM: Xid (PCI:0000:b3:00): 79, old", "Linux version 6.8.0-1032-azure (buildd@x)", "NVRM: new"]
                .map(str::to_owned),
        );
        assert_eq!((log.lines.as_slice(), log.xids.len()), (&["NVRM: new".to_owned()][..], 0));
        assert!(log.whole_boot);
    }

    #[test]
    fn lines_that_matter() {
        for line in [
            "nouveau 0000:01:00.0: NVIDIA TU104 (164000a1)",
            "nvidia: module verification failed: signature and/or required key missing - tainting kernel",
            "Loading of unsigned module is rejected",
            "Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7",
            "pci 0001:00:00.0: BAR 1: no space for [mem size 0x400000000 64bit pref]",
            "pci 0001:00:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space",
            "hv_pci 47505500-0001: PCI VMBus probing: Using version 0x10004",
        ] {
            assert!(matters(line), "{line}");
        }
        for line in [
            "Command line: BOOT_IMAGE=/vmlinuz root=UUID=1 nouveau.modeset=0",
            "audit: type=1400 apparmor=\"STATUS\" name=\"nvidia_modprobe\"",
            "systemd[1]: Starting nvidia-persistenced.service",
            "pci 0000:00:07.1: BAR 4 [io  0xffa0-0xffaf]",
            "EXT4-fs (sda1): mounted filesystem",
            "python3[712]: segfault at 8 ip 00007f24673c0269 error 6 in libnvidia-ml.so.1[1269,7f24673c0000+1000]",
        ] {
            assert!(!matters(line), "{line}");
        }
    }
}

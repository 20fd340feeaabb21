//! Who holds the memory of a GPU: a process, whose it is, and the notebook behind it.
//!
//! Invariant: of another user no more is told than number, name, user and age, whatever the facts hold.

use crate::{
    fact::{Facts, GpuProcess, Notebook, NvmlDevice, Process, Session},
    judge,
    readings::{owner_and_age, size, time},
};

/// A process that holds less, in bytes, is not why memory is gone.
const LITTLE: u64 = 64 << 20;

/// A process on a GPU, with what is known of it.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    pub(crate) process: &'a GpuProcess,
    pub(crate) known: Option<&'a Process>,
    /// It is the asking user's.
    pub(crate) own: bool,
    notebook: Option<&'a Notebook>,
    pub(crate) session: Option<&'a Session>,
}

/// What a notebook does, as its server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It computes.
    Busy,
    /// Nothing, for so many seconds, and whether somebody has it open.
    Idle { seconds: u64, open: bool },
}

/// The processes that hold much, each once, the largest first; one that NVML does not tell the memory of may be one.
pub(crate) fn holders<'a>(facts: &'a Facts, device: &'a NvmlDevice) -> Vec<Holder<'a>> {
    let holds = |process: &&GpuProcess| process.memory.is_none_or(|bytes| bytes >= LITTLE);
    let mut processes: Vec<&GpuProcess> = device.processes().filter(holds).collect();
    processes.sort_by_key(|process| (std::cmp::Reverse(process.memory), process.pid));
    processes.dedup_by_key(|process| process.pid);
    processes.into_iter().map(|process| Holder::new(facts, process)).collect()
}

/// What is known of one process on a device.
pub(crate) fn of_process<'a>(facts: &'a Facts, device: &'a NvmlDevice, pid: u32) -> Option<Holder<'a>> {
    device.processes().find(|process| process.pid == pid).map(|process| Holder::new(facts, process))
}

/// The path of the notebook that a process of the asking user works for.
pub(crate) fn path_of(facts: &Facts, pid: u32) -> Option<String> {
    let mine = judge::uid(facts)?;
    let known = facts.process(pid).filter(|known| known.uid == Some(mine))?;
    let notebook = known.notebook.as_ref()?;
    let told = facts.session(&notebook.kernel).and_then(|session| session.path.clone());
    told.or_else(|| notebook.path.clone())
}

impl<'a> Holder<'a> {
    fn new(facts: &'a Facts, process: &'a GpuProcess) -> Self {
        let mine = judge::uid(facts);
        let known = facts.process(process.pid);
        let own = mine.is_some() && known.is_some_and(|known| known.uid == mine);
        let notebook = known.and_then(|known| known.notebook.as_ref()).filter(|_| own);
        let session = notebook.and_then(|notebook| facts.session(&notebook.kernel));
        Self { process, known, own, notebook, session }
    }

    /// Whether it is a Jupyter kernel of the asking user, or was started by one.
    pub(crate) fn is_notebook(&self) -> bool {
        self.notebook.is_some()
    }

    /// Whether it was started by a kernel and is none.
    pub(crate) fn is_worker(&self) -> bool {
        self.notebook.is_some_and(|notebook| notebook.via.is_some())
    }

    /// Whether it is a kernel that VS Code started, which no server knows: as its extension for Jupyter names them.
    pub(crate) fn is_of_vs_code(&self) -> bool {
        self.notebook.is_some_and(|notebook| notebook.kernel.starts_with("v2-"))
    }

    /// The notebook's path: as the server says, for it knows of renaming; else as the kernel was told when it started.
    pub(crate) fn path(&self) -> Option<&'a str> {
        let told = self.session.and_then(|session| session.path.as_deref());
        told.or_else(|| self.notebook.and_then(|notebook| notebook.path.as_deref()))
    }

    /// What the notebook does; none where its server did not say.
    pub(crate) fn doing(&self) -> Option<Doing> {
        let session = self.session?;
        match session.state.as_deref()? {
            "busy" => Some(Doing::Busy),
            "idle" => Some(Doing::Idle { seconds: session.idle_s?, open: session.connections != Some(0) }),
            _ => None,
        }
    }

    /// Number, name, memory, notebook, user, age.
    pub(crate) fn in_words(&self) -> String {
        let name = self.known.and_then(|known| known.name.as_deref()).or(self.process.name.as_deref());
        let who = format!("process {} ({})", self.process.pid, name.unwrap_or("unknown"));
        let parts =
            [self.process.memory.map(size), self.kernel(), self.state(), self.known.and_then(owner_and_age)];
        std::iter::once(who).chain(parts.into_iter().flatten()).collect::<Vec<_>>().join(", ")
    }

    fn kernel(&self) -> Option<String> {
        let notebook = self.notebook?;
        let path = self.path().map(|path| format!(" of {path}")).unwrap_or_default();
        let id = &notebook.kernel;
        let place = if self.is_of_vs_code() { "VS Code" } else { "Jupyter" };
        Some(match notebook.via {
            Some(pid) => format!("started by {place} kernel {id}{path} (process {pid})"),
            None => format!("{place} kernel {id}{path}"),
        })
    }

    fn state(&self) -> Option<String> {
        match self.doing() {
            Some(Doing::Busy) => Some("it computes".to_owned()),
            Some(Doing::Idle { seconds, open: true }) => Some(format!("idle {}", time(seconds))),
            Some(Doing::Idle { seconds, open: false }) => {
                Some(format!("idle {}, nobody has it open", time(seconds)))
            }
            None => Some(self.session?.state.clone()?),
        }
    }
}

/// Sizes that cards are sold with, in gigabytes.
const SOLD: [u64; 24] =
    [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 64, 72, 80, 94, 96, 141, 180, 192];

/// What is held and what a card has, in gigabytes as its box says: `15.1` of `16`.
///
/// Makers mean 2^30 bytes where the card has nearly or just as many times those as it is sold with (a V100, an H100),
/// and else 10^9: a T4 shows 15360 MiB, for it keeps the rest for error correction.
pub(crate) fn of_card(held: u64, total: u64) -> (String, String) {
    const BINARY: u64 = 1 << 30;
    const DECIMAL: u64 = 1_000_000_000;
    let whole = total.div_ceil(BINARY);
    let is_near = whole.saturating_mul(BINARY).saturating_sub(total) <= total / 50;
    let (unit, sold) = if SOLD.contains(&whole) && is_near {
        (BINARY, whole)
    } else {
        (DECIMAL, total.saturating_add(DECIMAL / 2) / DECIMAL)
    };
    let tenth = unit / 10;
    let tenths = held.saturating_add(tenth / 2) / tenth;
    (format!("{}.{}", tenths / 10, tenths % 10), sold.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_have_the_size_that_they_are_sold_with() {
        // Totals that NVML tells of these cards: tests/machines/cards.
        for (total, sold) in [
            (16_106_127_360, "16"),
            (17_179_869_184, "16"),
            (11_996_758_016, "12"),
            (12_785_287_168, "12"),
            (24_146_608_128, "24"),
            (24_152_899_584, "24"),
            (48_305_799_168, "48"),
            (8_589_934_592, "8"),
            (85_899_345_920, "80"),
            (85_520_809_984, "80"),
            (102_641_958_912, "96"),
            (150_754_820_096, "141"),
        ] {
            assert_eq!(of_card(0, total), ("0.0".to_owned(), sold.to_owned()), "{total}");
        }
        // What TensorFlow took of a T4 is 14.1 GiB: 15.1 of its 16 GB.
        assert_eq!(of_card(15_139_760_000, 16_106_127_360).0, "15.1");
        assert_eq!(of_card(u64::MAX, 0).1, "0");
    }
}

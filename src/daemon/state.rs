//! What the daemon keeps: the last report, and beside it what it has to know of that without reading it.
//!
//! `report.json` is the report, the JSON contract; `state.json` the daemon's own. Both are replaced and never written to, so
//! whoever reads them has one whole report.
//!
//! Invariants: a report that does not go with what stands beside it, or that another version took, is no answer; nothing
//! is lost by a look that fails.

use super::{
    clock,
    look::Said,
    view::View,
    wire::{Known, LARGEST_REPORT},
};
use gpucheck_checks::MachineVerdict;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime},
};

/// The report.
pub(crate) const REPORT: &str = "report.json";
/// The report as metrics.
pub(super) const METRICS: &str = "metrics.prom";
/// The head of what the daemon adds to them.
const CONFIRMED: &str = "\
# HELP gpucheck_daemon_confirmed_timestamp_seconds When a look last found nothing against the report, \
while somebody computed.\n\
# TYPE gpucheck_daemon_confirmed_timestamp_seconds gauge\n";
/// What the daemon knows of it.
const STATE: &str = "state.json";
/// What a file is called before it is finished.
pub(super) const UNFINISHED: &str = "new";
/// Largest state that is read, in bytes.
const LARGEST_STATE: u64 = 64 << 10;

/// What is known of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) gpucheck: String,
    pub(super) boot: String,
    /// When the look began, since the boot.
    pub(super) taken: Duration,
    pub(super) verdict: MachineVerdict,
    pub(super) answer: String,
    /// Everything was looked at.
    pub(super) full: bool,
    /// When a look that touched no GPU last found nothing against it.
    pub(super) confirmed: Option<Duration>,
    pub(super) held_back: Option<String>,
    pub(super) view: Option<View>,
    pub(super) root: PathBuf,
    /// Of the report's file, by which it is known again.
    length: u64,
    written: (i64, i64),
}

/// The folder, and what lies in it.
pub(super) struct Store {
    folder: PathBuf,
    pub(super) kept: Option<Kept>,
    pub(super) report: Option<Rc<File>>,
}

impl Store {
    /// What an earlier daemon left, as far as it is of this version and this root.
    pub(super) fn open(folder: &Path, root: &Path) -> Self {
        let mut store = Self { folder: folder.to_owned(), kept: None, report: None };
        if let Ok((kept, report)) = store.read()
            && kept.gpucheck == env!("CARGO_PKG_VERSION")
            && kept.root == root
        {
            (store.kept, store.report) = (Some(kept), Some(Rc::new(report)));
        }
        store
    }

    fn read(&self) -> io::Result<(Kept, File)> {
        let mut text = Vec::new();
        open(&self.folder.join(STATE))?.take(LARGEST_STATE).read_to_end(&mut text)?;
        let kept: Kept = serde_json::from_slice(&text)?;
        let report = open(&self.folder.join(REPORT))?;
        if told(&report)? != (kept.length, kept.written) {
            return Err(io::Error::other("another report than the one that is known"));
        }
        Ok((kept, report))
    }

    /// Takes in what a look has left, and says whether the answer is another one.
    ///
    /// # Errors
    /// It did not leave what it said, or that cannot be kept; then all is as it was.
    pub(super) fn take(&mut self, said: &Said, taken: Duration, boot: &str, root: &Path) -> io::Result<()> {
        if !said.written {
            if let Some(mut kept) = self.kept.clone() {
                kept.held_back.clone_from(&said.held_back);
                if said.confirms {
                    kept.confirmed = Some(taken);
                }
                self.prepare(&kept)?;
                self.finish(STATE)?;
                self.kept = Some(kept);
                self.confirm(said, taken);
            }
            return Ok(());
        }
        let unfinished = self.unfinished(REPORT);
        let report = open(&unfinished)?;
        let (length, written) = told(&report)?;
        if length == 0 || length > LARGEST_REPORT {
            return Err(io::Error::other(format!("it left a report of {length} bytes")));
        }
        let kept = Kept {
            gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
            boot: boot.to_owned(),
            taken,
            verdict: said.verdict,
            answer: said.answer.clone(),
            full: said.full,
            confirmed: None,
            held_back: said.held_back.clone(),
            view: said.view.clone(),
            root: root.to_owned(),
            length,
            written,
        };
        // What a full disk has no room for shows before anything is replaced.
        self.prepare(&kept)?;
        self.finish(REPORT)?;
        // From here on the report is this one, whether or not the next daemon will know it.
        let _ = self.finish(METRICS);
        self.confirm(said, taken);
        self.report = Some(Rc::new(report));
        self.kept = Some(kept);
        let _ = self.finish(STATE);
        Ok(())
    }

    /// What there is to say of the report; `fresh_for` is how old it may be, `unchanged` that nothing has happened since.
    pub(super) fn known(
        &self,
        now: Duration,
        boot: &str,
        fresh_for: Duration,
        unchanged: bool,
    ) -> Option<Known> {
        let kept = self.kept.as_ref()?;
        let age = now.saturating_sub(kept.taken);
        let is_of_this_boot = kept.boot == boot && kept.taken <= now;
        let since = |then: Duration| now.saturating_sub(then).as_secs();
        Some(Known {
            boot: kept.boot.clone(),
            answer: kept.answer.clone(),
            age_s: age.as_secs(),
            fresh: is_of_this_boot && age <= fresh_for && unchanged,
            full: kept.full,
            confirmed_s: kept.confirmed.map(since),
            held_back: kept.held_back.clone(),
            view: kept.view.clone(),
        })
    }

    /// Bytes of the report.
    pub(super) fn length(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.length)
    }

    /// Whether there is nothing from this boot.
    pub(super) fn is_empty(&self, boot: &str) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.boot != boot)
    }

    /// The metrics of the report, where there are some.
    pub(super) fn metrics(&self) -> Option<(File, u64)> {
        let file = open(&self.folder.join(METRICS)).ok()?;
        let length = file.metadata().ok()?.len();
        Some((file, length))
    }

    /// Says behind the metrics that a look which somebody's computing held back found nothing against the report. They are
    /// as they were where that fails.
    fn confirm(&self, said: &Said, began: Duration) {
        if said.confirms && said.in_use {
            let _ = self.write_confirmed(began);
        }
    }

    fn write_confirmed(&self, began: Duration) -> io::Result<()> {
        let mut text = String::new();
        open(&self.folder.join(METRICS))?.take(LARGEST_REPORT).read_to_string(&mut text)?;
        let report = text.split_once(CONFIRMED).map_or(text.as_str(), |(report, _)| report);
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
        let at = unix.saturating_sub(clock::now().saturating_sub(began)).as_secs();
        let text = format!("{report}{CONFIRMED}gpucheck_daemon_confirmed_timestamp_seconds {at}\n");
        write_new(&self.folder, METRICS, text.as_bytes())?;
        self.finish(METRICS)
    }

    /// What a file is written as first.
    fn unfinished(&self, name: &str) -> PathBuf {
        unfinished(&self.folder, name)
    }

    fn prepare(&self, kept: &Kept) -> io::Result<()> {
        write_new(&self.folder, STATE, &serde_json::to_vec(kept)?)
    }

    fn finish(&self, name: &str) -> io::Result<()> {
        fs::rename(self.unfinished(name), self.folder.join(name))
    }
}

/// What a file of the folder is written as first.
fn unfinished(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{UNFINISHED}"))
}

/// Writes a file of the folder under the name that it has before it is finished.
pub(super) fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = unfinished(folder, name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file = File::from(rustix::fs::open(&path, flags, Mode::from_raw_mode(0o644))?);
    // Whoever asks is to read it, whatever mask the daemon was started with.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
    file.write_all(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

fn told(file: &File) -> io::Result<(u64, (i64, i64))> {
    let found = file.metadata()?;
    Ok((found.len(), (found.mtime(), found.mtime_nsec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: bool) -> Said {
        Said {
            gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
            written,
            full: written,
            confirms: !written,
            in_use: !written,
            verdict: MachineVerdict::Usable,
            answer: "USABLE: Tesla T4 computes".to_owned(),
            held_back: None,
            view: None,
        }
    }

    #[test]
    fn a_report_outlives_its_daemon_and_a_look_that_left_none() {
        let folder = tempfile::tempdir().unwrap();
        let (root, at) = (Path::new("/"), Duration::from_secs);
        let mut store = Store::open(folder.path(), root);
        assert!(store.known(at(9), "b", at(60), true).is_none() && store.is_empty("b"));
        assert!(store.take(&said(true), at(5), "b", root).is_err());
        write_new(folder.path(), REPORT, b"{}").unwrap();
        store.take(&said(true), at(5), "b", root).unwrap();
        assert!(store.take(&said(true), at(6), "b", root).is_err());
        write_new(folder.path(), METRICS, b"gpucheck_verdict 1\n").unwrap();
        store.finish(METRICS).unwrap();
        // The second takes the place of the first.
        store.take(&said(false), at(7), "b", root).unwrap();
        store.take(&said(false), at(8), "b", root).unwrap();
        let metrics = fs::read_to_string(folder.path().join(METRICS)).unwrap();
        assert!(metrics.starts_with("gpucheck_verdict 1\n# HELP gpucheck_daemon_confirmed"), "{metrics}");
        assert_eq!(metrics.matches("\ngpucheck_daemon_confirmed_timestamp_seconds ").count(), 1);
        // What is known of the next report cannot be written: all is as it was.
        write_new(folder.path(), REPORT, b"{ }").unwrap();
        let state = folder.path().join("state.json.new");
        fs::create_dir(&state).unwrap();
        assert!(store.take(&said(true), at(9), "b", root).is_err());
        assert!(store.take(&said(false), at(9), "b", root).is_err());
        assert_eq!(fs::read_to_string(folder.path().join(REPORT)).unwrap(), "{}");
        fs::remove_dir(&state).unwrap();
        for store in [store, Store::open(folder.path(), root)] {
            let known = store.known(at(20), "b", at(60), true).unwrap();
            assert_eq!((known.age_s, known.confirmed_s, known.fresh), (15, Some(12), true));
            let fresh = |now, boot, fresh_for, unchanged| {
                store.known(at(now), boot, at(fresh_for), unchanged).unwrap().fresh
            };
            assert!(!fresh(20, "b", 14, true) && !fresh(20, "b", 60, false) && !fresh(20, "c", 60, true));
            // Before it was taken: the clock of another boot.
            assert!(!fresh(4, "b", 60, true));
        }
        assert!(Store::open(folder.path(), Path::new("/mnt")).kept.is_none());
        // Somebody wrote another report there.
        fs::write(folder.path().join(REPORT), "{\"schema\":1}").unwrap();
        assert!(Store::open(folder.path(), root).kept.is_none());
    }
}

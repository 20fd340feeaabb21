//! What an earlier run of the same user saw of a Python, as long as nothing has changed since.
//!
//! Invariants: only a look that found nothing wrong is kept, so that whoever mends something is never told yesterday's
//! trouble; a look is retold only where every place that it rests on is as it was (interpreter, packages, libraries,
//! driver, boot); what is kept lies in a folder that only its user can write, and holds no variable's value beyond those
//! that facts hold.

use super::{
    Ask,
    discover::Candidate,
    heeded::deciding,
    stamps::{self, Stamp},
};
use gpucheck_checks::fact::{Look, Observed, Operation, Python, TensorFlow};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long a look is retold.
const LONGEST: Duration = Duration::from_hours(24);
/// Largest file that is read, in bytes; one look has some twenty thousand.
const LARGEST: u64 = 4 << 20;
/// Most looks that are kept.
const MOST: usize = 64;

/// A look that was kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// When, in seconds since 1970.
    taken_at: u64,
    /// What it rests on.
    stamps: Vec<Stamp>,
    python: Python,
}

/// Where looks are kept, and which is asked for.
pub(super) struct Recall {
    folder: PathBuf,
    name: String,
    /// Do not retell, whatever is kept.
    fresh: bool,
}

impl Recall {
    /// For this look at this Python; none where nothing can be kept.
    pub(super) fn of(ask: &Ask, candidate: &Candidate) -> Option<Self> {
        let folder = own_folder(ask.remember.as_deref()?).ok()?;
        Some(Self { folder, name: name(ask, candidate), fresh: ask.fresh })
    }

    /// What an earlier run saw, under the names that the Python has now.
    pub(super) fn retell(&self, candidate: &Candidate) -> Option<Python> {
        if self.fresh {
            return None;
        }
        let kept: Kept = serde_json::from_slice(&self.read().ok()?).ok()?;
        let age = now().checked_sub(kept.taken_at).filter(|age| *age <= LONGEST.as_secs())?;
        let still = kept.stamps.iter().all(Stamp::holds);
        still.then(|| Python {
            found_by: candidate.found_by,
            label: candidate.label.clone(),
            kernels: candidate.kernels.clone(),
            retold_s: Some(age),
            ..kept.python
        })
    }

    /// Keeps a look that found nothing wrong; `sys_path` is where the Python imports from. What cannot be kept is not.
    pub(super) fn keep(&self, ask: &Ask, candidate: &Candidate, python: &Python, sys_path: &[String]) {
        if !is_sound(python, ask.put_to_work) {
            return;
        }
        let stamps = stamps::of(ask, candidate, python, sys_path);
        let kept = Kept { taken_at: now(), stamps, python: python.clone() };
        if let Err(error) = self.write(&kept) {
            tracing::debug!(folder = %self.folder.display(), %error, "a look could not be kept");
        }
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = File::from(rustix::fs::open(self.folder.join(&self.name), flags, Mode::empty())?);
        let found = file.metadata()?;
        if !found.is_file() || !is_only_ours(&found) {
            return Err(io::Error::other("not a file of this user alone"));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let text = serde_json::to_vec(kept)?;
        let unfinished = self.folder.join(format!("{}.{}", self.name, std::process::id()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(rustix::fs::open(&unfinished, flags, mode)?);
        let written =
            file.write_all(&text).and_then(|()| fs::rename(&unfinished, self.folder.join(&self.name)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        self.prune();
        written
    }

    /// Keeps the newest.
    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_ours = |name: &OsStr| {
            name.to_str()
                .is_some_and(|name| name.len() == self.name.len() && name.strip_suffix(".json").is_some())
        };
        let mut kept: Vec<(SystemTime, PathBuf)> = entries
            .filter(|entry| is_ours(&entry.file_name()))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        for (_, path) in kept.iter().rev().skip(MOST) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The folder, made where it is missing; not one that somebody else could write to.
fn own_folder(cache: &Path) -> io::Result<PathBuf> {
    let folder = cache.join("gpucheck");
    match DirBuilder::new().recursive(true).mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if found.is_dir() && is_only_ours(&found) {
        Ok(folder)
    } else {
        Err(io::Error::other("the folder is not this user's alone"))
    }
}

fn is_only_ours(found: &fs::Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0
}

/// A name for what is asked: of the same Python, started in the same way, and of the same question.
fn name(ask: &Ask, candidate: &Candidate) -> String {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        (&candidate.program, &candidate.words, &candidate.python).hash(&mut hasher);
        (deciding(&ask.environment), &ask.environment.path, &ask.environment.folder).hash(&mut hasher);
        std::env::current_dir().ok().hash(&mut hasher);
        ask.environment.changes.hash(&mut hasher);
        (ask.full, ask.put_to_work, ask.exercise, ask.roots_alone).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}.json", half(0), half(1))
}

/// Whether nothing was found wrong. Where a driver stands behind, a framework without a GPU is not well.
fn is_sound(python: &Python, driver_behind: bool) -> bool {
    let tensorflow = match &python.tensorflow {
        Observed::Seen(None) => true,
        Observed::Seen(Some(tensorflow)) => is_sound_tensorflow(tensorflow, driver_behind),
        Observed::Interrupted { .. } | Observed::Failed(_) | Observed::NotProbed { .. } => false,
    };
    let packages = python.packages.seen();
    let operations = packages.map(|packages| {
        let torch = packages.torch.as_ref().map(|torch| &torch.operations);
        let jax = packages.jax.as_ref().map(|jax| &jax.operations);
        let libraries = [&packages.cupy, &packages.cudf].into_iter().flatten();
        let libraries = libraries.map(|library| &library.operations);
        torch.into_iter().chain(jax).chain(libraries).all(are_right)
    });
    matches!(python.interpreter, Observed::Seen(_)) && tensorflow && operations.unwrap_or(false)
}

fn is_sound_tensorflow(tensorflow: &TensorFlow, driver_behind: bool) -> bool {
    let is_right = |look: &Look| match &look.listing {
        Observed::Seen(listing) => {
            let has_gpu = listing.gpus().next().is_some();
            has_gpu == driver_behind && listing.operations.iter().all(is_exact)
        }
        Observed::Interrupted { .. } | Observed::Failed(_) | Observed::NotProbed { .. } => false,
    };
    tensorflow.unmet.is_empty() && tensorflow.looks.iter().all(is_right)
}

/// Not run at all, or all of them right.
fn are_right(operations: &Observed<Vec<Operation>>) -> bool {
    match operations {
        Observed::Seen(done) => !done.is_empty() && done.iter().all(is_exact),
        Observed::NotProbed { .. } => true,
        Observed::Failed(_) | Observed::Interrupted { .. } => false,
    }
}

fn is_exact(operation: &Operation) -> bool {
    operation.correct == Observed::Seen(true)
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

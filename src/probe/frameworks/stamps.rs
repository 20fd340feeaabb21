//! What a look at a Python rests on, in a form that shows whether it has changed.
//!
//! Invariants: places are listed and stat'ed, and only the short texts of the kernel are read; a place that was not there
//! counts as well, for it may come.

use super::{Ask, accounts::Accounts, discover::Candidate, leftovers::inherited};
use gpucheck_checks::fact::{Observed, Python};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Most entries of a folder that are looked at; a full site-packages has a thousand.
const MOST_ENTRIES: usize = 20_000;
/// Most folders of a `sys.path`.
const MOST_FOLDERS: usize = 256;
/// Most that is read of a text, in bytes.
const LONGEST: u64 = 4096;
/// Texts that tell the boot and the driver that runs.
pub(crate) const BOOT_AND_DRIVER: [&str; 3] =
    ["/proc/sys/kernel/random/boot_id", "/proc/driver/nvidia/version", "/sys/module/nvidia/version"];
/// Files by which libraries and the driver's own are found.
const FILES: [&str; 5] = [
    "/etc/ld.so.cache",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
    "/dev/dxg",
];
/// Of a package's own folder these entries show that its files were exchanged.
const PACKAGES: [&str; 5] = ["tensorflow", "torch", "jaxlib", "numpy", "nvidia"];

/// One place, as it was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    kind: Kind,
    path: PathBuf,
    /// None where it was not there.
    was: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A file or a folder, by what `stat` says of it.
    Place,
    /// What a link ends at.
    Behind,
    /// A folder, by its entries.
    Entries,
    /// A folder, by those of its entries that Python could import.
    Modules,
    /// The driver's nodes in a folder.
    Nodes,
    /// A short text.
    Text,
}

impl Stamp {
    fn new(kind: Kind, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { was: read(kind, &path), kind, path }
    }

    /// Whether the place is as it was.
    pub(super) fn holds(&self) -> bool {
        read(self.kind, &self.path) == self.was
    }
}

/// All that a look rests on.
pub(super) fn of(ask: &Ask, candidate: &Candidate, python: &Python, sys_path: &[String]) -> Vec<Stamp> {
    let mut stamps: Vec<Stamp> = BOOT_AND_DRIVER.map(|path| Stamp::new(Kind::Text, path)).into();
    stamps.extend(FILES.map(|path| Stamp::new(Kind::Place, path)));
    stamps.push(Stamp::new(Kind::Behind, "/proc/self/exe"));
    stamps.push(Stamp::new(Kind::Entries, "/proc/driver/nvidia/gpus"));
    stamps.push(Stamp::new(Kind::Nodes, "/dev"));
    let parts = [Some(&candidate.program), candidate.python.as_ref()].into_iter().flatten();
    stamps.extend(parts.chain(&candidate.said_in).map(|path| Stamp::new(Kind::Place, path)));
    if let Observed::Seen(interpreter) = &python.interpreter {
        let prefix = Path::new(&interpreter.prefix);
        stamps.extend(["pyvenv.cfg", "conda-meta"].map(|name| Stamp::new(Kind::Place, prefix.join(name))));
    }
    for home in homes(ask, python) {
        stamps.push(Stamp::new(Kind::Entries, home.join(".local/lib")));
        stamps.push(Stamp::new(Kind::Place, home.join(".keras/keras.json")));
    }
    let here = ask.environment.folder.clone().or_else(|| std::env::current_dir().ok());
    stamps.extend(here.map(|folder| Stamp::new(Kind::Modules, folder)));
    for folder in sys_path.iter().map(Path::new).filter(|folder| folder.is_absolute()).take(MOST_FOLDERS) {
        stamps.push(Stamp::new(Kind::Entries, folder));
        let packages = PACKAGES.map(|name| folder.join(name));
        stamps.extend(
            packages.into_iter().filter(|path| path.is_dir()).map(|path| Stamp::new(Kind::Entries, path)),
        );
    }
    let parts = python.cuda_parts.seen().into_iter().flat_map(|parts| &parts.folders);
    stamps.extend(parts.map(|folder| Stamp::new(Kind::Entries, &folder.path)));
    stamps
}

/// The home of whoever asks, and of whom the Python ran as.
fn homes(ask: &Ask, python: &Python) -> Vec<PathBuf> {
    let asking = inherited(&ask.environment, "HOME").map(PathBuf::from);
    let owner = python.ran_as.and_then(|uid| Accounts::of_this_machine().owner(uid, uid).home);
    asking.into_iter().chain(owner.map(PathBuf::from)).collect()
}

fn read(kind: Kind, path: &Path) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match kind {
        Kind::Place => place(path, &mut hasher)?,
        Kind::Behind => told(&fs::metadata(path).ok()?, &mut hasher),
        Kind::Entries => entries(path, |_| true, &mut hasher)?,
        Kind::Modules => entries(path, can_be_imported, &mut hasher)?,
        Kind::Nodes => entries(path, is_node, &mut hasher)?,
        Kind::Text => {
            let mut text = Vec::new();
            fs::File::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
            text.hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}

/// Links are followed, and count themselves: they may come to lead elsewhere.
fn place(path: &Path, hasher: &mut DefaultHasher) -> Option<()> {
    told(&fs::symlink_metadata(path).ok()?, hasher);
    told(&fs::metadata(path).ok()?, hasher);
    Some(())
}

fn told(found: &fs::Metadata, hasher: &mut DefaultHasher) {
    // Of a device node the times say nothing: the driver sets them anew.
    let times = found.is_file() || found.is_dir() || found.is_symlink();
    let at = (found.mtime(), found.mtime_nsec(), found.size());
    (found.mode(), found.uid(), found.gid(), found.rdev(), found.ino(), times.then_some(at)).hash(hasher);
}

fn entries(folder: &Path, counts: impl Fn(&Path) -> bool, hasher: &mut DefaultHasher) -> Option<()> {
    let entries = fs::read_dir(folder).ok()?.flatten().take(MOST_ENTRIES);
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| counts(path) && !is_byte_code(path)).collect();
    paths.sort();
    for path in paths {
        path.file_name().hash(hasher);
        // What leads nowhere is there all the same.
        let _ = place(&path, hasher);
    }
    Some(())
}

/// Python writes it whenever it pleases.
fn is_byte_code(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "__pycache__")
}

fn can_be_imported(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "py" || end == "so") || path.join("__init__.py").is_file()
}

fn is_node(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("nvidia"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.py"), "1").unwrap();
        let all = |kind| Stamp::new(kind, folder.path());
        let (entries, modules, file) =
            (all(Kind::Entries), all(Kind::Modules), Stamp::new(Kind::Place, at("a.py")));
        let nothing = Stamp::new(Kind::Place, at("later"));
        assert!([&entries, &modules, &file, &nothing].iter().all(|stamp| stamp.holds()));
        fs::create_dir(at("__pycache__")).unwrap();
        assert!(entries.holds() && modules.holds());
        fs::write(at("Lab3.ipynb"), "{}").unwrap();
        assert!(!entries.holds() && modules.holds());
        fs::write(at("numpy.py"), "").unwrap();
        assert!(!modules.holds() && file.holds());
        fs::write(at("a.py"), "12").unwrap();
        fs::write(at("later"), "").unwrap();
        assert!(!file.holds() && !nothing.holds());
    }
}

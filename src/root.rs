//! The root of the file system that is looked at.
//!
//! Invariants: a machine in a folder (`--root`) is never left through its symbolic links; only regular files and
//! links are read, and never more of them than `LARGEST`; a look is a look, nothing is opened for writing.

use rustix::{
    fs::{Mode, OFlags, ResolveFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Most that is read of one file, in bytes.
const LARGEST: u64 = 4 << 20;
/// Most that is read of a file that people write, or that the kernel writes as a short list, in bytes.
const CONFIGURATION: u64 = 64 << 10;
/// Most that is read of a file that holds one value, in bytes: the page that sysfs has for each.
const PAGE: u64 = 4 << 10;
/// How often a path is gone down: where something is renamed meanwhile, Linux wants to be asked again.
const ATTEMPTS: usize = 32;

/// A root directory.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    /// Nothing of it runs.
    is_image: bool,
}

impl Root {
    /// The tree under this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_image: false }
    }

    /// The same as an image of which nothing runs: what a builder has mounted on `/proc` and whatever else a boot fills, or
    /// left there, is not its own. A link from elsewhere still leads there.
    #[must_use]
    pub fn of_image(self) -> Self {
        Self { is_image: !self.is_this_machine(), ..self }
    }

    /// Whether nothing of it runs.
    pub fn is_image(&self) -> bool {
        self.is_image
    }

    /// Whether this is the machine that gpucheck runs on.
    pub fn is_this_machine(&self) -> bool {
        self.path == Path::new("/")
    }

    /// The text of a file, without white space at its end; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// The operating system's; for anything but a regular file `InvalidInput`.
    pub fn text(&self, path: &str) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(path, LARGEST)?).trim_end().to_owned())
    }

    /// The text of a file that need not be there.
    pub fn text_of(&self, path: &str) -> Option<String> {
        self.text(path).ok()
    }

    /// The text of a file of configuration that need not be there, and of that no more than `CONFIGURATION`.
    pub fn configuration(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path, CONFIGURATION).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// The first line of a file that holds one value, and of that no more than a page.
    pub fn value(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path, PAGE).ok()?;
        Some(String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().trim_end().to_owned())
    }

    /// The first bytes of a file.
    ///
    /// # Errors
    /// As for [`Root::text`].
    pub fn bytes(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        // Most files are smaller, and are read at once.
        let mut bytes = Vec::with_capacity(usize::try_from(PAGE.min(most)).unwrap_or_default());
        self.open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A regular file, opened for reading.
    ///
    /// # Errors
    /// As for [`Root::text`].
    pub fn open(&self, path: &str) -> io::Result<File> {
        // NONBLOCK: a named pipe in somebody's tree must not hold us up.
        let file = File::from(self.descend(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }

    /// Whether something is there, links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.descend(path, OFlags::PATH).is_ok()
    }

    /// What `stat` says of a file, links followed.
    pub fn stat(&self, path: &str) -> Option<rustix::fs::Stat> {
        rustix::fs::fstat(self.descend(path, OFlags::PATH).ok()?).ok()
    }

    /// The names in a folder, sorted; none where they cannot be had.
    pub fn names(&self, path: &str) -> Vec<String> {
        self.list(path).unwrap_or_default()
    }

    /// The names in a folder, sorted, of one with more no more than this; none where they cannot be had.
    pub fn some_names(&self, path: &str, most: usize) -> Vec<String> {
        self.list_some(path, most).unwrap_or_default()
    }

    /// Whether a regular file is there, links followed.
    pub fn is_file(&self, path: &str) -> bool {
        self.stat(path).is_some_and(|found| found.st_mode & 0o170_000 == 0o100_000)
    }

    /// Whether a folder is there, links followed.
    pub fn is_folder(&self, path: &str) -> bool {
        self.stat(path).is_some_and(|found| found.st_mode & 0o170_000 == 0o040_000)
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// The operating system's.
    pub fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.list_some(path, usize::MAX)
    }

    /// The same, of a folder with more names no more than this.
    ///
    /// # Errors
    /// The operating system's.
    pub fn list_some(&self, path: &str, most: usize) -> io::Result<Vec<String>> {
        let folder = self.descend(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
            if names.len() >= most {
                break;
            }
        }
        names.sort();
        Ok(names)
    }

    /// The last part of what a symbolic link leads to.
    pub fn link_name(&self, path: &str) -> Option<String> {
        Some(self.link(path)?.rsplit('/').next()?.to_owned())
    }

    /// What a symbolic link says that it leads to.
    pub fn link(&self, path: &str) -> Option<String> {
        let link = self.descend(path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
        let target = rustix::fs::readlinkat(link, "", Vec::new()).ok()?;
        Some(target.to_string_lossy().into_owned())
    }

    /// The path that links end at, seen from this root.
    ///
    /// # Errors
    /// The operating system's, for a link that leads nowhere.
    pub fn target(&self, path: &str) -> io::Result<String> {
        let file = self.descend(path, OFlags::PATH)?;
        let real = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)))?;
        let base = self.path.canonicalize()?;
        let inside = real.strip_prefix(&base).unwrap_or(&real);
        Ok(format!("/{}", inside.display()).replace("//", "/"))
    }

    /// Whether the asking user's permissions allow reading and writing; none where nothing is there.
    pub fn may_read_and_write(&self, path: &str) -> Option<bool> {
        use rustix::fs::Access;
        let file = self.descend(path, OFlags::PATH).ok()?;
        let itself = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        match rustix::fs::accessat(
            rustix::fs::CWD,
            itself,
            Access::READ_OK | Access::WRITE_OK,
            rustix::fs::AtFlags::EACCESS,
        ) {
            Ok(()) => Some(true),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Some(false),
            Err(_) => None,
        }
    }

    fn descend(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        if self.is_this_machine() {
            return Ok(rustix::fs::open(path, flags, Mode::empty())?);
        }
        if self.is_image && is_of_what_runs(path) {
            return Err(Errno::NOENT.into());
        }
        let root =
            rustix::fs::open(&self.path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let relative = path.trim_start_matches('/');
        let relative = if relative.is_empty() { "." } else { relative };
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 1..ATTEMPTS {
            match rustix::fs::openat2(&root, relative, flags, Mode::empty(), inside) {
                Err(Errno::AGAIN) => {}
                opened => return Ok(opened?),
            }
        }
        Ok(rustix::fs::openat2(&root, relative, flags, Mode::empty(), inside)?)
    }
}

/// Folders that a boot fills: what lies there tells of what runs.
const OF_WHAT_RUNS: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/var/run"];

fn is_of_what_runs(path: &str) -> bool {
    OF_WHAT_RUNS.iter().any(|folder| Path::new(path).starts_with(folder))
}

/// Whether a file of a `.d` folder is read: those whose names end with `.conf`, in small letters.
pub(crate) fn is_conf(name: &str) -> bool {
    name.strip_suffix(".conf").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_a_builder_has_mounted_into_an_image_is_not_the_images() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("run")).unwrap();
        std::fs::create_dir_all(tree.path().join("var")).unwrap();
        symlink("/run", tree.path().join("var/run")).unwrap();
        std::fs::write(tree.path().join("run/reboot-required"), "").unwrap();
        std::fs::write(tree.path().join("running"), "").unwrap();
        let found = |root: &Root| {
            ["/run/reboot-required", "/var/run/reboot-required", "/running"].map(|path| root.exists(path))
        };
        assert_eq!(found(&Root::new(tree.path())), [true, true, true]);
        assert_eq!(found(&Root::new(tree.path()).of_image()), [false, false, true]);
    }

    #[test]
    fn links_do_not_lead_out_of_the_tree() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("etc")).unwrap();
        std::fs::write(tree.path().join("etc/inside"), "inside\n").unwrap();
        symlink("/etc/inside", tree.path().join("absolute")).unwrap();
        symlink("../../../../etc/passwd", tree.path().join("outside")).unwrap();
        symlink("/loop", tree.path().join("loop")).unwrap();
        let root = Root::new(tree.path());
        assert_eq!(root.text("/absolute").unwrap(), "inside");
        assert_eq!(root.target("/absolute").unwrap(), "/etc/inside");
        assert!(root.text("/outside").is_err() && root.text("/loop").is_err());
        assert_eq!(root.link_name("/absolute").as_deref(), Some("inside"));
    }

    #[test]
    fn a_pipe_is_no_file() {
        let tree = tempfile::tempdir().unwrap();
        let pipe = tree.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert_eq!(Root::new(tree.path()).text("/pipe").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

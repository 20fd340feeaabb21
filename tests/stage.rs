//! What several tests stand on: machines made of files, programs compiled on the spot, waiting for something.

use gpucheck::root::Root;
use std::{
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::RwLock,
    time::{Duration, Instant},
};

/// Held alone by whoever starts a Jupyter server, and together by those whose kernels one that runs would start.
pub(crate) static SERVERS: RwLock<()> = RwLock::new(());

/// What a run came to.
pub(crate) struct Ran {
    /// Exit status; none where a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A machine in a folder.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// A folder with nothing in it.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A Linux of Azure's without a GPU, as far as the probes need one to be there.
    pub(crate) fn linux() -> Self {
        Self::empty()
            .file("/proc/sys/kernel/osrelease", "6.8.0-1021-azure\n")
            .file(
                "/proc/version",
                "Linux version 6.8.0-1021-azure (buildd@lcy02) (gcc 12.3.0) #25-Ubuntu SMP\n",
            )
            .file("/proc/modules", "hv_netvsc 98304 0 - Live 0x0000000000000000\n")
            .folder("/sys/bus/pci/devices")
    }

    /// With this file; what is there is replaced.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.place_for(path), content).unwrap();
        self
    }

    /// With this symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        symlink(target, self.place_for(path)).unwrap();
        self
    }

    /// With this folder.
    pub(crate) fn folder(self, path: &str) -> Self {
        std::fs::create_dir_all(self.place_for(path)).unwrap();
        self
    }

    /// Where a path of the machine lies; the folder it is in is there.
    pub(crate) fn place_for(&self, path: &str) -> PathBuf {
        let place = self.folder.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder, as probes take it.
    pub(crate) fn root(&self) -> Root {
        Root::new(self.folder.path())
    }
}

/// Compiles a C program.
pub(crate) fn compile(source: &str, program: &Path) {
    let file = program.with_extension("c");
    std::fs::write(&file, source).unwrap();
    let compiled = Command::new("cc").args(["-O0", "-w", "-o"]).arg(program).arg(&file).status();
    assert!(compiled.unwrap().success(), "{source}");
}

/// Makes a system call fail in a program, as on a Linux that does not have it.
pub(crate) fn without_call(command: &mut Command, call: i64) {
    let statement = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        // Load the number of the call; the wanted one fails with ENOSYS, the others are allowed.
        statement(0x20, 0, 0, 0),
        statement(0x15, 0, 1, u32::try_from(call).unwrap()),
        statement(0x06, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        statement(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let install = move || {
        let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
        // SAFETY: the filter lives as long as the closure, and the kernel copies it.
        let installed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if installed { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the closure makes two system calls.
    unsafe { command.pre_exec(install) };
}

/// Waits until something holds; false where it does not come to hold in time.
pub(crate) fn within(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Whether a process is there and not merely waiting to be reaped.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

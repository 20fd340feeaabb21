//! `gpucheck motd` and the scripts that show it at a login: what is said, that it is short, and that no report and no machine
//! can make a login wait or fail.

mod said;
mod scripts;
mod trusted;

use crate::machine::Machine;
use gpucheck_checks::{Knowledge, Profile, Report, Selection};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A machine that a daemon has looked at: the folder of its files.
struct Looked {
    folder: tempfile::TempDir,
}

/// What gpucheck says of a machine of the tests.
fn report(machine: &str) -> Report {
    let knowledge = Knowledge::built_in().unwrap();
    Profile::Check.judge(&Machine::load(machine).facts, &knowledge, &Selection::default())
}

/// So many seconds ago, as reports have it.
fn ago(seconds: i64) -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Looked {
    /// A machine that has run for a day, and was looked at so many seconds ago.
    fn at(machine: &str, seconds: i64) -> Self {
        Self::with(&serde_json::to_vec(&Report { taken_at: ago(seconds), ..report(machine) }).unwrap())
    }

    /// A machine whose report holds this.
    fn with(report: &[u8]) -> Self {
        let looked = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(looked.state().join("daemon")).unwrap();
        fs::create_dir(looked.folder.path().join("proc")).unwrap();
        fs::write(looked.folder.path().join("proc/uptime"), "86400.25 170000.00\n").unwrap();
        fs::write(looked.report(), report).unwrap();
        looked
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("var/lib/gpucheck")
    }

    fn report(&self) -> PathBuf {
        self.state().join("daemon/report.json")
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.env_clear().stdin(Stdio::null()).arg("motd").arg("--root").arg(self.path());
        command.args(arguments).output().unwrap()
    }

    /// What it says; whatever it is, no status but 0 and nothing on standard error.
    fn says(&self) -> String {
        let output = self.output(&[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    }
}

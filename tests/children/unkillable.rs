//! A child in uninterruptible sleep, as a broken driver leaves one: made by writing to a frozen file system.

use super::{number, script, timed};
use crate::stage::{is_alive, within};
use gpucheck_checks::fact::ProbeFailure;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// A small file system in a file, mounted and frozen for as long as the value lives.
struct Frozen {
    folder: tempfile::TempDir,
}

impl Frozen {
    fn new() -> Option<Self> {
        let frozen = Self { folder: tempfile::tempdir().ok()? };
        let (image, place) = (frozen.folder.path().join("image"), frozen.place());
        std::fs::create_dir(&place).ok()?;
        std::fs::File::create(&image).ok()?.set_len(16 << 20).ok()?;
        let done = works("mkfs.ext4", &[Path::new("-q"), &image])
            && works("mount", &[Path::new("-o"), Path::new("loop"), &image, &place])
            && works("fsfreeze", &[Path::new("-f"), &place]);
        done.then_some(frozen)
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    fn thaw(&self) {
        works("fsfreeze", &[Path::new("-u"), &self.place()]);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.thaw();
        within(Duration::from_secs(5), || works("umount", &[&self.place()]) || !is_mounted(&self.place()));
    }
}

fn is_mounted(place: &Path) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.contains(&*place.to_string_lossy())
}

fn works(program: &str, args: &[&Path]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_child_that_cannot_be_killed_is_abandoned_in_time() {
    let Some(frozen) = Frozen::new() else {
        println!("skipped: no loop mount or no fsfreeze here, so no child can be made unkillable");
        return;
    };
    let deadline = Duration::from_millis(300);
    for stack_at_deadline in [false, true] {
        let text =
            format!("echo own $$ >&2; say '{{\"step\":\"open\"}}'; echo > {}/x", frozen.place().display());
        let mut job = script(&text, deadline);
        job.stack_at_deadline = stack_at_deadline;
        let (finished, took) = timed(job);
        let by = ProbeFailure::TimedOut { after_ms: 300, step: "open".to_owned(), unkillable: true };
        assert_eq!(finished.observed.failure(), Some(&by));
        assert!(is_alive(number(&finished.log, "own")), "it was to be unkillable");
        assert!(took < deadline + Duration::from_secs(1) + Duration::from_millis(100), "{took:?}");
        if stack_at_deadline {
            frozen.thaw();
            assert!(within(Duration::from_secs(5), || !is_alive(number(&finished.log, "own"))));
        }
    }
}

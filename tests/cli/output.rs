//! Where the report goes: whole to its place, or not at all and with a word.

use super::{Ran, broken_facts, gpucheck, judge_facts, listing, run};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn list_to(path: &Path) -> Ran {
    run(&["list", "--output", path.to_str().unwrap()])
}

#[test]
fn a_file_holds_what_standard_output_would() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.txt");
    let ran = list_to(&path);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(fs::read_to_string(&path).unwrap(), run(&["list"]).out);
    assert_eq!(listing(folder.path()).len(), 1);
    let json = folder.path().join("report.json");
    let ran = judge_facts(&broken_facts(), &["--format", "json", "-o", json.to_str().unwrap()]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "the status is the verdict's");
    assert_eq!(fs::read_to_string(&json).unwrap(), judge_facts(&broken_facts(), &["--format", "json"]).out);
}

#[test]
fn a_file_that_is_replaced_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.txt");
    fs::write(&path, "an older report").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(list_to(&path).status, Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), run(&["list"]).out);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(listing(folder.path()).len(), 1);
}

#[test]
fn a_new_file_has_the_permissions_that_the_umask_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.txt");
    let command = format!("umask 027; exec \"$0\" list --output {}", path.display());
    let ran = Command::new("/bin/sh").args(["-c", &command, env!("CARGO_BIN_EXE_gpucheck")]).status();
    assert!(ran.unwrap().success());
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_link_is_followed_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (link, behind) = (folder.path().join("link"), folder.path().join("behind"));
    fs::write(&behind, "an older report").unwrap();
    symlink("behind", &link).unwrap();
    assert_eq!(list_to(&link).status, Some(0));
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("behind"));
    assert_eq!(fs::read_to_string(&behind).unwrap(), run(&["list"]).out);
}

#[test]
fn a_link_that_leads_to_nothing_yet_gets_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (link, second) = (folder.path().join("link"), folder.path().join("second"));
    symlink("second", &link).unwrap();
    symlink("behind", &second).unwrap();
    assert_eq!(list_to(&link).status, Some(0));
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("second"));
    assert_eq!(fs::read_link(&second).unwrap(), Path::new("behind"));
    assert_eq!(fs::read_to_string(folder.path().join("behind")).unwrap(), run(&["list"]).out);
    assert_eq!(listing(folder.path()).len(), 3);
    let round = folder.path().join("round");
    symlink("round", &round).unwrap();
    assert_eq!(list_to(&round).status, Some(4));
}

#[test]
fn a_log_that_the_shell_has_open_keeps_what_stands_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    for place in ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"] {
        fs::write(&log, "what was there\n").unwrap();
        let line = format!("exec \"$0\" list --output {place} >> {}", log.display());
        let ran = Command::new("/bin/sh").args(["-c", &line, env!("CARGO_BIN_EXE_gpucheck")]).status();
        assert!(ran.unwrap().success());
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("what was there\n{}", run(&["list"]).out));
    }
}

#[test]
fn a_file_that_is_mounted_on_its_place_is_written_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (source, place) = (folder.path().join("source"), folder.path().join("place"));
    fs::write(&source, "an older report, longer than any list: ".repeat(10_000)).unwrap();
    fs::write(&place, "").unwrap();
    let line = format!(
        "mount --bind {} {} || exit 77; exec \"$0\" list --output {}",
        source.display(),
        place.display(),
        place.display()
    );
    let ran =
        Command::new("unshare").args(["-m", "sh", "-c", &line, env!("CARGO_BIN_EXE_gpucheck")]).output();
    let Some(Ok(ran)) = rustix::process::geteuid().is_root().then_some(ran) else {
        println!("skipped: only root can mount");
        return;
    };
    if ran.status.code() == Some(77) {
        println!("skipped: no mounts here");
        return;
    }
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(fs::read_to_string(&source).unwrap(), run(&["list"]).out);
    assert_eq!(listing(folder.path()).len(), 2);
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_with_4() {
    let folder = tempfile::tempdir().unwrap();
    let deeper = folder.path().join("no/such/folder/report.txt");
    for path in [deeper.as_path(), folder.path(), Path::new("/proc/gpucheck"), Path::new("/dev/full")] {
        let ran = list_to(path);
        assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""), "{}", ran.err);
        assert!(ran.err.contains(path.to_str().unwrap()), "{}", ran.err);
    }
    assert_eq!(listing(folder.path()), [""; 0]);
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    assert_eq!(list_to(Path::new("/dev/null")).status, Some(0));
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_full_standard_output_ends_with_4() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran: Ran = gpucheck().arg("list").stdout(full).output().unwrap().into();
    assert_eq!(ran.status, Some(4));
    assert!(ran.err.contains("standard output"), "{}", ran.err);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    for args in [&["list"][..], &["explain", "driver.initializes"], &["--help"]] {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        drop(reader);
        let ran: Ran = gpucheck().args(args).stdout(Stdio::from(writer)).output().unwrap().into();
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
    }
    let ran: Ran = Command::new("/bin/sh")
        .args(["-c", "\"$0\" list | head -n 1", env!("CARGO_BIN_EXE_gpucheck")])
        .output()
        .unwrap()
        .into();
    assert_eq!((ran.status, ran.out.lines().count(), ran.err.as_str()), (Some(0), 1, ""));
}

#[test]
fn closed_streams_are_no_panic() {
    let ran = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" list <&- >&- 2>&-", env!("CARGO_BIN_EXE_gpucheck")])
        .status()
        .unwrap();
    assert!(matches!(ran.code(), Some(0 | 4)), "{ran:?}");
}

#[test]
fn somebody_elses_link_in_a_shared_folder_is_not_written_through() {
    // The unfinished file has a name that can be guessed; whoever may write to the folder may have been there first.
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("report.txt"), folder.path().join("victim"));
    fs::write(&victim, "untouched").unwrap();
    // `exec` keeps the process id, so that the script knows the name beforehand.
    let script = format!(
        "ln -s {} {}.$$.unfinished; exec \"$0\" list --output {}",
        victim.display(),
        path.display(),
        path.display()
    );
    let status =
        Command::new("/bin/sh").args(["-c", &script, env!("CARGO_BIN_EXE_gpucheck")]).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 4)), "{status:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(File::open(&path).is_err() || fs::symlink_metadata(&path).unwrap().is_file());
}

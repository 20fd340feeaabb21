//! Packer: the provisioners of `packaging/packer`, over SSH, to this machine.

use super::{
    Ended, command,
    image::{GPUCHECK, Image, Kept, assert_reports, write_small_gpucheck},
    parts::{debian, ours, tool},
    run,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// An SSH server on loopback, for as long as it is there.
struct Door {
    server: Child,
    port: String,
}

impl Door {
    fn open(folder: &Path) -> Self {
        let mut server = command(tool("python"), folder)
            .arg(ours("tests/pipelines/ssh_server.py"))
            .args(["packer", "secret"])
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", debian().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        assert!(!port.trim().is_empty(), "the SSH server did not start");
        Self { server, port: port.trim().to_owned() }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn packer(folder: &Path) -> Command {
    let mut packer = command(debian().join("packer"), folder);
    packer.env("CHECKPOINT_DISABLE", "1").env("PACKER_NO_COLOR", "1");
    packer
}

/// A build of an image, and where its reports are.
struct Build {
    folder: tempfile::TempDir,
    ended: Ended,
}

impl Build {
    fn of(image: &Image, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::open(folder.path());
        // Reports that an earlier build has left.
        let reports = folder.path().join("reports");
        fs::create_dir(&reports).unwrap();
        fs::write(reports.join("status"), "0\n").unwrap();
        fs::write(reports.join("gpucheck.md"), "an earlier one").unwrap();
        let mut packer = packer(folder.path());
        packer.args(["build", "-color=false", "-only=null.machine"]);
        let work = folder.path().join("work");
        let root = image.root();
        let usual = [
            ("port", door.port.as_str()),
            ("user", "packer"),
            ("password", "secret"),
            ("as_root", "env"),
            ("work", work.to_str().unwrap()),
            ("root", root.to_str().unwrap()),
            ("installed", GPUCHECK),
        ];
        for (name, value) in usual.iter().chain(variables) {
            packer.arg("-var").arg(format!("{name}={value}"));
        }
        let ended = run(packer.arg(ours("packaging/packer")));
        Self { folder, ended }
    }

    fn reports(&self) -> PathBuf {
        self.folder.path().join("reports")
    }

    /// gpucheck's exit status, as it came out of the image.
    fn status(&self) -> String {
        let status = fs::read_to_string(self.reports().join("status"));
        status.unwrap_or_else(|error| panic!("{error}\n{}", self.ended.said)).trim().to_owned()
    }
}

const ALLOWED: (&str, &str) = ("options", "--allow-unverified");

#[test]
fn a_good_image_is_built_and_its_reports_are_kept() {
    let image = Image::good();
    let place = tempfile::tempdir().unwrap();
    let [uploaded, installed] = ["gpucheck", "bin/gpucheck"].map(|name| place.path().join(name));
    write_small_gpucheck(&uploaded);
    let [from, to] = [&uploaded, &installed].map(|file| file.to_str().unwrap());
    let build = Build::of(&image, &[ALLOWED, ("gpucheck", from), ("installed", to)]);
    assert_eq!(build.ended.status, Some(0), "{}", build.ended.said);
    assert_eq!(build.status(), "0");
    assert_reports(&build.reports(), Kept::Good);
    assert!(installed.is_file(), "it is not in the image");
    assert!(!build.folder.path().join("work").exists(), "the upload is still in the image");
    assert!(!build.reports().join("gpucheck.md").exists(), "a report of an earlier build");
}

#[test]
fn a_bad_image_stops_the_build_and_its_reports_are_kept() {
    let build = Build::of(&Image::bad(), &[ALLOWED]);
    assert_eq!(build.ended.status, Some(1), "{}", build.ended.said);
    assert_eq!(build.status(), "1");
    assert_reports(&build.reports(), Kept::Bad);
    assert!(build.ended.said.contains("this image is not good (exit status 1)"), "{}", build.ended.said);
}

#[test]
fn an_image_that_could_not_be_tried_in_full_stops_the_build_unless_that_is_allowed() {
    let build = Build::of(&Image::good(), &[]);
    assert_eq!(build.ended.status, Some(1), "{}", build.ended.said);
    assert_eq!(build.status(), "3");
    assert_reports(&build.reports(), Kept::Good);
}

#[test]
fn an_image_without_gpucheck_stops_the_build() {
    let build = Build::of(&Image::good(), &[("installed", "/nowhere/gpucheck")]);
    assert_eq!(build.ended.status, Some(1), "{}", build.ended.said);
    assert_eq!(build.status(), "127");
}

#[test]
fn a_target_that_nobody_knows_stops_the_build() {
    let build = Build::of(&Image::good(), &[("targets", "[\"T44\"]")]);
    assert_eq!(build.ended.status, Some(1), "{}", build.ended.said);
    assert_eq!(build.status(), "2");
    assert!(build.ended.said.contains("T44"), "{}", build.ended.said);
}

#[test]
fn packer_takes_the_builds_and_refuses_a_misspelt_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let mut keygen = command(debian().join("ssh-keygen"), folder.path());
    let made = run(keygen.args(["-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f"]).arg(&key));
    assert_eq!(made.status, Some(0), "{}", made.said);
    let directory = format!("directory={}", folder.path().display());
    let builds: [(&str, &[&str]); 2] =
        [("packaging/packer", &[]), ("tests/pipelines/qemu", &["-var", &directory])];
    for (build, variables) in builds {
        let ended = run(packer(folder.path()).arg("validate").args(variables).arg(ours(build)));
        assert_eq!(ended.status, Some(0), "{build}: {}", ended.said);
    }
    let build = fs::read_to_string(ours("packaging/packer/gate.pkr.hcl")).unwrap();
    let wrong = build.replace("execute_command ", "execute_comand ");
    assert_ne!(build, wrong);
    fs::write(folder.path().join("gate.pkr.hcl"), wrong).unwrap();
    fs::copy(ours("packaging/packer/gate.sh"), folder.path().join("gate.sh")).unwrap();
    let ended = run(packer(folder.path()).arg("validate").arg(folder.path()));
    assert_eq!(ended.status, Some(1), "{}", ended.said);
    assert!(ended.said.contains("execute_comand"), "{}", ended.said);
}

//! The plain command, answered by the daemon; and all that keeps it from believing it.

use super::{Daemon, PATIENCE, looks::real};
use crate::{
    simulated::{Simulated, t4},
    stage::within,
};
use gpucheck_checks::Report;
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::symlink, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

/// A daemon that has found a simulated machine to be well, in a home with nothing in it.
struct Lab {
    simulated: Simulated,
    daemon: Daemon,
}

impl Lab {
    fn new() -> Self {
        let simulated = Simulated::new(&t4());
        let daemon = real(&simulated, &[]).run();
        let fresh = || daemon.ask("status")["known"]["fresh"] == json!(true);
        assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
        Self { simulated, daemon }
    }

    /// gpucheck as a student types it, in the shell of the daemon.
    fn gpucheck(&self) -> Command {
        let mut command = self.elsewhere();
        command.arg("--socket").arg(self.daemon.at("socket"));
        command
    }

    /// The same with no socket said.
    fn elsewhere(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.env_clear().env("PATH", "/nowhere").env("LD_LIBRARY_PATH", &self.simulated.libraries);
        command.envs(self.simulated.environment()).env("HOME", self.daemon.at("home"));
        command.current_dir(self.daemon.at("home")).stdin(Stdio::null());
        command.arg("--root").arg(self.daemon.at("machine"));
        command
    }

    fn said(command: &mut Command) -> (String, Option<i32>) {
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(error, "");
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    /// Why the daemon's report is no answer; the look that follows is not waited for.
    fn why_not(command: &mut Command) -> String {
        let mut child = command.arg("-vv").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let why = lines.find(|line| line.contains("does not answer this"));
        child.kill().unwrap();
        child.wait().unwrap();
        why.unwrap_or_else(|| panic!("it was answered by the daemon: {command:?}"))
    }
}

#[test]
fn whoever_has_the_daemon_s_view_gets_its_report_with_its_age() {
    let lab = Lab::new();
    let (text, status) = Lab::said(&mut lab.gpucheck());
    assert_eq!(status, Some(0));
    assert!(text.starts_with("USABLE: Tesla T4 computes; no framework"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("Looked ") && last.ends_with(" s ago by gpucheckd; gpucheck --fresh looks anew"),
        "{last}"
    );
    let (text, _) = Lab::said(lab.gpucheck().args(["--lang", "ko"]));
    assert!(text.lines().last().unwrap().contains("gpucheckd가"), "{text}");
    let (json, _) = Lab::said(lab.gpucheck().args(["--format", "json"]));
    let kept = fs::read_to_string(lab.daemon.at("state/report.json")).unwrap();
    let read = |text: &str| serde_json::from_str::<Report>(text).unwrap();
    assert_eq!(read(&json), read(&kept));
    let (quiet, _) = Lab::said(lab.gpucheck().arg("--quiet"));
    assert_eq!(quiet, "USABLE: Tesla T4 computes; no framework was found to try from\n");
    // The GPU was not asked for any of that.
    let _ = fs::remove_file(&lab.simulated.environment()[1].1);
    Lab::said(&mut lab.gpucheck());
    assert_eq!(lab.simulated.trace(), [""; 0]);
}

#[test]
fn whoever_has_another_view_looks() {
    let lab = Lab::new();
    let differs = |part: &str, command: &mut Command| {
        let why = Lab::why_not(command);
        assert!(why.contains("what it rests on is another here") && why.contains(part), "{part}: {why}");
    };
    for (name, value) in [
        ("CUDA_VISIBLE_DEVICES", "-1"),
        ("LD_LIBRARY_PATH", "/opt/cuda-10/lib64"),
        ("NVIDIA_TF32_OVERRIDE", "0"),
        ("PYTHONPATH", "/srv/packages"),
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/x"),
    ] {
        differs("variables", lab.gpucheck().env(name, value));
    }
    differs("pythons", lab.gpucheck().env("VIRTUAL_ENV", "/opt/class"));
    differs("pythons", lab.gpucheck().env("CONDA_PREFIX", "/opt/conda"));
    differs("job", lab.gpucheck().env("SLURM_JOB_ID", "12"));
    differs("pythons", lab.gpucheck().env("PATH", "/usr/bin"));
    let home = lab.daemon.at("home");
    let file = |path: &str, text: &str| {
        let file = home.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    };
    let own = file(".local/lib/python3.11/site-packages/torch/__init__.py", "");
    differs("own_packages", &mut lab.gpucheck());
    fs::remove_dir_all(home.join(".local")).unwrap();
    assert!(!own.exists());
    file(
        ".local/share/jupyter/kernels/mine/kernel.json",
        r#"{"argv": ["/opt/x/bin/python"], "language": "python"}"#,
    );
    differs("kernels", &mut lab.gpucheck());
    fs::remove_dir_all(home.join(".local")).unwrap();
    // A module of one's own in the working directory counts for every Python that is started there.
    let shadow = file("work/numpy.py", "");
    let why = Lab::why_not(lab.gpucheck().env("PATH", "/usr/bin").current_dir(shadow.parent().unwrap()));
    assert!(why.contains("pythons"), "{why}");
    fs::create_dir_all(home.join(".venv/bin")).unwrap();
    symlink("/usr/bin/python3", home.join(".venv/bin/python")).unwrap();
    fs::write(home.join(".venv/pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    differs("environments", &mut lab.gpucheck());
    fs::remove_dir_all(home.join(".venv")).unwrap();
    file(".bashrc", "export LD_LIBRARY_PATH=/x\n");
    differs("shell_files", &mut lab.gpucheck());
    fs::remove_file(home.join(".bashrc")).unwrap();
    // Somebody has come to use the GPU.
    fs::create_dir_all(lab.daemon.at("machine/sys/module/nvidia_uvm")).unwrap();
    fs::write(lab.daemon.at("machine/sys/module/nvidia_uvm/refcnt"), "2\n").unwrap();
    differs("in_use", &mut lab.gpucheck());
    fs::remove_dir_all(lab.daemon.at("machine/sys/module")).unwrap();
    fs::remove_file(lab.daemon.at("machine/dev/nvidia0")).unwrap();
    differs("devices", &mut lab.gpucheck());
    fs::write(lab.daemon.at("machine/dev/nvidia0"), "").unwrap();
    // All of it taken back, it is an answer again.
    let (text, _) = Lab::said(&mut lab.gpucheck());
    assert!(text.contains("by gpucheckd"), "{text}");
}

#[test]
fn whoever_asks_for_something_else_looks() {
    let lab = Lab::new();
    for option in
        ["--fresh", "--full", "--no-exercise", "--deep", "--no-cloud-metadata", "--skip=performance"]
    {
        // It is not even asked.
        let mut command = lab.gpucheck();
        command.args([option, "-vv"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!first.is_empty() && !first.contains("daemon"), "{option}: {first}");
    }
}

#[test]
fn what_is_wrong_and_what_is_old_is_looked_at_anew() {
    let simulated = Simulated::with(&t4(), "cuInit", &json!({"return": 803}));
    let daemon = real(&simulated, &[]).run();
    daemon.knows("NOT USABLE");
    let lab = Lab { simulated, daemon };
    let why = Lab::why_not(&mut lab.gpucheck());
    assert!(why.contains("something is wrong") || why.contains("not fresh"), "{why}");
    let lab = Lab::new();
    fs::write(lab.daemon.at("gpucheckd.toml"), "fresh_for = \"1s\"\n").unwrap();
    lab.daemon.signal(libc::SIGHUP);
    assert!(within(PATIENCE, || lab.daemon.ask("status")["known"]["fresh"] == json!(false)));
    assert!(Lab::why_not(&mut lab.gpucheck()).contains("it is not fresh"));
    // A daemon that says nothing.
    lab.daemon.signal(libc::SIGSTOP);
    assert!(Lab::why_not(&mut lab.gpucheck()).contains("it does not answer in time"));
    lab.daemon.signal(libc::SIGCONT);
    lab.daemon.signal(libc::SIGKILL);
    let why = Lab::why_not(&mut lab.gpucheck());
    assert!(why.contains("Connection refused"), "{why}");
}

/// Whoever listens in the daemon's place is asked for nothing.
#[test]
fn a_stranger_is_not_believed() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/python3").exists() {
        println!("skipped: needs root, and a Python at /usr/bin/python3");
        return;
    }
    let lab = Lab::new();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(12_345), Some(12_345)).unwrap();
    let socket = folder.path().join("socket");
    let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n\
                  while True:\n c, _ = s.accept()\n c.close()\n";
    let mut stranger = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(&socket)
        .uid(12_345)
        .gid(12_345)
        .spawn()
        .unwrap();
    assert!(within(PATIENCE, || std::os::unix::net::UnixStream::connect(&socket).is_ok()));
    let why = Lab::why_not(lab.elsewhere().arg("--socket").arg(&socket));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(why.contains("user 12345 listens there"), "{why}");
}

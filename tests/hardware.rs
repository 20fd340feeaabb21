//! The suite for real GPUs where there is none: its judgement on constructed runs, a stand-in that leaves things behind,
//! and the whole of it on a simulated T4.

mod on_a_simulated_t4;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A gpucheck that finds a GPU, leaves a process after its first run, and works without end where it is asked for deep work.
const LEAVES: &str = r#"#!/bin/sh
case "$*" in
--version) echo gpucheck 0.1.0 ;;
*pci.gpu_present*) echo "usable, not verified"; exit 3 ;;
"--lang en"*) sleep 9 >/dev/null 2>&1 & ;;
"record --output "*/facts-usual.json) echo '{"x": "/home/kim/bin: GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"}' >"$3" ;;
"slow --"*) echo "/home/kim/bin is no file" >&2; exit 4 ;;
--deep) echo $$ >"$BUSY"; exec sleep 100 ;;
esac
"#;

/// nvidia-smi of a T4: memory is taken, and a process computes, while the process lives whose number is in a file.
const SMI: &str = r#"#!/bin/sh
busy=$(cat "$BUSY" 2>/dev/null)
[ -n "$busy" ] && kill -0 "$busy" 2>/dev/null || busy=
case $1 in
--query-gpu=pci.bus_id,memory.used) echo "00000001:00:00.0, ${busy:+40}5" ;;
--query-compute-apps=pid) [ -z "$busy" ] || echo "$busy" ;;
-q) printf '    Serial Number                         : 1562720002283\n    GPU UUID                              : GPU-8932f937-d72c-4106-c12f-20bd9faed9f6\n    Product Name                          : Tesla T4\n' ;;
esac
"#;

/// A folder with programs, and where the suite leaves its capture.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A program, by its text.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The suite with a gpucheck; the folder's other programs come first on PATH.
    fn run(&self, gpucheck: &Path, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new("sh")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardware.sh"))
            .args(arguments)
            .arg("--output")
            .arg(self.folder.path().join("capture"))
            .arg(gpucheck)
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("BUSY", self.folder.path().join("busy"))
            .env_remove("GPUCHECK_ARGS")
            .output()
            .unwrap()
    }

    /// A file of the capture.
    fn captured(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("capture").join(name)).unwrap()
    }
}

fn lines<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(word)).collect()
}

#[test]
fn its_judgement_is_right_on_constructed_runs() {
    let output = Command::new("python3")
        .args(["-m", "unittest", "tests/test_hardware.py"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.ends_with("OK\n"), "{said}");
}

#[test]
fn where_there_is_no_gpu_it_is_skipped_with_the_reason() {
    let bench = Bench::new();
    // A machine in an empty folder has no GPU, wherever this runs.
    let root = bench.folder.path().join("root");
    fs::create_dir_all(root.join("sys/bus/pci/devices/0000:00:00.0")).unwrap();
    for (file, text) in [("vendor", "0x8086\n"), ("device", "0x1237\n"), ("class", "0x060000\n")] {
        fs::write(root.join("sys/bus/pci/devices/0000:00:00.0").join(file), text).unwrap();
    }
    let (gpucheck, root) = (env!("CARGO_BIN_EXE_gpucheck"), root.display());
    let wrapped = bench.program("gpucheck", &format!("#!/bin/sh\nexec {gpucheck} \"$@\" --root {root}\n"));
    let output = bench.run(&wrapped, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(77), "{said}");
    assert!(said.contains("skipped, no GPU: NOT USABLE: no NVIDIA GPU"), "{said}");
    assert!(!bench.folder.path().join("capture").exists());
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let bench = Bench::new();
    for (gpucheck, arguments) in [("/bin/false", vec![]), ("/nowhere", vec![]), ("/bin/true", vec!["--hard"])]
    {
        let output = bench.run(Path::new(gpucheck), &arguments);
        assert_eq!(output.status.code(), Some(2), "{gpucheck} {output:?}");
    }
}

#[test]
fn what_is_left_behind_is_found_and_ctrl_c_is_tried() {
    let bench = Bench::new();
    let gpucheck = bench.program("gpucheck", LEAVES);
    bench.program("nvidia-smi", SMI);
    let output = bench.run(&gpucheck, &["--soak"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let figures = bench.captured("figures.txt");
    assert_eq!(figures, String::from_utf8_lossy(&output.stdout));
    let missed = lines(&figures, "MISSED");
    assert!(
        missed.contains(&"MISSED        usual: left behind: 1 processes, 0 MiB (bar: no process, 0 MiB)"),
        "{figures}"
    );
    let met = lines(&figures, "met");
    assert!(met.iter().any(|line| line.contains("interrupted: end: status 130 after ")), "{figures}");
    assert!(
        met.contains(&"met           interrupted: left behind: 0 processes, 0 MiB (bar: no process, 0 MiB)"),
        "{figures}"
    );
    assert!(lines(&figures, "NOT MEASURED").iter().any(|line| line.contains("soak: lasted")), "{figures}");
    // Nothing was measured, and nothing of that is met.
    assert!(lines(&figures, "NOT MEASURED").iter().any(|line| line.contains("deep: memory")), "{figures}");
    assert_eq!(bench.captured("facts-usual.json"), "{\"x\": \"/home/user/bin: GPU-removed\"}\n");
    assert_eq!(bench.captured("slow.err"), "/home/user/bin is no file\n");
    assert!(!bench.folder.path().join("capture/usual.txt").exists());
    let smi = bench.captured("nvidia-smi.txt");
    assert!(
        smi.contains("Serial Number                         : removed") && smi.contains("Tesla T4"),
        "{smi}"
    );
    assert!(!smi.contains("1562720002283") && !smi.contains("8932f937"), "{smi}");
}

//! The whole way: a simulated GPU and a `/proc` that counts on, watched by the program, and what it makes of them.

use crate::{
    simulated::{Simulated, t4},
    stage::Machine,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The process that computes there.
const PYTHON: u32 = 77;
const KERNEL: &str = "1b2c3d4e-0000-4000-8000-000000000001";

/// A machine of two cores, one of which Python keeps busy for so much of the time, in percent.
struct Counting {
    machine: Machine,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Counting {
    fn new(machine: Machine, percent: u64, maps: &str) -> Self {
        let machine = machine
            .file("/proc/meminfo", "MemTotal: 58720256 kB\nMemAvailable: 50331648 kB\n")
            .file("/proc/vmstat", "pswpin 0\npswpout 0\n")
            .file(
                &format!("/proc/{PYTHON}/cmdline"),
                format!("python\0-m\0ipykernel_launcher\0-f\0/kernel-{KERNEL}.json\0"),
            )
            .file(
                &format!("/proc/{PYTHON}/environ"),
                "HOME=/home/kim\0JPY_SESSION_NAME=/home/kim/lab.ipynb\0",
            )
            .file(&format!("/proc/{PYTHON}/status"), "PPid:\t5\nUid:\t1000\t1000\t1000\t1000\n")
            .file(&format!("/proc/{PYTHON}/maps"), maps);
        let (root, start) = (machine.path().to_owned(), Instant::now());
        count(&root, 0);
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let counting = thread::spawn(move || {
            while !told.load(Ordering::SeqCst) {
                let ticks = u64::try_from(start.elapsed().as_millis()).unwrap() / 10;
                write(&root.join("proc/stat"), &cores(ticks, percent));
                count(&root, ticks * percent / 100);
                thread::sleep(Duration::from_millis(20));
            }
        });
        assert!(crate::stage::within(Duration::from_secs(20), || machine.path().join("proc/stat").exists()));
        Self { machine, over, thread: Some(counting) }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(self.thread.take().unwrap().join());
    }
}

fn cores(ticks: u64, percent: u64) -> String {
    let (busy, idle) = (ticks * percent / 100, ticks - ticks * percent / 100);
    format!(
        "cpu {busy} 0 0 {} 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0\ncpu1 0 0 0 {ticks} 0 0 0 0\n",
        idle + ticks
    )
}

fn count(root: &Path, ticks: u64) {
    let line = format!("{PYTHON} (python) R 5 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 0 0 1 0 900 4096 250000 0\n");
    let folder = root.join(format!("proc/{PYTHON}"));
    fs::create_dir_all(folder.join(format!("task/{PYTHON}"))).unwrap();
    write(&folder.join("stat"), &line);
    write(&folder.join(format!("task/{PYTHON}/stat")), &line);
}

/// All at once: whoever reads sees one or the other.
fn write(path: &Path, text: &str) {
    let beside: PathBuf = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

/// What `gpucheck slow` says of a T4 with this activity, beside this Python.
fn slow(activity: u32, percent: u64, maps: &str, processes: &Value) -> (Value, Option<i32>) {
    let mut scenario = t4();
    let gpu = &mut scenario["gpus"][0];
    gpu["nvml"]["utilization"] = json!([activity, activity / 2]);
    gpu["nvml"]["clocks"] = json!({"sm": 1590, "memory": 5000});
    gpu["nvml"]["clock_event_reasons"] = json!(0);
    gpu["nvml"]["power_usage"] = json!(60_000);
    gpu["nvml"]["link_generation"] = json!(3);
    gpu["processes"] = processes.clone();
    let simulated = Simulated::new(&scenario);
    let counting = Counting::new(simulated.machine(), percent, maps);
    let output = Command::new(simulated.program())
        .env_clear()
        .env("PATH", "/nowhere")
        .env("LD_LIBRARY_PATH", &simulated.libraries)
        .args(["slow", "--seconds", "3", "--notebook", "lab", "--format", "json", "--no-cloud-metadata"])
        .arg("--root")
        .arg(counting.machine.path())
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
}

#[test]
fn code_that_runs_on_the_processor_is_told_so() {
    let (report, exit) = slow(0, 100, "1-2 r-xp 0 0:0 1 /lib/libc.so.6\n", &json!([]));
    let root = &report["roots"][0];
    assert_eq!(
        (&root["id"], &report["verdict"]),
        (&"load.runs_on_gpu".into(), &"degraded".into()),
        "{report:#}"
    );
    assert_eq!(exit, Some(0));
    assert!(root["summary"].as_str().unwrap().contains("lab.ipynb"), "{root:#}");
}

#[test]
fn a_gpu_that_is_full_is_slowed_down_by_nothing() {
    let maps = "1-2 r-xp 0 0:0 1 /usr/lib/x86_64-linux-gnu/libcuda.so.535.161.08\n";
    let process =
        json!([{"pid": PYTHON, "memory": 4_000_000_000_u64, "activity": 97, "memory_activity": 48}]);
    let (report, exit) = slow(97, 40, maps, &process);
    assert_eq!((report["roots"].as_array().map(Vec::len), exit), (Some(0), Some(0)), "{report:#}");
    assert_eq!(report["verdict"], "usable");
}

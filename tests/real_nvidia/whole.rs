//! The whole program on a machine in a folder that has a T4, with the driver's libraries named by `LD_LIBRARY_PATH`:
//! NVIDIA's own, which find no module behind them, and stand-ins that compute.

use super::{branches, has_driver, nodes, stand_in::StandIn};
use crate::stage::Machine;
use serde_json::Value;
use std::{path::Path, process::Command};

const RELEASE: &str = "6.8.0-1021-azure";
const GPU: &str = "/sys/bus/pci/devices/0001:0a:00.0";

/// A machine with a T4 and the module's file; nothing is loaded.
fn with_t4() -> Machine {
    Machine::linux()
        .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\n")
        .file(&format!("{GPU}/vendor"), "0x10de\n")
        .file(&format!("{GPU}/device"), "0x1eb8\n")
        .file(&format!("{GPU}/class"), "0x030200\n")
        .file(&format!("{GPU}/config"), [0xde, 0x10, 0xb8, 0x1e].repeat(16))
        .file(&format!("/lib/modules/{RELEASE}/modules.dep"), "")
        .file(&format!("/lib/modules/{RELEASE}/updates/dkms/nvidia.ko"), "")
}

/// The same with the module loaded.
fn with_driver() -> Machine {
    with_t4()
        .link(&format!("{GPU}/driver"), "../../../bus/pci/drivers/nvidia")
        .file("/proc/modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 2 nvidia_uvm, Live 0x0\n")
        .file("/dev/nvidiactl", "")
        .file("/dev/nvidia0", "")
        .file("/dev/nvidia-uvm", "")
}

/// The report, and the exit status with it.
fn check(machine: &Machine, libraries: &Path) -> (Value, Option<i32>) {
    check_with(machine, libraries, &[])
}

/// The same with more variables.
fn check_with(machine: &Machine, libraries: &Path, variables: &[(&str, &str)]) -> (Value, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_gpucheck"))
        .env_clear()
        .env("PATH", "/nowhere")
        .env("LD_LIBRARY_PATH", libraries)
        .envs(variables.iter().copied())
        .args(["--format", "json", "--no-cloud-metadata", "--root"])
        .arg(machine.path())
        .output()
        .unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

fn outcome<'a>(report: &'a Value, id: &str) -> &'a str {
    let outcomes = report["outcomes"].as_array().unwrap();
    outcomes.iter().find(|outcome| outcome["id"] == id).unwrap()["verdict"].as_str().unwrap()
}

#[test]
fn without_the_module_it_is_the_driver_that_is_not_loaded() {
    let machine = with_t4();
    let before = nodes();
    for (libraries, branch, ..) in branches() {
        let (report, exit) = check(&machine, &libraries);
        assert_eq!(report["roots"].as_array().unwrap().len(), 1, "{branch}: {report:#}");
        assert_eq!(report["roots"][0]["id"], "module.loaded", "{branch}");
        assert_eq!((report["verdict"].as_str(), exit), (Some("unusable"), Some(1)));
        assert_eq!(outcome(&report, "pci.gpu_present"), "pass");
        assert_eq!(outcome(&report, "nvml.loads"), "pass", "{branch}");
        assert_eq!(outcome(&report, "driver.loads"), "pass", "{branch}");
        assert_eq!(outcome(&report, "driver.initializes"), "unknown");
    }
    assert_eq!(nodes(), before);
}

#[test]
fn a_driver_that_only_the_files_claim_is_not_believed() {
    if has_driver() {
        return;
    }
    let machine = with_driver();
    let before = nodes();
    for (libraries, branch, init, _) in branches() {
        let (report, exit) = check(&machine, &libraries);
        let roots: Vec<&Value> = report["roots"].as_array().unwrap().iter().map(|root| &root["id"]).collect();
        assert_eq!(roots, ["nvml.initializes"], "{branch}");
        assert!(
            report["roots"][0]["summary"].as_str().unwrap().contains("DRIVER_NOT_LOADED (9)"),
            "{branch}"
        );
        let outcomes = report["outcomes"].as_array().unwrap();
        let cuda = outcomes.iter().find(|outcome| outcome["id"] == "driver.initializes").unwrap();
        assert!(cuda["summary"].as_str().unwrap().contains(&format!("({init})")), "{branch}: {cuda}");
        assert_eq!(cuda["root"], "nvml.initializes");
        assert_eq!(exit, Some(1));
    }
    assert_eq!(nodes(), before);
}

#[test]
fn a_gpu_that_computes_is_told_though_nvml_is_missing() {
    let stand_in = StandIn::cuda(&[]);
    let (report, exit) = check(&with_driver(), stand_in.path());
    // Pythons of another root are not run, so that no more can be said of the machine.
    assert_eq!((report["verdict"].as_str(), exit), (Some("incomplete"), Some(3)), "{report:#}");
    assert_eq!(outcome(&report, "compute.adds_vectors"), "pass");
    assert_eq!(report["roots"].as_array().unwrap().len(), 1);
    assert_eq!(report["roots"][0]["cause"], "nvml-library-missing");
    assert_eq!(report["machine"]["gpus"][0]["address"], "0001:0a:00.0");
}

#[test]
fn a_gpu_that_lies_or_crashes_is_not_usable() {
    for (defines, id) in [("FLIP=7", "compute.adds_vectors"), ("SKIP", "compute.adds_vectors")] {
        let stand_in = StandIn::cuda(&[defines]);
        let (report, exit) = check(&with_driver(), stand_in.path());
        assert_eq!(report["roots"][0]["id"], id, "{defines}");
        assert_eq!((report["verdict"].as_str(), exit), (Some("unusable"), Some(1)), "{defines}");
    }
}

#[test]
fn a_variable_that_hides_the_gpu_is_known_by_leaving_it_out() {
    let stand_in = StandIn::cuda(&["HIDDEN"]);
    let hidden = [("CUDA_VISIBLE_DEVICES", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")];
    let (report, _) = check_with(&with_driver(), stand_in.path(), &hidden);
    let causes: Vec<&Value> = report["roots"].as_array().unwrap().iter().map(|root| &root["cause"]).collect();
    assert!(causes.contains(&&Value::from("cvd-hides-gpu")), "{report:#}");
    let (report, _) = check_with(&with_driver(), stand_in.path(), &[]);
    assert_eq!(outcome(&report, "driver.initializes"), "pass");
}

#[test]
fn a_gpu_for_one_program_is_not_refused_because_we_look_twice() {
    for (mode, context) in [(0, "fail"), (3, "pass")] {
        let (cuda, nvml) =
            (StandIn::cuda(&["REFUSE_ONCE"]), StandIn::nvml(&[&format!("COMPUTE_MODE={mode}")]));
        let libraries = format!("{}:{}", cuda.path().display(), nvml.path().display());
        let (report, _) = check(&with_driver(), Path::new(&libraries));
        assert_eq!(outcome(&report, "driver.opens_context"), context, "mode {mode}: {report:#}");
    }
}

//! gpucheck against simulated drivers, which it loads as it loads real ones.
//!
//! What these drivers say of themselves is the scenario's; what is tested is that gpucheck hears it, and what it makes
//! of a driver that fails.

mod faults;
mod healthy;
pub(crate) mod sweep;
mod symbols;
mod tensorflow;

use crate::stage::Machine;
use gpucheck::{
    probe::{cuda, library::Search, nvml},
    worker::{Ask, Worker},
};
use gpucheck_checks::{
    Knowledge, Report, Selection, diagnose,
    fact::{Compute, Driver, Facts, Nvml, Observed},
};
use gpucheck_sim::{
    Scenario,
    scenario::{TRACE, VARIABLE},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A Tesla T4 as Azure has it: what nvidia-smi of 535.161.08 said of one (leptonai/gpud, Apache-2.0).
pub(crate) fn t4() -> Value {
    json!({
        "driver": {"version": "535.161.08", "cuda": 12020},
        "gpus": [{
            "pci": "0001:00:00.0", "pci_device_id": 0x1eb8_10de_u32, "pci_subsystem_id": 0x12a2_10de_u32,
            "name": "Tesla T4", "uuid": "GPU-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "compute_capability": [7, 5], "multiprocessors": 40,
            "memory": {"total": 16_106_127_360_u64, "reserved": 468_713_472},
            "nvml": {
                "persistence": true, "compute_mode": 0, "performance_state": 8, "temperature": 34,
                "clocks": {"sm": 300, "memory": 405}, "max_clocks": {"sm": 1590, "memory": 5001},
                "clock_event_reasons": 1, "slowdown_temperature": 93, "shutdown_temperature": 96,
                "power_usage": 9_500, "enforced_power_limit": 70_000, "default_power_limit": 70_000,
                "ecc_mode": [true, true],
                "ecc": {"volatile_corrected": 0, "volatile_uncorrected": 0, "aggregate_uncorrected": 0},
                "retired_pages": {}, "virtualization_mode": 1, "bar1": [268_435_456, 2_097_152],
                "link_generation": 1, "link_generation_max": 3, "link_width": 16, "link_width_max": 16,
                "link_replays": 0, "memory_bus_width": 256, "cores": 2560, "utilization": [0, 0],
                "vbios": "90.04.96.00.9F"
            }
        }]
    })
}

/// One Tesla K80, which is two GPUs, under the last driver that has it.
pub(crate) fn k80() -> Value {
    let half = |pci: &str, uuid: &str| {
        json!({
            "pci": pci, "pci_device_id": 0x102d_10de_u32, "pci_subsystem_id": 0x106c_10de_u32,
            "name": "Tesla K80", "uuid": uuid, "compute_capability": [3, 7], "multiprocessors": 13,
            "memory": {"total": 11_996_954_624_u64, "reserved": 65_536},
            "nvml": {"temperature": 40, "persistence": false, "ecc_mode": [true, true], "retired_pages": {},
                     "board_id": 256, "multi_gpu_board": true}
        })
    };
    json!({
        "driver": {"version": "470.256.02", "cuda": 11040},
        "gpus": [half("0001:00:00.0", "GPU-11111111-2222-3333-4444-555555555501"),
                 half("0002:00:00.0", "GPU-11111111-2222-3333-4444-555555555502")]
    })
}

/// A scenario in a file, with the libraries of its driver.
pub(crate) struct Simulated {
    folder: tempfile::TempDir,
    scenario: Scenario,
    pub(crate) libraries: PathBuf,
}

impl Simulated {
    /// Writes the scenario down and links what it needs.
    pub(crate) fn new(scenario: &Value) -> Self {
        let scenario: Scenario = serde_json::from_value(scenario.clone()).unwrap();
        let libraries = gpucheck_sim::libraries(&scenario.driver.version).unwrap();
        let simulated = Self { folder: tempfile::tempdir().unwrap(), scenario, libraries };
        let text = serde_json::to_vec(&simulated.scenario).unwrap();
        fs::write(simulated.folder.path().join("scenario.json"), text).unwrap();
        symlink(env!("CARGO_BIN_EXE_gpucheck"), simulated.folder.path().join("program")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulated/gpucheck.sh");
        symlink(script, simulated.program()).unwrap();
        simulated
    }

    /// The same where this happens at a call.
    pub(crate) fn with(scenario: &Value, call: &str, action: &Value) -> Self {
        let mut faulty = scenario.clone();
        faulty["faults"] = json!([{"call": call, "do": action}]);
        Self::new(&faulty)
    }

    /// The variables that the libraries read.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [(VARIABLE, self.folder.path().join("scenario.json")), (TRACE, self.folder.path().join("trace"))]
    }

    /// Another scenario from now on, of the same driver; what was called before is forgotten.
    pub(crate) fn replace(&self, scenario: &Value) {
        let scenario: Scenario = serde_json::from_value(scenario.clone()).unwrap();
        let [(_, file), (_, trace)] = self.environment();
        fs::write(file, serde_json::to_vec(&scenario).unwrap()).unwrap();
        let _ = fs::remove_file(trace);
    }

    /// gpucheck with these variables.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("gpucheck")
    }

    /// The calls that were made, each with its code.
    pub(crate) fn trace(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("trace")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Who asks these libraries.
    pub(crate) fn worker(&self, deadline: Duration) -> Worker {
        Worker { program: self.program().into(), deadline }
    }

    /// What is asked of them.
    pub(crate) fn ask(&self) -> Ask {
        let search = Search::Directories(vec![self.libraries.clone()]);
        Ask { search, hold_init: None, may_make_nodes: false }
    }

    /// What the probe of NVML sees.
    fn nvml(&self, deadline: Duration) -> Observed<Nvml> {
        nvml::probe(&self.worker(deadline), &self.ask())
    }

    /// What the probe of CUDA sees.
    fn cuda(&self, deadline: Duration) -> (Observed<Driver>, Observed<Compute>) {
        cuda::probe(&self.worker(deadline), &self.ask())
    }

    /// The facts of a machine that is well, but for what this driver says.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = crate::machine::healthy();
        facts.nvml = self.nvml(nvml::DEADLINE);
        (facts.driver, facts.compute) = self.cuda(cuda::DEADLINE);
        facts
    }

    /// The report of the whole program on a machine with these GPUs, and its exit status.
    pub(crate) fn check(&self) -> (Value, Option<i32>) {
        let machine = self.machine();
        let output = Command::new(self.program())
            .env_clear()
            .env("PATH", "/nowhere")
            .env("LD_LIBRARY_PATH", &self.libraries)
            .args(["--format", "json", "--no-cloud-metadata", "--small-work", "--root"])
            .arg(machine.path())
            .output()
            .unwrap();
        let report = serde_json::from_slice(&output.stdout);
        (report.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
    }

    /// The files of a machine with these GPUs and a module that drives them.
    pub(crate) fn machine(&self) -> Machine {
        let mut machine = Machine::linux()
            .file("/proc/modules", "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 2 nvidia_uvm, Live 0x0\n")
            .file("/dev/nvidiactl", "")
            .file("/dev/nvidia-uvm", "")
            .file("/lib/modules/6.8.0-1021-azure/modules.dep", "")
            .file("/lib/modules/6.8.0-1021-azure/updates/dkms/nvidia.ko", "");
        for (number, gpu) in self.scenario.gpus.iter().enumerate() {
            let folder = format!("/sys/bus/pci/devices/{}", gpu.pci);
            let [device, vendor] = [gpu.pci_device_id >> 16, gpu.pci_device_id & 0xffff];
            machine = machine
                .file(&format!("{folder}/vendor"), format!("{vendor:#06x}\n"))
                .file(&format!("{folder}/device"), format!("{device:#06x}\n"))
                .file(&format!("{folder}/class"), "0x030200\n")
                .file(&format!("{folder}/config"), [0xde, 0x10, 0xb8, 0x1e].repeat(16))
                .link(&format!("{folder}/driver"), "../../../bus/pci/drivers/nvidia")
                .file(&format!("/dev/nvidia{number}"), "");
        }
        machine
    }
}

/// The report on facts.
fn judge(facts: &Facts) -> Report {
    diagnose(facts, &Knowledge::built_in().unwrap(), &Selection::default())
}

/// The roots of a report.
fn roots(report: &Value) -> Vec<&str> {
    report["roots"].as_array().unwrap().iter().map(|root| root["id"].as_str().unwrap()).collect()
}

/// What a report says of a check, for each subject.
fn verdicts<'a>(report: &'a Value, id: &str) -> Vec<&'a str> {
    let outcomes = report["outcomes"].as_array().unwrap().iter().filter(|outcome| outcome["id"] == id);
    outcomes.map(|outcome| outcome["verdict"].as_str().unwrap()).collect()
}

/// The parts that `tests/parts` fetches.
fn parts() -> PathBuf {
    let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("test-parts");
    std::env::var_os("GPUCHECK_TEST_PARTS").map_or_else(beside, PathBuf::from)
}

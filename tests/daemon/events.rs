//! What calls for a look, and what keeps one from the GPU: at simulated machines, by the real look.

use super::{Daemon, PATIENCE, looks::real};
use crate::{
    simulated::{Simulated, t4},
    stage::within,
};
use serde_json::{Value, json};
use std::{fs, io::Write, process::Command};

const XID: &str = "4,812,5140900,-;NVRM: Xid (PCI:0001:00:00): 79, pid=1337, GPU has fallen off the bus.\n";

#[test]
fn an_error_of_the_driver_and_another_driver_call_for_a_look() {
    let simulated = Simulated::new(&t4());
    let start = real(&simulated, &[]);
    let machine = start.folder.path().join("machine");
    let log = machine.join("dev/kmsg");
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    let version = machine.join("proc/driver/nvidia/version");
    fs::create_dir_all(version.parent().unwrap()).unwrap();
    fs::write(&version, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08\n").unwrap();
    let daemon = start.run();
    let fresh = || daemon.ask("status")["known"]["fresh"] == json!(true);
    assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
    // Lines of others, and of the kernel's about something else, call for nothing.
    let mut pipe = fs::OpenOptions::new().write(true).open(&log).unwrap();
    pipe.write_all(XID.as_bytes()).unwrap();
    daemon.logs("the driver reported: NVRM: Xid (PCI:0001:00:00): 79");
    daemon.logs("looking: the driver reported: NVRM: Xid (PCI:0001:00:00): 79");
    assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
    fs::write(&version, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07\n").unwrap();
    // From then on no report from before is an answer.
    assert!(within(PATIENCE, || !fresh()));
    daemon.logs("looking: the driver has changed");
    assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
}

fn with_program(scenario: &Value) -> Value {
    let mut scenario = scenario.clone();
    scenario["gpus"][0]["processes"] = json!([{"pid": std::process::id(), "memory": 1 << 30}]);
    scenario
}

fn touched(simulated: &Simulated) -> bool {
    simulated.trace().iter().any(|call| call.starts_with("cu"))
}

fn report(daemon: &Daemon) -> Value {
    serde_json::from_slice(&fs::read(daemon.at("state/report.json")).unwrap()).unwrap()
}

#[test]
fn while_somebody_computes_no_gpu_is_touched() {
    let simulated = Simulated::new(&with_program(&t4()));
    let daemon = real(&simulated, &[]).run();
    // With nothing known before, what NVML and files tell is kept, and says itself that it proves nothing.
    assert!(within(PATIENCE, || daemon.ask("status")["known"].is_object()), "{}", daemon.log());
    let status = daemon.ask("status");
    assert_eq!(status["known"]["full"], json!(false), "{status}");
    assert_eq!(status["known"]["held_back"], "a program computes on GPU 0", "{status}");
    assert_eq!(report(&daemon)["verdict"], "incomplete");
    assert!(!touched(&simulated), "{:?}", simulated.trace());
    drop(daemon);

    let simulated = Simulated::new(&t4());
    let daemon = real(&simulated, &[]).run();
    let status = daemon.knows("USABLE: Tesla T4 computes");
    assert_eq!((&status["known"]["full"], &status["known"]["confirmed_s"]), (&json!(true), &json!(null)));
    let full = report(&daemon);
    assert_eq!(full["verdict"], "usable");
    let metrics = fs::read_to_string(daemon.at("state/metrics.prom")).unwrap();
    assert!(metrics.contains("gpucheck_verdict{verdict=\"usable\",profile=\"check\"} 1"), "{metrics}");
    // Somebody begins to compute: the full report stays, and is confirmed.
    simulated.replace(&with_program(&t4()));
    let status = daemon.look();
    assert_eq!(report(&daemon), full);
    assert_eq!(status["known"]["full"], json!(true), "{status}");
    assert!(status["known"]["confirmed_s"].is_u64(), "{status}");
    assert!(!touched(&simulated), "{:?}", simulated.trace());
    // The card fails meanwhile: that is told.
    let mut lost = with_program(&t4());
    lost["faults"] = json!([{"call": "nvmlInit_v2", "do": {"return": 999}}]);
    simulated.replace(&lost);
    let status = daemon.look();
    assert_eq!(report(&daemon)["verdict"], "unusable", "{status}");
    assert!(!touched(&simulated), "{:?}", simulated.trace());
}

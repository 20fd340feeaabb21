//! What calls for a look, and what keeps one from the GPU: at simulated machines, by the real look.

use super::{Daemon, PATIENCE, Start, looks::real, write_act};
use crate::{
    simulated::{Simulated, t4},
    stage::within,
};
use serde_json::{Value, json};
use std::{fs, io::Write, process::Command, thread, time::Duration};

const XID: &str = "4,812,5140900,-;NVRM: Xid (PCI:0001:00:00): 79, pid=1337, GPU has fallen off the bus.\n";

const AER: &str = "4,811,5140800,-;pcieport 0001:00:00.0: AER: Corrected error received: 0001:00:00.0\n";

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
    pipe.write_all(AER.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(200));
    assert!(fresh(), "{}", daemon.log());
    // Right behind one of those an error of the driver is heard all the same, and whoever asks then is not told the report
    // from before.
    pipe.write_all(XID.as_bytes()).unwrap();
    assert!(!fresh(), "{}", daemon.log());
    daemon.logs("the driver reported: NVRM: Xid (PCI:0001:00:00): 79");
    daemon.logs("looking: the driver reported: NVRM: Xid (PCI:0001:00:00): 79");
    assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
    fs::write(&version, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07\n").unwrap();
    // From then on no report from before is an answer.
    assert!(within(PATIENCE, || !fresh()));
    daemon.logs("looking: the driver has changed");
    assert!(within(PATIENCE, fresh), "{}\n{}", daemon.ask("status"), daemon.log());
}

/// What comes while a look is under way that an error called for may be the look's own doing, or not: that look is no answer.
#[test]
fn an_error_during_the_look_that_one_called_for_leaves_a_doubt() {
    let start = Start::with_looks("SAY 'USABLE: before'");
    let machine = start.folder.path().join("machine");
    let log = machine.join("dev/kmsg");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    let hold = start.folder.path().join("hold");
    let daemon = start.args(&["--root", machine.to_str().unwrap()]).run();
    daemon.knows("USABLE: before");
    fs::write(&hold, "").unwrap();
    write_act(daemon.folder.path(), "while [ -e \"$here/hold\" ]; do sleep 0.05; done; SAY 'USABLE: after'");
    let mut pipe = fs::OpenOptions::new().write(true).open(&log).unwrap();
    pipe.write_all(XID.as_bytes()).unwrap();
    daemon.logs("looking: the driver reported: NVRM: Xid (PCI:0001:00:00): 79");
    pipe.write_all(XID.replace("): 79", "): 48").as_bytes()).unwrap();
    daemon.logs("the driver reported, during the look: NVRM: Xid (PCI:0001:00:00): 48");
    fs::remove_file(&hold).unwrap();
    let status = daemon.knows("USABLE: after");
    assert_eq!(status["known"]["fresh"], json!(false), "{status}");
    // One by itself calls for no further look; the next one says how it is.
    assert_eq!(daemon.log().matches("looking: ").count(), 2, "{}", daemon.log());
    assert_eq!(daemon.look()["known"]["fresh"], json!(true));
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

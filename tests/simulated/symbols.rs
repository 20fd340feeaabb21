//! What old drivers lack, simulated drivers lack.

use super::{Simulated, parts, t4};
use gpucheck::probe::nvml;
use gpucheck_checks::fact::Observed;
use gpucheck_sim::branches;
use serde_json::json;
use std::{collections::BTreeSet, path::Path, process::Command, sync::Barrier, thread};

/// The functions that a library exports.
fn exported(library: &Path) -> BTreeSet<String> {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
    assert!(output.status.success(), "{}", library.display());
    let names = String::from_utf8(output.stdout).unwrap();
    let names = names.lines().filter_map(|line| line.split(' ').next_back()?.split('@').next());
    names.filter(|name| name.starts_with("cu") || name.starts_with("nvml")).map(str::to_owned).collect()
}

fn of_both(folder: &Path) -> BTreeSet<String> {
    ["libcuda.so.1", "libnvidia-ml.so.1"].iter().flat_map(|name| exported(&folder.join(name))).collect()
}

#[test]
fn the_table_is_that_of_the_real_libraries() {
    let implemented: BTreeSet<String> = gpucheck_sim::exported().map(str::to_owned).collect();
    let mut compared = 0;
    for (branch, version) in
        [(390, "390.157"), (450, "450.248.02"), (470, "470.256.02"), (535, "535.161.08"), (550, "550.163.01")]
    {
        let real = parts().join(format!("nvidia/{branch}"));
        if !real.join("libcuda.so.1").is_file() {
            continue;
        }
        let ours = of_both(&gpucheck_sim::libraries(version).unwrap());
        let expected: BTreeSet<_> = of_both(&real).intersection(&implemented).cloned().collect();
        let (missing, surplus): (Vec<_>, Vec<_>) =
            (expected.difference(&ours).collect(), ours.difference(&expected).collect());
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{branch}: missing {missing:?}, surplus {surplus:?}"
        );
        println!("{branch}: {} symbols", ours.len());
        compared += 1;
    }
    assert!(compared >= 2, "run tests/parts/nvidia.sh first");
}

#[test]
fn an_old_driver_lacks_what_came_later() {
    let mut scenario = t4();
    scenario["driver"]["version"] = json!("418.226.00");
    let gpu = &mut scenario["gpus"][0];
    gpu["memory"]["used"] = json!(1000);
    gpu["nvml"]["remapped_rows"] = json!({});
    let Observed::Seen(nvml) = Simulated::new(&scenario).nvml(nvml::DEADLINE) else { panic!() };
    let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
    let why = device.remapped_rows.why_not();
    assert!(why.ends_with("the library has no nvmlDeviceGetRemappedRows"), "{why}");
    assert!(device.cores.why_not().ends_with("the library has no nvmlDeviceGetNumGpuCores"));
    // The first version of the call counts what the driver keeps.
    assert_eq!(device.memory.seen().unwrap().used, 1000 + 468_713_472);
}

#[test]
fn many_at_once_get_the_same_libraries() {
    // A version that no other test wants, so that these are the first.
    let (version, table) = ("525.60.13", 525);
    let start = Barrier::new(4);
    let link = || {
        start.wait();
        gpucheck_sim::libraries(version).unwrap()
    };
    let folders: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(link)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(folders.iter().all(|folder| *folder == folders[0]));
    let expected: BTreeSet<_> = branches::symbols(table).map(str::to_owned).collect();
    assert_eq!(of_both(&folders[0]), expected);
    let names: BTreeSet<_> = folders[0]
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["libcuda.so", "libcuda.so.1", "libnvidia-ml.so.1"].map(str::to_owned).into());
}

#[test]
fn a_version_without_a_table_is_said() {
    for version in ["340.108", "latest"] {
        let error = gpucheck_sim::libraries(version).unwrap_err().to_string();
        assert!(error.contains(version) && error.contains("390"), "{error}");
    }
}

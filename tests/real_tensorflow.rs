//! The real TensorFlow: what the probe says is what TensorFlow itself says.

use crate::pythons::{ask, devices, look, output, part, tensorflow};
use gpucheck_checks::fact::{Carrier, DeviceAttributes, Observed, ProbeFailure, TensorFlowBuild, Way};
use std::{fs, path::Path};

/// The two lines that people type.
const TWO_LINES: &str = "import tensorflow as tf; from tensorflow.python.client import device_lib; \
                         print(device_lib.list_local_devices())";
/// The probe's extension, as the binary embeds it.
static EXTENSION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gpucheck_probe.so"));

/// Names, types and memory limits in what the two lines print.
fn printed(text: &str) -> Vec<(String, String, i64)> {
    let values = |key: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim_start_matches(['[', ',', ' ']));
        lines.filter_map(|line| Some(line.strip_prefix(key)?.trim_matches('"').to_owned())).collect()
    };
    let limits = values("memory_limit: ").into_iter().map(|limit| limit.parse().unwrap());
    let names = values("name: ").into_iter().zip(values("device_type: "));
    names.zip(limits).map(|((name, kind), limit)| (name, kind, limit)).collect()
}

fn listed(devices: &[DeviceAttributes]) -> Vec<(String, String, i64)> {
    let of =
        |device: &DeviceAttributes| (device.name.clone(), device.device_type.clone(), device.memory_limit);
    devices.iter().map(of).collect()
}

fn without_incarnations(devices: &[DeviceAttributes]) -> Vec<DeviceAttributes> {
    devices.iter().cloned().map(|device| DeviceAttributes { incarnation: String::new(), ..device }).collect()
}

/// What `tf.sysconfig` says after the real import.
fn imported_build(environment: &Path) -> TensorFlowBuild {
    let script = "import json, tensorflow as tf; print(json.dumps(dict(tf.sysconfig.get_build_info())))";
    let said: serde_json::Value = serde_json::from_str(&output(environment, script, &[])).unwrap();
    let text = |key| said.get(key).and_then(|value| Some(value.as_str()?.to_owned()));
    let capabilities = said.get("cuda_compute_capabilities").and_then(|value| value.as_array());
    TensorFlowBuild {
        is_cuda_build: said["is_cuda_build"].as_bool(),
        cuda_version: text("cuda_version"),
        cudnn_version: text("cudnn_version"),
        compute_capabilities: capabilities
            .into_iter()
            .flatten()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect(),
    }
}

fn is_told_as_it_is(name: &str, label: &str, version: &str) {
    let environment = part(name);
    let bare = look(&ask(&environment));
    let found = tensorflow(&bare);
    assert_eq!(found.looks.len(), 1, "no doubt about a fresh environment: {found:#?}");
    let two_lines = printed(&output(&environment, TWO_LINES, &[]));
    assert_eq!(two_lines[0].0, "/device:CPU:0");
    assert_eq!(listed(devices(&found.looks[0])), two_lines);
    assert_eq!(found.looks[0].way, Way::Bare);
    assert_eq!(found.looks[0].carrier, Observed::Seen(Carrier::Memory));
    assert_eq!(found.label(), label);
    assert_eq!(found.unmet, [""; 0]);
    assert_eq!(found.build, Observed::Seen(imported_build(&environment)));
    let parts = bare.cuda_parts.seen().unwrap();
    assert_eq!((parts.distributions.as_slice(), parts.conda.as_slice()), (&[][..], &[][..]));
    let interpreter = bare.interpreter.seen().unwrap();
    assert_eq!(Path::new(&interpreter.prefix), environment);
    assert_ne!(interpreter.prefix, interpreter.base_prefix);

    let mut ask = ask(&environment);
    ask.full = true;
    let full = look(&ask);
    let looks = &tensorflow(&full).looks;
    assert_eq!(looks.len(), 1);
    assert_eq!(looks[0].way, Way::Full);
    assert_eq!(listed(devices(&looks[0])), two_lines);
    assert_eq!(looks[0].listing.seen().unwrap().version.as_deref(), Some(version));
}

#[test]
fn tensorflow_2_21_is_told_as_it_is() {
    is_told_as_it_is("tensorflow", "tensorflow 2.21.0", "2.21.0");
}

#[test]
fn tensorflow_2_21_has_an_extra_that_is_not_installed() {
    let python = look(&ask(part("tensorflow")));
    let extra = &tensorflow(&python).cuda_extra;
    assert_eq!(extra.len(), 12, "{extra:#?}");
    assert!(extra.iter().all(|wanted| wanted.installed.is_none()));
    let cudnn = extra.iter().find(|wanted| wanted.name == "nvidia-cudnn-cu12").unwrap();
    assert_eq!(cudnn.versions, ">=9.3.0.75, <10.0");
    assert_eq!(tensorflow(&look(&ask(part("tensorflow-cpu")))).cuda_extra, []);
}

#[test]
fn tensorflow_cpu_2_12_is_told_as_it_is() {
    is_told_as_it_is("tensorflow-cpu", "tensorflow-cpu 2.12.1", "2.12.1");
}

#[test]
fn every_carrier_brings_the_same_list() {
    let cache = tempfile::tempdir().unwrap();
    let lists: Vec<_> = [Carrier::Memory, Carrier::File, Carrier::PlainPython]
        .into_iter()
        .map(|carrier| {
            let mut ask = ask(part("tensorflow-cpu"));
            ask.environment.cache = Some(cache.path().to_owned());
            ask.carriers = vec![carrier];
            let python = look(&ask);
            let found = &tensorflow(&python).looks[0];
            assert_eq!(found.carrier, Observed::Seen(carrier));
            without_incarnations(devices(found))
        })
        .collect();
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0, "the file carrier leaves nothing behind");
}

#[test]
fn a_numpy_that_is_too_new_is_found_by_the_student_s_own_import() {
    let python = look(&ask(part("numpy2")));
    let found = tensorflow(&python);
    assert_eq!(found.unmet, ["numpy>=1.22, <=1.24.3: 2.3.5 is installed"]);
    assert_eq!(listed(devices(&found.looks[0])).len(), 1, "the bare look does not see it");
    let full = found.full_look().expect("the unmet requirement raises a doubt");
    let Some(ProbeFailure::Refused { step, name, message, .. }) = full.listing.failure() else {
        panic!("{full:#?}")
    };
    assert_eq!((step.as_str(), name.as_str()), ("import tensorflow", "TypeError"));
    assert!(message.starts_with("Unable to convert function return value to a Python type!"), "{message}");
    assert!(full.log.contains("_ARRAY_API not found"), "{}", full.log);
}

#[test]
fn device_plugins_need_the_full_look() {
    let extra = tempfile::tempdir().unwrap();
    fs::create_dir(extra.path().join("tensorflow-plugins")).unwrap();
    let mut ask = ask(part("tensorflow-cpu"));
    ask.environment.changes = vec![("PYTHONPATH".into(), Some(extra.path().into()))];
    let python = look(&ask);
    let [bare, full] = tensorflow(&python).looks.as_slice() else { panic!("{python:#?}") };
    assert!(bare.listing.why_not().contains("device plugins in"), "{bare:#?}");
    assert_eq!(listed(devices(full)).len(), 1);
}

#[test]
fn a_python_without_tensorflow() {
    let python = look(&ask(part("empty")));
    assert_eq!(python.tensorflow, Observed::Seen(None));
    assert!(python.interpreter.seen().is_some());
}

/// The operations of a full look, on the one device that is everywhere.
#[test]
fn the_results_are_right_and_come_from_the_device_that_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let extension = folder.path().join("probe.so");
    fs::write(&extension, EXTENSION).unwrap();
    let script = "
import importlib.machinery, importlib.util, sys
import tensorflow as tf
def load(name, path, loader):
    spec = importlib.util.spec_from_file_location(name, path, loader=loader(name, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
probe = load('_gpucheck_probe', sys.argv[1], importlib.machinery.ExtensionFileLoader)
plain = load('plain', sys.argv[2], importlib.machinery.SourceFileLoader)
for compute in (probe.multiply, lambda device: plain.multiply(tf, device),
                probe.convolve, lambda device: plain.convolve(tf, device)):
    print(compute('/device:CPU:0'))
    try:
        print(compute('/device:GPU:0'))
    except Exception as error:
        print(error)
";
    // With no GPU there TensorFlow 2 takes the CPU without a word.
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/plain.py");
    let said = output(&part("tensorflow-cpu"), script, &[&extension, &plain]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 8, "{said}");
    for (pair, what) in lines.chunks(2).zip(["product", "product", "convolution", "convolution"]) {
        assert_eq!(pair[0], "True");
        assert!(pair[1].starts_with(&format!("the {what} asked of /device:GPU:0 came from ")), "{}", pair[1]);
    }
}

#[test]
fn a_full_look_leaves_a_home_as_it_was() {
    for name in ["tensorflow", "tensorflow-cpu"] {
        let home = tempfile::tempdir().unwrap();
        let mut ask = ask(part(name));
        ask.full = true;
        ask.environment.changes = vec![("HOME".into(), Some(home.path().into()))];
        let python = look(&ask);
        assert!(!devices(&tensorflow(&python).looks[0]).is_empty(), "{python:#?}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{name}");
    }
}

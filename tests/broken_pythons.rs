//! Pythons and frameworks that break, hang, flood and lie: the probe returns in time with the right facts.
//!
//! The frameworks are small packages named `tensorflow`, put before everything else by `PYTHONPATH`; the ways in which they break
//! are those seen with real ones: a crash in the native library, a hang in the driver with the interpreter
//! lock held, a failed import.

use crate::pythons::{ask, devices, look, part, tensorflow};
use gpucheck::probe::frameworks::{Ask, Environment};
use gpucheck_checks::fact::{Carrier, Link, Look, Observed, PciAddress, ProbeFailure, Python, Way};
use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A `device_lib` that lists one CPU.
const HEALTHY: &str = "
from types import SimpleNamespace as Fields
def list_local_devices():
    place = Fields(bus_id=0, numa_node=0, links=Fields(link=[]))
    return [Fields(name='/device:CPU:0', device_type='CPU', memory_limit=268435456, incarnation=2**64 - 1,
                   locality=place, physical_device_desc='', xla_global_id=-1)]
";
/// Deadline of each look.
const DEADLINE: Duration = Duration::from_secs(3);

/// A package `tensorflow` with this `device_lib`, and the question about it in the environment `name`.
fn fake_in(name: &str, device_lib: &str) -> (TempDir, Ask) {
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("tensorflow/python/client");
    fs::create_dir_all(&client).unwrap();
    for package in client.ancestors().take(3) {
        fs::write(package.join("__init__.py"), "").unwrap();
    }
    fs::write(client.join("device_lib.py"), device_lib).unwrap();
    let mut ask = ask(part(name));
    ask.environment.changes = vec![("PYTHONPATH".into(), Some(folder.path().into()))];
    (ask.bare_deadline, ask.full_deadline) = (DEADLINE, DEADLINE);
    (folder, ask)
}

fn fake(device_lib: &str) -> (TempDir, Ask) {
    fake_in("empty", device_lib)
}

/// Looks, and holds the probe to its deadlines.
fn look_in_time(ask: &Ask) -> Python {
    let start = Instant::now();
    let python = look(ask);
    for look in python.tensorflow.seen().and_then(Option::as_ref).into_iter().flat_map(|found| &found.looks) {
        let most = DEADLINE + Duration::from_secs(1);
        assert!(u128::from(look.elapsed_ms) < most.as_millis(), "{look:#?}");
    }
    assert!(start.elapsed() < 2 * DEADLINE + Duration::from_secs(2), "{:?}", start.elapsed());
    python
}

/// The bare and the full look that a broken TensorFlow gets; the interpreter itself is healthy.
fn both_looks(python: &Python) -> [&Look; 2] {
    assert!(matches!(python.interpreter, Observed::Seen(_)), "{python:#?}");
    let [bare, full] = tensorflow(python).looks.as_slice() else { panic!("{python:#?}") };
    assert_eq!((bare.way, full.way), (Way::Bare, Way::Full));
    [bare, full]
}

#[test]
fn a_segmentation_fault() {
    let (_folder, ask) = fake("def list_local_devices():\n    import ctypes; ctypes.string_at(0)\n");
    for look in both_looks(&look_in_time(&ask)) {
        let step = "device_lib.list_local_devices()".to_owned();
        assert_eq!(look.listing, Observed::Failed(ProbeFailure::Crashed { signal: 11, step }));
        assert!(look.log.contains("Fatal Python error: Segmentation fault"), "{}", look.log);
        assert!(look.log.contains("device_lib.py\", line 2 in list_local_devices"), "{}", look.log);
    }
}

#[test]
fn an_abort_while_it_is_imported() {
    let (_folder, ask) = fake("import os; os.abort()\n");
    for look in both_looks(&look_in_time(&ask)) {
        let step = "import tensorflow.python.client.device_lib".to_owned();
        assert_eq!(look.listing, Observed::Failed(ProbeFailure::Crashed { signal: 6, step }));
    }
}

#[test]
fn a_hang_with_the_interpreter_lock_held() {
    let (_folder, mut ask) =
        fake("import ctypes\ndef list_local_devices():\n    ctypes.PyDLL(None).sleep(600)\n");
    (ask.bare_deadline, ask.full_deadline) = (Duration::from_secs(1), Duration::from_secs(2));
    let python = look_in_time(&ask);
    for (look, deadline) in both_looks(&python).into_iter().zip([1000, 2000]) {
        let Some(ProbeFailure::TimedOut { after_ms, step, unkillable: false }) = look.listing.failure()
        else {
            panic!("{look:#?}")
        };
        assert!((deadline - 50..=deadline).contains(after_ms), "{after_ms}");
        assert_eq!(step, "device_lib.list_local_devices()");
        assert!(look.log.contains("line 3 in list_local_devices"), "where it hangs: {}", look.log);
    }
}

#[test]
fn a_hang_that_ignores_sigabrt() {
    let (_folder, mut ask) = fake(
        "import signal, time\nsignal.signal(signal.SIGABRT, signal.SIG_IGN)\ndef list_local_devices():\n    time.sleep(600)\n",
    );
    (ask.bare_deadline, ask.full_deadline) = (Duration::from_secs(1), Duration::from_secs(1));
    for look in both_looks(&look_in_time(&ask)) {
        assert!(matches!(look.listing.failure(), Some(ProbeFailure::TimedOut { .. })), "{look:#?}");
    }
}

/// The most memory that a run of gpucheck had that looks at the same Python, in bytes. It runs alone in its process,
/// as tests do not.
fn peak_memory(ask: &Ask) -> u64 {
    let mut command = Command::new("/bin/sh");
    let line = "\"$0\" record --only frameworks >/dev/null 2>&1 & \
                while kill -0 $! 2>/dev/null; do grep VmHWM /proc/$!/status; sleep 0.02; done 2>/dev/null";
    command.args(["-c", line, env!("CARGO_BIN_EXE_gpucheck")]).env_remove("CONDA_PREFIX");
    command.env("VIRTUAL_ENV", ask.environment.virtual_env.as_ref().unwrap());
    command.envs(
        ask.environment.changes.iter().filter_map(|(name, value)| Some((name.as_ref(), value.as_ref()?))),
    );
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let peaks = output.lines().filter_map(|line| line.strip_prefix("VmHWM:"));
    peaks.map(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10).max().unwrap()
}

#[test]
fn a_flood_on_both_standard_streams() {
    let flood = "import sys\nfor stream in (sys.stdout, sys.stderr):\n    for _ in range(100):\n        stream.write('x' * (1 << 20))\n";
    let (_folder, ask) = fake(&format!("{flood}{HEALTHY}"));
    let python = look_in_time(&ask);
    let looks = &tensorflow(&python).looks;
    assert_eq!(devices(&looks[0])[0].incarnation, u64::MAX.to_string());
    assert!(looks[0].log.len() < 64 << 10, "{}", looks[0].log.len());
    assert!(looks[0].log.contains("bytes left out"));
    let peak = peak_memory(&ask);
    assert!((1 << 20..64 << 20).contains(&peak), "{peak}");
}

#[test]
fn a_forged_answer_on_the_standard_streams() {
    let forged = r#"{"answer": {"not_loaded": "forged"}}"#;
    let (_folder, ask) =
        fake(&format!("import os\nfor fd in (1, 2):\n    os.write(fd, b'''{forged}\n''')\n{HEALTHY}"));
    let python = look_in_time(&ask);
    let looks = &tensorflow(&python).looks;
    assert_eq!(devices(&looks[0]).len(), 1);
    assert!(looks[0].log.contains(forged));
}

#[test]
fn garbage_on_the_probe_s_own_pipe() {
    let (_folder, ask) = fake(&format!("import os\nos.write(60, b'\\0\\xff garbage\\n')\n{HEALTHY}"));
    for look in both_looks(&look_in_time(&ask)) {
        assert!(matches!(look.listing.failure(), Some(ProbeFailure::Garbled { .. })), "{look:#?}");
    }
}

#[test]
fn an_exception_is_an_answer() {
    let (_folder, ask) = fake(
        "def list_local_devices():\n    raise RuntimeError('cudaErrorInsufficientDriver: ' + 'x' * 9999)\n",
    );
    for look in both_looks(&look_in_time(&ask)) {
        let Some(ProbeFailure::Refused { step, code: 0, name, message }) = look.listing.failure() else {
            panic!("{look:#?}")
        };
        assert_eq!((step.as_str(), name.as_str()), ("device_lib.list_local_devices()", "RuntimeError"));
        assert!(message.starts_with("cudaErrorInsufficientDriver: xxx"), "{message}");
        assert_eq!(message.len(), 2 << 10);
        assert!(look.log.contains("Traceback (most recent call last)"), "{}", look.log);
    }
}

#[test]
fn a_package_that_leaves() {
    for leave in ["import sys; sys.exit(0)\n", "import os; os._exit(0)\n"] {
        let (_folder, ask) = fake(leave);
        for look in both_looks(&look_in_time(&ask)) {
            assert!(look.listing.failure().is_some(), "{look:#?}");
        }
    }
}

#[test]
fn a_grandchild_that_holds_the_pipes() {
    let (_folder, ask) =
        fake(&format!("import subprocess\nsubprocess.Popen(['sleep', '600'], close_fds=False)\n{HEALTHY}"));
    let start = Instant::now();
    let python = look_in_time(&ask);
    assert_eq!(devices(&tensorflow(&python).looks[0]).len(), 1);
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
}

#[test]
fn a_module_that_has_taken_the_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tensorflow.py"), "print('my first network')\n").unwrap();
    let mut ask = ask(part("tensorflow-cpu"));
    ask.environment.changes = vec![("PYTHONPATH".into(), Some(folder.path().into()))];
    let python = look(&ask);
    assert!(tensorflow(&python).package.ends_with("/tensorflow.py"), "{python:#?}");
    let [_, full] = both_looks(&python);
    assert!(full.listing.why_not().contains("'tensorflow' is not a package"), "{full:#?}");
}

/// A question about a file that is no Python.
fn interpreter(target: &str) -> (TempDir, Python) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(target, folder.path().join("bin/python")).unwrap();
    let python = look_in_time(&ask(folder.path()));
    assert!(matches!(python.tensorflow, Observed::NotProbed { .. }), "{python:#?}");
    (folder, python)
}

#[test]
fn an_interpreter_that_is_gone() {
    let (_folder, python) = interpreter("/nonexistent/python3");
    assert!(matches!(python.interpreter, Observed::Failed(ProbeFailure::NotStarted { .. })), "{python:#?}");
}

#[test]
fn programs_that_are_no_python() {
    let (_folder, python) = interpreter("/bin/true");
    let step = "start-up".to_owned();
    assert_eq!(python.interpreter, Observed::Failed(ProbeFailure::Exited { code: 0, step: step.clone() }));
    let (_folder, python) = interpreter("/bin/cat");
    assert_eq!(python.interpreter, Observed::Failed(ProbeFailure::Exited { code: 1, step }));
}

#[test]
fn an_interpreter_that_does_not_load_extensions_is_asked_in_plain_python() {
    // As in a free-threaded build, whose loader refuses the stable interface.
    let (folder, mut ask) = fake(HEALTHY);
    let refuse = "import importlib.machinery as m\ndef refuse(*_): raise ImportError('not for this build')\n\
                  m.ExtensionFileLoader.create_module = refuse\n";
    fs::write(folder.path().join("sitecustomize.py"), refuse).unwrap();
    ask.carriers = vec![Carrier::Memory, Carrier::File, Carrier::PlainPython];
    let python = look_in_time(&ask);
    let found = &tensorflow(&python).looks[0];
    assert_eq!(found.carrier, Observed::Seen(Carrier::PlainPython), "{found:#?}");
    ask.carriers = vec![Carrier::Memory];
    let python = look_in_time(&ask);
    assert!(python.interpreter.why_not().contains("not for this build"), "{python:#?}");
}

#[test]
fn a_path_that_is_no_text() {
    for carrier in [Carrier::Memory, Carrier::PlainPython] {
        let (folder, mut ask) = fake(HEALTHY);
        let odd = folder.path().join(OsStr::from_bytes(b"odd\xff"));
        fs::create_dir(&odd).unwrap();
        fs::rename(folder.path().join("tensorflow"), odd.join("tensorflow")).unwrap();
        ask.environment.changes = vec![("PYTHONPATH".into(), Some(odd.into()))];
        ask.carriers = vec![carrier];
        let python = look_in_time(&ask);
        assert_eq!(devices(&tensorflow(&python).looks[0]).len(), 1, "{python:#?}");
    }
}

#[test]
fn a_python_that_is_too_old_says_so() {
    let (folder, mut ask) = fake(HEALTHY);
    fs::write(folder.path().join("sitecustomize.py"), "import sys; sys.version_info = (3, 4, 10)\n").unwrap();
    ask.carriers = vec![Carrier::PlainPython];
    let python = look_in_time(&ask);
    assert_eq!(python.interpreter.seen().unwrap().version, "3.4.10");
    let refusal =
        Observed::refused("start", 0, "TooOld", "Python 3.4.10; 3.5 is the oldest that is looked at");
    assert_eq!(python.tensorflow, refusal);
}

#[test]
fn no_python_in_reach() {
    let ask = Ask::new(Environment { path: "/nonexistent".into(), ..Environment::default() });
    let seen = gpucheck::probe::frameworks::probe(&ask);
    assert_eq!(seen, Observed::Seen(gpucheck_checks::fact::Frameworks::default()));
}

/// The text that Microsoft's lab guide shows, through TensorFlow's own message class.
///
/// Source: MicrosoftDocs/azure-docs, articles/lab-services/class-type-jupyter-notebook.md.
const LAB_GUIDE: &str = r#"
from google.protobuf import text_format
import tensorflow
tensorflow.__path__.append(REAL)
from tensorflow.core.framework import device_attributes_pb2
CPU = '''name: "/device:CPU:0"
device_type: "CPU"
memory_limit: 268435456
locality {
}
incarnation: 15833696144144374634
'''
GPU = '''name: "/device:GPU:0"
device_type: "GPU"
memory_limit: 11154792128
locality {
  bus_id: 1
  links {
  }
}
incarnation: 2659412736190423786
physical_device_desc: "device: 0, name: NVIDIA Tesla K80, pci bus id: 0001:00:00.0, compute capability: 3.7"
'''
def list_local_devices():
    return [text_format.Parse(text, device_attributes_pb2.DeviceAttributes()) for text in (CPU, GPU)]
"#;

fn is_the_lab_guide_s(look: &Look) {
    let [cpu, gpu] = devices(look) else { panic!("{look:#?}") };
    assert_eq!((cpu.incarnation.as_str(), cpu.physical_device.as_ref()), ("15833696144144374634", None));
    assert_eq!((gpu.name.as_str(), gpu.device_type.as_str()), ("/device:GPU:0", "GPU"));
    assert_eq!((gpu.memory_limit, gpu.bus_id, gpu.numa_node), (11_154_792_128, 1, 0));
    assert_eq!(gpu.links, [] as [Link; 0]);
    let physical = gpu.physical_device.as_ref().unwrap();
    assert_eq!((physical.device, physical.name.as_str()), (0, "NVIDIA Tesla K80"));
    assert_eq!(
        (physical.pci.clone(), physical.compute_capability),
        (PciAddress::new("0001:00:00.0"), (3, 7))
    );
}

#[test]
fn the_k80_of_the_lab_guide() {
    for carrier in [Carrier::Memory, Carrier::PlainPython] {
        let environment = part("tensorflow-cpu");
        let real = glob_site_packages(&environment).join("tensorflow");
        let (_folder, mut ask) =
            fake_in("tensorflow-cpu", &LAB_GUIDE.replace("REAL", &format!("{:?}", real.to_str().unwrap())));
        ask.carriers = vec![carrier];
        let python = look_in_time(&ask);
        let [bare, full] = both_looks(&python);
        is_the_lab_guide_s(bare);
        is_the_lab_guide_s(full);
        // The listed GPU raises the doubt; this TensorFlow cannot compute, and says so.
        let [operation] = full.listing.seen().unwrap().operations.as_slice() else { panic!("{full:#?}") };
        assert_eq!((operation.device.as_str(), operation.name.as_str()), ("/device:GPU:0", "matmul"));
        assert!(operation.correct.why_not().contains("AttributeError"), "{operation:#?}");
    }
}

#[test]
fn a_crash_in_the_operation_leaves_the_list() {
    let environment = part("tensorflow-cpu");
    let real = glob_site_packages(&environment).join("tensorflow");
    let (folder, ask) =
        fake_in("tensorflow-cpu", &LAB_GUIDE.replace("REAL", &format!("{:?}", real.to_str().unwrap())));
    fs::write(folder.path().join("tensorflow/__init__.py"), "def device(name):\n    import os; os.abort()\n")
        .unwrap();
    let python = look_in_time(&ask);
    let [_, full] = both_looks(&python);
    let Observed::Interrupted { seen, by } = &full.listing else { panic!("{full:#?}") };
    assert_eq!(seen.gpus().count(), 1);
    assert_eq!(*by, ProbeFailure::Crashed { signal: 6, step: "tf.matmul on /device:GPU:0".to_owned() });
}

#[test]
fn without_exercise_a_listed_gpu_is_left_alone() {
    for carrier in [Carrier::Memory, Carrier::PlainPython] {
        let real = glob_site_packages(&part("tensorflow-cpu")).join("tensorflow");
        let (folder, mut ask) =
            fake_in("tensorflow-cpu", &LAB_GUIDE.replace("REAL", &format!("{:?}", real.to_str().unwrap())));
        let abort = "def device(name):\n    import os; os.abort()\n";
        fs::write(folder.path().join("tensorflow/__init__.py"), abort).unwrap();
        (ask.carriers, ask.exercise) = (vec![carrier], false);
        let python = look_in_time(&ask);
        let [bare, full] = both_looks(&python);
        let Observed::Seen(listing) = &full.listing else { panic!("{full:#?}") };
        assert_eq!((listing.gpus().count(), listing.operations.len()), (1, 0));
        assert_eq!(bare.why_idle, None);
        assert_eq!(full.why_idle.as_deref(), Some("--no-exercise: nothing was computed"));
    }
}

fn glob_site_packages(environment: &Path) -> PathBuf {
    let mut pythons = fs::read_dir(environment.join("lib")).unwrap();
    pythons.next().unwrap().unwrap().path().join("site-packages")
}

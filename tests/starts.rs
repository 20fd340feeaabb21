//! Notebook kernels: each Python is started as its kernel would be, once for those that start alike, and what an earlier
//! run saw is retold while nothing has changed.
//!
//! The environments are those of the system's Python; the TensorFlow in them is a small package that lists one device,
//! in whose description it says how it was started, and that leaves a mark for each start.

use crate::{home::Home, stage::within};
use gpucheck::{
    probe::{
        frameworks::{Ask, Environment, probe},
        notebooks,
    },
    root::Root,
};
use gpucheck_checks::fact::{Facts, FoundBy, Frameworks, Observed, Python, Server};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
    time::Duration,
};

/// A `device_lib` that tells how it was started.
const TELLING: &str = "
import os, sys
from types import SimpleNamespace as Fields
with open(os.path.join(sys.prefix, 'starts'), 'a') as starts:
    starts.write('x')
told = [os.getcwd()] + [name + '=' + os.environ.get(name, '-') for name in ('TF_TOLD', 'HOME', 'PYTHONEXECUTABLE', 'SECRET')]
def list_local_devices():
    place = Fields(bus_id=0, numa_node=0, links=Fields(link=[]))
    return [Fields(name='/device:CPU:0', device_type='CPU', memory_limit=268435456, incarnation=1,
                   locality=place, physical_device_desc=' '.join(told), xla_global_id=-1)]
";
/// What builds without CUDA have.
const BUILD_INFO: &str =
    "import collections\nbuild_info = collections.OrderedDict([('is_cuda_build', False)])\n";

/// An environment with the telling TensorFlow; its interpreter.
fn environment(home: &Home, name: &str) -> String {
    let python = home.python(name);
    home.distribution(name, "tensorflow_cpu-2.15.1");
    for package in ["tensorflow", "tensorflow/python", "tensorflow/python/client"] {
        home.file(name, &format!("{package}/__init__.py"), "");
    }
    home.file(name, "tensorflow/python/client/device_lib.py", TELLING);
    home.file(name, "tensorflow/python/platform/build_info.py", BUILD_INFO);
    python
}

/// The question about its kernels, asked from its folder with nothing of this process's own.
fn ask(home: &Home) -> Ask {
    let path = "/usr/bin:/bin";
    let surroundings = notebooks::Environment {
        home: Some(home.path().into()),
        path: path.into(),
        ..notebooks::Environment::default()
    };
    let mut ask = Ask::new(Environment {
        base: Some(vec![("HOME".into(), home.path().into()), ("PATH".into(), path.into())]),
        home: Some(home.path().into()),
        path: "/nowhere".into(),
        folder: Some(home.path().into()),
        ..Environment::default()
    });
    ask.notebooks = notebooks::probe(&Root::new("/"), &surroundings).seen().cloned();
    // Those of whoever runs the tests, and of other tests.
    ask.notebooks.as_mut().unwrap().servers.clear();
    (ask.bare_deadline, ask.full_deadline) = (Duration::from_secs(20), Duration::from_secs(20));
    ask
}

fn look(ask: &Ask) -> Frameworks {
    let Observed::Seen(frameworks) = probe(ask) else { panic!("the probe itself failed") };
    frameworks
}

/// The Python that a kernel starts.
fn of<'a>(frameworks: &'a Frameworks, kernel: &str) -> &'a Python {
    let mut pythons = frameworks.pythons.iter();
    pythons
        .find(|python| python.kernels.iter().any(|name| name == kernel))
        .unwrap_or_else(|| panic!("no Python for {kernel}: {frameworks:#?}"))
}

/// What its TensorFlow says of how it was started.
fn told(python: &Python) -> String {
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref);
    let listing = tensorflow.and_then(|tensorflow| tensorflow.looks[0].listing.seen());
    listing.unwrap_or_else(|| panic!("{python:#?}")).devices[0].physical_device_desc.clone()
}

fn starts(python: &str) -> usize {
    let prefix = Path::new(python).ancestors().nth(2).unwrap();
    fs::read_to_string(prefix.join("starts")).map_or(0, |text| text.len())
}

#[test]
fn kernels_that_start_alike_share_one_look() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("a", &[&python], "");
    home.kernel("b", &[&python.replace("bin/python", "bin/python3")], "");
    home.kernel("c", &[&python], r#", "env": {"TF_TOLD": "yes"}"#);
    home.kernel("d", &[&python], r#", "env": {"KMP_DUPLICATE_LIB_OK": "TRUE"}"#);
    let found = look(&ask(&home));
    assert_eq!(found.pythons.len(), 3, "{found:#?}");
    assert_eq!(starts(&python), 3);
    let shared = of(&found, "a");
    assert_eq!((&shared.kernels, &shared.label), (&vec!["a".into(), "b".into()], &None));
    // What a kernel.json sets may decide, whatever it is called.
    assert_eq!(of(&found, "d").label.as_deref(), Some("kernel d"));
    assert_eq!((&shared.path, shared.found_by), (&python, FoundBy::Kernel));
    let other = of(&found, "c");
    assert_eq!((other.label.as_deref(), other.name()), (Some("kernel c"), format!("{python} (kernel c)")));
    assert!(told(other).contains("TF_TOLD=yes") && told(shared).contains("TF_TOLD=-"));
}

#[test]
fn a_kernel_has_its_own_variables_over_those_of_the_place_that_starts_it() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("x", &[&python], r#", "env": {"TF_TOLD": "${HOME}/x:${UNSET}:$$"}"#);
    let mut ask = ask(&home);
    ask.environment.changes.push(("PYTHONEXECUTABLE".into(), None));
    let found = look(&ask);
    let home = home.path().canonicalize().unwrap();
    let expected = format!(
        "{home} TF_TOLD={home}/x:${{UNSET}}:$ HOME={home} PYTHONEXECUTABLE=- SECRET=-",
        home = home.display()
    );
    assert_eq!(told(of(&found, "x")), expected);
}

#[test]
fn a_kernel_stands_where_its_server_serves() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("x", &[&python], "");
    let served = tempfile::tempdir().unwrap();
    let own = std::env::current_dir().unwrap();
    for (root, expected) in
        [(Some(served.path()), served.path()), (Some(Path::new("/gone")), &own), (None, &own)]
    {
        let mut ask = ask(&home);
        // This very process stands for the server, and has another home.
        ask.environment.home = None;
        ask.notebooks.as_mut().unwrap().servers.push(Server {
            pid: i32::try_from(std::process::id()).unwrap(),
            program: python.clone(),
            environment: BTreeMap::new(),
            root: root.map(|root| root.to_str().unwrap().to_owned()),
            sessions: Observed::Seen(Vec::new()),
        });
        let told = told(of(&look(&ask), "x"));
        let expected = expected.canonicalize().unwrap();
        assert_eq!(told.split(' ').next(), expected.to_str(), "{root:?}: {told}");
    }
}

#[test]
fn a_kernel_without_a_framework_is_not_started_and_one_that_cannot_be_is_told() {
    let home = Home::new();
    let python = environment(&home, "tf");
    let plain = environment(&home, "plain");
    let site = home.site("plain");
    fs::remove_dir_all(&site).unwrap();
    fs::create_dir(&site).unwrap();
    home.kernel("plain", &[&plain], "");
    home.kernel("gone", &["/nowhere/bin/python"], "");
    home.kernel_json("ir", r#"{"argv": ["R"], "language": "R"}"#);
    home.kernel_json("hidden", r#"{"argv": ["/bin/bash", "-c", "exec python -m x"], "language": "python"}"#);
    home.kernel_json("server", r#"{"argv": ["python", "-m", "ipykernel_launcher"], "language": "python"}"#);
    home.kernel_json("cut", "{");
    home.kernel("tf", &[&python], "");
    let found = look(&ask(&home));
    let names: Vec<&String> = found.pythons.iter().flat_map(|python| &python.kernels).collect();
    assert_eq!(names, ["tf"], "{found:#?}");
    let reasons: Vec<(&str, &str)> =
        found.notebooks_not_started.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    assert_eq!(reasons, [("hidden", "its command does not run ipykernel: /bin/bash -c exec python -m x")]);
}

#[test]
fn what_an_earlier_run_saw_is_retold_while_nothing_has_changed() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("a", &[&python], "");
    let cache = tempfile::tempdir().unwrap();
    let ask = || Ask { remember: Some(cache.path().into()), ..ask(&home) };
    let first = look(&ask());
    assert_eq!((of(&first, "a").retold_s, starts(&python)), (None, 1));
    let again = look(&ask());
    assert!(of(&again, "a").retold_s.is_some_and(|age| age < 60) && starts(&python) == 1, "{again:#?}");
    assert_eq!(told(of(&again, "a")), told(of(&first, "a")));
    // Whoever asks for it gets a new look, and so does another question.
    assert_eq!(of(&look(&Ask { fresh: true, ..ask() }), "a").retold_s, None);
    assert_eq!(of(&look(&Ask { full: true, ..ask() }), "a").retold_s, None);
    assert_eq!(starts(&python), 3);
    // A package that was installed, a kernel.json that was written, a variable.
    fs::create_dir(home.site("tf").join("numpy-2.3.5.dist-info")).unwrap();
    assert_eq!((of(&look(&ask()), "a").retold_s, starts(&python)), (None, 4));
    home.kernel("a", &[&python], " ");
    assert_eq!((of(&look(&ask()), "a").retold_s, starts(&python)), (None, 5));
    let mut other = ask();
    other.environment.changes.push(("TF_TOLD".into(), Some("1".into())));
    assert_eq!((of(&look(&other), "a").retold_s, starts(&python)), (None, 6));
    assert!(of(&look(&ask()), "a").retold_s.is_some());
}

#[test]
fn trouble_is_never_retold() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("a", &[&python], "");
    let cache = tempfile::tempdir().unwrap();
    let client = home.site("tf").join("tensorflow/python/client/device_lib.py");
    fs::write(&client, format!("{TELLING}\nraise RuntimeError('broken')\n")).unwrap();
    let ask = || Ask { remember: Some(cache.path().into()), ..ask(&home) };
    look(&ask());
    let told = starts(&python);
    look(&ask());
    assert!(starts(&python) > told);
    // Where a driver stands behind, a TensorFlow without a GPU is trouble.
    fs::write(&client, TELLING).unwrap();
    let behind = || Ask { put_to_work: true, ..ask() };
    look(&behind());
    assert_eq!(of(&look(&behind()), "a").retold_s, None);
}

#[test]
fn what_others_can_write_is_not_retold() {
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("a", &[&python], "");
    let cache = tempfile::tempdir().unwrap();
    let ask = || Ask { remember: Some(cache.path().into()), ..ask(&home) };
    look(&ask());
    let folder = cache.path().join("gpucheck");
    let kept = || fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert!(of(&look(&ask()), "a").retold_s.is_some());
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for place in [folder.clone(), kept()] {
        let mode = fs::metadata(&place).unwrap().permissions();
        fs::set_permissions(&place, fs::Permissions::from_mode(mode.mode() | 0o022)).unwrap();
        assert_eq!(of(&look(&Ask { ..ask() }), "a").retold_s, None, "{}", place.display());
        fs::set_permissions(&place, mode).unwrap();
    }
    for rubbish in [b"".as_slice(), b"{", b"{\"taken_at\": 1, \"stamps\": [], \"python\": {}}", &[0xff; 4096]]
    {
        fs::write(kept(), rubbish).unwrap();
        assert_eq!(of(&look(&ask()), "a").retold_s, None);
    }
}

/// The user of a student's files.
const STUDENT: u32 = 12_345;

#[test]
fn whoever_can_write_a_kernel_json_is_whom_root_becomes_for_it() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    let python = environment(&home, "tf");
    let own = home.kernel("own", &[&python], "");
    let theirs = home.kernel("theirs", &[&python], r#", "env": {"TF_TOLD": "theirs"}"#);
    // The marks are the student's to leave as well.
    fs::write(home.path().join("tf/starts"), "").unwrap();
    fs::set_permissions(home.path().join("tf/starts"), fs::Permissions::from_mode(0o666)).unwrap();
    chown(&theirs, Some(STUDENT), Some(STUDENT)).unwrap();
    let mut asked = ask(&home);
    asked.environment.base.as_mut().unwrap().push(("SECRET".into(), "root's".into()));
    let found = look(&asked);
    assert_eq!(of(&found, "own").ran_as, None, "{found:#?}");
    assert_eq!(of(&found, "theirs").ran_as, Some(STUDENT), "{found:#?}");
    assert!(
        told(of(&found, "own")).ends_with("SECRET=root's")
            && told(of(&found, "theirs")).ends_with("SECRET=-")
    );
    fs::set_permissions(&own, fs::Permissions::from_mode(0o666)).unwrap();
    let found = look(&ask(&home));
    let why = of(&found, "own").interpreter.why_not();
    assert!(why.ends_with("kernel.json can be written by everyone"), "{why}");
}

#[test]
fn root_starts_no_command_that_hides_its_python() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    let python = environment(&home, "tf");
    home.kernel("wrapped", &["/usr/bin/env", "TF_TOLD=wrapped", &python, "-s"], "");
    let found = look(&ask(&home));
    let why = of(&found, "wrapped").interpreter.why_not();
    assert!(why.contains("what /usr/bin/env starts cannot be told"), "{why}");
    assert_eq!(starts(&python), 0);
}

#[test]
fn root_starts_nothing_that_a_command_names_before_the_kernel() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    let python = environment(&home, "tf");
    let script = home.path().join("wrap.py");
    fs::write(&script, "import sys, os\nopen(os.path.join(sys.prefix, 'starts'), 'a').write('x')\n").unwrap();
    chown(&script, Some(STUDENT), Some(STUDENT)).unwrap();
    home.kernel("script", &[&python, script.to_str().unwrap()], "");
    home.kernel("module", &[&python, "-m", "runner", &python], "");
    home.kernel("prefix", &[&python, "-X", "pycache_prefix=/tmp"], "");
    home.kernel("plain", &[&python, "-Xfrozen_modules=off", "-s"], "");
    let found = look(&ask(&home));
    for kernel in ["script", "module", "prefix"] {
        let why = of(&found, kernel).interpreter.why_not();
        assert!(why.contains("starts cannot be told"), "{kernel}: {why}");
    }
    assert!(matches!(of(&found, "plain").interpreter, Observed::Seen(_)), "{found:#?}");
    assert_eq!(starts(&python), 1);
}

#[test]
fn a_program_with_the_setuid_bit_is_no_server_of_roots() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    let program = home.path().join("sleep");
    fs::copy("/bin/sleep", &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let mut started = Command::new(&program);
    let mut child = started.arg0("jupyter-lab").arg("30").uid(STUDENT).gid(STUDENT).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let uids = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let is_setuid = within(Duration::from_secs(5), || uids().contains(&format!("Uid:\t{STUDENT}\t0\t0\t0")));
    let found = notebooks::probe(&Root::new("/"), &notebooks::Environment::default());
    child.kill().unwrap();
    child.wait().unwrap();
    let servers = &found.seen().unwrap().servers;
    assert!(servers.iter().all(|server| server.pid != pid), "{servers:#?}");
    if !is_setuid {
        println!("skipped: programs here have no setuid bit");
    }
}

#[test]
fn of_environments_that_nobody_named_only_ones_own_and_the_systems_are_started() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let home = Home::new();
    let python = environment(&home, ".venv");
    let gpucheck = home.path().join("gpucheck");
    fs::copy(env!("CARGO_BIN_EXE_gpucheck"), &gpucheck).unwrap();
    // The marks are anybody's to leave.
    fs::write(home.path().join(".venv/starts"), "").unwrap();
    fs::set_permissions(home.path().join(".venv/starts"), fs::Permissions::from_mode(0o666)).unwrap();
    let facts = |owner: u32| -> Frameworks {
        let id = format!("{owner}:{owner}");
        assert!(
            Command::new("chown")
                .args(["-hR", &id])
                .arg(home.path().join(".venv"))
                .status()
                .unwrap()
                .success()
        );
        let mut command = Command::new(&gpucheck);
        command.args(["record", "--no-cloud-metadata"]).env_clear().env("PATH", "/nowhere");
        let output = command.current_dir(home.path()).uid(STUDENT).gid(STUDENT).output().unwrap();
        let facts: Facts = serde_json::from_slice(&output.stdout).unwrap();
        facts.frameworks.seen().unwrap().clone()
    };
    let interpreter = |found: &Frameworks| {
        let mut pythons = found.pythons.iter();
        pythons.find(|found| found.path == python).unwrap_or_else(|| panic!("{found:#?}")).interpreter.clone()
    };
    let why = interpreter(&facts(23_456)).why_not();
    assert!(why.contains("nobody named it") && why.ends_with("is in the hands of user 23456"), "{why}");
    assert_eq!(starts(&python), 0);
    for own in [STUDENT, 0] {
        assert!(matches!(interpreter(&facts(own)), Observed::Seen(_)), "{own}");
    }
}

#[test]
fn a_kernel_that_hangs_costs_nobody_else_the_look() {
    let home = Home::new();
    let (hangs, works) = (environment(&home, "hangs"), environment(&home, "works"));
    let client = home.site("hangs").join("tensorflow/python/client/device_lib.py");
    fs::write(client, "import time\ntime.sleep(600)\n").unwrap();
    home.kernel("hangs", &[&hangs], "");
    home.kernel("works", &[&works], "");
    let mut ask = ask(&home);
    (ask.bare_deadline, ask.full_deadline) = (Duration::from_secs(2), Duration::from_secs(2));
    let found = look(&ask);
    let tensorflow = of(&found, "hangs").tensorflow.seen().and_then(Option::as_ref).unwrap();
    assert!(tensorflow.looks.iter().all(|look| look.listing.failure().is_some()), "{tensorflow:#?}");
    assert!(told(of(&found, "works")).contains("HOME="));
}

use super::*;
use crate::fact::{FoundBy, Interpreter, Packages, Program, ProgramState, Spec, Torch, TorchBuild};

const SYSTEM: &str = "/usr/local/share/jupyter/kernels/ml";

fn kernel(name: &str, folder: &str) -> Kernelspec {
    Kernelspec {
        name: name.to_owned(),
        folder: folder.to_owned(),
        spec: Observed::Seen(Spec::default()),
        program: Program::File { path: "/opt/ml/bin/python".to_owned(), state: ProgramState::Executable },
        environment: None,
        activates: None,
        user: None,
    }
}

/// A Python with a PyTorch that lists these GPUs.
fn python(path: &str, kernels: &[&str], gpus: &[&str]) -> Python {
    let devices = gpus.iter().map(|name| crate::fact::FrameworkDevice {
        name: (*name).to_owned(),
        ..crate::fact::FrameworkDevice::default()
    });
    let torch = Torch {
        package: "/opt/ml/lib/python3.11/site-packages/torch".to_owned(),
        distribution: Some("2.6.0+cu126".to_owned()),
        conda_build: None,
        build: Observed::<TorchBuild>::not_probed("test"),
        architectures: Observed::not_probed("test"),
        devices: Observed::Seen(devices.collect()),
        requirements: Vec::new(),
        libraries: Observed::not_probed("test"),
        operations: Observed::Seen(Vec::new()),
        log: format!("loaded by {path}"),
        elapsed_ms: path.len() as u64,
    };
    Python {
        found_by: FoundBy::Kernel,
        path: path.to_owned(),
        label: None,
        kernels: kernels.iter().map(|name| (*name).to_owned()).collect(),
        retold_s: None,
        ran_as: None,
        user: None,
        interpreter: Observed::Seen(Interpreter::default()),
        log: String::new(),
        tensorflow: Observed::Seen(None),
        packages: Observed::Seen(Packages { torch: Some(torch), ..Packages::default() }),
        cuda_parts: Observed::not_probed("test"),
        cuda_libraries: Observed::not_probed("test"),
        tensorflow_companions: Vec::new(),
        isolated: None,
    }
}

fn unlooked(path: &str, kernels: &[&str]) -> Python {
    let why = "gpucheck runs as root, and /opt/ml/bin can be written by everyone";
    Python {
        interpreter: Observed::not_probed(why),
        packages: Observed::not_probed(why),
        ..python(path, kernels, &[])
    }
}

fn seen(kernels: Vec<Kernelspec>, pythons: Vec<Python>) -> (Notebooks, Frameworks) {
    (
        Notebooks { kernelspecs: kernels, ..Notebooks::default() },
        Frameworks { pythons, ..Frameworks::default() },
    )
}

/// What root sees: one kernel for all, on one GPU.
fn machine() -> Facts {
    let (notebooks, frameworks) =
        seen(vec![kernel("ml", SYSTEM)], vec![python("/opt/ml/bin/python", &["ml"], &["cuda:0"])]);
    let mut facts = Facts::unprobed("0.1.0", "2026-11-26T09:00:00Z", "test");
    facts.notebooks = Observed::Seen(notebooks);
    facts.frameworks = Observed::Seen(frameworks);
    facts
}

fn take_in(facts: &mut Facts, user: &str, (notebooks, frameworks): &(Notebooks, Frameworks)) {
    facts.take_in(user, 1000, notebooks, frameworks);
}

/// The names of the kernels, and of each Python with the kernels that it starts.
fn names(facts: &Facts) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let notebooks = facts.notebooks.seen().unwrap();
    let kernels = notebooks.kernelspecs.iter().map(|kernel| notebooks.name_of(kernel)).collect();
    (kernels, facts.pythons().map(|python| (python.name(), python.kernels.clone())).collect())
}

#[test]
fn who_sees_what_everybody_sees_adds_nothing() {
    let mut facts = machine();
    let before = facts.clone();
    let mut same = python("/opt/ml/bin/python", &["ml"], &["cuda:0"]);
    same.log = "another line".to_owned();
    take_in(&mut facts, "bob", &seen(vec![kernel("ml", SYSTEM)], vec![same]));
    assert_eq!(facts, before);
}

#[test]
fn a_python_without_a_framework_that_no_kernel_starts_is_nobody_s_matter() {
    let mut facts = machine();
    let before = facts.clone();
    let mut plain = python("/usr/bin/python3", &[], &[]);
    plain.packages = Observed::Seen(Packages::default());
    take_in(&mut facts, "bob", &seen(vec![kernel("ml", SYSTEM)], vec![plain]));
    assert_eq!(facts, before);
}

#[test]
fn a_kernel_of_their_own_has_their_name() {
    let mut facts = machine();
    let own = kernel("ml", "/home/bob/.local/share/jupyter/kernels/ml");
    let shared = kernel("ml", SYSTEM);
    let of_own = "ml (/home/bob/.local/share/jupyter/kernels/ml)";
    let of_all = "ml (/usr/local/share/jupyter/kernels/ml)";
    let pythons = vec![
        python("/home/bob/tf/bin/python", &[of_own], &["cuda:0"]),
        python("/opt/ml/bin/python", &[of_all], &["cuda:0"]),
    ];
    take_in(&mut facts, "bob", &seen(vec![own, shared], pythons));
    let (kernels, pythons) = names(&facts);
    assert_eq!(kernels, ["ml", "ml (of bob)"]);
    let expected = [("/opt/ml/bin/python", "ml"), ("/home/bob/tf/bin/python (of bob)", "ml (of bob)")];
    assert_eq!(pythons, expected.map(|(python, kernel)| (python.to_owned(), vec![kernel.to_owned()])));
}

#[test]
fn a_kernel_of_all_that_does_otherwise_for_one_stands_twice() {
    let mut facts = machine();
    let blind = python("/opt/ml/bin/python", &["ml"], &[]);
    take_in(&mut facts, "bob", &seen(vec![kernel("ml", SYSTEM)], vec![blind]));
    let (kernels, pythons) = names(&facts);
    assert_eq!(kernels, ["ml", "ml (of bob)"]);
    assert_eq!(pythons[1], ("/opt/ml/bin/python (of bob)".to_owned(), vec!["ml (of bob)".to_owned()]));
    assert_eq!(facts.pythons().nth(1).unwrap().ran_as, Some(1000));
}

#[test]
fn a_program_that_one_may_not_read_stands_twice() {
    let mut facts = machine();
    let mut hidden = kernel("ml", SYSTEM);
    let path = "/opt/ml/bin/python".to_owned();
    hidden.program = Program::File { path, state: ProgramState::Hidden };
    take_in(&mut facts, "bob", &seen(vec![hidden], Vec::new()));
    assert_eq!(names(&facts).0, ["ml", "ml (of bob)"]);
}

#[test]
fn what_root_may_not_run_is_told_by_those_who_may() {
    let mut facts = machine();
    let notebooks = seen(vec![kernel("ml", SYSTEM)], vec![unlooked("/opt/ml/bin/python", &["ml"])]);
    facts.frameworks = Observed::Seen(notebooks.1);
    for user in ["alice", "bob"] {
        let own = python("/opt/ml/bin/python", &["ml"], &["cuda:0"]);
        take_in(&mut facts, user, &seen(vec![kernel("ml", SYSTEM)], vec![own]));
    }
    let (kernels, pythons) = names(&facts);
    assert_eq!(kernels, ["ml (of alice)", "ml (of bob)"]);
    assert_eq!(pythons.len(), 2);
}

#[test]
fn what_nobody_may_run_stays_untold() {
    let mut facts = machine();
    let untold = || seen(vec![kernel("ml", SYSTEM)], vec![unlooked("/opt/ml/bin/python", &["ml"])]);
    facts.frameworks = Observed::Seen(untold().1);
    let before = facts.clone();
    take_in(&mut facts, "bob", &untold());
    assert_eq!(facts, before);
}

#[test]
fn what_is_not_started_for_one_says_why() {
    let mut facts = machine();
    let (notebooks, mut frameworks) = seen(vec![kernel("ml", SYSTEM)], Vec::new());
    frameworks.notebooks_not_started.insert("ml".to_owned(), "no permission".to_owned());
    take_in(&mut facts, "bob", &(notebooks, frameworks));
    let frameworks = facts.frameworks.seen().unwrap();
    let expected = BTreeMap::from([("ml (of bob)".to_owned(), "no permission".to_owned())]);
    assert_eq!(frameworks.notebooks_not_started, expected);
}

#[test]
fn two_kernels_of_one_name_and_one_user_keep_their_folders() {
    let mut facts = machine();
    let kernels = vec![kernel("x", "/home/bob/a"), kernel("x", "/home/bob/b")];
    let pythons = vec![python("/home/bob/bin/python", &["x (/home/bob/b)"], &[])];
    take_in(&mut facts, "bob", &seen(kernels, pythons));
    let (kernels, pythons) = names(&facts);
    assert_eq!(kernels[1..], ["x (/home/bob/a, of bob)", "x (/home/bob/b, of bob)"]);
    assert_eq!(pythons[1].1, ["x (/home/bob/b, of bob)"]);
}

//! Root and the Pythons of others: run as their owner, or not at all.

use crate::pythons::{ask, look, output, part};
use gpucheck::probe::frameworks::{Ask, Environment, probe};
use gpucheck_checks::fact::{Carrier, Observed, ProbeFailure, Python};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A shell script in a Python's place that says as whom it runs.
fn who_am_i() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    let program = folder.path().join("bin/python");
    fs::write(&program, "#!/bin/sh\nexit $(( $(id -u) % 250 ))\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Root alone may become somebody else.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: needs root");
    }
    root
}

#[test]
fn root_runs_another_s_python_as_its_owner() {
    if !is_root() {
        return;
    }
    let folder = who_am_i();
    // A script may start anything: root's own is asked as nobody what it starts, and this one does not say.
    let why = look(&ask(folder.path())).interpreter.why_not();
    assert!(why.ends_with("starts cannot be told: ended with status 34 and no answer in start-up"), "{why}");
    for path in [folder.path(), &folder.path().join("bin"), &folder.path().join("bin/python")] {
        chown(path, Some(12_345), Some(12_345)).unwrap();
    }
    let python = look(&ask(folder.path()));
    assert_eq!((python.ran_as, exit_code(&python)), (Some(12_345), Some(12_345 % 250)));
}

/// The real thing: each carrier gets through the change of user.
#[test]
fn a_real_python_of_another_user_is_looked_at_by_every_carrier() {
    let system = Path::new("/usr/bin/python3");
    if !is_root() || !system.exists() {
        println!("skipped: needs root, and a Python at {}", system.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(system, bin.join("python")).unwrap();
    fs::write(folder.path().join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    for path in [folder.path(), &bin] {
        chown(path, Some(12_345), Some(12_345)).unwrap();
    }
    for carrier in [Carrier::Memory, Carrier::File, Carrier::PlainPython] {
        let mut ask = ask(folder.path());
        ask.carriers = vec![carrier];
        let python = look(&ask);
        assert_eq!(python.ran_as, Some(12_345));
        let interpreter = python.interpreter.seen().unwrap_or_else(|| panic!("{python:#?}"));
        assert_eq!(Path::new(&interpreter.prefix), folder.path());
        assert_eq!(python.tensorflow, Observed::Seen(None));
    }
}

/// The user of a student's files.
const STUDENT: u32 = 12_345;

/// A student's folder, whose modules leave a mark that shows as whom they ran.
struct Trap(TempDir);

impl Trap {
    fn new() -> Self {
        let trap = Self(tempfile::tempdir().unwrap());
        // The system's own sitecustomize may come first; a TensorFlow is imported in any case.
        for name in ["sitecustomize.py", "tensorflow.py"] {
            fs::write(trap.path().join(name), trap.code()).unwrap();
        }
        trap.hand_over();
        trap
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Python that leaves the mark.
    fn code(&self) -> String {
        let mark = self.path().join("mark");
        format!("import os\nopen('{}' + str(os.getuid()), 'w')\n", mark.display())
    }

    /// Makes all of it the student's.
    fn hand_over(&self) {
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let id = STUDENT.to_string();
        let status = Command::new("chown").args(["-hR", &format!("{id}:{id}")]).arg(self.path()).status();
        assert!(status.unwrap().success());
    }

    fn ran_as(&self, uid: u32) -> bool {
        self.path().join(format!("mark{uid}")).exists()
    }
}

/// An environment of root's, made from the system's Python; none where the machine has no such Python.
fn environment() -> Option<TempDir> {
    let system = Path::new("/usr/bin/python3");
    if !is_root() || !system.exists() {
        println!("skipped: needs root, and a Python at {}", system.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(system, folder.path().join("bin/python")).unwrap();
    fs::write(folder.path().join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    Some(folder)
}

/// The folder of an environment's packages.
fn packages(environment: &Path) -> PathBuf {
    let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let folder = PathBuf::from(output(environment, script, &[]).trim());
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Variables that lead root's Python to a student's code.
#[test]
fn root_s_python_is_not_led_astray_by_the_environment() {
    let Some(environment) = environment() else { return };
    let trap = Trap::new();
    let script = "import site, sys; print(site.getusersitepackages())";
    let user_site = output(environment.path(), script, &[]);
    let (_, below) = user_site.trim().split_once("/.local/").unwrap();
    let user_site = trap.path().join(".local").join(below);
    fs::create_dir_all(&user_site).unwrap();
    fs::write(user_site.join("trap.pth"), trap.code().replace('\n', ";").replace("os;open", "os; open"))
        .unwrap();
    trap.hand_over();
    let up = "../".repeat(std::env::current_dir().unwrap().components().count() - 1);
    let relative = format!("{up}{}", trap.path().strip_prefix("/").unwrap().display());
    let ways = [
        ("HOME", trap.path().to_str().unwrap(), "the packages of the user are left out"),
        ("PYTHONPATH", trap.path().to_str().unwrap(), "PYTHONPATH is left out: "),
        ("PYTHONPATH", &relative, "is relative"),
        ("PYTHONPATH", ":/opt", "its entry '' is relative"),
    ];
    for (name, value, told) in ways {
        // The system's Python: an environment passes over the user's packages.
        let mut ask = Ask::new(Environment { path: "/usr/bin".into(), ..Environment::default() });
        ask.environment.changes = vec![(name.into(), Some(value.into()))];
        let Observed::Seen(frameworks) = probe(&ask) else { panic!("the probe itself failed") };
        assert!(matches!(frameworks.pythons[0].interpreter, Observed::Seen(_)), "{frameworks:#?}");
        assert!(!trap.ran_as(0), "{name}={value}: {frameworks:#?}");
        assert!(frameworks.pythons[0].log.contains(told), "{told}: {frameworks:#?}");
    }
}

#[test]
fn a_pth_file_that_leads_to_a_student_makes_the_python_the_student_s() {
    let Some(environment) = environment() else { return };
    let trap = Trap::new();
    // Nobody else can look into it.
    fs::set_permissions(trap.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(packages(environment.path()).join("more.pth"), trap.path().to_str().unwrap()).unwrap();
    let python = look(&ask(environment.path()));
    assert_eq!(python.ran_as, Some(STUDENT), "{python:#?}");
    assert!(!trap.ran_as(0) && trap.ran_as(STUDENT), "{python:#?}");
}

#[test]
fn what_a_script_starts_is_looked_at_like_any_python() {
    let Some(environment) = environment() else { return };
    let shim = |target: &Path| {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        let program = folder.path().join("bin/python");
        fs::write(&program, format!("#!/bin/sh\nexec {} \"$@\"\n", target.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let python = look(&ask(folder.path()));
        (folder, python)
    };
    let (_folder, python) = shim(&environment.path().join("bin/python"));
    assert_eq!(python.ran_as, None, "{python:#?}");
    let interpreter = python.interpreter.seen().unwrap_or_else(|| panic!("{python:#?}"));
    assert_eq!(Path::new(&interpreter.prefix), environment.path());
    let trap = Trap::new();
    fs::write(packages(environment.path()).join("tensorflow.py"), trap.code()).unwrap();
    let id = Some(STUDENT);
    for folder in ["", "bin"] {
        chown(environment.path().join(folder), id, id).unwrap();
    }
    let (_folder, python) = shim(&environment.path().join("bin/python"));
    assert_eq!(python.ran_as, Some(STUDENT), "{python:#?}");
    assert!(!trap.ran_as(0) && trap.ran_as(STUDENT), "{python:#?}");
    // A program that gives itself out for one of root's names what then runs in its place.
    let liar = trap.path().join("liar");
    let answer = r#"{"answer": {"executable": "/usr/bin/python3", "folders": [], "files": []}}"#;
    let mark = trap.path().join("mark");
    fs::write(&liar, format!("#!/bin/bash\necho '{answer}' >&60\n: > {}$(id -u)\n", mark.display())).unwrap();
    fs::set_permissions(&liar, fs::Permissions::from_mode(0o755)).unwrap();
    trap.hand_over();
    let (_folder, python) = shim(&liar);
    assert!(!trap.ran_as(0), "{python:#?}");
}

#[test]
fn the_interpreter_behind_copies_counts() {
    let Some(environment) = environment() else { return };
    let trap = Trap::new();
    fs::create_dir(trap.path().join("bin")).unwrap();
    trap.hand_over();
    let program = environment.path().join("bin/python");
    let binary = fs::canonicalize(&program).unwrap();
    fs::remove_file(&program).unwrap();
    fs::copy(binary, &program).unwrap();
    let home = trap.path().join("bin");
    fs::write(environment.path().join("pyvenv.cfg"), format!("home = {}\n", home.display())).unwrap();
    let python = look(&ask(environment.path()));
    assert_eq!(python.ran_as, Some(STUDENT), "{python:#?}");
}

fn exit_code(python: &Python) -> Option<i32> {
    match python.interpreter.failure() {
        Some(ProbeFailure::Exited { code, .. }) => Some(*code),
        _ => None,
    }
}

#[test]
fn root_does_not_run_what_others_can_write() {
    if !is_root() {
        return;
    }
    let folder = who_am_i();
    let bin = folder.path().join("bin");
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o777)).unwrap();
    let python = look(&ask(folder.path()));
    let why = python.interpreter.why_not();
    assert!(why.ends_with("bin can be written by everyone"), "{why}");
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o755)).unwrap();
    chown(&bin, Some(12_345), None).unwrap();
    chown(bin.join("python"), Some(23_456), None).unwrap();
    let python = look(&ask(folder.path()));
    let why = python.interpreter.why_not();
    assert!(why.contains("several users: 12345, 23456"), "{why}");
}

#[test]
fn a_working_directory_that_others_can_write_is_not_imported_from() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tensorflow.py"), "").unwrap();
    let script = "import importlib.util as u; print(u.find_spec('tensorflow') is not None)";
    let boot = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sys_path.py")).unwrap();
    let (first, _) = boot.split_once("import os\n").unwrap();
    for (trusted, seen) in [("1", "True"), ("0", "False")] {
        let output = Command::new(part("empty").join("bin/python"))
            .args(["-c", &format!("{first}{script}"), "bare", trusted])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), seen);
    }
}

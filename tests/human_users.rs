//! The machine as each of its human users sees it. Only root can become somebody else: without root these say that they
//! are skipped.

use gpucheck::{
    probe::users::{Account, Accounts, Question, SeenAs, look_as},
    root::Root,
    worker::Worker,
};
use gpucheck_checks::fact::{Access, Facts, Observed, ProbeFailure};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const GPUCHECK: &str = env!("CARGO_BIN_EXE_gpucheck");
/// Ids within the usual range that no test machine has.
const KIM: u32 = 54_321;
const LEE: u32 = 54_322;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root() && Path::new("/usr/bin/python3").exists();
    if !root {
        println!("skipped: needs root, and a Python at /usr/bin/python3");
    }
    root
}

/// Two people with homes.
struct Class {
    folder: TempDir,
}

impl Class {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let class = Self { folder };
        for name in ["kim", "lee", "marks"] {
            fs::create_dir(class.home(name)).unwrap();
        }
        fs::set_permissions(class.home("marks"), fs::Permissions::from_mode(0o1777)).unwrap();
        let line = |name: &str, uid: u32| {
            format!("{name}:x:{uid}:{uid}::{}:/bin/bash\n", class.home(name).display())
        };
        fs::write(class.list(), [line("kim", KIM), line("lee", LEE)].concat()).unwrap();
        class
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn list(&self) -> PathBuf {
        self.folder.path().join("passwd")
    }

    /// Makes every home its person's, and closes it to others.
    fn hand_over(&self) {
        for (name, uid) in [("kim", KIM), ("lee", LEE)] {
            let status =
                Command::new("chown").arg("-hR").arg(format!("{uid}:{uid}")).arg(self.home(name)).status();
            assert!(status.unwrap().success());
            fs::set_permissions(self.home(name), fs::Permissions::from_mode(0o700)).unwrap();
        }
    }

    fn accounts(&self) -> Vec<Account> {
        Accounts::of(&Root::new("/"), Some(&self.list())).unwrap().people
    }

    /// An environment of the system's Python with a made-up PyTorch.
    fn environment(&self, folder: &Path) -> PathBuf {
        let site = folder.join("lib").join(version()).join("site-packages");
        for part in [folder.join("bin"), site.join("ipykernel"), site.join("torch")] {
            fs::create_dir_all(part).unwrap();
        }
        symlink("/usr/bin/python3", folder.join("bin/python")).unwrap();
        fs::write(folder.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
        fs::write(site.join("ipykernel/__init__.py"), "").unwrap();
        fs::write(site.join("ipykernel_launcher.py"), "").unwrap();
        self.torch(&site);
        folder.join("bin/python")
    }

    /// A PyTorch that leaves a file of whoever imports it.
    fn torch(&self, site: &Path) {
        fs::create_dir_all(site.join("torch")).unwrap();
        let mark = self.folder.path().join("marks/imported");
        let code = format!(
            "import os\nopen('{}' + str(os.getuid()), 'w')\nraise ImportError('made up')\n",
            mark.display()
        );
        fs::write(site.join("torch/__init__.py"), code).unwrap();
        fs::write(site.join("torch/version.py"), "__version__ = '2.6.0+cu126'\ncuda = '12.6'\n").unwrap();
        let metadata = site.join("torch-2.6.0+cu126.dist-info");
        fs::create_dir_all(&metadata).unwrap();
        let text = "Metadata-Version: 2.1\nName: torch\nVersion: 2.6.0+cu126\n";
        fs::write(metadata.join("METADATA"), text).unwrap();
    }
}

fn version() -> String {
    let script = "import sys; print('python%d.%d' % sys.version_info[:2])";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn kernel(folder: &Path, python: &Path) {
    fs::create_dir_all(folder).unwrap();
    let argv = json!([python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]);
    let text = json!({"argv": argv, "display_name": "Own", "language": "python"}).to_string();
    fs::write(folder.join("kernel.json"), text).unwrap();
}

fn question(uid: u32) -> Question {
    Question {
        uid,
        exercise: true,
        put_to_work: true,
        may_make_nodes: false,
        one_at_a_time: true,
        deadline_ms: 600_000,
    }
}

fn look(account: &Account) -> Observed<SeenAs> {
    let worker = Worker { program: GPUCHECK.into(), deadline: Duration::from_mins(10) };
    look_as(&worker, account, &question(account.uid))
}

/// A kernel in a home that nobody else may enter.
#[test]
fn a_user_s_own_kernel_is_looked_at_as_that_user() {
    if !is_root() {
        return;
    }
    let class = Class::new();
    let python = class.environment(&class.home("kim").join("env"));
    kernel(&class.home("kim").join(".local/share/jupyter/kernels/own"), &python);
    class.hand_over();
    let accounts = class.accounts();
    let [kim, lee] = accounts.as_slice() else { panic!("{accounts:#?}") };
    let before = files(&class.home("kim"));
    let seen = look(kim);
    let seen = seen.seen().unwrap_or_else(|| panic!("{}", seen.why_not()));
    assert!(seen.notebooks.kernelspecs.iter().any(|kernel| kernel.name == "own"), "{seen:#?}");
    let of_kernel = seen.frameworks.pythons.iter().find(|python| python.kernels == ["own"]).unwrap();
    let torch = of_kernel.packages.seen().unwrap().torch.as_ref().unwrap();
    assert!(torch.operations.why_not().contains("made up"), "{torch:#?}");
    let marks = files(&class.home("marks"));
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!(fs::metadata(&marks[0]).unwrap().uid(), KIM);
    assert_eq!(files(&class.home("kim")), before, "a look leaves nothing in a home");
    let of_lee = look(lee);
    let of_lee = of_lee.seen().unwrap_or_else(|| panic!("{}", of_lee.why_not()));
    assert!(!of_lee.notebooks.kernelspecs.iter().any(|kernel| kernel.name == "own"), "{of_lee:#?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        }
    }
    found.sort();
    found
}

/// The whole program: one kernel for all that packages of one user's shadow, one kernel of another's own.
#[test]
fn publish_names_the_user_whose_kernel_does_otherwise() {
    if !is_root() {
        return;
    }
    let class = Class::new();
    let own = class.environment(&class.home("lee").join("env"));
    kernel(&class.home("lee").join(".local/share/jupyter/kernels/lees"), &own);
    class.torch(&class.home("kim").join(".local/lib").join(version()).join("site-packages"));
    let shared = class.folder.path().join("shared");
    kernel(&shared.join("kernels/all"), Path::new("/usr/bin/python3"));
    class.hand_over();
    let output = Command::new(GPUCHECK)
        .args(["record", "--profile", "publish", "--no-cloud-metadata", "--users-list"])
        .arg(class.list())
        .env("JUPYTER_PATH", &shared)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let facts: Facts = serde_json::from_slice(&output.stdout).unwrap();
    let users = facts.users.seen().unwrap();
    let names: Vec<&str> = users.humans.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["user1", "user2"], "names are not for records");
    assert!(users.humans.iter().all(|user| user.look.seen().is_some()), "{users:#?}");
    let pythons: Vec<String> = facts.pythons().map(gpucheck_checks::fact::Python::name).collect();
    // Debian's Python takes the packages of its user; /usr/bin/python3 of root's has no PyTorch.
    assert!(pythons.contains(&"/usr/bin/python3 (of user1)".to_owned()), "{pythons:#?}");
    assert!(!pythons.contains(&"/usr/bin/python3 (of user2)".to_owned()), "{pythons:#?}");
    let notebooks = facts.notebooks.seen().unwrap();
    let kernels: Vec<String> = notebooks.kernelspecs.iter().map(|kernel| notebooks.name_of(kernel)).collect();
    assert!(kernels.contains(&"lees (of user2)".to_owned()), "{kernels:#?}");
    assert_eq!(kernels.iter().filter(|name| name.starts_with("all")).count(), 1, "{kernels:#?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(&class.home("kim").display().to_string()));
    judged(&output.stdout);
}

/// `gpucheck judge` answers the question that the facts were taken for.
fn judged(facts: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.json");
    fs::write(&path, facts).unwrap();
    let output = Command::new(GPUCHECK).args(["judge", "--format", "json"]).arg(&path).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["profile"], "publish");
    assert!(report["readiness"].is_string(), "{report:#}");
}

/// What takes the place of the program that would look.
fn liar(script: &str) -> (TempDir, Worker) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("liar");
    fs::write(&program, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, Worker { program: program.into(), deadline: Duration::from_millis(1500) })
}

#[test]
fn who_lies_or_hangs_costs_only_that_look() {
    if !is_root() {
        return;
    }
    let class = Class::new();
    class.hand_over();
    let kim = &class.accounts()[0];
    for (script, expected) in [
        ("echo rubbish >&60", "unreadable answer"),
        ("yes '{\"answer\": {' >&60", "unreadable answer"),
        ("yes | tr -d '\\n' >&60", "a line of more than"),
        ("echo '{\"answer\": {\"notebooks\": 7}}' >&60", "unreadable answer"),
        ("trap '' TERM; sleep 600", "no answer after 1500 ms"),
        ("yes", "no answer after 1500 ms"),
        ("exit 3", "ended with status 3"),
    ] {
        let (_folder, worker) = liar(script);
        let start = Instant::now();
        let seen = look_as(&worker, kim, &question(KIM));
        assert!(seen.why_not().contains(expected), "{script}: {}", seen.why_not());
        assert!(start.elapsed() < Duration::from_secs(10), "{script}: {:?}", start.elapsed());
    }
}

/// Nothing of root's is left: ids, groups, rights, variables.
#[test]
fn the_child_is_the_user_for_good() {
    if !is_root() {
        return;
    }
    let class = Class::new();
    class.hand_over();
    let mut kim = class.accounts()[0].clone();
    kim.groups = vec![44];
    let note = class.home("kim").join("note");
    let (_folder, worker) = liar(&format!(
        "grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb):' /proc/self/status > {0}; env > {0}.env; exit 3",
        note.display()
    ));
    look_as(&worker, &kim, &question(KIM));
    let status = fs::read_to_string(&note).unwrap();
    let words = |name: &str| -> Vec<String> {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(words("Uid:"), vec![KIM.to_string(); 4]);
    assert_eq!(words("Gid:"), vec![KIM.to_string(); 4]);
    assert_eq!(words("Groups:"), ["44".to_owned(), KIM.to_string()]);
    for rights in ["CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(words(rights), ["0000000000000000"], "{rights}");
    }
    let env = fs::read_to_string(note.with_extension("env")).unwrap();
    assert!(env.contains(&format!("HOME={}", class.home("kim").display())), "{env}");
    assert!(!env.contains("CARGO") && !env.contains("HOME=/root"), "{env}");
}

/// A worker that did not become whom it was to become has not looked, and says so.
#[test]
fn a_look_that_is_not_the_user_s_is_none() {
    let mut account = Account {
        name: "nobody".to_owned(),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        groups: Vec::new(),
        home: "/".to_owned(),
        shell: String::new(),
    };
    if rustix::process::geteuid().is_root() {
        let worker = Worker { program: GPUCHECK.into(), deadline: Duration::from_mins(1) };
        for uid in [0, KIM] {
            let seen = look_as(&worker, &account, &question(uid));
            assert!(seen.seen().is_none(), "{seen:?}");
            assert!(seen.why_not().contains(&format!("become user {uid}")), "{}", seen.why_not());
        }
    } else {
        account.uid += 1;
        let by = look(&account);
        assert!(matches!(by.failure(), Some(ProbeFailure::NotStarted { .. })), "{by:?}");
    }
}

#[test]
fn what_a_group_of_the_user_s_may_open_is_open() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let node = folder.path().join("node");
    fs::write(&node, "").unwrap();
    fs::set_permissions(&node, fs::Permissions::from_mode(0o660)).unwrap();
    chown(&node, Some(0), Some(4242)).unwrap();
    for (groups, access) in [(Vec::new(), Access::Denied), (vec![4242], Access::Allowed)] {
        let class = Class::new();
        class.hand_over();
        let kim = Account { groups, ..class.accounts()[0].clone() };
        let mark = class.home("kim").join("written");
        let (_folder, worker) =
            liar(&format!("test -w {} && echo yes > {}; exit 3", node.display(), mark.display()));
        look_as(&worker, &kim, &question(KIM));
        assert_eq!(mark.exists(), access == Access::Allowed);
    }
}

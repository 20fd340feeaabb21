//! The command itself: `gpucheck publish` saves a baseline, `gpucheck drift` compares, and every bad file is told.

use super::*;
use crate::stage::Machine as Tree;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A person with a home, and a place for a baseline.
struct Person {
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gpucheck(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.folder.path());
        command
    }

    /// Compares recorded facts with a baseline.
    fn compares(&self, baseline: &Path, facts: &Facts, more: &[&str]) -> Output {
        let path = self.path("facts.json");
        std::fs::write(&path, serde_json::to_vec(facts).unwrap()).unwrap();
        let mut command = self.gpucheck();
        command.arg("drift").arg("--baseline").arg(baseline).arg("--facts").arg(path).args(more);
        command.output().unwrap()
    }
}

fn save(facts: &Facts, path: &Path) {
    let report = Profile::Publish.judge(facts, &KNOWLEDGE, &Selection::default());
    gpucheck::baseline::save(facts, &report, path).unwrap();
}

#[test]
fn a_saved_baseline_is_read_again_and_by_everybody() {
    let person = Person::new();
    let path = person.path("lib/gpucheck/baseline.json");
    let facts = with("template-t4", &[nothing()]);
    save(&facts, &path);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o644, 0o755));
    let read = gpucheck::baseline::load(&path).unwrap();
    assert_eq!(read.taken_at, facts.taken_at);
    assert_eq!(compare(&read.facts, &facts).changes, []);
    let ran = person.compares(&path, &facts, &["--format", "json", "--strict"]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["profile"], &report["drift"]["changes"]), (&json!("drift"), &json!([])));
}

#[test]
fn the_status_is_that_of_the_machine_and_strict_heeds_changes() {
    let person = Person::new();
    let path = person.path("b.json");
    save(&with("template-t4", &[nothing()]), &path);
    let os = ("/platform/seen/os/version_id", json!("26.04"));
    let other = with("template-t4", &[nothing(), os]);
    assert_eq!(person.compares(&path, &other, &[]).status.code(), Some(0));
    assert_eq!(person.compares(&path, &other, &["--strict"]).status.code(), Some(1));
    let broken = with("gpu-fallen-off-bus", &[nothing()]);
    assert_eq!(person.compares(&path, &broken, &[]).status.code(), Some(1));
}

#[test]
fn a_bad_baseline_is_told_and_what_to_do() {
    let person = Person::new();
    let good = person.path("good.json");
    let facts = with("template-t4", &[nothing()]);
    save(&facts, &good);
    let text = std::fs::read_to_string(&good).unwrap();
    let folder = person.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let pipe = person.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let huge = person.path("huge.json");
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let written = |name: &str, text: &str| {
        let path = person.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    for (path, says) in [
        (person.path("missing.json"), "no template was saved here"),
        (folder, "nothing to compare with"),
        (pipe, "nothing to compare with"),
        (huge, "more than"),
        (written("half.json", &text[..text.len() / 2]), "cut off or edited"),
        (written("empty.json", ""), "cut off or edited"),
        (written("foreign.json", "{\"schema\": 1, \"packages\": []}"), "not a baseline"),
        (written("facts.json.old", &serde_json::to_string(&facts).unwrap()), "not a baseline"),
        (written("newer.json", &text.replacen("\"schema\": 1", "\"schema\": 2", 1)), "a newer one"),
        (written("edited.json", &text.replacen("535.161.08", "535.161.09", 1)), "does not have the sum"),
    ] {
        let ran = person.compares(&path, &facts, &[]);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(4), "{}: {said}", path.display());
        assert!(said.contains(says) && said.lines().count() == 1, "{}: {said}", path.display());
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn a_report_is_not_lost_where_the_baseline_cannot_be_saved() {
    let person = Person::new();
    let tree = Tree::linux();
    let publish = |more: &[&str]| {
        let mut command = person.gpucheck();
        command.args(["--no-cloud-metadata", "publish", "--root"]).arg(tree.path()).args(more);
        command.output().unwrap()
    };
    let plain = publish(&[]);
    let asked = publish(&["--baseline", "/proc/no/such/baseline.json"]);
    assert_eq!(asked.status.code(), Some(4));
    assert_eq!(asked.stdout, plain.stdout);
    assert!(String::from_utf8(asked.stderr).unwrap().contains("the report is not lost"));
    assert!(!String::from_utf8(plain.stderr).unwrap().contains("baseline"));
    let none = publish(&["--no-baseline"]);
    assert_eq!((none.status, none.stdout), (plain.status, plain.stdout));
}

/// Really: an environment of this machine's Python, pip, and the command twice.
#[test]
fn a_package_that_pip_changed_is_told_with_its_time() {
    let person = Person::new();
    let run = |command: &mut Command| command.output().unwrap();
    let venv = person.path("class");
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    if !made.status.success() {
        println!(
            "skipped: python3 makes no virtual environment here: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        return;
    }
    let wheel = |name: &str, version: &str| {
        let folder = person.path("wheels");
        std::fs::create_dir_all(&folder).unwrap();
        write_wheel(&folder, name, version)
    };
    let pip = |wheels: &[PathBuf]| {
        let mut command = person.gpucheck();
        let pip = venv.join("bin/pip");
        command = {
            drop(command);
            Command::new(pip)
        };
        let ran = run(command.args(["install", "--no-index", "--quiet"]).args(wheels));
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    pip(&[wheel("numpy", "1.26.4"), wheel("six", "1.16.0")]);
    let baseline = person.path("baseline.json");
    let look = |arguments: &[&str]| {
        let mut command = person.gpucheck();
        command.env("VIRTUAL_ENV", &venv).arg("--no-cloud-metadata").args(arguments);
        run(command.arg("--baseline").arg(&baseline))
    };
    let published = look(&["publish"]);
    assert!(published.stderr.is_empty(), "{}", String::from_utf8_lossy(&published.stderr));
    let place = venv.to_str().unwrap();
    let of_class = |ran: &Output| -> Vec<Change> {
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let changes = report.pointer("/drift/changes").cloned().unwrap();
        let changes: Vec<Change> = serde_json::from_value(changes).unwrap();
        changes.into_iter().filter(|change| change.place.as_deref() == Some(place)).collect()
    };
    assert_eq!(of_class(&look(&["drift", "--format", "json"])), []);
    pip(&[wheel("numpy", "2.1.0"), wheel("six", "1.17.0")]);
    let changed = of_class(&look(&["drift", "--format", "json"]));
    let values: Vec<_> = changed.iter().map(told).collect();
    assert_eq!(
        values,
        [
            (What::Package, "numpy", Some("1.26.4"), Some("2.1.0")),
            (What::Package, "six", Some("1.16.0"), Some("1.17.0"))
        ]
    );
    let by = changed[0].by.as_ref().unwrap();
    assert_eq!(by.installer, gpucheck_checks::fact::Installer::Pip);
    assert_eq!((by.asked_for.as_slice(), &by.command), (&["numpy".to_owned()][..], &None));
    assert!(changed[0].when.as_ref().unwrap().ends_with('Z'));
    std::fs::remove_dir_all(&venv).unwrap();
    let gone = of_class(&look(&["drift", "--format", "json"]));
    assert_eq!((gone.len(), gone[0].what, &gone[0].to), (1, What::Environment, &None));
}

/// A wheel with nothing in it but its metadata.
fn write_wheel(folder: &Path, name: &str, version: &str) -> PathBuf {
    let path = folder.join(format!("{name}-{version}-py3-none-any.whl"));
    let info = format!("{name}-{version}.dist-info");
    let script = "import sys, zipfile
path, info, name, version = sys.argv[1:]
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr(info + '/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n')
    wheel.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + '/RECORD', f'{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n')
";
    let ran =
        Command::new("python3").args(["-c", script]).arg(&path).args([info.as_str(), name, version]).output();
    assert!(ran.unwrap().status.success());
    path
}

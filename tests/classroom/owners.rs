//! As whom notebooks run that root is asked to run. Only root can become somebody else: without root this says that it is
//! skipped.

use super::{
    Classroom,
    notebooks::{RUN, row},
};
use crate::pythons::part;
use gpucheck_checks::Ran;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
};

/// A user with a home whom every Debian has, and who has nothing there.
const WRITER: &str = "games";
/// An id that no test machine has.
const SOMEBODY: u32 = 54_351;
/// What Debian 12 has, and everybody may start.
const PYTHON: &str = "/usr/bin/python3.11";
/// Notes whose process it is, and what of root's is left.
const WHO: &str = "
import json, os
lines = [line.split() for line in open('/proc/self/status')]
rights = [line[1] for line in lines if line[0] in ('CapPrm:', 'CapEff:', 'CapAmb:')]
who = {'uid': os.getresuid(), 'gid': os.getresgid(), 'groups': sorted({os.getgid(), *os.getgroups()}),
       'home': os.environ.get('HOME'), 'rights': rights}
with open('who.json', 'w') as file:
    json.dump(who, file)
";

/// The writer's number, group and home, as the system's own list has them.
fn writer() -> Option<(u32, u32, String)> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find(|line| line.split(':').next() == Some(WRITER))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().ok()?, fields[3].parse().ok()?, fields[5].to_owned()))
}

/// The groups of a user, as the system's own program tells them.
fn groups(user: &str) -> Vec<u32> {
    let output = Command::new("id").args(["-G", user]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let mut groups: Vec<u32> = told.split_whitespace().map(|group| group.parse().unwrap()).collect();
    groups.sort_unstable();
    groups
}

/// A Jupyter whose Python everybody may start: that of the test's parts can be one of root's home.
fn jupyter(classroom: &Classroom) {
    let site = classroom.path("env/lib/python3.11/site-packages");
    fs::create_dir_all(&site).unwrap();
    fs::create_dir(classroom.path("env/bin")).unwrap();
    symlink(PYTHON, classroom.path("env/bin/python")).unwrap();
    fs::write(classroom.path("env/pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    let packages = part("jupyter").join("lib/python3.11/site-packages");
    fs::write(site.join("jupyter.pth"), format!("{}\n", packages.display())).unwrap();
    let python = classroom.path("env/bin/python");
    let script = classroom.path("bin/jupyter-server");
    let main = "from jupyter_server.serverapp import main\nmain()\n";
    fs::write(&script, format!("#!{}\n{main}", python.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A kernel of root's own, which is told by this `kernel.json`.
fn kernel(classroom: &Classroom, name: &str, spec: &Value) {
    let folder = classroom.path("home/.local/share/jupyter/kernels").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("kernel.json"), spec.to_string()).unwrap();
}

#[test]
fn root_runs_no_kernel_that_leads_to_anothers_files() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let names = ["none", "Python3", "words", "Variables", "gone"];
    let classroom = names
        .iter()
        .fold(Classroom::new(), |classroom, name| classroom.notebook(&format!("{name}.ipynb"), name, &[WHO]))
        .notebook("none.ipynb", "", &[WHO]);
    let theirs = classroom.path("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("launch.py"), "").unwrap();
    chown(&theirs, Some(SOMEBODY), None).unwrap();
    let launch = theirs.join("launch.py");
    let python = part("jupyter").join("bin/python");
    let words = |more: &[&str]| {
        let words = [&[python.to_str().unwrap()], more, &["{connection_file}"]].concat();
        json!({"argv": words, "display_name": "x", "language": "python"})
    };
    kernel(&classroom, "python3", &words(&[launch.to_str().unwrap()]));
    kernel(
        &classroom,
        "words",
        &words(&["-m", "ipykernel_launcher", "--load", launch.to_str().unwrap(), "-f"]),
    );
    let mut variables = words(&["-m", "ipykernel_launcher", "-f"]);
    variables["env"] = json!({"PYTHONPATH": theirs});
    kernel(&classroom, "variables", &variables);
    kernel(
        &classroom,
        "gone",
        &json!({"argv": ["no-such-program"], "display_name": "x", "language": "python"}),
    );
    let report = classroom.report(&RUN);
    for (name, why) in
        names.iter().zip(["theirs", "theirs", "theirs", "PYTHONPATH leads there", "cannot be told"])
    {
        let row = row(&report, &format!("{name}.ipynb"));
        let told = row.why.as_deref().unwrap_or_default();
        assert_eq!(row.ran, Ran::NotRun, "{row:#?}");
        assert!(told.contains(why) && told.contains("sudo -u USER gpucheck publish"), "{name}: {told}");
    }
    assert!(!classroom.path("class/who.json").exists(), "root ran it");
}

#[test]
fn a_notebook_runs_as_its_owner_and_never_as_root_where_others_can_write() {
    let is_root = rustix::process::geteuid().is_root();
    let has_python = Path::new(PYTHON).exists() && part("jupyter").join("lib/python3.11").exists();
    let Some((uid, gid, home)) = writer().filter(|_| is_root && has_python) else {
        println!("skipped: needs root, the user {WRITER}, and the same CPython 3.11 at {PYTHON}");
        return;
    };
    let names = ["own.ipynb", "somebodys.ipynb", "open.ipynb"];
    let classroom =
        names.iter().fold(Classroom::new(), |classroom, name| classroom.notebook(name, "python3", &[WHO]));
    fs::set_permissions(classroom.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    jupyter(&classroom);
    let class = |name: &str| classroom.path("class").join(name);
    fs::create_dir(class("theirs")).unwrap();
    for name in &names[..2] {
        fs::rename(class(name), class("theirs").join(name)).unwrap();
    }
    for (name, owner) in [("theirs", uid), ("theirs/own.ipynb", uid), ("theirs/somebodys.ipynb", SOMEBODY)] {
        chown(class(name), Some(owner), Some(gid)).unwrap();
    }
    fs::set_permissions(class("open.ipynb"), fs::Permissions::from_mode(0o666)).unwrap();

    let report = classroom.report(&RUN);
    let own = row(&report, "theirs/own.ipynb");
    assert_eq!(own.ran, Ran::Ran, "{own:#?}");
    let who: Value = serde_json::from_slice(&fs::read(class("theirs/who.json")).unwrap()).unwrap();
    let (uids, gids, rights) = ([uid; 3], [gid; 3], ["0000000000000000"; 3]);
    let expected =
        json!({"uid": uids, "gid": gids, "groups": groups(WRITER), "home": home, "rights": rights});
    assert_eq!(who, expected);
    for (path, why) in [
        ("theirs/somebodys.ipynb", format!("in the hands of several users: {uid}, {SOMEBODY}")),
        ("open.ipynb", "can be written by everyone".to_owned()),
    ] {
        let row = row(&report, path);
        assert_eq!(row.ran, Ran::NotRun, "{row:#?}");
        let told = row.why.as_deref().unwrap_or_default();
        assert!(told.contains(&why) && told.contains("sudo -u USER gpucheck publish"), "{told}");
    }
    assert!(!class("who.json").exists(), "root ran what everyone can write");
}

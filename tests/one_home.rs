//! What lies in one home alone and what leads into one, in trees of files with the modes that homes have.

use gpucheck::{
    probe::clones::{Ask, probe},
    root::Root,
};
use gpucheck_checks::{
    Knowledge, Report, Selection, Verdict, diagnose,
    fact::{Facts, Homes, LoginAccount, Observed, PasswordState, StudentAccount},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};
use tempfile::TempDir;

/// As `ipykernel install` writes it.
fn kernel(program: &str) -> String {
    format!(
        r#"{{"argv": ["{program}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], "display_name": "Class", "language": "python"}}"#
    )
}

/// A place, whose home it leads into, and the closed folder with its mode.
type Way = (String, String, Option<(String, u32)>);

/// A template with a teacher, whose home holds the class, and a student.
struct Template(TempDir);

impl Template {
    fn new() -> Self {
        let template = Self(tempfile::tempdir().unwrap());
        template.write(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nteacher:x:1000:1000::/home/teacher:/bin/bash\n\
             student:x:1001:1001::/home/student/:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\
             lxd:x:1002:100::/var/lxd:/bin/false\n",
        );
        for home in ["/root", "/home/teacher", "/home/student", "/var/lxd"] {
            template.folder(home);
        }
        template.write("/bin/bash", "");
        template
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// As `python3 -m venv` and pip leave it.
    fn environment(&self, prefix: &str, package: &str) {
        self.write(&format!("{prefix}/pyvenv.cfg"), "home = /usr/bin\nversion = 3.10.12\n");
        self.link(&format!("{prefix}/bin/python"), "/usr/bin/python3");
        self.write("/usr/bin/python3", "");
        self.package(&format!("{prefix}/lib/python3.10/site-packages"), package);
    }

    fn package(&self, site: &str, name: &str) {
        self.write(&format!("{site}/{name}/__init__.py"), "");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 2.6.0\n");
        self.write(&format!("{site}/{name}-2.6.0.dist-info/METADATA"), &metadata);
    }

    fn close(&self, home: &str, mode: u32) {
        fs::set_permissions(self.path(home), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A template whose only person is this one, who may not look into root's home.
    fn of_one_person() -> Self {
        let template = Self::new();
        template.write(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nteacher:x:1000:1000::/home/teacher:/bin/bash\n",
        );
        template.close("/root", 0o700);
        template
    }

    /// What all checks say, of which those of clones alone have facts.
    fn report(&self, change: impl FnOnce(&mut Homes)) -> Report {
        let seen = probe(&Root::new(self.0.path()), &Ask::default());
        let mut clones = seen.seen().unwrap().clone();
        let mut homes = self.homes(None);
        change(&mut homes);
        clones.homes = Observed::Seen(homes);
        let mut facts = Facts::unprobed("0.1.0", "2026-11-23T09:00:00Z", "it was not asked");
        facts.clones = Observed::Seen(clones);
        diagnose(&facts, &Knowledge::built_in().unwrap(), &Selection::default())
    }

    fn homes(&self, student: Option<&str>) -> Homes {
        let ask = Ask { student: student.map(str::to_owned), ..Ask::default() };
        let seen = probe(&Root::new(self.0.path()), &ask);
        seen.seen().unwrap().homes.seen().unwrap().clone()
    }
}

#[test]
fn what_one_home_has_is_told() {
    let template = Template::new();
    template.environment("/home/teacher/tf", "torch");
    template.environment("/home/teacher/venv-docs", "sphinx");
    template.package("/home/teacher/.local/lib/python3.10/site-packages", "tensorflow");
    let folder = "/home/teacher/.local/share/jupyter/kernels/class";
    template.write(&format!("{folder}/kernel.json"), &kernel("/home/teacher/tf/bin/python"));
    template.write("/usr/local/share/jupyter/kernels/lab/kernel.json", &kernel("/usr/bin/python3"));
    template.write("/home/teacher/course/week1/Lab1.ipynb", "{}");
    template.link("/home/teacher/course/loop", "..");
    template.close("/home/teacher", 0o750);
    let homes = template.homes(None);
    assert_eq!(homes.shared_kernels, ["lab"]);
    let users: Vec<&str> = homes.homes.iter().map(|home| home.user.as_str()).collect();
    assert_eq!(users, ["root", "teacher", "student"]);
    let teacher = &homes.homes[1];
    assert_eq!(teacher.mode, 0o750);
    let kernels: Vec<_> =
        teacher.kernels.iter().map(|kernel| (kernel.name.as_str(), kernel.program.as_deref())).collect();
    assert_eq!(kernels, [("class", Some("/home/teacher/tf/bin/python"))]);
    let environments: Vec<_> =
        teacher.environments.iter().map(|found| (&*found.prefix, found.conda)).collect();
    assert_eq!(
        environments,
        [("/home/teacher/tf", false)],
        "one without ipykernel and frameworks is nobody's need"
    );
    assert_eq!(teacher.packages, ["/home/teacher/.local/lib/python3.10/site-packages"]);
    assert_eq!(teacher.notebooks, 1);
    let student = &homes.homes[2];
    assert!(student.kernels.is_empty() && student.environments.is_empty() && student.notebooks == 0);
}

#[test]
fn what_leads_into_a_home_is_told_with_the_folder_that_is_closed() {
    let template = Template::new();
    template.environment("/home/teacher/tf", "torch");
    template
        .write("/usr/local/share/jupyter/kernels/class/kernel.json", &kernel("/home/teacher/tf/bin/python"));
    // As uv makes an environment for root.
    let uv = "/root/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin";
    template.write(&format!("{uv}/python3.12"), "");
    template.write("/opt/class/pyvenv.cfg", &format!("home = {uv}\nuv = 0.4.0\nversion_info = 3.12.4\n"));
    template.link("/opt/class/bin/python", &format!("{uv}/python3.12"));
    template.write("/opt/class/bin/jupyter", "#!/home/teacher/old/bin/python\nimport sys\n");
    // As an administrator and `conda init --system` do.
    template.write("/home/teacher/tf/bin/jupyter-lab", "");
    template.link("/usr/local/bin/jupyter-lab", "/home/teacher/tf/bin/jupyter-lab");
    template.link("/usr/local/bin/jupyter-notebook", "/home/teacher/gone/bin/jupyter-notebook");
    template.write("/etc/profile.d/conda.sh", ". \"/home/teacher/miniconda3/etc/profile.d/conda.sh\"\n");
    template.write("/etc/profile.d/quiet.sh", "# /home/teacher/x\nexport A=/home/teachers/x\n");
    template.close("/home/teacher", 0o750);
    template.close("/root", 0o700);
    let told = |template: &Template| -> Vec<Way> {
        let ways = template.homes(None).ways_in.into_iter();
        ways.map(|way| (way.place, way.user, way.closed.map(|folder| (folder.path, folder.mode)))).collect()
    };
    let of = |place: &str, user: &str, closed: Option<(&str, u32)>| {
        (place.to_owned(), user.to_owned(), closed.map(|(path, mode)| (path.to_owned(), mode)))
    };
    let (teacher, root) = (Some(("/home/teacher", 0o750)), Some(("/root", 0o700)));
    assert_eq!(
        told(&template),
        [
            of("/usr/local/share/jupyter/kernels/class/kernel.json", "teacher", teacher),
            of("/opt/class/bin/python", "root", root),
            of("/opt/class/pyvenv.cfg", "root", root),
            of("/opt/class/bin/jupyter", "teacher", teacher),
            of("/usr/local/bin/jupyter-lab", "teacher", teacher),
            of("/etc/profile.d/conda.sh", "teacher", teacher),
        ]
    );
    template.close("/home/teacher", 0o755);
    template.close("/home/teacher/tf", 0o700);
    let closed = told(&template).into_iter().map(|(_, _, closed)| closed.map(|(path, _)| path));
    let tf = Some("/home/teacher/tf".to_owned());
    let root = Some("/root".to_owned());
    assert_eq!(closed.collect::<Vec<_>>(), [tf.clone(), root.clone(), root, None, tf, None]);
}

/// The verdict of a check, and its summary.
fn said<'a>(report: &'a Report, id: &str) -> (Verdict, &'a str) {
    let outcome = report.outcomes.iter().find(|outcome| outcome.id == id).unwrap();
    (outcome.verdict, &outcome.summary)
}

/// As rustup, administrators and `pipx ensurepath --global` leave it: no class needs any of it.
#[test]
fn what_no_class_needs_may_lead_into_a_home() {
    let told = |make: &dyn Fn(&Template)| {
        let template = Template::of_one_person();
        make(&template);
        said(&template.report(|_| ()), "clones.leads_into_no_home").0
    };
    let rust = "[ -r /root/.cargo/env ] && . /root/.cargo/env\n";
    assert_eq!(told(&|template| template.write("/etc/profile.d/rust.sh", rust)), Verdict::Pass);
    let backup = |template: &Template| template.link("/usr/local/bin/backup", "/root/bin/backup.sh");
    assert_eq!(told(&backup), Verdict::Pass);
    let with_target = |template: &Template| {
        template.write("/root/bin/backup.sh", "#!/bin/sh\n");
        backup(template);
    };
    assert_eq!(told(&with_target), Verdict::Pass);
    let path = "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/bin:/bin:/root/.local/bin\"\n";
    assert_eq!(told(&|template| template.write("/etc/environment", path)), Verdict::Pass);
    // As `conda init --system` writes it, below a line that no class needs.
    let conda = format!("{rust}. \"/root/miniconda3/etc/profile.d/conda.sh\"\n");
    assert_eq!(told(&|template| template.write("/etc/profile.d/all.sh", &conda)), Verdict::Warn);
    let jupyter = |template: &Template| {
        template.write("/root/class/bin/jupyter", "");
        template.link("/usr/local/bin/jupyter", "/root/class/bin/jupyter");
    };
    assert_eq!(told(&jupyter), Verdict::Fail);
}

#[test]
fn what_every_home_has_is_no_one_homes() {
    let template = Template::new();
    for home in ["/home/teacher", "/home/student"] {
        template.environment(&format!("{home}/miniconda3"), "torch");
        template.write(&format!("{home}/miniconda3/conda-meta/history"), "");
        template.package(&format!("{home}/.local/lib/python3.10/site-packages"), "tensorflow");
    }
    let check = "clones.reaches_every_user";
    assert_eq!(said(&template.report(|_| ()), check).0, Verdict::Pass);
    let unknown = template.report(|homes| homes.not_searched = 1);
    assert_eq!(said(&unknown, check).0, Verdict::Unknown, "another home may have more");
    fs::remove_dir_all(template.path("/home/student/miniconda3")).unwrap();
    assert_eq!(
        said(&template.report(|_| ()), check),
        (Verdict::Warn, "/home/teacher/miniconda3: only in /home/teacher; student has none of it")
    );
}

/// `/tmp` is everybody's to write, and a version for another Python is often no version at all.
#[test]
fn environments_are_made_anew_by_commands_of_their_own() {
    let template = Template::new();
    template.environment("/home/teacher/tf", "torch");
    template.environment("/home/student/.virtualenvs/tf", "torch");
    let report = template.report(|_| ());
    let root = report.roots.iter().find(|root| root.id == "clones.reaches_every_user").unwrap();
    for (user, prefix) in [("teacher", "/home/teacher/tf"), ("student", "/home/student/.virtualenvs/tf")] {
        for command in [
            format!("sudo /usr/bin/python3 -m venv /opt/tf-{user}"),
            format!(
                "sudo -u {user} -H {prefix}/bin/python -m pip freeze | \
                 sudo /opt/tf-{user}/bin/python -m pip install -r /dev/stdin ipykernel"
            ),
        ] {
            assert!(root.fix.commands.contains(&command), "{command}: {:#?}", root.fix.commands);
        }
    }
}

/// What people may put there: pipes, links without end, rubbish.
#[test]
fn odd_homes_are_looked_at_and_left() {
    let template = Template::new();
    let folder = "/home/teacher/.local/share/jupyter/kernels";
    template.link(&format!("{folder}/loop"), "loop");
    template.write(&format!("{folder}/rubbish/kernel.json"), "{\"argv\": 7");
    template.folder(&format!("{folder}/pipe"));
    for pipe in [&format!("{folder}/pipe/kernel.json"), "/etc/profile.d/pipe.sh", "/usr/local/bin/pipe"] {
        let path = template.path(pipe);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    template.link("/usr/local/bin/loop", "/usr/local/bin/loop");
    template.write("/opt/x/pyvenv.cfg", "home\n= /root/x\nhome =\n");
    let homes = template.homes(Some("student"));
    let kernels: Vec<_> = homes.homes[1]
        .kernels
        .iter()
        .map(|kernel| (kernel.name.as_str(), kernel.program.is_some()))
        .collect();
    assert_eq!(kernels, [("rubbish", false)]);
    assert!(homes.ways_in.is_empty(), "{:#?}", homes.ways_in);
    fs::write(template.path("/etc/passwd"), b"\xff\xfe:::\nroot\n:x:0:0::/root:\n").unwrap();
    assert!(template.homes(Some("student")).student.unwrap().account.is_none());
    fs::remove_file(template.path("/etc/passwd")).unwrap();
    assert!(template.homes(None).homes.is_empty());
}

#[test]
fn the_account_of_students_is_told() {
    let template = Template::new();
    template.write("/etc/shadow", "student:!:19000:0:99999:7:::\nlxd:!:19000::::::\n");
    template.write("/etc/cloud/cloud.cfg.d/90-lab.cfg", "users:\n  - default\n  - name: guest\n");
    template.write("/etc/nsswitch.conf", "passwd: files sss\n");
    let of = |name: &str| template.homes(Some(name)).student.unwrap();
    let expected = LoginAccount {
        uid: 1001,
        home: "/home/student/".to_owned(),
        has_home: true,
        shell: "/bin/bash".to_owned(),
        shell_lets_in: true,
        password: PasswordState::Locked,
        has_keys: false,
    };
    assert_eq!(of("student").account, Some(expected.clone()));
    template.write("/home/student/.ssh/authorized_keys", "ssh-ed25519 AAAA\n");
    assert_eq!(of("student").account, Some(LoginAccount { has_keys: true, ..expected }));
    assert!(!of("lxd").account.unwrap().shell_lets_in);
    let guest = StudentAccount {
        user: "guest".to_owned(),
        account: None,
        made_by: Some("/etc/cloud/cloud.cfg.d/90-lab.cfg".to_owned()),
        directories: vec!["sss".to_owned()],
    };
    assert_eq!(of("guest"), guest);
    fs::remove_dir_all(template.path("/home/student")).unwrap();
    fs::remove_file(template.path("/bin/bash")).unwrap();
    let account = of("student").account.unwrap();
    assert!(!account.has_home && !account.shell_lets_in);
}

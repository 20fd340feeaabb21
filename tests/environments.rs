//! Finding every environment, and telling its frameworks by its files: on machines made of files, and on real Pythons.

use crate::{
    pythons::{ask, look, part},
    stage::Machine,
};
use gpucheck::{
    probe::{
        environments::{Surroundings, discover, of_program},
        frameworks::{Environment as Inherited, by_files},
    },
    root::Root,
};
use gpucheck_checks::fact::{Environment, EnvironmentKind, FoundBy, LibraryPlace, Observed, TensorFlow};
use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const HOME: &str = "/home/kim";

fn surroundings() -> Surroundings {
    Surroundings { home: Some(HOME.into()), ..Surroundings::default() }
}

fn found(machine: &Machine, surroundings: &Surroundings) -> Vec<Environment> {
    discover(&machine.root(), surroundings)
}

fn prefixes(environments: &[Environment]) -> Vec<&str> {
    environments.iter().map(|environment| environment.prefix.as_str()).collect()
}

trait WithEnvironments {
    fn program(self, path: &str) -> Self;
    fn venv(self, prefix: &str, configuration: &str) -> Self;
    fn conda(self, prefix: &str) -> Self;
}

impl WithEnvironments for Machine {
    fn program(self, path: &str) -> Self {
        let machine = self.file(path, "\x7fELF");
        let place = machine.place_for(path);
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    /// As `python3 -m venv` leaves one.
    fn venv(self, prefix: &str, configuration: &str) -> Self {
        let usual = "home = /usr/bin\nversion = 3.11.2\n";
        self.program("/usr/bin/python3.11")
            .link(&format!("{prefix}/bin/python"), "/usr/bin/python3.11")
            .file(&format!("{prefix}/pyvenv.cfg"), format!("{usual}{configuration}"))
            .folder(&format!("{prefix}/lib/python3.11/site-packages"))
    }

    /// As conda leaves one; the record is one of conda-forge's python, cut to the fields that name it.
    fn conda(self, prefix: &str) -> Self {
        let record = r#"{"arch": "x86_64", "build": "hd12c33a_1_cpython", "build_number": 1,
            "channel": "https://conda.anaconda.org/conda-forge/linux-64", "depends": ["bzip2 >=1.0.8,<2.0a0"],
            "files": ["bin/2to3", "bin/python3.10"], "fn": "python-3.10.14-hd12c33a_0_cpython.conda",
            "name": "python", "version": "3.10.14"}"#;
        self.program(&format!("{prefix}/bin/python3.10"))
            .link(&format!("{prefix}/bin/python"), "python3.10")
            .file(&format!("{prefix}/conda-meta/history"), "==> 2024-05-01 10:00:00 <==\n")
            .file(&format!("{prefix}/conda-meta/python-3.10.14-hd12c33a_0_cpython.json"), record)
            .folder(&format!("{prefix}/lib/python3.10/site-packages"))
    }
}

#[test]
fn the_usual_places_are_looked_into() {
    use EnvironmentKind::{Conda, DataScienceVm, Hatch, Pipenv, Poetry, Pyenv, Tljh, Uv, Venv};
    for (prefix, kinds, vscode) in [
        ("/home/kim/.virtualenvs/lab", vec![Venv], true),
        ("/home/kim/.venvs/lab", vec![Venv], true),
        ("/home/kim/venv", vec![Venv], false),
        ("/home/kim/tf2", vec![Venv], false),
        ("/home/kim/course/.venv", vec![Venv], false),
        ("/home/kim/.local/share/virtualenvs/lab-x1", vec![Venv, Pipenv], true),
        ("/home/kim/.cache/pypoetry/virtualenvs/lab-x1-py3.11", vec![Venv, Poetry], false),
        ("/home/kim/.local/share/hatch/env/virtual/lab/a1/dev", vec![Venv, Hatch], false),
        ("/home/kim/.local/share/hatch/env/virtual/lab/dev", vec![Venv, Hatch], false),
        ("/opt/venv", vec![Venv], false),
    ] {
        let machine = Machine::empty().venv(prefix, "");
        let told = found(&machine, &surroundings());
        // The last is the Python that it was made from.
        assert_eq!(prefixes(&told), [prefix, "/usr"]);
        assert_eq!((&told[0].kinds, told[0].vscode), (&kinds, vscode), "{prefix}");
        assert_eq!(told[0].version.as_deref(), Some("3.11.2"));
    }
    for (prefix, kinds) in [
        ("/anaconda/envs/py310", vec![Conda, DataScienceVm]),
        ("/data/anaconda/envs/py310", vec![Conda, DataScienceVm]),
        ("/opt/miniconda3", vec![Conda]),
        ("/opt/mambaforge/envs/tf", vec![Conda]),
        ("/opt/conda/envs/tf", vec![Conda]),
        ("/opt/tljh/user", vec![Conda, Tljh]),
        ("/home/kim/miniforge3", vec![Conda]),
        ("/home/kim/.conda/envs/tf", vec![Conda]),
        ("/home/kim/micromamba/envs/tf", vec![Conda]),
    ] {
        let machine = Machine::empty().conda(prefix);
        let told = found(&machine, &surroundings());
        let told = told.iter().find(|told| told.prefix == prefix).unwrap_or_else(|| panic!("{prefix}"));
        assert_eq!(
            (&told.kinds, told.vscode, told.version.as_deref()),
            (&kinds, true, Some("3.10.14")),
            "{prefix}"
        );
        assert_eq!(told.folders, [format!("{prefix}/lib/python3.10/site-packages")]);
    }
    for (prefix, kind) in [
        ("/home/kim/.pyenv/versions/3.9.18", Pyenv),
        ("/home/kim/.local/share/uv/python/cpython-3.9.18-linux-x86_64-gnu", Uv),
    ] {
        let python = format!("{prefix}/bin/python3.9");
        let machine = Machine::empty().program(&python).link(&format!("{prefix}/bin/python"), "python3.9");
        let told = found(&machine, &surroundings());
        assert_eq!((told[0].kinds.as_slice(), told[0].version.as_deref()), (&[kind][..], Some("3.9.18")));
    }
}

#[test]
fn environments_lie_below_the_condas_of_classroom_images() {
    let machine = Machine::empty().conda("/opt/tljh/user").conda("/opt/tljh/user/envs/tf");
    assert_eq!(prefixes(&found(&machine, &surroundings())), ["/opt/tljh/user", "/opt/tljh/user/envs/tf"]);
}

#[test]
fn what_is_set_and_what_is_active_leads_to_environments() {
    let machine = [
        "/a/active",
        "/b/workon/x",
        "/work/lab/.venv",
        "/work/.venv",
        "/ws/lab/own",
        "/home/kim/open/.direnv/x",
    ]
    .iter()
    .fold(Machine::empty(), |machine, prefix| machine.venv(prefix, "uv = 0.5.1\n"))
    .conda("/c/envs/tf")
    .conda("/srv/kernel")
    .file(
        "/home/kim/.vscode-server/data/User/workspaceStorage/1f/workspace.json",
        r#"{"folder": "file:///home/kim/open"}"#,
    )
    .file("/home/kim/.vscode-server/data/User/workspaceStorage/2f/workspace.json", "{");
    let surroundings = Surroundings {
        active: vec!["/a/active".into()],
        workon: Some("/b/workon".into()),
        conda_environments: vec!["/c/envs".into()],
        working_directory: Some("/work/lab".into()),
        workspaces: vec!["/ws/lab".into()],
        further: vec!["/srv/kernel/".into(), "/usr".into(), "/nowhere".into(), "relative".into()],
        ..surroundings()
    };
    let told = found(&machine, &surroundings);
    let all: Vec<_> = told.iter().map(|told| (told.prefix.as_str(), told.vscode)).collect();
    assert_eq!(
        all,
        [
            ("/a/active", false),
            ("/srv/kernel", true),
            ("/work/lab/.venv", true),
            ("/work/.venv", false),
            ("/ws/lab/own", true),
            ("/home/kim/open/.direnv/x", true),
            ("/c/envs/tf", true),
            ("/b/workon/x", true),
            ("/usr", true),
        ]
    );
    assert!(told[0].kinds.contains(&EnvironmentKind::Uv));
}

#[test]
fn conda_is_not_asked() {
    let base = "/data/tools/conda";
    let machine = Machine::empty()
        .conda(base)
        .program(&format!("{base}/condabin/conda"))
        .conda(&format!("{base}/envs/tf"))
        .conda("/srv/listed")
        .conda("/srv/dirs/a")
        .conda("/home/kim/own/b")
        .folder("/srv/listed-without-python/conda-meta")
        .file("/home/kim/.conda/environments.txt", "/srv/listed\n/gone\n\n# x\n/srv/listed-without-python\n")
        .file("/etc/conda/.condarc", "envs_dirs:\n  - /srv/dirs\n  - ~/own\n");
    let surroundings = Surroundings { path: format!("{base}/condabin:/usr/bin").into(), ..surroundings() };
    let told = found(&machine, &surroundings);
    assert_eq!(
        prefixes(&told),
        [base, "/srv/listed", "/data/tools/conda/envs/tf", "/srv/dirs/a", "/home/kim/own/b"]
    );
}

#[test]
fn each_environment_is_told_once() {
    // As on the Data Science VM, where one path is a link to the other.
    let machine = Machine::empty()
        .link("/anaconda", "/data/anaconda")
        .conda("/data/anaconda")
        .conda("/data/anaconda/envs/tf")
        .file("/home/kim/.conda/environments.txt", "/data/anaconda/envs/tf\n/anaconda/envs/tf/\n")
        .link("/usr/local/bin/python3.10", "/anaconda/bin/python3.10");
    let surroundings = Surroundings { active: vec!["/anaconda/envs/tf".into()], ..surroundings() };
    assert_eq!(prefixes(&found(&machine, &surroundings)), ["/anaconda/envs/tf", "/anaconda"]);
}

#[test]
fn an_environment_whose_interpreter_is_gone_is_still_told() {
    let machine = Machine::empty()
        .file("/home/kim/.venv/pyvenv.cfg", "home = /opt/python3.9/bin\nversion = 3.9.2\n")
        .link("/home/kim/.venv/bin/python", "/opt/python3.9/bin/python3.9")
        .folder("/home/kim/.venv/lib/python3.9/site-packages/tensorflow-2.15.1.dist-info")
        .conda("/opt/conda");
    let machine = machine.folder("/opt/conda/envs/tf/conda-meta").folder("/opt/conda/envs/tf/lib/python3.8");
    let told = found(&machine, &surroundings());
    let gone: Vec<_> = told.iter().map(|told| (told.python.as_str(), told.gone)).collect();
    assert_eq!(
        gone,
        [
            ("/opt/conda/bin/python", false),
            ("/opt/conda/envs/tf/bin/python", true),
            ("/home/kim/.venv/bin/python", true)
        ]
    );
    let python = by_files(&machine.root(), &Inherited::of_nobody(), &told[2]);
    assert_eq!(python.interpreter.why_not(), "not probed: its interpreter is gone");
}

#[test]
fn odd_folders_do_not_stop_the_search() {
    let mut machine = Machine::empty()
        .link("/home/kim/.virtualenvs/loop", "loop")
        .link("/home/kim/.virtualenvs/up", "..")
        .link("/home/kim/venv", "/home/kim")
        .folder("/home/kim/.venvs/no/pyvenv.cfg")
        .file("/home/kim/.conda/environments.txt", b"/srv/\xff\n\0\n/loop\n".as_slice())
        .link("/loop", "/loop")
        .venv("/home/kim/course/venv", "");
    for number in 0..10_000 {
        machine = machine.folder(&format!("/opt/conda/envs/{number}"));
    }
    let odd = machine.path().join("home/kim/.virtualenvs").join(OsStr::from_bytes(b"\xff\xfe"));
    std::fs::create_dir_all(odd.join("bin")).unwrap();
    std::fs::write(odd.join("pyvenv.cfg"), "").unwrap();
    for pipe in ["home/kim/.venvs/pipe/pyvenv.cfg", "home/kim/.condarc", "home/kim/.venvs/pipe/bin"] {
        let pipe = machine.path().join(pipe);
        std::fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    let start = Instant::now();
    assert_eq!(prefixes(&found(&machine, &surroundings())), ["/home/kim/course/venv", "/usr"]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn no_more_is_told_than_a_bound() {
    let machine = (0..300).fold(Machine::empty(), |machine, number| {
        machine.file(&format!("/home/kim/.virtualenvs/{number:03}/pyvenv.cfg"), "")
    });
    assert_eq!(found(&machine, &surroundings()).len(), 256);
}

#[test]
fn of_another_machine_every_home_counts() {
    let machine =
        Machine::empty().venv("/home/kim/.venv", "").venv("/home/lee/.venv", "").venv("/root/.venv", "");
    assert_eq!(
        prefixes(&found(&machine, &Surroundings::default())),
        ["/home/kim/.venv", "/home/lee/.venv", "/root/.venv", "/usr"]
    );
}

#[test]
fn packages_lie_where_site_looks() {
    let own = "/home/kim/.local/lib/python3.11/site-packages";
    let machine = Machine::empty()
        .venv("/a/venv", "include-system-site-packages = true\n")
        .venv("/a/alone", "include-system-site-packages = false\n")
        .folder("/usr/lib/python3/dist-packages")
        .folder("/usr/local/lib/python3.11/dist-packages")
        .folder("/usr/local/lib/python3.11/site-packages")
        .file(&format!("{own}/more.pth"), "# none\nimport os\n/srv/more\nbelow\n/nowhere\n")
        .file(&format!("{own}/.hidden.pth"), "/srv/hidden\n")
        .folder("/srv/more")
        .folder("/srv/hidden")
        .folder(&format!("{own}/below"));
    let of = |program: &str| {
        let told = of_program(&machine.root(), &surroundings(), program).unwrap();
        assert_eq!(told.untold, None, "{program}");
        told.folders
    };
    let of_person = [own.to_owned(), "/srv/more".to_owned(), format!("{own}/below")];
    // Debian's site.py: what pip installs for everybody, then what apt does.
    let of_system =
        ["/usr/local/lib/python3.11/dist-packages", "/usr/lib/python3/dist-packages"].map(str::to_owned);
    let of_venv = ["/a/venv/lib/python3.11/site-packages".to_owned()];
    assert_eq!(of("/usr/bin/python3.11"), [&of_person[..], &of_system].concat());
    assert_eq!(of("/a/venv/bin/python"), [&of_venv[..], &of_person, &of_system].concat());
    assert_eq!(of("/a/alone/bin/python"), ["/a/alone/lib/python3.11/site-packages"]);
}

/// The folders of packages that an interpreter has on its path; those of code in `.pth` files among them are none.
fn on_its_path(python: &Path, home: &Path) -> Vec<String> {
    let script =
        "import sys; print('\\n'.join(p for p in sys.path if p.endswith('-packages') or 'more' in p))";
    let mut command = Command::new(python);
    command.args(["-c", script]).env_clear().env("HOME", home);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", python.display());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn real_pythons_have_the_path_that_is_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    let base = Path::new("/usr/bin/python3").canonicalize().unwrap();
    let minor = base.file_name().unwrap().to_str().unwrap().to_owned();
    let own = home.join(".local/lib").join(minor).join("site-packages");
    std::fs::create_dir_all(home.join("more")).unwrap();
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("more.pth"), home.join("more").to_str().unwrap()).unwrap();
    let around = Surroundings { home: Some(home.clone()), ..Surroundings::default() };
    let venv = |name: &str, more: &[&str]| {
        let folder = home.join(name);
        let mut command = Command::new("/usr/bin/python3");
        let made = command.args(["-m", "venv", "--without-pip"]).args(more).arg(&folder).status().unwrap();
        assert!(made.success(), "python3 -m venv: {made}");
        folder.join("bin/python")
    };
    let alone = venv("venv", &[]);
    let shared = venv("lab/.venv", &["--system-site-packages"]);
    for python in [&base, &alone, &shared] {
        let told = of_program(&Root::new("/"), &around, python.to_str().unwrap()).unwrap();
        assert_eq!(told.folders, on_its_path(python, &home), "{}", python.display());
        assert_eq!(told.untold, None);
    }
    let told = discover(&Root::new("/"), &around);
    for python in [&alone, &shared] {
        let told = told.iter().find(|told| told.python == python.to_str().unwrap()).unwrap();
        assert_eq!((told.kinds.as_slice(), told.gone), (&[EnvironmentKind::Venv][..], false));
    }
}

#[test]
fn real_environments_are_told_by_their_files_as_when_they_are_started() {
    for name in ["tensorflow", "tensorflow-2.12", "tensorflow-cpu", "empty"] {
        let folder = part(name);
        let started = look(&ask(&folder));
        let around = Surroundings { no_user_site: true, ..Surroundings::default() };
        let program = folder.join("bin/python");
        let found = of_program(&Root::new("/"), &around, program.to_str().unwrap()).unwrap();
        let interpreter = started.interpreter.seen().unwrap();
        assert_eq!(found.version.as_deref(), Some(interpreter.version.as_str()), "{name}");
        let told = by_files(&Root::new("/"), &ask(&folder).environment, &found);
        assert_eq!(told.found_by, FoundBy::Environment);
        assert_eq!(told.packages, started.packages, "{name}");
        assert_eq!(told.cuda_parts, started.cuda_parts, "{name}");
        assert_eq!(told.tensorflow_companions, started.tensorflow_companions, "{name}");
        let without_looks =
            started.tensorflow.map(|found| found.map(|found| TensorFlow { looks: vec![], ..found }));
        assert_eq!(told.tensorflow, without_looks, "{name}");
    }
}

#[test]
fn a_conda_environment_is_told_by_its_files() {
    let prefix = "/opt/conda/envs/tf";
    let site = format!("{prefix}/lib/python3.10/site-packages");
    // Names and builds of conda-forge's tensorflow 2.15.0 for CUDA 12.
    let record = r#"{"build": "cuda120py310heceb7ac_3", "channel": "https://conda.anaconda.org/conda-forge/linux-64",
                     "name": "tensorflow", "version": "2.15.0"}"#;
    let machine = Machine::empty()
        .conda(prefix)
        .file(&format!("{prefix}/conda-meta/tensorflow-2.15.0-cuda120py310heceb7ac_3.json"), record)
        .file(&format!("{prefix}/lib/libcudnn.so.8"), "")
        .file(&format!("{site}/tensorflow/__init__.py"), "")
        .file(
            &format!("{site}/tensorflow/python/platform/build_info.py"),
            "import collections\nbuild_info = collections.OrderedDict([('cuda_version', '12.0'), ('cudnn_version', '8'), ('is_cuda_build', True)])\n",
        )
        .file(&format!("{site}/tensorflow-2.15.0.dist-info/METADATA"), "Name: tensorflow\nRequires-Dist: numpy>=1.23.5\n")
        .file("/usr/lib/x86_64-linux-gnu/libcudnn.so.9", "")
        .file("/etc/ld.so.conf", "/usr/lib/x86_64-linux-gnu\n");
    let told = found(&machine, &surroundings());
    let mut inherited = Inherited::of_nobody();
    inherited.changes.push(("LD_LIBRARY_PATH".into(), Some("/usr/local/cuda/lib64".into())));
    let python = by_files(&machine.root(), &inherited, &told[0]);
    let Observed::Seen(Some(tensorflow)) = &python.tensorflow else { panic!("{python:#?}") };
    assert_eq!(tensorflow.package, format!("{site}/tensorflow"));
    assert_eq!(tensorflow.label(), "tensorflow 2.15.0");
    assert_eq!(tensorflow.build.seen().unwrap().cudnn_version.as_deref(), Some("8"));
    assert_eq!(tensorflow.unmet, ["numpy>=1.23.5: not installed"]);
    let parts = python.cuda_parts.seen().unwrap();
    assert_eq!(parts.conda_package("tensorflow").unwrap().build, "cuda120py310heceb7ac_3");
    let from: Vec<_> = parts.folders.iter().map(|folder| folder.place).collect();
    assert_eq!(from, [LibraryPlace::LibraryPath, LibraryPlace::Conda, LibraryPlace::Loader]);
}

#[test]
fn what_is_not_told_is_not_told_to_be_absent() {
    let machine =
        Machine::empty().file("/home/kim/.venv/pyvenv.cfg", "include-system-site-packages = true\n");
    let told = found(&machine, &surroundings());
    assert!(told[0].untold.is_some());
    let python = by_files(&machine.root(), &Inherited::of_nobody(), &told[0]);
    assert!(python.tensorflow.seen().is_none() && python.packages.seen().is_none(), "{python:#?}");
    let machine = Machine::empty().venv("/home/kim/.venv", "");
    let told = found(&machine, &surroundings());
    let python = by_files(&machine.root(), &Inherited::of_nobody(), &told[0]);
    assert_eq!(python.tensorflow, Observed::Seen(None));
}

#[test]
fn twenty_environments_take_milliseconds() {
    let mut machine = Machine::empty();
    for number in 0..20 {
        let prefix = format!("/home/kim/.virtualenvs/{number}");
        machine = machine.venv(&prefix, "");
        let site = format!("{prefix}/lib/python3.11/site-packages");
        for distribution in 0..200 {
            let folder = format!("{site}/distribution_{distribution}-1.{number}.dist-info");
            machine = machine.file(&format!("{folder}/METADATA"), "Name: x\nRequires-Dist: numpy\n");
        }
        machine = machine.file(&format!("{site}/tensorflow/__init__.py"), "").file(
            &format!("{site}/tensorflow-2.15.0.dist-info/METADATA"),
            "Name: tensorflow\nRequires-Dist: numpy>=1.23.5\n",
        );
    }
    let root = machine.root();
    let start = Instant::now();
    let told = discover(&root, &surroundings());
    let seen = told.iter().map(|told| by_files(&root, &Inherited::of_nobody(), told));
    let with_tensorflow = seen.filter(|python| matches!(python.tensorflow, Observed::Seen(Some(_)))).count();
    let elapsed = start.elapsed();
    assert_eq!(with_tensorflow, 20);
    println!("discovery of 20 environments with 200 distributions each: {} ms", elapsed.as_millis());
    // The bar of 100 ms is for what people run, which is several times as fast as this; tests run side by side.
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

//! Kernels and servers of Jupyter, and the packages of their environments, on machines made of files.

use crate::stage::Machine;
use gpucheck::probe::notebooks::{Environment, probe};
use gpucheck_checks::fact::{Kernelspec, Notebooks, Observed, Program, ProgramState};
use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

/// A kernel as `python -m ipykernel install` writes it; jupyter/notebook#5054 shows one.
fn kernel(program: &str, more: &str) -> String {
    format!(
        r#"{{"argv": ["{program}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"],
            "display_name": "Python 3", "language": "python"{more}}}"#
    )
}

trait WithProgram {
    fn program(self, path: &str) -> Self;
}

impl WithProgram for Machine {
    fn program(self, path: &str) -> Self {
        let machine = self.file(path, "\x7fELF");
        let place = machine.place_for(path);
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }
}

fn surroundings() -> Environment {
    Environment {
        home: Some("/home/kim".into()),
        prefixes: vec!["/opt/conda/envs/tf".into()],
        path: "/opt/conda/envs/tf/bin:/usr/bin".into(),
        ..Environment::default()
    }
}

fn look(machine: &Machine, environment: &Environment) -> Notebooks {
    let Observed::Seen(notebooks) = probe(&machine.root(), environment) else { panic!("the probe failed") };
    notebooks
}

fn only(notebooks: &Notebooks) -> &Kernelspec {
    let [spec] = notebooks.kernelspecs.as_slice() else { panic!("{notebooks:#?}") };
    spec
}

fn state(spec: &Kernelspec) -> ProgramState {
    let Program::File { state, .. } = spec.program else { panic!("{spec:#?}") };
    state
}

#[test]
fn kernels_are_found_where_jupyter_looks_and_in_its_order() {
    let machine = Machine::linux()
        .file("/opt/jp/kernels/a/kernel.json", kernel("/usr/bin/python3", ""))
        .file("/opt/conda/envs/tf/share/jupyter/kernels/b/kernel.json", kernel("python", ""))
        .file("/opt/conda/share/jupyter/kernels/c/kernel.json", kernel("/usr/bin/python3", ""))
        .file("/home/kim/.local/share/jupyter/kernels/d/kernel.json", kernel("/usr/bin/python3", ""))
        .file("/home/lee/.local/share/jupyter/kernels/not-hers/kernel.json", kernel("/usr/bin/python3", ""))
        .file("/usr/local/share/jupyter/kernels/e/kernel.json", kernel("/usr/bin/python3", ""))
        .file("/usr/share/jupyter/kernels/f/kernel.json", kernel("python3", ""))
        .folder("/usr/share/jupyter/kernels/no-kernel")
        .file("/usr/share/jupyter/kernels/bad name/kernel.json", kernel("python3", ""))
        .link("/usr/share/jupyter/kernels/again", "/usr/local/share/jupyter/kernels/e");
    let mut environment = surroundings();
    environment.jupyter_path = "/opt/jp:relative".into();
    let found = look(&machine, &environment);
    let names: Vec<&str> = found.kernelspecs.iter().map(|spec| spec.name.as_str()).collect();
    // The active environment is this person's own and comes first; conda's own prefix is another server's.
    assert_eq!(names, ["a", "b", "d", "c", "e", "f"]);
    // Without the surroundings of a person, as for another machine's root, every home counts.
    let found = look(&machine, &Environment::default());
    let names: Vec<&str> = found.kernelspecs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["d", "not-hers", "c", "e", "f"]);
}

#[test]
fn what_is_set_moves_where_jupyter_looks() {
    // `jupyter --paths` of jupyter_core 5.9.1 under each of these variables, and `kernel_dirs` of jupyter_client 8.
    let folders = [
        "/opt/conda/envs/tf/share/jupyter",
        "/home/kim/.local/share/jupyter",
        "/data/kim",
        "/base/share/jupyter",
        "/usr/local/share/jupyter",
        "/usr/share/jupyter",
        "/xdg/jupyter",
        "/home/kim/.ipython",
        "/ip",
    ];
    let machine = folders.iter().enumerate().fold(Machine::linux(), |machine, (number, folder)| {
        machine.file(&format!("{folder}/kernels/k{number}/kernel.json"), kernel("python3", ""))
    });
    let found = |change: &dyn Fn(&mut Environment)| {
        let mut environment = surroundings();
        change(&mut environment);
        let found = look(&machine, &environment);
        let numbers = found.kernelspecs.iter().map(|spec| spec.name.trim_start_matches('k').to_owned());
        numbers.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(&|_| {}), "0 1 4 5 7");
    assert_eq!(found(&|e| e.prefers_environment = Some(false)), "1 0 4 5 7");
    assert_eq!(found(&|e| e.data = Some("/data/kim".into())), "0 2 1 4 5 7");
    assert_eq!(found(&|e| e.user_base = Some("/base".into())), "0 1 3 4 5 7");
    assert_eq!(found(&|e| e.data_dirs = Some("/xdg:/usr/share".into())), "0 1 6 5 7");
    assert_eq!(found(&|e| e.ipython = Some("/ip".into())), "0 1 4 5 8");
}

#[test]
fn kernels_of_environments_that_were_found_are_told() {
    use gpucheck_checks::fact::{Environment as Found, EnvironmentKind};
    let conda = |prefix: &str| Found {
        prefix: prefix.to_owned(),
        kinds: vec![EnvironmentKind::Conda],
        ..Found::default()
    };
    let spec = "share/jupyter/kernels/python3/kernel.json";
    let machine = Machine::linux()
        .file("/opt/conda/condabin/conda", "")
        .file(&format!("/opt/conda/{spec}"), kernel("python", ""))
        .program("/opt/conda/envs/torch/bin/python")
        .file(&format!("/opt/conda/envs/torch/{spec}"), kernel("python", ""));
    let mut environment = surroundings();
    let folders = vec!["/opt/conda/envs/torch/site".to_owned()];
    let torch = Found { folders, ..conda("/opt/conda/envs/torch") };
    environment.environments = vec![conda("/opt/conda"), torch];
    let names = |machine: &Machine| {
        let found = look(machine, &environment).kernelspecs;
        found.into_iter().map(|spec| (spec.name, spec.activates)).collect::<Vec<_>>()
    };
    let plain = |name: &str| (name.to_owned(), None);
    // What no server can offer is nobody's kernel.
    assert_eq!(names(&machine), [plain("python3")]);
    let machine = machine.file("/opt/conda/envs/torch/site/jupyter_server/__init__.py", "");
    assert_eq!(names(&machine), [plain("python3"), plain("python3")]);
    // With this distribution the server offers what it would not find, and activates the environment.
    let machine = machine.file("/opt/conda/conda-meta/nb_conda_kernels-2.5.1-pyh707e725_2.json", "{}");
    let offered = ("conda-env-torch-py".to_owned(), Some("/opt/conda/envs/torch".to_owned()));
    assert_eq!(names(&machine), [plain("python3"), offered]);
    let found = look(&machine, &environment);
    let shown = found.kernelspecs[1].spec.seen().unwrap().display_name.clone();
    assert_eq!(shown.as_deref(), Some("Python [conda env:torch]"));
    let path = "/opt/conda/envs/torch/bin/python".to_owned();
    assert_eq!(found.kernelspecs[1].program, Program::File { path, state: ProgramState::Executable });
}

#[test]
fn of_ten_thousand_kernels_some_are_told_and_the_rest_counted() {
    let folder = "/usr/share/jupyter/kernels";
    let machine = (0..10_000).fold(Machine::linux().program("/opt/venv/bin/python"), |machine, number| {
        machine.file(&format!("{folder}/k{number}/kernel.json"), kernel("/opt/venv/bin/python", ""))
    });
    let start = std::time::Instant::now();
    let found = look(&machine, &surroundings());
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!((found.kernelspecs.len(), found.more), (256, 9_744));
}

#[test]
fn the_interpreter_of_each_kernel_is_resolved() {
    let kernels = "/usr/local/share/jupyter/kernels";
    for (program, expected) in [
        ("/opt/venv/bin/python", ProgramState::Executable),
        ("/opt/gone/bin/python", ProgramState::Missing),
        ("/opt/dangling/bin/python", ProgramState::Missing),
        ("/opt/venv/pyvenv.cfg", ProgramState::NotExecutable),
        ("/opt/venv", ProgramState::NotExecutable),
        ("{resource_dir}/start", ProgramState::Executable),
        ("xpython", ProgramState::Executable),
    ] {
        let machine = Machine::linux()
            .program("/opt/venv/bin/python")
            .file("/opt/venv/pyvenv.cfg", "home = /usr/bin\n")
            .link("/opt/dangling/bin/python", "/opt/python-3.9/bin/python3.9")
            .program(&format!("{kernels}/x/start"))
            .program("/usr/bin/xpython")
            .file(&format!("{kernels}/x/kernel.json"), kernel(program, ""));
        assert_eq!(state(only(&look(&machine, &surroundings()))), expected, "{program}");
    }
    for (program, untold) in
        [("python3", false), ("bin/python", true), ("{prefix}/bin/python", true), ("R", true)]
    {
        let machine = Machine::linux().file(&format!("{kernels}/x/kernel.json"), kernel(program, ""));
        let told = only(&look(&machine, &surroundings())).program.clone();
        assert_eq!(matches!(told, Program::Untold { .. }), untold, "{program}: {told:?}");
        assert_eq!(told == Program::OfServer, !untold, "{program}: {told:?}");
    }
}

#[test]
fn a_bare_python_in_an_environment_is_that_environments() {
    let machine = Machine::linux()
        .program("/opt/conda/envs/tf/bin/python")
        .file("/opt/conda/envs/tf/share/jupyter/kernels/python3/kernel.json", kernel("python", ""));
    let found = look(&machine, &surroundings());
    let path = "/opt/conda/envs/tf/bin/python".to_owned();
    assert_eq!(only(&found).program, Program::File { path, state: ProgramState::Executable });
}

#[test]
fn a_python_of_another_minor_version_is_looked_up_on_the_path() {
    // jupyter_client, manager.py: only `python`, `python3` and the server's own `python3.X` become sys.executable.
    for (word, expected) in [
        ("python3", "/opt/conda/envs/tf/bin/python"),
        ("python3.10", "/opt/conda/envs/tf/bin/python"),
        ("python3.12", "/usr/bin/python3.12"),
    ] {
        let machine = Machine::linux()
            .program("/opt/conda/envs/tf/bin/python3.10")
            .link("/opt/conda/envs/tf/bin/python", "python3.10")
            .program("/usr/bin/python3.12")
            .file("/opt/conda/envs/tf/share/jupyter/kernels/x/kernel.json", kernel(word, ""));
        let found = look(&machine, &surroundings());
        let program = Program::File { path: expected.to_owned(), state: ProgramState::Executable };
        assert_eq!(only(&found).program, program, "{word}");
    }
}

#[test]
fn odd_kernels_are_values() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"argv": ["{}"]}}"#, "x".repeat(300_000));
    for content in
        ["", "{", "null", "[]", r#"{"argv": []}"#, r#"{"argv": "python"}"#, r#"{"argv": [1]}"#, &deep, &long]
    {
        let machine = Machine::linux().file("/usr/share/jupyter/kernels/x/kernel.json", content);
        let found = look(&machine, &surroundings());
        assert!(only(&found).spec.failure().is_some(), "{content:.40}");
    }
    let machine = Machine::linux().folder("/usr/share/jupyter/kernels/x/kernel.json");
    assert!(only(&look(&machine, &surroundings())).spec.failure().is_some());
}

#[test]
fn of_variables_only_those_of_a_gpu_are_kept() {
    let env = r#", "env": {"CUDA_VISIBLE_DEVICES": "-1", "HF_TOKEN": "hf_secret", "XLA_FLAGS": 7}, "interrupt_mode": "message""#;
    let machine = Machine::linux()
        .file("/usr/share/jupyter/kernels/x/kernel.json", kernel("python3", env))
        .file("/proc/41/cmdline", "/opt/conda/bin/python3.11\0/opt/conda/bin/jupyter-lab\0--no-browser\0")
        .file("/proc/41/environ", "HOME=/home/kim\0AWS_SECRET_ACCESS_KEY=secret\0LD_LIBRARY_PATH=/a=b:/c\0")
        .file("/proc/42/cmdline", "/usr/bin/python3\0-m\0ipykernel_launcher\0");
    let found = look(&machine, &surroundings());
    let kept = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let spec = only(&found).spec.seen().unwrap();
    assert_eq!(spec.env, kept("CUDA_VISIBLE_DEVICES", "-1"));
    assert_eq!(spec.sets, ["CUDA_VISIBLE_DEVICES", "HF_TOKEN", "XLA_FLAGS"]);
    assert_eq!(spec.odd_values, ["XLA_FLAGS"]);
    assert_eq!(spec.interrupt_mode.as_deref(), Some("message"));
    let [server] = found.servers.as_slice() else { panic!("{:?}", found.servers) };
    assert_eq!((server.pid, &server.environment), (41, &kept("LD_LIBRARY_PATH", "/a=b:/c")));
    assert!(!format!("{found:?}").contains("secret"));
}

/// Files of the wheels torch 1.13.1+cpu and tensorflow-cpu 2.12.1 and of the jax 0.4.35 distributions.
fn packages(machine: Machine, site: &str) -> Machine {
    machine
        .file(&format!("{site}/torch/__init__.py"), "")
        .file(
            &format!("{site}/torch/version.py"),
            "__version__ = '1.13.1+cpu'\ndebug = False\ncuda = None\nhip = None\n",
        )
        .folder(&format!("{site}/torch-1.13.1+cpu.dist-info"))
        .folder(&format!("{site}/jax-0.4.35.dist-info"))
        .folder(&format!("{site}/jaxlib-0.4.34.dist-info"))
        .folder(&format!("{site}/jax_cuda12_plugin-0.4.35.dist-info"))
        .folder(&format!("{site}/jaxtyping-0.2.dist-info"))
        .folder(&format!("{site}/tensorflow_cpu-2.12.1.dist-info"))
        .file(
            &format!("{site}/tensorflow/python/platform/build_info.py"),
            "import collections\nbuild_info = collections.OrderedDict([('is_cuda_build', False)])\n",
        )
}

#[test]
fn the_packages_of_a_kernels_environment_are_told_by_its_files() {
    let prefix = "/home/kim/miniconda3/envs/ml";
    let machine = Machine::linux()
        .program(&format!("{prefix}/bin/python3.10"))
        .link(&format!("{prefix}/bin/python"), "python3.10")
        .file(&format!("{prefix}/conda-meta/pytorch-1.13.1-cpu_py310hd11e9c7_1.json"), "{}")
        .folder(&format!("{prefix}/lib/python3.9/site-packages/tensorflow-9.dist-info"))
        .file("/usr/share/jupyter/kernels/ml/kernel.json", kernel(&format!("{prefix}/bin/python"), ""));
    let machine = packages(machine, &format!("{prefix}/lib/python3.10/site-packages"));
    let found = look(&machine, &surroundings());
    let environment = only(&found).environment.as_ref().unwrap();
    assert_eq!((environment.prefix.as_str(), &environment.untold), (prefix, &None));
    let tensorflow = environment.tensorflow.as_ref().unwrap();
    assert_eq!((tensorflow.name.as_str(), tensorflow.version.as_str()), ("tensorflow-cpu", "2.12.1"));
    assert_eq!(environment.tensorflow_has_cuda, Some(false));
    let packages = &environment.packages;
    let torch = packages.torch.as_ref().unwrap();
    assert_eq!((torch.label().as_str(), torch.cuda()), ("PyTorch 1.13.1+cpu", None));
    assert_eq!(torch.conda_build.as_deref(), Some("cpu_py310hd11e9c7_1"));
    assert!(torch.architectures.failure().is_some(), "{:?}", torch.architectures);
    let jax = packages.jax.as_ref().unwrap();
    let names: Vec<&str> = jax.distributions.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["jax", "jax-cuda12-plugin", "jaxlib"]);
    assert_eq!(jax.brought_by, None);
}

/// JAX as pip leaves it beside TensorFlow 2.12, which requires it.
fn tensorflow_with_jax(machine: Machine, site: &str) -> Machine {
    ["jax-0.4.38", "jaxlib-0.4.38"]
        .iter()
        .fold(machine, |machine, name| machine.file(&format!("{site}/{name}.dist-info/INSTALLER"), "pip\n"))
        .file(
            &format!("{site}/tensorflow-2.12.1.dist-info/METADATA"),
            "Metadata-Version: 2.1\nName: tensorflow\nRequires-Dist: h5py (>=2.9.0)\nRequires-Dist: jax (>=0.3.15)\n",
        )
        .file(
            &format!("{site}/optree-0.20.0.dist-info/METADATA"),
            "Name: optree\nRequires-Dist: jax; extra == \"jax\"\n",
        )
}

#[test]
fn jax_that_came_along_with_tensorflow_is_told_from_one_that_was_asked_for() {
    let site = "/opt/venv/lib/python3.11/site-packages";
    let requested = format!("{site}/tensorflow-2.12.1.dist-info/REQUESTED");
    let brought = |change: &dyn Fn(Machine) -> Machine| {
        let machine = Machine::linux()
            .program("/opt/venv/bin/python")
            .file("/opt/venv/pyvenv.cfg", "include-system-site-packages = false\n")
            .file("/usr/share/jupyter/kernels/x/kernel.json", kernel("/opt/venv/bin/python", ""));
        let found = look(&change(tensorflow_with_jax(machine, site)), &surroundings());
        let jax = only(&found).environment.as_ref().unwrap().packages.jax.clone().unwrap();
        jax.brought_by
    };
    let with = |file: &str, text: &str| {
        let (file, text) = (format!("{site}/{file}"), text.to_owned());
        brought(&|machine| machine.file(&requested, "").file(&file, text.clone()))
    };
    assert_eq!(brought(&|machine| machine.file(&requested, "")).as_deref(), Some("tensorflow 2.12.1"));
    // An older pip leaves the file nowhere, and so do others.
    assert_eq!(brought(&|machine| machine).as_deref(), Some("tensorflow 2.12.1"));
    assert_eq!(with("jax-0.4.38.dist-info/REQUESTED", ""), None);
    assert_eq!(with("jaxlib-0.4.38.dist-info/REQUESTED", ""), None);
    assert_eq!(with("jax-0.4.38.dist-info/INSTALLER", "uv\n").as_deref(), Some("tensorflow 2.12.1"));
    assert_eq!(with("flax-0.10.2.dist-info/METADATA", "Name: flax\nRequires-Dist: jax>=0.4.27\n"), None);
    assert_eq!(with("tensorflow-2.12.1.dist-info/METADATA", "Name: tensorflow\n"), None);
}

#[test]
fn what_may_add_packages_is_told() {
    let kernels = "/usr/share/jupyter/kernels/x/kernel.json";
    let environment = |configuration: &str, env: &str, site: &str| {
        let machine = Machine::linux()
            .program("/opt/venv/bin/python")
            .file("/opt/venv/pyvenv.cfg", configuration)
            .folder(site)
            .folder("/home/kim/.local/lib/python3.11/site-packages/tensorflow-2.15.1.dist-info")
            .file(kernels, kernel("/opt/venv/bin/python", env));
        only(&look(&machine, &surroundings())).environment.clone().unwrap()
    };
    let site = "/opt/venv/lib/python3.11/site-packages";
    let plain = environment("include-system-site-packages = false\n", "", site);
    assert_eq!((plain.untold, plain.tensorflow), (None, None));
    assert!(environment("include-system-site-packages = true\n", "", site).untold.is_some());
    assert!(environment("", r#", "env": {"PYTHONPATH": "/x"}"#, site).untold.is_some());
    assert!(environment("", "", "/opt/venv/lib").untold.is_some());
}

#[test]
fn a_persons_own_packages_count_outside_virtual_environments() {
    let machine = Machine::linux()
        .program("/usr/bin/python3.11")
        .link("/usr/bin/python3", "python3.11")
        .folder("/usr/lib/python3/dist-packages")
        .folder("/home/kim/.local/lib/python3.11/site-packages/tensorflow-2.15.1.dist-info")
        .file("/usr/share/jupyter/kernels/x/kernel.json", kernel("/usr/bin/python3", ""));
    let found = look(&machine, &surroundings());
    let environment = only(&found).environment.as_ref().unwrap();
    assert_eq!(environment.tensorflow.as_ref().unwrap().version, "2.15.1");
}

//! The Python package: by itself, in a real kernel on a simulated T4, in a real Jupyter server with a real browser.

use crate::{
    frameworks_at_work::fakes::TORCH,
    home::Home,
    jupyter::server::Running,
    kernels_on_gpus::{ON_THE_GPU, version},
    pythons::{output, part, part_where_it_can_be},
    stage::SERVERS,
};
use gpucheck_machines::{folder, machine::Machine, run::Staged};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::PoisonError,
};

/// A file of the repository.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A class environment on a simulated T4: JupyterLab, a PyTorch of a few lines and gpucheck, as its wheel installs it.
struct Class {
    home: Home,
    /// Its files are there as long as the class is.
    machine: Staged,
}

impl Class {
    fn new() -> Self {
        let machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
        let class = Self { home: Home::new(), machine: Staged::new(&machine).unwrap() };
        let lab = part("jupyterlab");
        let bin = class.folder().join("bin");
        fs::create_dir_all(&bin).unwrap();
        symlink(fs::canonicalize(lab.join("bin/python")).unwrap(), bin.join("python")).unwrap();
        symlink("python", bin.join("python3")).unwrap();
        fs::copy(lab.join("pyvenv.cfg"), class.folder().join("pyvenv.cfg")).unwrap();
        let versioned = fs::read_dir(lab.join("lib")).unwrap().next().unwrap().unwrap().file_name();
        let packages = Path::new("lib").join(versioned).join("site-packages");
        let site = class.folder().join(&packages);
        fs::create_dir_all(site.join("torch-2.6.0.dist-info")).unwrap();
        fs::create_dir_all(site.join("torch")).unwrap();
        fs::write(site.join("lab.pth"), format!("{}\n", lab.join(&packages).display())).unwrap();
        fs::write(site.join("torch/__init__.py"), format!("{TORCH}\n{ON_THE_GPU}\n")).unwrap();
        fs::write(site.join("torch/version.py"), version(Some("12.6"))).unwrap();
        symlink(own("python/gpucheck"), site.join("gpucheck")).unwrap();
        for place in ["jupyter_server_config.d", "jupyter_notebook_config.d"] {
            let target = class.folder().join("etc/jupyter").join(place);
            fs::create_dir_all(&target).unwrap();
            let file = Path::new("python/etc/jupyter").join(place).join("gpucheck.json");
            fs::copy(own(file.to_str().unwrap()), target.join("gpucheck.json")).unwrap();
        }
        // What Lab's own files are, its front end among them.
        symlink(lab.join("share"), class.folder().join("share")).unwrap();
        for extension in fs::read_dir(lab.join("etc/jupyter/jupyter_server_config.d")).unwrap() {
            let extension = extension.unwrap();
            let target =
                class.folder().join("etc/jupyter/jupyter_server_config.d").join(extension.file_name());
            fs::copy(extension.path(), target).unwrap();
        }
        class.install_program();
        class
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("class")
    }

    fn python(&self) -> PathBuf {
        self.folder().join("bin/python")
    }

    /// gpucheck on the simulated machine, whose files and libraries it alone is led to.
    fn install_program(&self) {
        let command = self.machine.command(Path::new(env!("CARGO_BIN_EXE_gpucheck"))).unwrap();
        let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
        let variables = command.get_envs().filter(|(name, _)| *name != "PATH");
        let variables: Vec<String> = variables
            .map(|(name, value)| format!("{}={}", name.to_str().unwrap(), quoted(value.unwrap())))
            .collect();
        let words: Vec<String> =
            std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        let script =
            format!("#!/bin/sh\n{} exec {} --this-notebooks \"$@\"\n", variables.join(" "), words.join(" "));
        let program = self.folder().join("bin/gpucheck");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What each code cell of a notebook gave when it was run in a kernel of this environment.
    fn executed(&self, notebook: &Value) -> Vec<Vec<Value>> {
        let file = self.home.path().join("class.ipynb");
        fs::write(&file, notebook.to_string()).unwrap();
        let script = "
import json, sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=120, kernel_name='python3').execute()
print(json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == 'code']))
";
        let output = Command::new(self.python())
            .args(["-c", script])
            .arg(file)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("JUPYTER_RUNTIME_DIR", self.home.path().join("runtime"))
            .current_dir(self.home.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

/// The notebook for the class folder, with more cells of code.
fn notebook(more: &[&str]) -> Value {
    let text = fs::read_to_string(own("packaging/jupyter/gpucheck.ipynb")).unwrap();
    let mut notebook: Value = serde_json::from_str(&text).unwrap();
    let cells = notebook.get_mut("cells").and_then(Value::as_array_mut).unwrap();
    for (index, code) in more.iter().enumerate() {
        cells.push(json!({
            "cell_type": "code", "id": format!("more-{index}"), "metadata": {}, "execution_count": null,
            "outputs": [], "source": code,
        }));
    }
    notebook
}

/// The one thing that a cell shows.
fn shown(outputs: &[Value]) -> Html {
    let [output] = outputs else { panic!("{outputs:#?}") };
    let html = output.pointer("/data/text~1html").and_then(Value::as_str);
    Html::parse_fragment(html.unwrap_or_else(|| panic!("{output:#?}")))
}

/// The texts of what a selector finds.
fn texts(html: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).map(|element| element.text().collect::<String>().trim().to_owned()).collect()
}

/// What a cell printed.
fn printed(outputs: &[Value]) -> String {
    outputs.iter().filter_map(|output| output.get("text").and_then(Value::as_str)).collect()
}

#[test]
fn it_works_by_itself_in_any_python() {
    let script = own("tests/python_package/alone.py");
    let old = part_where_it_can_be("tensorflow-old").map(|old| old.join("bin/python"));
    for python in std::iter::once(PathBuf::from("/usr/bin/python3")).chain(old) {
        let mut alone = Command::new(&python);
        // cargo sets some of what the script would find at its start.
        for variable in ["PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"] {
            alone.env_remove(variable);
        }
        let ran = alone.arg(&script).arg(own("python")).arg("-v").output().unwrap();
        assert!(ran.status.success(), "{}: {}", python.display(), String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn its_version_is_that_of_the_program() {
    let text = fs::read_to_string(own("python/gpucheck/__init__.py")).unwrap();
    assert!(text.contains(&format!("__version__ = \"{}\"", env!("CARGO_PKG_VERSION"))), "{text}");
}

/// What the package reads are the frameworks' own insides. None of these machines has a GPU to find.
#[test]
fn real_frameworks_show_whether_they_have_looked_for_gpus() {
    let tensorflow = "import tensorflow; look = tensorflow.config.experimental.list_physical_devices";
    let asked = [
        ("tensorflow", tensorflow, "tensorflow"),
        ("tensorflow-old", tensorflow, "tensorflow"),
        ("jax", "import jax; look = jax.devices", "jax"),
    ];
    for (name, import, framework) in asked {
        let Some(environment) = part_where_it_can_be(name) else { continue };
        let script = format!(
            "import sys; sys.path.insert(0, sys.argv[1]); from gpucheck import _asking\n{import}\n\
             before = _asking.running(); look(); print(before, _asking.running())"
        );
        let said = output(&environment, &script, &[&own("python")]);
        assert_eq!(said.trim(), format!("{{}} {{'{framework}': 0}}"), "{name}");
    }
}

#[test]
fn this_very_notebook_can_use_the_gpu_until_a_cell_hides_it() {
    let _none_runs = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let class = Class::new();
    let hidden = class.home.path().join("hidden");
    fs::create_dir_all(hidden.join("torch")).unwrap();
    fs::write(hidden.join("torch/__init__.py"), "raise ImportError('half installed')\n").unwrap();
    let outputs = class.executed(&notebook(&[
        "import os; os.environ['CUDA_VISIBLE_DEVICES'] = '-1'",
        "%gpucheck",
        "del os.environ['CUDA_VISIBLE_DEVICES']; import sys; sys.path.insert(0, 'hidden')",
        "%gpucheck --fresh",
        "sys.path.pop(0); import gpucheck; report = gpucheck.run(lang='ko'); print(report.here, bool(report))",
        "report",
        "%gpucheck --root /",
        "print([name for name in sys.modules if name in ('torch', 'tensorflow')])",
    ]));
    let [load, first, _, second, _, third, run, korean, wrong, modules] = outputs.as_slice() else {
        panic!("{outputs:#?}")
    };
    assert!(load.is_empty(), "{load:#?}");
    let row = |html: &Html| {
        let row = ["div.gpucheck tbody tr:first-child th", "div.gpucheck tbody tr:first-child td.word"];
        row.map(|selector| texts(html, selector).into_iter().next().unwrap_or_default())
    };
    let name = |row: &str| row.split('/').next().unwrap_or_default().to_owned();
    let first = shown(first);
    let [this, answer] = row(&first);
    assert_eq!((name(&this).as_str(), answer.as_str()), ("this notebook", "yes"), "{}", first.html());
    assert!(this.contains(class.python().to_str().unwrap()), "{this}");
    assert_eq!(texts(&first, "p.banner.good strong"), ["USABLE"]);

    let second = shown(second);
    assert_eq!(row(&second)[1], "NO", "{}", second.html());
    let banner = texts(&second, "p.banner.bad").concat();
    assert!(banner.contains("this notebook sets CUDA_VISIBLE_DEVICES"), "{banner}");
    assert!(!second.html().contains("bashrc"), "{}", second.html());

    let third = shown(third);
    assert_eq!(row(&third)[1], "NO", "{}", third.html());
    let banner = texts(&third, "p.banner").concat();
    assert!(banner.contains(&format!("sys.path of this notebook puts {}", hidden.display())), "{banner}");

    assert_eq!(printed(run).trim(), "yes True");
    assert_eq!(name(&row(&shown(korean))[0]), "이 노트북");
    assert!(printed(wrong).contains("unrecognized arguments: --root /"), "{wrong:#?}");
    assert_eq!(printed(modules).trim(), "[]");
}

/// The classic Notebook 6 brings a Jupyter server along, which is not the one that runs.
#[test]
fn a_server_shows_it_to_those_who_are_logged_in_and_looks_anew_when_asked() {
    let _alone = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    for (environment, module) in [("notebook-6", "notebook"), ("jupyter", "jupyter_server")] {
        let mut command = Command::new(part(environment).join("bin/python"));
        command.arg("-B").arg(own("tests/python_package/behind_a_login.py")).arg(module);
        let ran = command.env_remove("PYTHONPATH").output().unwrap();
        assert!(ran.status.success(), "{module}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn a_browser_shows_it_behind_the_servers_login_and_below_a_cell() {
    let browser = part("jupyterlab").join("../../browser");
    if let Ok(reason) = fs::read_to_string(browser.join("skipped")) {
        println!("skipped: {reason}");
        return;
    }
    let class = Class::new();
    let server = Running::of(
        &class.python(),
        "jupyterlab",
        "/user/kim/",
        &["--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"],
    );
    fs::copy(own("packaging/jupyter/gpucheck.ipynb"), server.folder().join("gpucheck.ipynb")).unwrap();
    let mut command = Command::new("python3");
    command.arg(own("tests/python_package/in_a_browser.py")).arg(&browser);
    command.args([server.address(), server.token()]).args(std::env::var_os("GPUCHECK_SHOTS"));
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    println!("{said}");
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}

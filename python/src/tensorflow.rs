//! TensorFlow: where it is, what it lists, what it computes.

use crate::{devices, say, tensorflow_operations};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

type Compute = fn(&Bound<'_, PyModule>, &str) -> PyResult<bool>;

/// The operations that are tried on each GPU, up to the first that is not right.
const OPERATIONS: [(&str, Compute); 2] =
    [("matmul", tensorflow_operations::multiply), ("nn.conv2d", tensorflow_operations::convolve)];

/// What the parent is told; sent again whenever more is known.
struct Seen {
    interpreter: Value,
    sys_path: Vec<String>,
    package: Option<PathBuf>,
}

impl Seen {
    /// The whole, with this `Observed<Listing>`.
    fn with(&self, listing: &Value) -> Value {
        let tensorflow = self
            .package
            .as_ref()
            .map(|package| json!({ "package": package.to_string_lossy(), "listing": listing }));
        json!({ "interpreter": self.interpreter, "sys_path": self.sys_path, "tensorflow": tensorflow })
    }
}

/// Looks and answers.
pub(crate) fn look(py: Python<'_>, full: bool, computes: bool) -> PyResult<()> {
    let mut seen = Seen { interpreter: interpreter(py)?, sys_path: sys_path(py)?, package: None };
    say::so_far("looked", &seen.with(&Value::Null));
    say::step("find tensorflow");
    let found = match find(py) {
        Ok(found) => found,
        Err(error) => {
            // The search itself broke: what stands in the way of it stands in the way of the import.
            seen.package = Some(PathBuf::new());
            say::answer("looked", &seen.with(&say::failed(py, "find tensorflow", &error)));
            return Ok(());
        }
    };
    let Some(package) = found else {
        say::answer("looked", &seen.with(&Value::Null));
        return Ok(());
    };
    seen.package = Some(package.clone());
    say::so_far(
        "looked",
        &seen.with(&json!({ "not_probed": { "why": "the look ended before the listing" } })),
    );
    let listing = if full { look_full(py, &seen, computes) } else { look_bare(py, &package) };
    say::answer("looked", &seen.with(&listing));
    Ok(())
}

fn interpreter(py: Python<'_>) -> PyResult<Value> {
    let sys = py.import("sys")?;
    let of = |name: &str| sys.getattr(name).map(|value| say::text(&value));
    let version = sys.getattr("version_info")?;
    let number = |name: &str| version.getattr(name)?.extract::<u32>();
    let locked = match sys.getattr("_is_gil_enabled") {
        Ok(asked) => asked.call0()?.is_truthy()?,
        Err(_) => true,
    };
    Ok(json!({
        "version": format!("{}.{}.{}", number("major")?, number("minor")?, number("micro")?),
        "implementation": say::text(&sys.getattr("implementation")?.getattr("name")?),
        "executable": of("executable")?,
        "prefix": of("prefix")?,
        "base_prefix": of("base_prefix")?,
        "free_threaded": !locked,
    }))
}

fn sys_path(py: Python<'_>) -> PyResult<Vec<String>> {
    Ok(py.import("sys")?.getattr("path")?.try_iter()?.flatten().map(|entry| say::text(&entry)).collect())
}

/// The folder that `import tensorflow` would take, or the file where it is no package.
fn find(py: Python<'_>) -> PyResult<Option<PathBuf>> {
    let spec = py.import("importlib.util")?.call_method1("find_spec", ("tensorflow",))?;
    if spec.is_none() {
        return Ok(None);
    }
    let folders = spec.getattr("submodule_search_locations")?;
    if folders.is_none() {
        return Ok(Some(path(&spec.getattr("origin")?)));
    }
    // A namespace package has a path object that can be walked but not indexed.
    folders.try_iter()?.next().transpose().map(|folder| folder.map(|folder| path(&folder)))
}

/// A path with every byte it has; as text where it is none.
fn path(value: &Bound<'_, PyAny>) -> PathBuf {
    value.extract().unwrap_or_else(|_| say::text(value).into())
}

fn look_bare(py: Python<'_>, package: &Path) -> Value {
    let step = "import tensorflow.python.client.device_lib";
    if let Some(reason) = no_bare_look(py, package) {
        return say::refused(step, "NoBareLook", &reason);
    }
    let prepare = || -> PyResult<()> {
        // Binding every symbol at once costs 100 ms with TensorFlow 2.21.
        let lazy = py.import("os")?.getattr("RTLD_LAZY")?;
        py.import("sys")?.call_method1("setdlopenflags", (lazy,))?;
        stand_in(py, &modules_folder(package))
    };
    match prepare() {
        Ok(()) => list(py).map_or_else(|failed| failed, |devices| seen(None, &devices, &[])),
        Err(error) => say::failed(py, step, &error),
    }
}

/// Why the empty parents would not show what the import shows.
fn no_bare_look(py: Python<'_>, package: &Path) -> Option<String> {
    if !modules_folder(package).join("python").is_dir() {
        return Some(format!("{} has no python folder", package.display()));
    }
    let imported = py.import("sys").and_then(|sys| sys.getattr("modules")?.contains("tensorflow"));
    if imported.unwrap_or(true) {
        return Some("something imported tensorflow at the start of the interpreter".to_owned());
    }
    // Device plugins are loaded by tensorflow/__init__.py, which a bare look does not run.
    let entries =
        py.import("sys").and_then(|sys| sys.getattr("path")?.try_iter()?.collect::<PyResult<Vec<_>>>());
    entries
        .unwrap_or_default()
        .iter()
        .map(|entry| path(entry).join("tensorflow-plugins"))
        .find(|folder| folder.is_dir())
        .map(|folder| format!("device plugins in {}", folder.display()))
}

/// Where the modules are: TensorFlow 1.15 has them in a package beside the one that is imported.
fn modules_folder(package: &Path) -> PathBuf {
    let core = package.with_file_name("tensorflow_core");
    if !package.join("python").is_dir() && core.join("python").is_dir() { core } else { package.to_owned() }
}

/// Puts empty parent packages where Python looks for imported ones.
fn stand_in(py: Python<'_>, folder: &Path) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    for (name, folder) in [("tensorflow", folder.to_owned()), ("tensorflow.python", folder.join("python"))] {
        let parent = PyModule::new(py, name)?;
        // As text: the import system passes over path objects.
        parent.setattr("__path__", PyList::new(py, [folder.as_os_str()])?)?;
        modules.set_item(name, parent)?;
    }
    Ok(())
}

fn look_full(py: Python<'_>, so_far: &Seen, computes: bool) -> Value {
    let step = "import tensorflow";
    say::step(step);
    let tensorflow = match py.import("tensorflow") {
        Ok(tensorflow) => tensorflow,
        Err(error) => return say::failed(py, step, &error),
    };
    let version = tensorflow.getattr("__version__").map(|version| say::text(&version)).ok();
    let devices = match list(py) {
        Ok(devices) => devices,
        Err(failed) => return failed,
    };
    let mut operations = Vec::new();
    for name in gpus(&devices).filter(|_| computes) {
        for (operation, compute) in OPERATIONS {
            // An operation that crashes shall not take with it what was seen before.
            say::so_far("looked", &so_far.with(&seen(version.as_deref(), &devices, &operations)));
            let (outcome, right) = operate(&tensorflow, name, operation, compute);
            operations.push(outcome);
            if !right {
                break;
            }
        }
    }
    seen(version.as_deref(), &devices, &operations)
}

/// The devices, or the failure that stands for them.
fn list(py: Python<'_>) -> Result<Vec<Value>, Value> {
    let step = "import tensorflow.python.client.device_lib";
    say::step(step);
    let client = PyDict::new(py);
    let import = || -> PyResult<_> {
        py.run(c"from tensorflow.python.client import device_lib", Some(&client), None)?;
        client.as_any().get_item("device_lib")
    };
    let device_lib = import().map_err(|error| say::failed(py, step, &error))?;
    let step = "device_lib.list_local_devices()";
    say::step(step);
    device_lib
        .call_method0("list_local_devices")
        .and_then(|listed| devices::walk(&listed))
        .map_err(|error| say::failed(py, step, &error))
}

/// The names of the GPUs in a list.
fn gpus(devices: &[Value]) -> impl Iterator<Item = &str> {
    devices
        .iter()
        .filter(|device| device.get("device_type").and_then(Value::as_str) == Some("GPU"))
        .filter_map(|device| device.get("name")?.as_str())
}

/// Computes on a device: the operation as a fact, and whether its result was right.
fn operate(tensorflow: &Bound<'_, PyModule>, device: &str, name: &str, compute: Compute) -> (Value, bool) {
    let step = format!("tf.{name} on {device}");
    say::step(&step);
    let correct = compute(tensorflow, device);
    let right = matches!(correct, Ok(true));
    let correct = match correct {
        Ok(correct) => json!({ "seen": correct }),
        Err(error) => say::failed(tensorflow.py(), &step, &error),
    };
    (json!({ "device": device, "name": name, "correct": correct }), right)
}

fn seen(version: Option<&str>, devices: &[Value], operations: &[Value]) -> Value {
    json!({ "seen": { "version": version, "devices": devices, "operations": operations } })
}

//! The CUDA libraries that each framework of a Python would take, found as the dynamic loader and the framework find them.
//!
//! Invariants: headers and short texts are read, nothing is loaded; what a framework opens by name is looked for only where
//! the framework's own files tell the name.
//!
//! Sources: `dso_loader.cc` of openxla/xla (TensorFlow and JAX open `libcublas.so.12` and the like by name, from
//! libtensorflow_framework and from JAX's plugin), `_load_nvidia_libraries` in jax_plugins/xla_cuda12/__init__.py, the
//! `DT_NEEDED` of CuPy's `cupy_backends/cuda/libs`.

use super::{
    Ask,
    files::read_text,
    libraries::is_cuda_library,
    linked::{Walk, Wheels},
};
use crate::{probe::cuda, root::Root};
use gpucheck_checks::fact::{
    ArrayLibrary, CudaLibraries, DriverLibrary, Framework, FrameworkLibraries, Interpreter, Jax,
    LinkedLibraries, Observed, Python, TensorFlow, TensorFlowBuild,
};
use std::{fs, path::Path};

/// Most files of a package that are begun with.
const MOST_FILES: usize = 64;
/// What opens CUDA's libraries in TensorFlow's package, from 2.x on and before.
const TENSORFLOW: [&str; 4] = [
    "libtensorflow_framework.so.2",
    "libtensorflow_cc.so.2",
    "libtensorflow_framework.so.1",
    "python/_pywrap_tensorflow_internal.so",
];
/// Why a library was not tried.
const UNTRIED: &str = "--full tries it, and a framework that fails on a GPU that computes";

/// What the frameworks of a Python take.
pub(super) fn of(
    python: &Python,
    interpreter: &Interpreter,
    sys_path: &[String],
    ask: &Ask,
) -> CudaLibraries {
    let walk = || Walk::of(interpreter, sys_path, ask).with(Wheels::Never);
    let packages = python.packages.seen();
    let tensorflow =
        python.tensorflow.seen().and_then(Option::as_ref).and_then(|found| of_tensorflow(walk(), found));
    let torch = packages.and_then(|packages| packages.torch.as_ref());
    let torch = torch.filter(|torch| torch.libraries.seen().is_some()).map(|torch| torch.libraries.clone());
    let has_jax = packages.and_then(|packages| packages.jax.as_ref()).is_some_and(Jax::has_cuda);
    let jax = has_jax.then(|| of_jax(walk, sys_path)).flatten();
    let has_cupy = packages.and_then(|packages| packages.cupy.as_ref()).is_some_and(ArrayLibrary::counts);
    let cupy = has_cupy.then(|| of_cupy(walk(), sys_path)).flatten();
    let all = [
        (Framework::TensorFlow, tensorflow.map(Observed::Seen)),
        (Framework::Torch, torch),
        (Framework::Jax, jax.map(Observed::Seen)),
        (Framework::Cupy, cupy.map(Observed::Seen)),
    ];
    let told = all.into_iter().filter_map(|(framework, linked)| {
        let linked = linked?;
        let untried = || Observed::not_probed(UNTRIED);
        Some(FrameworkLibraries { framework, linked, cublas: untried(), cudnn: untried() })
    });
    let frameworks: Vec<FrameworkLibraries> = told.collect();
    let driver = if frameworks.is_empty() { None } else { driver(&walk()) };
    CudaLibraries { driver, frameworks }
}

/// `libcuda.so.1` as the interpreter's loader finds it.
fn driver(walk: &Walk) -> Option<DriverLibrary> {
    let (path, rule) = walk.by_interpreter(cuda::SONAME)?;
    let target = fs::canonicalize(&path).ok();
    let target = target.map_or_else(|| path.clone(), |target| target.to_string_lossy().into_owned());
    Some(DriverLibrary { path, target, rule })
}

/// Of TensorFlow: what its libraries are linked with, and cuBLAS and cuDNN of the versions that it was built with.
fn of_tensorflow(mut walk: Walk, found: &TensorFlow) -> Option<LinkedLibraries> {
    let build = found.build.seen().filter(|build| build.is_cuda_build == Some(true))?;
    let roots = TENSORFLOW.map(|file| format!("{}/{file}", found.package));
    if !walk.begin(&roots) {
        return None;
    }
    for name in opened(build) {
        walk.opens(&name, &roots);
    }
    Some(walk.told())
}

/// The names by which a TensorFlow opens cuBLAS and cuDNN. cuBLAS has had its own number since CUDA 10.1, which is that of
/// CUDA's major version.
fn opened(build: &TensorFlowBuild) -> Vec<String> {
    let major =
        |version: &Option<String>| -> Option<u32> { version.as_deref()?.split('.').next()?.parse().ok() };
    let cuda = major(&build.cuda_version).filter(|cuda| *cuda >= 11);
    let cublas = cuda.map(|cuda| format!("libcublas.so.{cuda}"));
    let cudnn = major(&build.cudnn_version).map(|cudnn| format!("libcudnn.so.{cudnn}"));
    cublas.into_iter().chain(cudnn).collect()
}

/// Of JAX: what its plugin names, from NVIDIA's wheels first; and what its libraries are linked with.
fn of_jax(walk: impl Fn() -> Walk, sys_path: &[String]) -> Option<LinkedLibraries> {
    let files = Root::new("/");
    for site in sites(sys_path) {
        let plugins = files.some_names(&format!("{site}/jax_plugins"), MOST_FILES);
        let Some(plugin) = plugins.into_iter().filter(|name| name.starts_with("xla_cuda")).max() else {
            continue;
        };
        let plugin = format!("{site}/jax_plugins/{plugin}");
        let cuda = plugin.rsplit("xla_cuda").next().unwrap_or_default().to_owned();
        let library = vec![format!("{plugin}/xla_cuda_plugin.so")];
        let mut roots = library.clone();
        roots.extend(shared_objects(&format!("{site}/jax_cuda{cuda}_plugin")));
        let text = read_text(Path::new(&format!("{plugin}/__init__.py"))).unwrap_or_default();
        let named = quoted_libraries(&text);
        // Plugins of before name none, and load none by themselves.
        let mut walk = walk().with(if named.is_empty() { Wheels::Never } else { Wheels::First });
        if !walk.begin(&roots) {
            continue;
        }
        for name in &named {
            walk.opens(name, &library);
        }
        return Some(walk.told());
    }
    None
}

/// The names of CUDA's libraries that stand in quotes in a text, each once.
fn quoted_libraries(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in text.split(['"', '\'']).filter(|name| name.contains(".so.") && is_cuda_library(name)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Of CuPy: what its modules for each library of CUDA's are linked with.
fn of_cupy(mut walk: Walk, sys_path: &[String]) -> Option<LinkedLibraries> {
    let folder = |site: &str| shared_objects(&format!("{site}/cupy_backends/cuda/libs"));
    let roots = sites(sys_path).map(folder).find(|roots| !roots.is_empty())?;
    walk.begin(&roots).then(|| walk.told())
}

fn sites(sys_path: &[String]) -> impl Iterator<Item = &str> {
    sys_path.iter().map(String::as_str).filter(|site| site.starts_with('/')).take(MOST_FILES)
}

fn shared_objects(folder: &str) -> Vec<String> {
    let names = Root::new("/").some_names(folder, MOST_FILES).into_iter();
    names
        .filter(|name| name.rsplit_once('.').is_some_and(|(_, end)| end == "so"))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensorflow_opens_what_it_was_built_with() {
        let build = |cuda: &str, cudnn: &str| {
            let (cuda_version, cudnn_version) = (Some(cuda.to_owned()), Some(cudnn.to_owned()));
            opened(&TensorFlowBuild { cuda_version, cudnn_version, ..TensorFlowBuild::default() })
        };
        // tf.sysconfig.get_build_info() of TensorFlow 2.21, 2.12 and 2.0.
        assert_eq!(build("12.5.1", "9"), ["libcublas.so.12", "libcudnn.so.9"]);
        assert_eq!(build("11.8", "8"), ["libcublas.so.11", "libcudnn.so.8"]);
        assert_eq!(build("10.0", "7"), ["libcudnn.so.7"]);
    }

    #[test]
    fn jax_names_what_it_loads() {
        // jax_plugins/xla_cuda12/__init__.py of jax-cuda12-plugin 0.6.2.
        let text = "def _load_nvidia_libraries():\n  _load(\"cuda_runtime\", [\"libcudart.so.12\"])\n  \
                    _load(\"cublas\", [\"libcublas.so.12\", \"libcublasLt.so.12\"])\n  \
                    _load(\"cudnn\", [\"libcudnn.so.9\"])\n  path = 'xla_cuda_plugin.so'\n";
        assert_eq!(
            quoted_libraries(text),
            ["libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcudnn.so.9"]
        );
    }
}

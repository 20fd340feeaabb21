//! What an environment has of CUDA: distributions, conda's packages, libraries, libdevice, variables.
//!
//! Invariants: files are listed and read, nothing is run or loaded; every list is bounded; what may not be read is a
//! value; of the variables only those by a name that is known here are taken.

use super::{
    by_files::Files,
    conda,
    discover::Environment,
    distributions::Installed,
    leftovers::inherited,
    libraries::{Places, folders},
};
use crate::root::Root;
use gpucheck_checks::fact::CudaParts;
use std::{collections::BTreeMap, env, ffi::OsStr};

/// Variables that decide about CUDA in a framework. A pattern such as `TF_*` would take in Terraform's passwords.
pub(super) const VARIABLES: [&str; 32] = [
    "CONDA_OVERRIDE_CUDA",
    "CUDA_CACHE_DISABLE",
    "CUDA_CACHE_MAXSIZE",
    "CUDA_CACHE_PATH",
    "CUDA_DEVICE_ORDER",
    "CUDA_DIR",
    "CUDA_DISABLE_PTX_JIT",
    "CUDA_FORCE_PTX_JIT",
    "CUDA_HOME",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_MODULE_LOADING",
    "CUDA_PATH",
    "CUDA_ROOT",
    "CUDA_VISIBLE_DEVICES",
    "JAX_PLATFORMS",
    "JAX_PLATFORM_NAME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NVIDIA_TF32_OVERRIDE",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_CUDNN_USE_AUTOTUNE",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "TF_MIN_GPU_MULTIPROCESSOR_COUNT",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
];
/// Longest value of a variable that is kept, in bytes.
const LONGEST_VALUE: usize = 4096;
/// The file that XLA links programs with.
const LIBDEVICE: &str = "nvvm/libdevice/libdevice.10.bc";

/// Reads them.
pub(super) fn read(files: &Files<'_>, installed: &Installed) -> CudaParts {
    let sites: Vec<String> = installed.folders_of("nvidia-").into_iter().collect();
    let library_path = inherited(files.environment, "LD_LIBRARY_PATH");
    let conda = conda::packages(files.root, files.prefix);
    let places = Places {
        library_path: library_path.as_deref(),
        sites: &sites,
        prefix: conda.is_some().then_some(files.prefix),
        root: files.root,
        system: files.system,
    };
    CudaParts {
        distributions: installed.starting_with("nvidia-"),
        conda: conda.unwrap_or_default(),
        folders: folders(&places),
        libdevice: libdevice(files),
        ptxas: ptxas(files),
        variables: variables(files.environment),
    }
}

fn variables(environment: &Environment) -> BTreeMap<String, String> {
    let value = |name: &&str| {
        let mut value = inherited(environment, name)?.to_string_lossy().into_owned();
        let end = (0..=LONGEST_VALUE.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
        value.truncate(end.unwrap_or(0));
        Some(((*name).to_owned(), value))
    };
    VARIABLES.iter().filter_map(value).collect()
}

/// Where XLA looks: what `XLA_FLAGS` names, `./cuda_sdk_lib`, toolkits, the distribution `nvidia-cuda-nvcc-*`, a copy in
/// TensorFlow's own package, and from about TensorFlow 2.19 on the prefix.
///
/// Source: openxla/xla, xla/tsl/platform/default/cuda_root_path.cc.
fn roots(files: &Files<'_>) -> Vec<String> {
    let mut roots: Vec<String> = xla_data_dir(files.environment).into_iter().collect();
    if files.root.is_this_machine() {
        let here = files.environment.folder.clone().or_else(|| env::current_dir().ok());
        roots.extend(here.map(|here| format!("{}/cuda_sdk_lib", here.display())));
    }
    for site in files.sys_path.iter().filter(|site| site.starts_with('/')).take(64) {
        roots.extend(
            ["nvidia/cuda_nvcc", "nvidia/cu13", "tensorflow/cuda"].map(|part| format!("{site}/{part}")),
        );
    }
    roots.push(files.prefix.to_owned());
    roots
}

fn libdevice(files: &Files<'_>) -> Vec<String> {
    let in_roots = roots(files).into_iter().map(|root| format!("{root}/{LIBDEVICE}"));
    let mut found: Vec<String> = in_roots.filter(|file| files.root.is_file(file)).collect();
    let in_system = toolkits(files.system).into_iter().map(|root| format!("{root}/{LIBDEVICE}"));
    found.extend(in_system.filter(|file| files.system.exists(file)));
    found.dedup();
    found
}

fn ptxas(files: &Files<'_>) -> Vec<String> {
    let on_path = env::split_paths(&files.environment.path).take(64).filter(|folder| folder.is_absolute());
    let on_path = on_path.map(|folder| folder.join("ptxas").to_string_lossy().into_owned());
    let in_roots = roots(files).into_iter().map(|root| format!("{root}/bin/ptxas"));
    let mut found: Vec<String> = on_path.chain(in_roots).filter(|file| files.root.is_file(file)).collect();
    let in_system = toolkits(files.system).into_iter().map(|root| format!("{root}/bin/ptxas"));
    found.extend(in_system.filter(|file| files.system.exists(file)));
    let mut seen = Vec::new();
    found.retain(|file| {
        !seen.contains(file) && {
            seen.push(file.clone());
            true
        }
    });
    found
}

/// The folders of installed toolkits.
pub(super) fn toolkits(system: &Root) -> Vec<String> {
    let is_toolkit = |name: &String| name == "cuda" || name.starts_with("cuda-");
    let mut found: Vec<String> = system
        .names("/usr/local")
        .into_iter()
        .filter(is_toolkit)
        .take(16)
        .map(|name| format!("/usr/local/{name}"))
        .collect();
    found.push("/opt/cuda".to_owned());
    found
}

/// `--xla_gpu_cuda_data_dir=DIR` in `XLA_FLAGS`.
fn xla_data_dir(environment: &Environment) -> Option<String> {
    let flags = inherited(environment, "XLA_FLAGS")?;
    let folder = OsStr::to_str(&flags)?
        .split_whitespace()
        .find_map(|flag| flag.trim_start_matches('-').strip_prefix("xla_gpu_cuda_data_dir="))?;
    folder.starts_with('/').then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{LibraryPlace, Observed};
    use std::fs;

    /// An environment and a system in folders.
    struct Place {
        folder: tempfile::TempDir,
        environment: Environment,
    }

    impl Place {
        fn new(files: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                let file = folder.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
            let clean = ["LD_LIBRARY_PATH", "XLA_FLAGS"].map(|name| (name.into(), None)).to_vec();
            Self { folder, environment: Environment { changes: clean, ..Environment::default() } }
        }

        fn path(&self, path: &str) -> String {
            self.folder.path().join(path).to_str().unwrap().to_owned()
        }

        fn set(&mut self, name: &'static str, value: &str) {
            self.environment.changes.push((name.into(), Some(value.into())));
        }

        fn parts(&self) -> CudaParts {
            let sys_path = [self.path("env/site")];
            let files = Files {
                environment: &self.environment,
                system: &Root::new(self.folder.path().join("system")),
                root: &Root::new("/"),
                prefix: &self.path("env"),
                sys_path: &sys_path,
            };
            read(&files, &Installed::on(files.root, files.sys_path))
        }
    }

    #[test]
    fn libraries_lie_in_the_order_of_the_loader() {
        let mut place = Place::new(&[
            "own/libcudnn.so.8",
            "env/site/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA",
            "env/site/nvidia/cudnn/lib/libcudnn.so.9",
            "env/site/nvidia/cudnn/lib/libcudnn_ops.so.9",
            "env/conda-meta/cudatoolkit-11.8.0-h4ba93d1_13.json",
            "env/lib/libcudart.so.11.0",
            "system/etc/ld.so.conf",
            "system/usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7",
            "system/usr/local/cuda-12.2/lib64/libcudart.so.12",
        ]);
        place.set("LD_LIBRARY_PATH", &format!("relative:{}:/nowhere", place.path("own")));
        let parts = place.parts();
        let told: Vec<_> = parts.folders.iter().map(|folder| (folder.place, folder.path.clone())).collect();
        let own = |path: &str| place.path(path);
        assert_eq!(
            told,
            [
                (LibraryPlace::LibraryPath, own("own")),
                (LibraryPlace::LibraryPath, "/nowhere".to_owned()),
                (LibraryPlace::Wheel, own("env/site/nvidia/cudnn/lib")),
                (LibraryPlace::Conda, own("env/lib")),
                (LibraryPlace::Loader, "/usr/lib/x86_64-linux-gnu".to_owned()),
                (LibraryPlace::Toolkit, "/usr/local/cuda-12.2/lib64".to_owned()),
            ]
        );
        assert_eq!(parts.folders[2].files, Observed::Seen(vec!["libcudnn.so.9".to_owned()]));
        assert!(matches!(parts.folders[1].files, Observed::Failed(_)), "{:?}", parts.folders[1]);
        assert_eq!(parts.distribution("nvidia-cudnn-cu12"), Some("9.1.0.70"));
        assert_eq!(parts.conda_package("cudatoolkit").unwrap().version, "11.8.0");
    }

    #[test]
    fn libdevice_is_where_xla_looks() {
        let file = |root: &str| format!("{root}/nvvm/libdevice/libdevice.10.bc");
        assert_eq!(Place::new(&[&file("elsewhere")]).parts().libdevice, [""; 0]);
        for root in ["env", "env/site/nvidia/cuda_nvcc", "env/site/tensorflow/cuda"] {
            let place = Place::new(&[&file(root)]);
            assert_eq!(place.parts().libdevice, [place.path(&file(root))]);
        }
        let toolkit = Place::new(&[&file("system/usr/local/cuda-11.8")]).parts();
        assert_eq!(toolkit.libdevice, ["/usr/local/cuda-11.8/nvvm/libdevice/libdevice.10.bc"]);
        let mut named = Place::new(&[&file("elsewhere")]);
        named.set("XLA_FLAGS", &format!("--a=b --xla_gpu_cuda_data_dir={}", named.path("elsewhere")));
        assert_eq!(named.parts().libdevice, [named.path(&file("elsewhere"))]);
    }

    #[test]
    fn only_variables_of_known_names_are_taken_and_none_is_endless() {
        let mut place = Place::new(&[]);
        place.set("TF_VAR_password", "secret");
        place.set("TF_XLA_FLAGS", &"é".repeat(LONGEST_VALUE));
        let variables = place.parts().variables;
        assert!(!variables.contains_key("TF_VAR_password"));
        assert_eq!(variables["TF_XLA_FLAGS"].len(), LONGEST_VALUE);
        assert!(VARIABLES.is_sorted());
    }
}

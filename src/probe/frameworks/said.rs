//! What a Python says over the pipe: the shapes that python/src and python/plain.py send.

use gpucheck_checks::fact::{FrameworkDevice, Interpreter, Listing, Observed, Operation};
use serde::Deserialize;

/// An answer, or what is known before it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// The interpreter does not load the extension, for this reason.
    NotLoaded(String),
    /// It looked at TensorFlow.
    Looked(Box<Looked>),
    /// It asked another framework.
    Asked(Box<Asked>),
}

/// What a look is about.
#[derive(Debug, Deserialize)]
pub(super) struct Looked {
    pub(super) interpreter: Interpreter,
    /// `sys.path`: where the distributions are.
    pub(super) sys_path: Vec<String>,
    /// None where TensorFlow is not installed, or not yet searched.
    pub(super) tensorflow: Option<Found>,
}

/// TensorFlow, as Python finds it.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    /// The folder of the package; the file where a lone module takes its name; empty where the search broke.
    pub(super) package: String,
    pub(super) listing: Observed<Listing>,
}

/// What PyTorch, JAX, CuPy or cuDF said and did.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// What its code was built for, where it says so.
    pub(super) architectures: Option<Vec<String>>,
    pub(super) devices: Observed<Vec<FrameworkDevice>>,
    pub(super) operations: Vec<Operation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_python_without_tensorflow() {
        let said: Said = serde_json::from_str(
            r#"{"looked": {"interpreter": {"version": "3.11.7", "implementation": "cpython", "executable": "/usr/bin/python3",
                "prefix": "/usr", "base_prefix": "/usr", "free_threaded": false}, "sys_path": [""], "tensorflow": null}}"#,
        )
        .unwrap();
        let Said::Looked(looked) = said else { panic!("{said:?}") };
        assert!(looked.tensorflow.is_none());
        assert_eq!(looked.interpreter.version, "3.11.7");
    }
}

//! Real Pythons for the tests, made by `tensorflow.sh`, `frameworks.sh` and `jupyterlab.sh` of
//! `tests/parts`.

use gpucheck::probe::frameworks::{Ask, Environment, probe};
use gpucheck_checks::fact::{DeviceAttributes, Look, Observed, Python, TensorFlow};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder of all environments.
fn parts() -> PathBuf {
    env::var_os("GPUCHECK_TEST_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts"), PathBuf::from)
        .join("python")
}

/// The folder of one environment; its absence is a failure that says what to run.
pub(crate) fn part(name: &str) -> PathBuf {
    let folder = parts();
    let environment = folder.join(name);
    let folder = folder.display();
    assert!(
        environment.join("gpucheck-stamp").is_file(),
        "no environment at {}: run tensorflow.sh, frameworks.sh and jupyterlab.sh of tests/parts with {folder} first",
        environment.display(),
    );
    environment
}

/// The folder of an environment that not every machine can have; where this one cannot, it prints why.
pub(crate) fn part_where_it_can_be(name: &str) -> Option<PathBuf> {
    match fs::read_to_string(parts().join(name).join("skipped")) {
        Ok(reason) => {
            println!("skipped, no environment {name}: {}", reason.trim());
            None
        }
        Err(_) => Some(part(name)),
    }
}

/// The usual question about one environment.
pub(crate) fn ask(environment: impl Into<PathBuf>) -> Ask {
    Ask::new(Environment { virtual_env: Some(environment.into()), ..Environment::default() })
}

/// The one Python that the probe finds.
pub(crate) fn look(ask: &Ask) -> Python {
    let Observed::Seen(frameworks) = probe(ask) else { panic!("the probe itself failed") };
    let [python] = frameworks.pythons.try_into().expect("one Python");
    python
}

/// Its TensorFlow.
pub(crate) fn tensorflow(python: &Python) -> &TensorFlow {
    python.tensorflow.seen().and_then(Option::as_ref).unwrap_or_else(|| panic!("no TensorFlow: {python:#?}"))
}

/// The devices of a look that succeeded.
pub(crate) fn devices(look: &Look) -> &[DeviceAttributes] {
    let Observed::Seen(listing) = &look.listing else { panic!("no listing: {look:#?}") };
    &listing.devices
}

/// What a script prints in an environment, run as anybody would run it.
pub(crate) fn output(environment: &Path, script: &str, args: &[&Path]) -> String {
    let output = Command::new(environment.join("bin/python"))
        .args(["-c", script])
        .args(args)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

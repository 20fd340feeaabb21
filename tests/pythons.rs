//! Real Pythons for the tests, made by `tests/parts/tensorflow.sh`.

use gpucheck::probe::frameworks::{Ask, Environment, probe};
use gpucheck_checks::fact::{DeviceAttributes, Look, Observed, Python, TensorFlow};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder of one environment; its absence is a failure that says what to run.
pub(crate) fn part(name: &str) -> PathBuf {
    let folder = env::var_os("GPUCHECK_TEST_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts"), PathBuf::from)
        .join("python");
    let environment = folder.join(name);
    assert!(
        environment.join("gpucheck-stamp").is_file(),
        "no environment at {}: run `sh tests/parts/tensorflow.sh {}` first",
        environment.display(),
        folder.display()
    );
    environment
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

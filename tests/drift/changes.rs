//! Each kind of change beside a machine that it broke: what changed is told first, with when and by which command.

use super::*;
use gpucheck_checks::fact::Installer;

fn event(by: &str, at: &str, environment: Option<&str>, command: Option<&str>, changes: &Value) -> Value {
    json!({"at": at, "by": by, "log": "a log", "command": command, "environment": environment, "changes": changes})
}

#[test]
fn a_wheel_for_the_cpu_was_installed_by_pip() {
    let before = with(
        "torch-with-cuda-wheels",
        &[inventory(&json!({"torch": "2.6.0+cu126", "six": "1.16.0"}), &json!({}), &json!({}), &json!([]))],
    );
    let mut run = event(
        "pip",
        "2026-11-24T10:12:00Z",
        Some(ENVIRONMENT),
        None,
        &json!([{"package": "torch", "to": "2.6.0+cpu"}]),
    );
    run["asked_for"] = json!(["torch"]);
    let now = with(
        "torch-cpu-wheel",
        &[inventory(&json!({"torch": "2.6.0+cpu", "six": "1.17.0"}), &json!({}), &json!({}), &json!([run]))],
    );
    let drift = compare(&before, &now);
    let change = explaining(&drift);
    assert_eq!(told(change), (What::Package, "torch", Some("2.6.0+cu126"), Some("2.6.0+cpu")));
    assert_eq!(change.place.as_deref(), Some(ENVIRONMENT));
    assert_eq!(change.when.as_deref(), Some("2026-11-24T10:12:00Z"));
    let by = change.by.as_ref().unwrap();
    assert_eq!((by.installer, by.asked_for.as_slice()), (Installer::Pip, &["torch".to_owned()][..]));
    let other = &drift.changes[1];
    assert_eq!(told(other).1, "six");
    assert!(!other.matters && other.explains.is_empty() && other.may_explain.is_empty());
}

#[test]
fn the_same_in_another_environment_explains_nothing_here() {
    let elsewhere = |version: &str| {
        let stock = json!({"python": "/opt/b/bin/python", "distributions": {"torch": version}});
        ("/inventory", json!({"seen": {"environments": {"/opt/b": {"seen": stock}}}}))
    };
    let before = with("torch-with-cuda-wheels", &[elsewhere("2.6.0+cu126")]);
    let now = with("torch-cpu-wheel", &[elsewhere("2.6.0+cpu")]);
    let drift = compare(&before, &now);
    assert_eq!(drift.roots[0].since, Since::Unexplained);
    assert!(drift.changes[0].matters && drift.changes[0].explains.is_empty(), "{drift:#?}");
    assert!(drift.changes[0].may_explain.is_empty(), "{drift:#?}");
}

#[test]
fn condas_build_for_the_cpu_was_installed_by_its_command() {
    let (cuda, cpu) = ("2.5.1 py3.10_cuda12.4_cudnn9.1.0_0", "2.5.1 cpu_generic_py310_h1234567_5");
    let command = "/anaconda/bin/conda install -n tf pytorch-lightning";
    let changes = json!([{"package": "pytorch", "from": cuda, "to": cpu}]);
    let run = event("conda", "2026-11-24T10:12:00", Some(ENVIRONMENT), Some(command), &changes);
    let before = with(
        "t4-535",
        &[inventory(&json!({"torch": "2.5.1"}), &json!({"pytorch": cuda}), &json!({}), &json!([]))],
    );
    let now = with(
        "torch-conda-cpu",
        &[inventory(&json!({"torch": "2.5.1"}), &json!({"pytorch": cpu}), &json!({}), &json!([run]))],
    );
    let drift = compare(&before, &now);
    let change = explaining(&drift);
    assert_eq!(told(change), (What::Package, "pytorch", Some(cuda), Some(cpu)));
    assert_eq!(change.by.as_ref().unwrap().command.as_deref(), Some(command));
    assert_eq!(drift.changes.len(), 1, "what conda brought is told once: {drift:#?}");
}

#[test]
fn a_new_linux_came_with_unattended_upgrades() {
    let before = with("t4-535", &[nothing()]);
    let broken = Machine::load("module-missing-new-kernel").facts;
    let release = broken.platform.seen().unwrap().linux_release.clone();
    let changes = json!([{"package": format!("linux-image-{release}"), "to": "6.8.0-1021.25"}]);
    let run = event("apt", "2026-11-24T06:12:31", None, Some("/usr/bin/unattended-upgrade"), &changes);
    let now =
        with("module-missing-new-kernel", &[inventory(&json!({}), &json!({}), &json!({}), &json!([run]))]);
    let drift = compare(&before, &now);
    let change = explaining(&drift);
    let was = before.platform.seen().unwrap().linux_release.as_str();
    assert_eq!(told(change), (What::Linux, "Linux", Some(was), Some(release.as_str())));
    assert_eq!(change.when.as_deref(), Some("2026-11-24T06:12:31"));
    assert_eq!(change.by.as_ref().unwrap().command.as_deref(), Some("/usr/bin/unattended-upgrade"));
}

#[test]
fn the_drivers_libraries_were_updated_under_the_module() {
    let before = with("t4-535", &[nothing()]);
    let libraries = |facts: &Facts| facts.module.seen().unwrap().libraries.clone();
    let now = Machine::load("driver-library-mismatch").facts;
    assert_ne!(libraries(&before), libraries(&now));
    let drift = compare(&before, &now);
    let change = explaining(&drift);
    assert_eq!(change.what, What::DriverLibraries);
    assert_eq!(change.from.as_deref(), Some("535.161.08"));
}

#[test]
fn a_variable_hides_the_gpu() {
    let before = with("t4-535", &[nothing()]);
    let variables = json!({"CUDA_VISIBLE_DEVICES": "-1", "PYTHONUNBUFFERED": "1"});
    let now = with("cvd-hides-gpu", &[inventory(&json!({}), &json!({}), &variables, &json!([]))]);
    let drift = compare(&before, &now);
    assert_eq!(told(explaining(&drift)), (What::Variable, "CUDA_VISIBLE_DEVICES", None, Some("-1")));
    assert!(!drift.changes[1].matters, "{drift:#?}");
}

#[test]
fn a_kernel_starts_something_else() {
    let before = with("t4-535", &[nothing()]);
    let now = with("kernel-hides-gpu", &[nothing()]);
    let change = compare(&before, &now);
    let change = explaining(&change);
    assert_eq!((change.what, change.subject.as_str(), &change.from), (What::Kernelspec, "cpu", &None));

    let healthy =
        with("kernel-hides-gpu", &[nothing(), ("/notebooks/seen/kernelspecs/1/spec/seen/env", json!({}))]);
    let drift = compare(&healthy, &now);
    let change = explaining(&drift);
    assert!(change.to.as_ref().unwrap().contains("CUDA_VISIBLE_DEVICES="), "{change:?}");
}

#[test]
fn another_gpu_is_beyond_what_the_wheel_was_built_for() {
    let before = with("torch-newer-minor", &[nothing()]);
    let now = with("torch-arch-mismatch", &[nothing()]);
    let drift = compare(&before, &now);
    let change = explaining(&drift);
    assert_eq!((change.what, change.from.as_deref()), (What::Gpu, Some("Tesla T4")));
}

#[test]
fn a_setting_of_the_gpu_was_changed() {
    let before = with("t4-535", &[nothing()]);
    let drift = compare(&before, &with("compute-mode-prohibited", &[nothing()]));
    let change = explaining(&drift);
    assert_eq!(told(change), (What::Setting, "compute mode", Some("default"), Some("prohibited")));
}

#[test]
fn a_library_that_the_framework_wants_is_another() {
    let before = with(
        "t4-535",
        &[inventory(&json!({"nvidia-cudnn-cu12": "8.9.7.29"}), &json!({}), &json!({}), &json!([]))],
    );
    let now = with(
        "cudnn-too-old",
        &[inventory(&json!({"nvidia-cudnn-cu12": "8.6.0.163"}), &json!({}), &json!({}), &json!([]))],
    );
    assert_eq!(explaining(&compare(&before, &now)).subject, "nvidia-cudnn-cu12");
    let before =
        with("t4-535", &[inventory(&json!({"numpy": "1.26.4"}), &json!({}), &json!({}), &json!([]))]);
    let now = with(
        "numpy-2-under-tf",
        &[inventory(&json!({"numpy": "2.1.0"}), &json!({}), &json!({}), &json!([]))],
    );
    assert_eq!(told(explaining(&compare(&before, &now))).3, Some("2.1.0"));
}

#[test]
fn an_environment_is_gone() {
    let before = with("t4-535", &[nothing()]);
    let gone = json!({"failed": {"refused": {"step": "open", "code": 2, "name": "", "message": ""}}});
    let now = with("python-gone", &[("/inventory", json!({"seen": {"environments": {ENVIRONMENT: gone}}}))]);
    let drift = compare(&before, &now);
    assert_eq!(told(explaining(&drift)), (What::Environment, ENVIRONMENT, Some("Python 3.10.14"), None));

    let hidden = json!({"failed": {"refused": {"step": "open", "code": 13, "name": "", "message": ""}}});
    let now = with("t4-535", &[("/inventory", json!({"seen": {"environments": {ENVIRONMENT: hidden}}}))]);
    let drift = compare(&before, &now);
    assert!(drift.changes.is_empty() && drift.untold.len() == 1, "{drift:#?}");
}

#[test]
fn what_was_so_already_is_told_as_that() {
    let stock = |version: &str| inventory(&json!({"torch": version}), &json!({}), &json!({}), &json!([]));
    let before = with("torch-cpu-wheel", &[stock("2.6.0+cpu")]);
    let now = with("torch-cpu-wheel", &[stock("2.6.1+cpu")]);
    let drift = compare(&before, &now);
    assert_eq!(drift.roots[0].since, Since::Already);
    assert!(drift.changes.iter().all(|change| change.explains.is_empty()), "{drift:#?}");
}

#[test]
fn what_nothing_explains_is_told_as_that() {
    let drift = compare(&with("t4-535", &[nothing()]), &with("gpu-fallen-off-bus", &[nothing()]));
    assert!(drift.changes.is_empty(), "{drift:#?}");
    assert_eq!(drift.roots[0].since, Since::Unexplained);
}

#[test]
fn a_python_that_was_not_looked_at_before_is_not_known_to_have_been_well() {
    let before = with("t4-535", &[("/frameworks", json!({"not_probed": {"why": "as root"}}))]);
    let drift = compare(&before, &with("torch-cpu-wheel", &[]));
    assert_eq!(drift.roots[0].since, Since::Unknown, "{drift:#?}");
}

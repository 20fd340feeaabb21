//! The machine in brief, a line each: the host, its GPUs, the driver, the Pythons.

use gpucheck_checks::{GpuSummary, HostSummary, Language, Machine, MachineWords, PythonSummary};

/// The lines. Machines' own texts stand in them as they are.
pub(super) fn lines(machine: &Machine, language: Language) -> Vec<String> {
    let words = &language.words().machine;
    let mut lines = vec![host(&machine.host, words)];
    lines.extend(machine.gpus.iter().map(|gpu| describe_gpu(gpu, words)));
    if let Some(version) = machine.driver.version.as_ref().or(machine.driver.module.as_ref()) {
        let driver = words.driver.with(&[("version", version)]);
        let cuda = machine.driver.cuda.as_ref().map(|cuda| words.cuda.with(&[("version", cuda)]));
        lines.push([Some(driver), cuda].into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
    lines.extend(machine.pythons.iter().map(|python| describe_python(python, words)));
    lines
}

/// The host alone.
pub(super) fn host(host: &HostSummary, words: &MachineWords) -> String {
    let linux = host.linux.as_ref().map(|release| format!("Linux {release}"));
    let hypervisor = host.hypervisor.as_ref();
    let hypervisor = hypervisor.map(|name| words.virtual_machine.with(&[("hypervisor", name)]));
    let container = host.container.as_ref().map(|name| words.container.with(&[("runtime", name)]));
    let parts = [host.os.clone(), linux, host.cloud.clone(), hypervisor, container];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { words.not_looked_at.clone() } else { parts.join(", ") }
}

fn describe_gpu(gpu: &GpuSummary, words: &MachineWords) -> String {
    let name = gpu.name.as_deref().unwrap_or("NVIDIA GPU");
    let place = words.gpu.with(&[("name", name), ("address", gpu.address.as_str())]);
    let memory = gpu.memory.map(|bytes| format!("{} MiB", bytes >> 20));
    let capability = gpu.compute_capability.as_ref();
    let capability = capability.map(|capability| words.capability.with(&[("capability", capability)]));
    [Some(place), memory, capability].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn describe_python(python: &PythonSummary, words: &MachineWords) -> String {
    let version = python.version.as_ref().map(|version| format!("Python {version}"));
    let (tensorflow, devices) = match &python.tensorflow {
        None => (None, words.no_tensorflow.clone()),
        Some(tensorflow) => {
            let devices = match tensorflow.devices.as_slice() {
                [] => words.no_devices.clone(),
                devices => words.lists.with(&[("devices", &devices.join(" "))]),
            };
            (Some(tensorflow.distribution.clone()), devices)
        }
    };
    let others = [&python.torch, &python.jax, &python.cupy, &python.cudf].map(Option::clone);
    let parts: Vec<String> =
        [version, tensorflow, Some(devices)].into_iter().chain(others).flatten().collect();
    format!("{}: {}", python.name, parts.join(", "))
}

//! What checks of foreign libraries have in common.

use crate::{
    ArchitectureRow, Finding, Judged, Knowledge, Modules, Outcome, Subject, Verdict,
    fact::{
        CudaDevice, DeviceNode, Facts, Listing, Look, Module, Observed, PciAddress, Place, ProbeFailure,
        Python, TensorFlow,
    },
};

/// Judges the loading of a library, with the fix for where it is missing.
pub(crate) fn library<T>(
    facts: &Facts,
    source: &Observed<T>,
    library: impl Fn(&T) -> &Observed<String>,
) -> Finding {
    for_place(facts, load(source, library))
}

/// Judges what only some questions ask for; nothing where nobody asked.
pub(crate) fn asked<T>(source: &Observed<T>, judge: impl FnOnce(&T) -> Finding) -> Judged {
    match source {
        Observed::NotProbed { .. } => Vec::new(),
        Observed::Seen(seen) | Observed::Interrupted { seen, .. } => vec![judge(seen)],
        Observed::Failed(by) => vec![Finding::unknown(Subject::Host, by.to_string())],
    }
}

/// Judges the module. Under WSL there is none to judge: the driver is Windows'.
pub(crate) fn module(facts: &Facts, judge: impl FnOnce(&Module) -> Finding) -> Judged {
    vec![match facts.module.seen() {
        None => Finding::unknown(Subject::Host, format!("modules: {}", facts.module.why_not())),
        Some(_) if facts.place() == Place::Wsl => {
            Finding::not_applicable(Subject::Host, "WSL: the driver is Windows'")
        }
        Some(module) => judge(module),
    }]
}

/// What is to be said of device nodes that the asking user may not open; none where there are none.
pub(crate) fn denied(facts: &Facts, nodes: &[&DeviceNode]) -> Option<Finding> {
    let first = nodes.first()?;
    let finding = Finding::fail(Subject::Host, format!("{} may not open {}", user(facts), first.path))
        .with("node", first.path.clone());
    Some(nodes.iter().fold(finding, |finding, node| finding.because(permissions(node))))
}

/// Whose a device node is, and who may open it.
pub(crate) fn permissions(node: &DeviceNode) -> String {
    let DeviceNode { path, mode, uid, gid, .. } = node;
    format!("{path} has mode {mode:04o}, owner {uid}, group {gid}")
}

/// An outcome as the finding of a cause that is about the same thing.
pub(crate) fn retold(outcome: &Outcome) -> Finding {
    let finding = Finding::fail(outcome.subject.clone(), outcome.summary.clone());
    outcome.evidence.iter().fold(finding, |finding, line| finding.because(line.clone()))
}

/// The id of the asking user, where it is known.
pub(crate) fn uid(facts: &Facts) -> Option<u32> {
    facts.platform.seen().map(|platform| platform.user.uid)
}

/// The asking user in words.
pub(crate) fn user(facts: &Facts) -> String {
    uid(facts).map_or("the asking user".to_owned(), |uid| format!("user {uid}"))
}

/// Adds the commands that make unified memory ready, now and at each boot.
pub(crate) fn load_unified_memory(facts: &Facts, finding: Finding) -> Finding {
    let install = if is_apt(facts) { "sudo apt install -y nvidia-modprobe && " } else { "" };
    finding
        .run(format!("{install}sudo nvidia-modprobe -u -c=0"))
        .run("echo nvidia-uvm | sudo tee /etc/modules-load.d/nvidia-uvm.conf")
}

/// Judges each GPU by CUDA's devices on it. Where MIG divides it, the one in trouble speaks for it.
pub(crate) fn each_gpu(
    facts: &Facts,
    judge: impl Fn(Subject, &CudaDevice) -> Finding,
    without_device: impl Fn(Subject) -> Finding,
) -> Judged {
    let judge_gpu = |gpu: PciAddress| {
        let devices = facts.cuda_devices_at(&gpu);
        let subject = Subject::Gpu(gpu);
        let findings = devices.into_iter().map(|device| judge(subject.clone(), device));
        findings
            .min_by_key(|finding| finding.verdict == Verdict::Pass)
            .unwrap_or_else(|| without_device(subject))
    };
    facts.gpu_addresses().into_iter().map(judge_gpu).collect()
}

/// Chooses the texts for WSL and for containers, where the driver is not for us to install.
pub(crate) fn for_place(facts: &Facts, finding: Finding) -> Finding {
    if in_container(facts) {
        finding.variant("container")
    } else if facts.place() == Place::Wsl {
        finding.variant("wsl")
    } else {
        finding
    }
}

fn load<T>(source: &Observed<T>, library: impl Fn(&T) -> &Observed<String>) -> Finding {
    let host = Subject::Host;
    match source.seen().map(&library) {
        Some(Observed::Seen(path)) => Finding::pass(host, path.clone()),
        Some(Observed::Failed(by) | Observed::Interrupted { by, .. }) => Finding::fail(host, by.to_string()),
        Some(Observed::NotProbed { .. }) | None => untold(source, library),
    }
}

/// Judges a call: what is to be found about it, none where it went well.
///
/// A call that was refused or during which the child broke off has failed. A child that could not be started
/// or broke off elsewhere leaves it untold.
pub(crate) fn call<T, U>(source: &Observed<T>, call: impl Fn(&T) -> &Observed<U>) -> Option<Finding> {
    match source.seen().map(&call) {
        Some(Observed::Seen(_)) => None,
        Some(Observed::Failed(by) | Observed::Interrupted { by, .. }) => {
            Some(Finding::fail(Subject::Host, by.to_string()))
        }
        Some(Observed::NotProbed { .. }) | None => Some(untold(source, call)),
    }
}

/// What to say of something that has no value: the child's end where that is the reason, else why nobody asked.
fn untold<T, U>(source: &Observed<T>, part: impl Fn(&T) -> &Observed<U>) -> Finding {
    match source.failure() {
        Some(
            by @ (ProbeFailure::Crashed { .. } | ProbeFailure::Exited { .. } | ProbeFailure::TimedOut { .. }),
        ) => Finding::fail(Subject::Host, by.to_string()),
        Some(
            ProbeFailure::Refused { .. } | ProbeFailure::NotStarted { .. } | ProbeFailure::Garbled { .. },
        )
        | None => Finding::unknown(Subject::Host, why(source, |seen| part(seen).why_not())),
    }
}

/// Why a part of a source has no value.
pub(crate) fn why<T>(source: &Observed<T>, part: impl Fn(&T) -> String) -> String {
    match source {
        Observed::Seen(seen) => part(seen),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => by.to_string(),
        Observed::NotProbed { why } => format!("not probed: {why}"),
    }
}

/// Whether CUDA shows no GPU for this value of `CUDA_VISIBLE_DEVICES`, whatever GPUs there are.
pub(crate) fn hides_all(value: &str) -> bool {
    let first = value.split(',').next().unwrap_or_default().trim();
    first.is_empty() || first == "NoDevFiles" || first.parse::<i64>().is_ok_and(|index| index < 0)
}

/// Words by which TensorFlow's log tells why it has no GPU.
pub(crate) const GPU_TROUBLE: &[&str] = &[
    "Could not load dynamic library",
    "Could not find cuda drivers",
    "failed call to cuInit",
    "Cannot dlopen some GPU libraries",
    "Ignoring visible gpu device",
    "was not built with CUDA kernel binaries",
    "CUDA_ERROR_",
    "Loaded runtime CuDNN library",
    "libdevice not found",
];

/// Judges TensorFlow in a Python; where it is not installed there is nothing to judge.
pub(crate) fn tensorflow(
    python: &Python,
    judge: impl Fn(Subject, &Python, &TensorFlow) -> Finding,
) -> Finding {
    let subject = python.subject();
    match &python.tensorflow {
        Observed::Seen(None) => Finding::not_applicable(subject, "TensorFlow is not installed"),
        Observed::Seen(Some(tensorflow)) | Observed::Interrupted { seen: Some(tensorflow), .. } => {
            judge(subject, python, tensorflow)
        }
        Observed::Interrupted { seen: None, .. } | Observed::Failed(_) | Observed::NotProbed { .. } => {
            Finding::unknown(subject, python.tensorflow.why_not())
        }
    }
}

/// Whether a look failed when TensorFlow was already imported: while listing or computing.
pub(crate) fn came_after_import(failure: &ProbeFailure) -> bool {
    ["device_lib.", "tf."].iter().any(|step| failure.step().starts_with(step))
}

/// The listing that tells most, and the look that it came from.
pub(crate) fn listing(tensorflow: &TensorFlow) -> Option<(&Look, &Listing)> {
    tensorflow.looks.iter().rev().find_map(|look| Some((look, look.listing.seen()?)))
}

/// Adds the lines of a log that hold one of the words, each once, six at most.
pub(crate) fn log_lines(finding: Finding, log: &str, words: &[&str]) -> Finding {
    let mut lines: Vec<&str> = Vec::new();
    for line in log.lines().map(str::trim).filter(|line| words.iter().any(|word| line.contains(word))) {
        if lines.len() < 6 && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.into_iter().fold(finding, |finding, line| finding.because(excerpt(line)))
}

/// A line, cut where it goes on for too long.
fn excerpt(line: &str) -> String {
    const LONGEST: usize = 300;
    let mut cut: String = line.chars().take(LONGEST).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// The version in the name of a library's file: `535.161.08` of `/usr/lib/libcuda.so.535.161.08`; none in `libcuda.so.1`.
pub(crate) fn library_version(path: &str) -> Option<&str> {
    let version = path.rsplit_once(".so.")?.1;
    let is_version =
        version.contains('.') && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_version.then_some(version)
}

/// A path as bash takes it, on one line whatever is in it.
pub(crate) fn quoted(path: &str) -> String {
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) && !path.is_empty() {
        path.to_owned()
    } else if path.chars().any(char::is_control) {
        let escaped: String = path.chars().map(escape).collect();
        format!("$'{escaped}'")
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

fn escape(c: char) -> String {
    match c {
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// Whether this version of TensorFlow has the extra `and-cuda`: from 2.14 on.
///
/// Source: <https://github.com/tensorflow/docs/blob/master/site/en/install/pip.md>.
pub(crate) fn has_cuda_extra(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (2, 14)
}

/// The size of an Azure virtual machine, as its metadata tells it.
pub(crate) fn azure_size(facts: &Facts) -> Option<&str> {
    let platform = facts.platform.seen()?;
    platform.cloud.metadata.seen()?.vm_size.as_deref()
}

/// Nothing stands between this system and its bus, as far as is known.
pub(crate) fn is_bare_metal(facts: &Facts) -> bool {
    facts.platform.seen().is_some_and(|platform| platform.hypervisor.is_none() && !platform.wsl)
}

/// The looking took place in a container.
pub(crate) fn in_container(facts: &Facts) -> bool {
    facts.platform.seen().is_some_and(|platform| platform.container.is_some())
}

/// The distribution that the driver is installed in; none in a container, which shows its own and not its host's.
pub(crate) fn os_id(facts: &Facts) -> Option<&str> {
    let platform = facts.platform.seen().filter(|platform| platform.container.is_none())?;
    platform.os.id.as_deref()
}

/// The system is Ubuntu, whose packages of the driver have names of their own.
pub(crate) fn is_ubuntu(facts: &Facts) -> bool {
    os_id(facts) == Some("ubuntu")
}

/// The system's packages are handled by apt.
pub(crate) fn is_apt(facts: &Facts) -> bool {
    matches!(os_id(facts), Some("ubuntu" | "debian"))
}

/// The system's packages are handled by dnf.
pub(crate) fn is_dnf(facts: &Facts) -> bool {
    matches!(os_id(facts), Some("fedora" | "rhel" | "centos" | "rocky" | "almalinux" | "ol" | "amzn"))
}

/// Adds the command that writes the initramfs anew and reboots; none where the system's own is not known.
pub(crate) fn rewrite_initramfs(facts: &Facts, finding: Finding) -> Finding {
    if is_apt(facts) {
        finding.run("sudo update-initramfs -u && sudo reboot")
    } else if is_dnf(facts) {
        finding.run("sudo dracut --force && sudo reboot")
    } else if os_id(facts) == Some("arch") {
        finding.run("sudo mkinitcpio -P && sudo reboot")
    } else {
        finding
    }
}

/// Adds the command that tells which package owns a file; none where the system's own is not known.
pub(crate) fn ask_owner(facts: &Facts, finding: Finding, path: &str) -> Finding {
    let ask = if is_apt(facts) {
        "dpkg -S"
    } else if is_dnf(facts) {
        "rpm -qf"
    } else if os_id(facts) == Some("arch") {
        "pacman -Qo"
    } else {
        return finding;
    };
    finding.run(format!("{ask} {}", quoted(path)))
}

/// Microsoft's page about drivers on its GPU sizes.
pub(crate) const GRID_GUIDE: &str = "https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup#install-grid-drivers-on-nv-or-nva10v5-series-vms";

/// Adds the command that takes whatever driver there is off.
pub(crate) fn uninstall_driver(facts: &Facts, finding: Finding) -> Finding {
    let packages = if is_apt(facts) {
        " || sudo apt purge -y '*nvidia*' 'cuda-drivers*'"
    } else if is_dnf(facts) {
        " || sudo dnf remove -y '*nvidia*' 'cuda-drivers*'"
    } else {
        ""
    };
    finding.run(format!("sudo nvidia-uninstall --silent{packages}"))
}

/// Adds how to put Microsoft's GRID driver in the place of the driver that is installed.
pub(crate) fn replace_by_grid(facts: &Facts, finding: Finding) -> Finding {
    uninstall_driver(facts, finding)
        .run("wget -O NVIDIA-Linux-x86_64-grid.run 'https://go.microsoft.com/fwlink/?linkid=874272'")
        .run("sudo sh NVIDIA-Linux-x86_64-grid.run --silent --dkms && sudo cp /etc/nvidia/gridd.conf.template /etc/nvidia/gridd.conf && sudo reboot")
}

/// NVIDIA's guide for systems whose packages are not known here.
pub(crate) const INSTALLATION_GUIDE: &str =
    "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/";

/// Adds how to install a driver that supports every NVIDIA card on the bus. A branch that has dropped one of them is
/// never named.
pub(crate) fn install_driver(facts: &Facts, knowledge: &Knowledge, finding: Finding) -> Finding {
    let cards: Vec<&ArchitectureRow> =
        facts.gpus().filter_map(|gpu| knowledge.architecture_of_device(gpu.device)).collect();
    let last = cards.iter().filter_map(|card| card.last_branch).min();
    if !is_ubuntu(facts) {
        return match last {
            Some(branch) => finding.because(format!("driver branch {branch} is the last for this card")),
            None => finding,
        }
        .see(INSTALLATION_GUIDE);
    }
    let open = cards.iter().any(|card| card.modules == Modules::Open);
    match last.and_then(|branch| knowledge.ubuntu_package(branch, open)) {
        Some(package) => finding.run(format!(
            "sudo apt update && sudo apt install -y {package} && sudo apt-mark hold {package} && sudo reboot"
        )),
        None => finding.run(
            "sudo apt update && sudo apt install -y ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_on_one_line() {
        assert_eq!(quoted("/opt/env/bin/python"), "/opt/env/bin/python");
        assert_eq!(quoted("/my env/it's"), r"'/my env/it'\''s'");
        assert_eq!(quoted("/a\nb'c"), r"$'/a\u000ab\'c'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn the_extra_exists_from_2_14_on() {
        for (version, exists) in
            [("2.21.0", true), ("2.14.0", true), ("2.13.1", false), ("1.15.5", false), ("", false)]
        {
            assert_eq!(has_cuda_extra(version), exists, "{version}");
        }
    }
}

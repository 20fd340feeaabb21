//! What the driver needs beside its module starts at boot.
//!
//! # Meaning
//! What was started by hand works until the machine is turned off: persistence mode that was set with `nvidia-smi -pm 1`,
//! the fabric manager of machines with NVSwitches, the licence client of virtual GPUs.
//!
//! # Detection
//! A service of systemd is enabled where a target or a rule of udev wants it. Persistence mode is on and
//! `nvidia-persistenced` is not enabled, or its unit says `--no-persistence-mode` or ends when nothing needs it, as
//! Ubuntu's does: it will be off, but where `nvidia-smi -pm 1` stands in a unit of this machine's own, in `/etc/rc.local` or in
//! a table of cron. NVSwitches are on the bus and `nvidia-fabricmanager` is not enabled, or a virtual GPU has its licence
//! and `nvidia-gridd` is not enabled: the next boot has no CUDA, or no licence.
//!
//! # Fix
//! `sudo systemctl enable NAME`; where nvidia-persistenced is not installed, its package first. Ubuntu's unit of
//! nvidia-persistenced has persistence mode off, so a drop-in comes before.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/driver-persistence/>,
//! <https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/>,
//! <https://docs.nvidia.com/vgpu/latest/grid-licensing-user-guide/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, boot,
    fact::{Facts, Installation, NvmlDevice, PciFunction},
    persistence,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::NextBoot, Source::Installation],
    needs: &["module.loaded", "nvml.initializes", "driver.initializes", "driver.opens_context"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

const FABRIC: &str = "nvidia-fabricmanager";
const LICENCES: &str = "nvidia-gridd";
const PERSISTENCE: &str = persistence::SERVICE;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge(facts, |_| judge_services(facts))
}

fn judge_services(facts: &Facts) -> Finding {
    let host = Subject::Host;
    let needed = needed(facts);
    if needed.is_empty() {
        return Finding::pass(host, "nothing that runs now would be missing");
    }
    let Some(installation) = facts.installation.seen() else {
        return Finding::unknown(host, format!("services: {}", facts.installation.why_not()));
    };
    let lacking = needed.iter().find(|(name, _, _)| !does_it(installation, name));
    match lacking {
        None => {
            let names: Vec<&str> = needed.iter().map(|(name, _, _)| *name).collect();
            Finding::pass(host, format!("{} will start", names.join(", ")))
        }
        Some((name, why, verdict)) => lacks(facts, installation, (name, why, *verdict)),
    }
}

/// The services without which something of now is lost, why, and how bad that is.
fn needed(facts: &Facts) -> Vec<(&'static str, &'static str, Verdict)> {
    let mut functions = facts.pci.seen().into_iter().flat_map(|pci| &pci.functions);
    let has_licence = |device: &NvmlDevice| {
        let mut features = device.grid_features.seen().into_iter().flatten();
        device.is_vgpu() && features.any(|feature| feature.licensed)
    };
    let is_persistent = facts.nvml_devices().any(|device| device.persistence.seen() == Some(&true));
    let is_set_at_boot = facts.installation.seen().is_some_and(|seen| seen.persistence_set_by.is_some());
    [
        (functions.any(PciFunction::is_nvswitch), FABRIC, "there are NVSwitches on the bus", Verdict::Fail),
        (
            facts.nvml_devices().any(has_licence),
            LICENCES,
            "a virtual GPU has its licence by it",
            Verdict::Fail,
        ),
        (is_persistent && !is_set_at_boot, PERSISTENCE, "persistence mode is on", Verdict::Warn),
    ]
    .into_iter()
    .filter(|(is_needed, ..)| *is_needed)
    .map(|(_, name, why, verdict)| (name, why, verdict))
    .collect()
}

/// Whether a service starts at boot, and does then what is needed.
fn does_it(installation: &Installation, name: &str) -> bool {
    installation
        .service(name)
        .is_some_and(|service| service.enabled && !service.masked && !persistence::stays_off_by(service))
}

fn lacks(
    facts: &Facts,
    installation: &Installation,
    (name, why, verdict): (&'static str, &str, Verdict),
) -> Finding {
    let service = installation.service(name);
    let state = match service {
        None => "is not installed",
        Some(service) if service.masked => "is masked",
        Some(service) if persistence::stays_off_by(service) => "does not keep it on",
        Some(_) => "is not enabled",
    };
    let finding = Finding::new(Subject::Host, verdict, format!("{why}, and {name} {state}"));
    let finding = finding.with("service", name);
    if name == PERSISTENCE {
        return persistence::start_at_boot(facts, finding.variant("persistence"));
    }
    let enable = format!("sudo systemctl enable --now {name}");
    finding.run(match service {
        None => format!("systemctl status {name}"),
        Some(service) if service.masked => format!("sudo systemctl unmask {name} && {enable}"),
        Some(_) => enable,
    })
}

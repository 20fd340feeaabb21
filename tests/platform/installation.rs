//! Packages, services, compilers, firmware and what installers leave, in the files of a machine.

use super::seen;
use crate::stage::Machine;
use gpucheck::probe::installation;
use gpucheck_checks::fact::{Installation, Observed, Service};

fn installation_of(machine: &Machine) -> Installation {
    seen(installation::probe(&machine.root()))
}

fn paragraph(name: &str, status: &str, version: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\nPriority: optional\nArchitecture: amd64\nVersion: {version}\n\
         Conffiles:\n /etc/x 0123\nDescription: words\n Status: not a field\n\n"
    )
}

#[test]
fn packages_of_the_driver_and_of_linux_are_told_with_their_state() {
    let status = [
        paragraph("linux-image-azure", "hold ok installed", "6.8.0.1032.38"),
        paragraph("nvidia-dkms-575", "install ok half-configured", "575.57.08-0ubuntu0.22.04.1"),
        paragraph("bash", "install ok installed", "5.1-6ubuntu1"),
        paragraph("libnvidia-compute-575", "install ok unpacked", "575.57.08-0ubuntu0.22.04.1"),
        paragraph("nvidia-driver-470", "deinstall ok config-files", "470.256.02-0ubuntu0.22.04.1"),
        paragraph("nvidia-driver-390", "purge ok not-installed", ""),
    ]
    .concat();
    let installation = installation_of(&Machine::linux().file("/var/lib/dpkg/status", status));
    let told: Vec<_> = installation
        .packages()
        .map(|package| {
            (package.name.as_str(), package.is_installed(), package.is_half_installed(), package.is_held())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("libnvidia-compute-575", false, true, false),
            ("linux-image-azure", true, false, true),
            ("nvidia-dkms-575", false, true, false),
            ("nvidia-driver-470", false, false, false),
        ]
    );
    let version = installation.packages().next().map(|package| package.version.as_str());
    assert_eq!(version, Some("575.57.08-0ubuntu0.22.04.1"));
}

#[test]
fn a_system_without_dpkg_is_not_one_without_packages() {
    let installation = installation_of(&Machine::linux());
    assert_eq!(installation.packages, Observed::not_probed("no database of dpkg in this root"));
    let cut = installation_of(&Machine::linux().file("/var/lib/dpkg/status", "Package: nvidia-driver-5"));
    assert_eq!(cut.packages, Observed::Seen(Vec::new()));
    let garbage = installation_of(&Machine::linux().file("/var/lib/dpkg/status", [0xff; 5000]));
    assert_eq!(garbage.packages, Observed::Seen(Vec::new()));
}

fn service(machine: &Machine, name: &str) -> Option<Service> {
    installation_of(machine).service(name).cloned()
}

#[test]
fn services_are_told_by_files_alone() {
    let unit = "/lib/systemd/system/nvidia-fabricmanager.service";
    let machine = Machine::linux().file(unit, "[Unit]\n");
    let name = "nvidia-fabricmanager";
    let told = service(&machine, name).unwrap();
    assert_eq!((told.unit.as_str(), told.enabled, told.masked, told.running), (unit, false, false, None));
    assert!(service(&machine, "nvidia-gridd").is_none());

    let machine = machine
        .file("/proc/1/comm", "systemd\n")
        .link("/etc/systemd/system/multi-user.target.wants/nvidia-fabricmanager.service", unit);
    let told = service(&machine, name).unwrap();
    assert_eq!((told.enabled, told.running), (true, Some(false)));

    let machine = machine.file("/proc/712/comm", "nv-fabricmanage\n");
    assert_eq!(service(&machine, name).unwrap().running, Some(true));

    let machine = machine.link("/etc/systemd/system/nvidia-fabricmanager.service", "/dev/null");
    assert!(service(&machine, name).unwrap().masked);
}

#[test]
fn a_rule_of_udev_starts_a_service_as_well() {
    // Ubuntu's nvidia-compute-utils.
    let rule = "ACTION==\"add\" DEVPATH==\"/bus/pci/drivers/nvidia\" TAG+=\"systemd\", \
                ENV{SYSTEMD_WANTS}=\"nvidia-persistenced.service\"\n";
    let machine = Machine::linux()
        .file("/lib/systemd/system/nvidia-persistenced.service", "")
        .file("/lib/udev/rules.d/71-nvidia.rules", rule);
    assert!(service(&machine, "nvidia-persistenced").unwrap().enabled);
}

#[test]
fn compilers_and_firmware_are_told_by_version() {
    let machine = Machine::linux()
        .file("/usr/bin/x86_64-linux-gnu-gcc-11", "")
        .link("/usr/bin/gcc-11", "x86_64-linux-gnu-gcc-11")
        .file("/usr/bin/gcc-12", "")
        .file("/usr/bin/gcc-ar-12", "")
        .link("/usr/bin/gcc", "gcc-11")
        .file("/lib/firmware/nvidia/535.161.08/gsp_tu10x.bin", "")
        .file("/lib/firmware/nvidia/535.161.08/gsp_ga10x.bin", "")
        .file("/lib/firmware/nvidia/ga102/gsp/booter_load-535.113.01.bin", "")
        .file("/etc/nvidia/gridd.conf.template", "");
    let told = installation_of(&machine);
    assert_eq!(told.compilers, ["gcc-11", "gcc-12"]);
    assert_eq!(told.gcc.as_deref(), Some("/usr/bin/x86_64-linux-gnu-gcc-11"));
    let firmware: Vec<_> = told.firmware.iter().map(|of| (of.version.as_str(), of.files.len())).collect();
    assert_eq!(firmware, [("535.161.08", 2)]);
    assert_eq!(told.grid_files, ["/etc/nvidia/gridd.conf.template"]);
}

#[test]
fn installers_leave_traces() {
    let log = "nvidia-installer log file\n\
               -> License accepted.\n\
               ERROR: Unable to load the kernel module 'nvidia.ko'.\n";
    let machine = Machine::linux()
        .file("/var/log/nvidia-installer.log", log)
        .file("/var/log/azure/nvidia-vmext-status", "11\n")
        .folder("/var/lib/waagent/Microsoft.HpcCompute.NvidiaGpuDriverLinux-1.10.0.0");
    let traces = installation_of(&machine).traces;
    let told: Vec<_> = traces.iter().map(|trace| (trace.path.as_str(), trace.lines.len())).collect();
    assert_eq!(
        told,
        [
            ("/var/lib/waagent/Microsoft.HpcCompute.NvidiaGpuDriverLinux-1.10.0.0", 0),
            ("/var/log/azure/nvidia-vmext-status", 1),
            ("/var/log/nvidia-installer.log", 1),
        ]
    );
}

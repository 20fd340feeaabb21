//! Operating system, hypervisor, container, WSL.

use super::{azure, host_of, offline, seen};
use crate::stage::Machine;
use gpucheck::probe::platform;
use gpucheck_checks::fact::{CloudProvider, Observed, Place};

fn vendor(sys_vendor: &str, product_name: &str, flags: &str) -> Machine {
    Machine::linux()
        .file("/sys/class/dmi/id/sys_vendor", format!("{sys_vendor}\n"))
        .file("/sys/class/dmi/id/product_name", format!("{product_name}\n"))
        .file("/proc/cpuinfo", format!("processor\t: 0\nflags\t\t: fpu {flags}\n"))
}

#[test]
fn hypervisors_have_the_names_that_systemd_gives_them() {
    // sys_vendor and product_name as these machines have them; names as systemd-detect-virt prints them.
    for (vendor_name, product, flags, name, place) in [
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "hypervisor", Some("qemu"), Place::VirtualMachine),
        ("Red Hat", "KVM", "hypervisor", Some("kvm"), Place::VirtualMachine),
        ("VMware, Inc.", "VMware Virtual Platform", "hypervisor", Some("vmware"), Place::VirtualMachine),
        ("innotek GmbH", "VirtualBox", "hypervisor", Some("oracle"), Place::VirtualMachine),
        ("Microsoft Corporation", "Virtual Machine", "hypervisor", Some("microsoft"), Place::VirtualMachine),
        ("Amazon EC2", "g4dn.xlarge", "hypervisor", Some("amazon"), Place::Cloud(CloudProvider::Aws)),
        ("Amazon EC2", "g4dn.metal", "", None, Place::Cloud(CloudProvider::Aws)),
        (
            "Google",
            "Google Compute Engine",
            "hypervisor",
            Some("google"),
            Place::Cloud(CloudProvider::Google),
        ),
        ("Somebody New", "Cloud", "hypervisor", Some("vm-other"), Place::VirtualMachine),
        ("Dell Inc.", "PowerEdge R740", "", None, Place::BareMetal),
        ("Microsoft Corporation", "Surface Laptop Studio", "", None, Place::BareMetal),
    ] {
        let host = host_of(&vendor(vendor_name, product, flags));
        assert_eq!(host.hypervisor.as_deref(), name, "{vendor_name} {product}");
        assert_eq!(host.place(), place, "{vendor_name} {product}");
    }
    assert_eq!(host_of(&azure()).hypervisor.as_deref(), Some("microsoft"));
    assert_eq!(host_of(&azure()).place(), Place::Cloud(CloudProvider::Azure));
}

#[test]
fn wsl_is_told_by_its_kernel() {
    for (release, wsl) in [
        ("5.15.153.1-microsoft-standard-WSL2", true),
        ("4.4.0-19041-Microsoft", true),
        ("6.8.0-1021-azure", false),
    ] {
        let machine = Machine::linux().file("/proc/sys/kernel/osrelease", format!("{release}\n"));
        let host = host_of(&machine);
        assert_eq!((host.linux_release.as_str(), host.wsl), (release, wsl));
        assert_eq!(host.place() == Place::Wsl, wsl);
    }
}

#[test]
fn containers_leave_traces() {
    let cgroup = |line: &str| Machine::linux().file("/proc/1/cgroup", format!("{line}\n"));
    for (machine, kind) in [
        (Machine::linux().file("/.dockerenv", ""), Some("docker")),
        (Machine::linux().file("/run/.containerenv", "engine=\"podman-4.9.3\"\n"), Some("podman")),
        (Machine::linux().file("/run/systemd/container", "systemd-nspawn\n"), Some("systemd-nspawn")),
        (cgroup("12:pids:/docker/6f1d0a"), Some("docker")),
        (cgroup("11:memory:/kubepods/besteffort/pod1/2"), Some("kubernetes")),
        (cgroup("1:name=systemd:/machine.slice/libpod-1.scope"), Some("podman")),
        (cgroup("4:cpu:/lxc/web"), Some("lxc")),
        (cgroup("0::/init.scope"), None),
        (Machine::linux().file("/run/systemd/container", "\n"), None),
        (Machine::linux(), None),
    ] {
        let container = host_of(&machine).container;
        assert_eq!(container.as_ref().map(|found| found.kind.as_str()), kind, "{container:?}");
        assert!(container.is_none_or(|found| !found.evidence.is_empty()));
    }
}

#[test]
fn variables_of_this_process_say_nothing_of_another_root() {
    let environment = platform::Environment {
        container: Some("podman".to_owned()),
        kubernetes: true,
        nvidia_visible_devices: Some("all".to_owned()),
    };
    let ask = platform::Ask { environment, ..offline() };
    assert_eq!(seen(platform::probe(&Machine::linux().root(), &ask)).container, None);
}

#[test]
fn os_release_is_read_as_a_shell_reads_it() {
    for (text, expected) in [
        (
            "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\n",
            ["ubuntu", "22.04", "Ubuntu 22.04.5 LTS"],
        ),
        (
            "ID='rocky'\r\nVERSION_ID='9.4'\r\nPRETTY_NAME='Rocky Linux 9.4 (Blue Onyx)'\r\n",
            ["rocky", "9.4", "Rocky Linux 9.4 (Blue Onyx)"],
        ),
        (
            "# ID=no\nVARIANT_ID=server\nID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian",
            ["debian", "12", "Debian"],
        ),
        // os-release(5): double quotes, backslash escapes inside them.
        ("ID=x\nVERSION_ID=1\nPRETTY_NAME=\"A \\\"quoted\\\" name\"\n", ["x", "1", "A \"quoted\" name"]),
        // The last assignment counts, as in a shell.
        ("ID=first\nID=last\nVERSION_ID=1\nPRETTY_NAME=x\n", ["last", "1", "x"]),
    ] {
        let os = host_of(&Machine::linux().file("/etc/os-release", text)).os;
        let read = [os.id, os.version_id, os.pretty_name].map(Option::unwrap);
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn os_release_may_lie_in_usr_or_nowhere() {
    let machine = Machine::linux()
        .file("/usr/lib/os-release", "ID=arch\n")
        .link("/etc/os-release", "../usr/lib/os-release");
    assert_eq!(host_of(&machine).os.id.as_deref(), Some("arch"));
    let machine = Machine::linux().file("/usr/lib/os-release", "ID=arch\n");
    assert_eq!(host_of(&machine).os.id.as_deref(), Some("arch"));
    assert_eq!(host_of(&Machine::linux()).os.id, None);
    let garbage = Machine::linux().file("/etc/os-release", b"\xff\xfe\0ID\0=\0\nID=\n=\nID\n");
    assert_eq!(host_of(&garbage).os.pretty_name, None);
}

#[test]
fn the_resources_of_this_machine_say_nothing_of_another_root() {
    let host = host_of(&Machine::linux());
    for why in [host.cpu.why_not(), host.memory.why_not(), host.disks.why_not()] {
        assert!(why.starts_with("not probed: "), "{why}");
    }
}

#[test]
fn the_kernel_is_told_by_whatever_names_it() {
    let machine = Machine::empty().file("/proc/version", "Linux version 5.15.0-91-generic (x) (gcc) #1\n");
    assert_eq!(host_of(&machine).linux_release, "5.15.0-91-generic");
    let nothing = platform::probe(&Machine::empty().root(), &offline());
    assert!(matches!(nothing, Observed::Failed(_)), "{nothing:?}");
}

//! Things in place of the files that are read: nothing holds a probe up, fills the memory or makes it panic.

use super::{offline, seen};
use crate::stage::Machine;
use gpucheck::probe::{installation, log, module, pci, platform, processes};
use gpucheck_checks::fact::Facts;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs::File,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

/// Everything that the probes of files open, besides what they list.
const READ: [&str; 70] = [
    "/proc/version",
    "/proc/1/cgroup",
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/params",
    "/proc/driver/nvidia/gpus",
    "/sys/module/nvidia/version",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/bios_vendor",
    "/sys/class/dmi/id/chassis_asset_tag",
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "/sys/kernel/security/lockdown",
    "/sys/bus/vmbus/devices/x/class_id",
    "/sys/bus/vmbus/devices/x/driver",
    "/sys/bus/pci/devices/0001:00:00.0/subsystem_vendor",
    "/sys/bus/pci/devices/0001:00:00.0/current_link_speed",
    "/sys/bus/pci/devices/0001:00:00.0/current_link_width",
    "/sys/bus/pci/devices/0001:00:00.0/numa_node",
    "/sys/bus/pci/devices/0001:00:00.0/driver",
    "/sys/bus/pci/devices/0001:00:00.0/config",
    "/sys/bus/pci/devices/0002:00:00.0/vendor",
    "/sys/bus/pci/devices/0003:00:00.0",
    "/dev/nvidia0",
    "/dev/nvidiactl",
    "/etc/os-release",
    "/etc/modprobe.d/x.conf",
    "/etc/ld.so.conf.d/x.conf",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/bin/nvidia-modprobe",
    "/usr/lib/os-release",
    "/lib/modules/6.8.0-1021-azure/modules.dep",
    "/lib/modules/6.8.0-1021-azure/build",
    "/lib/modules/6.8.0-1021-azure/extra/nvidia.ko",
    "/lib/modules/6.8.0-1021-azure/updates",
    "/var/lib/dkms/nvidia/1/build/make.log",
    "/var/lib/dkms/nvidia/1/6.8.0/x86_64/module",
    "/run/systemd/container",
    "/run/reboot-required",
    "/sys/bus/pci/devices/0001:00:00.0/resource",
    "/sys/bus/pci/devices/0001:00:00.0/boot_vga",
    "/proc/sys/kernel/hostname",
    "/etc/hostname",
    "/sys/fs/cgroup/devices/devices.list",
    "/var/log/kern.log",
    "/var/log/kern.log.1",
    "/var/log/messages",
    "/var/log/syslog",
    "/var/log/dmesg",
    "/var/lib/dpkg/status",
    "/etc/systemd/system/nvidia-gridd.service",
    "/lib/systemd/system/nvidia-persistenced.service",
    "/lib/udev/rules.d/71-nvidia.rules",
    "/etc/systemd/system/multi-user.target.wants",
    "/proc/7/comm",
    "/usr/bin/gcc",
    "/lib/firmware/nvidia/535.161.08",
    "/var/log/nvidia-installer.log",
    "/var/log/azure/nvidia-vmext-status",
    "/var/lib/waagent",
    "/etc/nvidia/gridd.conf",
    "/proc/stat",
    "/proc/uptime",
    "/proc/7/stat",
    "/proc/7/status",
    "/proc/7/cmdline",
    "/proc/7/environ",
    "/proc/7/fd/0",
];

fn machine(trap: impl Fn(&Path)) -> Machine {
    let gpu = "/sys/bus/pci/devices/0001:00:00.0";
    let machine = Machine::empty()
        .file("/proc/sys/kernel/osrelease", "6.8.0-1021-azure\n")
        .file("/proc/modules", "hv_netvsc 98304 0 - Live 0x0\n")
        .file(&format!("{gpu}/vendor"), "0x10de\n")
        .file(&format!("{gpu}/device"), "0x1eb8\n")
        .file(&format!("{gpu}/class"), "0x030200\n");
    for path in READ {
        trap(&machine.place_for(path));
    }
    machine
}

/// What the probes say of a machine, and how long it took them.
fn probed(machine: &Machine) -> (Facts, Duration) {
    let start = Instant::now();
    let mut facts = Facts::unprobed("test", "", "");
    facts.platform = platform::probe(&machine.root(), &offline());
    facts.pci = pci::probe(&machine.root());
    facts.module = module::probe(&machine.root());
    facts.log = log::probe(&machine.root());
    facts.installation = installation::probe(&machine.root());
    facts.processes = processes::probe(&machine.root(), &[7].into());
    (facts, start.elapsed())
}

fn assert_unharmed(what: &str, machine: &Machine) {
    let (facts, took) = probed(machine);
    assert!(took < Duration::from_secs(3), "{what}: {took:?}");
    let host = seen(facts.platform.clone());
    assert_eq!(host.linux_release, "6.8.0-1021-azure", "{what}");
    assert_eq!(facts.gpus().count(), 1, "{what}");
    assert!(facts.module.seen().is_some() && facts.installation.seen().is_some(), "{what}");
    let size = serde_json::to_vec(&facts).unwrap().len();
    assert!(size < 1 << 20, "{what}: {size} bytes of facts");
}

#[test]
fn links_that_lead_in_circles() {
    assert_unharmed("to itself", &machine(|place| symlink(place.file_name().unwrap(), place).unwrap()));
    assert_unharmed("to the root", &machine(|place| symlink("/", place).unwrap()));
    assert_unharmed("nowhere", &machine(|place| symlink("/no/such/place", place).unwrap()));
    assert_unharmed("to its folder", &machine(|place| symlink(".", place).unwrap()));
}

#[test]
fn pipes_that_nobody_writes_to() {
    assert_unharmed(
        "pipe",
        &machine(|place| mknodat(CWD, place, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap()),
    );
}

#[test]
fn sockets_and_folders() {
    assert_unharmed("folder", &machine(|place| std::fs::create_dir(place).unwrap()));
    let socket = |place: &Path| mknodat(CWD, place, FileType::Socket, Mode::from_raw_mode(0o666), 0).unwrap();
    assert_unharmed("socket", &machine(socket));
}

#[test]
fn files_of_a_gibibyte() {
    assert_unharmed("large", &machine(|place| File::create(place).unwrap().set_len(1 << 30).unwrap()));
}

#[test]
fn files_of_one_endless_line() {
    let line = "x".repeat(5 << 20);
    assert_unharmed("line", &machine(|place| std::fs::write(place, &line).unwrap()));
}

#[test]
fn files_without_permission() {
    let closed = |place: &Path| {
        std::fs::write(place, "x").unwrap();
        std::fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    };
    assert_unharmed("closed", &machine(closed));
}

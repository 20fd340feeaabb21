//! The host: operating system, firmware, processor, container, kernel log.

use super::Tree;
use crate::{
    file::{Container, Surroundings},
    machine::Machine,
};

/// Operating systems: our name, `ID`, `VERSION_ID`, `PRETTY_NAME`, the Linux and the compiler that they come with.
const SYSTEMS: [System; 6] = [
    System::new("ubuntu-18.04", "ubuntu", "18.04", "Ubuntu 18.04.6 LTS", "5.4.0-1109-azure", "7.5.0"),
    System::new("ubuntu-20.04", "ubuntu", "20.04", "Ubuntu 20.04.6 LTS", "5.15.0-1061-azure", "9.4.0"),
    System::new("ubuntu-22.04", "ubuntu", "22.04", "Ubuntu 22.04.5 LTS", "6.8.0-1021-azure", "12.3.0"),
    System::new("ubuntu-24.04", "ubuntu", "24.04", "Ubuntu 24.04.2 LTS", "6.11.0-1015-azure", "13.3.0"),
    System::new("debian-12", "debian", "12", "Debian GNU/Linux 12 (bookworm)", "6.1.0-31-amd64", "12.2.0"),
    System::new("fedora-44", "fedora", "44", "Fedora Linux 44", "7.0.14-201.fc44.x86_64", "16.1.1"),
];

#[derive(Clone, Copy)]
struct System {
    name: &'static str,
    id: &'static str,
    version: &'static str,
    pretty: &'static str,
    linux: &'static str,
    gcc: &'static str,
}

impl System {
    const fn new(
        name: &'static str,
        id: &'static str,
        version: &'static str,
        pretty: &'static str,
        linux: &'static str,
        gcc: &'static str,
    ) -> Self {
        Self { name, id, version, pretty, linux, gcc }
    }
}

/// The names of the systems that are known.
pub(crate) fn systems() -> impl Iterator<Item = &'static str> {
    SYSTEMS.iter().map(|system| system.name)
}

fn system(machine: &Machine) -> System {
    let [_, _, usual, ..] = SYSTEMS;
    let name = machine.host.os.as_ref().map_or(usual.name, |os| os.get_ref().as_str());
    SYSTEMS.into_iter().find(|system| system.name == name).unwrap_or(usual)
}

impl Machine {
    /// The release of Linux that runs.
    pub(crate) fn linux(&self) -> String {
        self.host.linux.clone().unwrap_or_else(|| system(self).linux.to_owned())
    }

    /// The releases of Linux that are installed.
    pub(crate) fn installed_linux(&self) -> Vec<String> {
        self.host.installed.clone().unwrap_or_else(|| vec![self.linux()])
    }

    /// How its system's menu calls it: `Ubuntu`, `Debian GNU/Linux`.
    pub(crate) fn menu_title(&self) -> &'static str {
        let pretty = system(self).pretty;
        pretty.find(|c: char| c.is_ascii_digit()).map_or(pretty, |at| &pretty[..at]).trim()
    }

    /// What the machine is, or runs in.
    pub(crate) fn place(&self) -> Surroundings {
        self.host.place.unwrap_or(Surroundings::Azure)
    }

    /// Its system's id: `ubuntu`.
    pub(crate) fn distribution(&self) -> &'static str {
        system(self).id
    }

    /// The compiler that its Linux was built with.
    pub(crate) fn gcc(&self) -> &'static str {
        system(self).gcc
    }
}

/// Adds the host.
pub(super) fn add(tree: &mut Tree, machine: &Machine) {
    let (system, linux) = (system(machine), machine.linux());
    tree.file("/proc/sys/kernel/osrelease", format!("{linux}\n"));
    tree.file(
        "/proc/version",
        format!(
            "Linux version {linux} (buildd@lcy02-amd64-001) (x86_64-linux-gnu-gcc (GCC) {gcc}, GNU ld 2.38) #1 SMP\n",
            gcc = system.gcc
        ),
    );
    tree.file("/proc/cmdline", format!("BOOT_IMAGE=/boot/vmlinuz-{linux} root=UUID=0 ro quiet\n"));
    tree.file("/proc/cpuinfo", processor(machine));
    tree.file(
        "/etc/os-release",
        format!("PRETTY_NAME=\"{}\"\nID={}\nVERSION_ID=\"{}\"\n", system.pretty, system.id, system.version),
    );
    tree.file(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nstudent:x:1000:1000::/home/student:/bin/bash\n",
    );
    tree.file("/proc/1/cgroup", "0::/init.scope\n");
    tree.folder("/home/student");
    add_firmware(tree, machine);
    add_container(tree, machine);
    add_log(tree, machine);
    tree.file("/proc/modules", modules(machine));
}

fn processor(machine: &Machine) -> String {
    let virtual_one = match machine.place() {
        Surroundings::BareMetal | Surroundings::Workstation => "",
        Surroundings::Azure
        | Surroundings::Aws
        | Surroundings::Google
        | Surroundings::Kvm
        | Surroundings::Vmware
        | Surroundings::Wsl => " hypervisor",
    };
    format!(
        "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) CPU E5-2690 v3 @ 2.60GHz\n\
         flags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx f16c rdrand{virtual_one} avx2 fma\n"
    )
}

/// What the firmware says: vendor, product, BIOS, tag of the chassis.
fn firmware(place: Surroundings) -> Option<[&'static str; 4]> {
    // The tag is that of every chassis in Azure: cloud-init, cloudinit/sources/azure/identity.py.
    let azure = [
        "Microsoft Corporation",
        "Virtual Machine",
        "American Megatrends Inc.",
        "7783-7084-3265-9085-8269-3286-77",
    ];
    Some(match place {
        Surroundings::Azure => azure,
        Surroundings::Aws => ["Amazon EC2", "g4dn.xlarge", "Amazon EC2", "Amazon EC2"],
        Surroundings::Google => ["Google", "Google Compute Engine", "Google", ""],
        Surroundings::Kvm => ["QEMU", "Standard PC (Q35 + ICH9, 2009)", "SeaBIOS", ""],
        Surroundings::Vmware => ["VMware, Inc.", "VMware20,1", "VMware, Inc.", "No Asset Tag"],
        Surroundings::BareMetal => ["Dell Inc.", "PowerEdge R750xa", "Dell Inc.", ""],
        Surroundings::Workstation => ["Dell Inc.", "Precision 7960 Tower", "Dell Inc.", ""],
        Surroundings::Wsl => return None,
    })
}

fn add_firmware(tree: &mut Tree, machine: &Machine) {
    if let Some(words) = firmware(machine.place()) {
        let names = ["sys_vendor", "product_name", "bios_vendor", "chassis_asset_tag"];
        for (name, word) in names.into_iter().zip(words) {
            tree.file(format!("/sys/class/dmi/id/{name}"), format!("{word}\n"));
        }
    }
    tree.file("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    if let Some(on) = machine.host.secure_boot {
        // Four bytes of attributes, then the value.
        let variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
        tree.file(variable, [6, 0, 0, 0, u8::from(on)]);
        if on {
            tree.file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        }
    }
}

fn add_container(tree: &mut Tree, machine: &Machine) {
    match machine.host.container {
        Some(Container::Docker) => tree.file("/.dockerenv", ""),
        Some(Container::Podman) => tree.file("/run/.containerenv", ""),
        None => {}
    }
}

/// What the kernel writes while it boots, as far as it is about the driver.
fn add_log(tree: &mut Tree, machine: &Machine) {
    if machine.host.container.is_some() {
        return;
    }
    let mut lines = vec![format!("Linux version {}", machine.linux())];
    lines.extend(machine.loaded("nvidia").then(|| machine.module_greeting()));
    lines.extend(machine.kernel_log.iter().flat_map(|text| text.lines()).map(str::to_owned));
    let line = |(second, line): (usize, &String)| {
        format!("Nov 23 08:00:{:02} template kernel: [{second:5}.000000] {line}\n", second % 60)
    };
    let log: Vec<String> = lines.iter().enumerate().map(line).collect();
    tree.file("/var/log/kern.log", log.concat());
}

/// `/proc/modules`: what the surroundings need, and the driver's.
fn modules(machine: &Machine) -> String {
    let surroundings: &[&str] = match machine.place() {
        Surroundings::Azure => &["hv_netvsc", "hv_storvsc", "hyperv_drm", "pci_hyperv", "pci_hyperv_intf"],
        Surroundings::Aws => &["ena", "nvme"],
        Surroundings::Google | Surroundings::Kvm => &["virtio_net", "virtio_blk"],
        Surroundings::Vmware => &["vmxnet3", "vmwgfx"],
        Surroundings::BareMetal => &["ast", "megaraid_sas"],
        Surroundings::Workstation => &["snd_hda_intel", "e1000e"],
        Surroundings::Wsl => &[],
    };
    let others = surroundings.iter().map(|name| (*name).to_owned());
    let line = |name: String| format!("{name} 65536 0 - Live 0x0000000000000000\n");
    let lines: Vec<String> = machine.loaded_modules().into_iter().chain(others).map(line).collect();
    lines.concat()
}

//! The driver's module: where distributions put it, what builds leave, who may reach it.

use super::module_of;
use crate::stage::Machine;
use gpucheck_checks::fact::{Access, Module, Node, Observed, SecureBoot};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

const RELEASE: &str = "6.8.0-1021-azure";
const SECURE_BOOT: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// What the kernel's scripts/sign-file puts at the end.
const SIGNATURE: &str = "~Module signature appended~\n";

fn linux() -> Machine {
    Machine::linux().file(&format!("/lib/modules/{RELEASE}/modules.dep"), "")
}

/// The nvidia module files of the running kernel.
fn files(machine: &Machine) -> Vec<(String, Option<bool>)> {
    let module = module_of(machine);
    let kernel = module.running_linux().unwrap();
    let base = format!("/lib/modules/{RELEASE}/");
    kernel
        .nvidia
        .iter()
        .map(|file| (file.path.strip_prefix(&base).unwrap().to_owned(), file.signed))
        .collect()
}

#[test]
fn the_module_is_found_where_each_distribution_puts_it() {
    for place in [
        "updates/dkms/nvidia.ko",
        "updates/dkms/nvidia.ko.zst",
        "updates/dkms/nvidia-current.ko",
        "updates/dkms/nvidia-current.ko.xz",
        "updates/dkms/nvidia-tesla-470.ko",
        "kernel/nvidia-535/nvidia.ko",
        "kernel/nvidia-535srv/bits/nvidia.ko",
        "extra/nvidia.ko.xz",
        "extra/nvidia/nvidia.ko",
        "weak-updates/nvidia/nvidia.ko",
        "kernel/drivers/video/nvidia.ko",
        "kernel/drivers/char/drm/nvidia.ko",
        "misc/nvidia.ko.gz",
    ] {
        let machine = linux().file(&format!("/lib/modules/{RELEASE}/{place}"), format!("{:100}", "a module"));
        let is_compressed = !place.rsplit('/').next().unwrap().ends_with("ko");
        let signed = (!is_compressed).then_some(false);
        assert_eq!(files(&machine), [(place.to_owned(), signed)]);
    }
    for part in
        ["updates/dkms/nvidia-uvm.ko", "kernel/drivers/video/nvidiafb.ko", "extra/nvidia.ko.bak", "nvidia.ko"]
    {
        let machine = linux().file(&format!("/lib/modules/{RELEASE}/{part}"), "another module");
        assert_eq!(files(&machine), [], "{part}");
    }
}

#[test]
fn a_signature_is_the_end_of_a_file() {
    for (content, signed) in [
        (format!("a module{SIGNATURE}"), true),
        (SIGNATURE.to_owned(), true),
        (format!("{SIGNATURE}and more"), false),
        ("short".to_owned(), false),
    ] {
        let machine = linux().file(&format!("/lib/modules/{RELEASE}/updates/dkms/nvidia.ko"), &content);
        let found = files(&machine)[0].1;
        // Of a file too short to hold a signature nothing is said.
        assert_eq!(found.unwrap_or(false), signed, "{content}");
    }
}

#[test]
fn every_installed_kernel_is_told_with_what_it_has() {
    let machine = linux()
        .file(&format!("/lib/modules/{RELEASE}/build/Makefile"), "")
        .file("/lib/modules/6.8.0-1030-azure/kernel/drivers/gpu/drm/nouveau/nouveau.ko.zst", "")
        .file("/lib/modules/6.8.0-1030-azure/updates/dkms/nvidia.ko.zst", "")
        .folder("/lib/modules/6.5.0-removed/updates");
    let kernels = module_of(&machine).linux;
    let told: Vec<_> = kernels
        .iter()
        .map(|kernel| {
            (kernel.release.as_str(), kernel.running, kernel.headers, kernel.nouveau, kernel.nvidia.len())
        })
        .collect();
    assert_eq!(told, [(RELEASE, true, true, false, 0), ("6.8.0-1030-azure", false, false, true, 1)]);
}

#[test]
fn lib_may_be_a_link_into_usr() {
    let machine = Machine::linux()
        .file(&format!("/usr/lib/modules/{RELEASE}/modules.dep"), "")
        .file(&format!("/usr/lib/modules/{RELEASE}/extra/nvidia.ko"), "")
        .link("/lib", "usr/lib");
    assert_eq!(files(&machine).len(), 1);
}

#[test]
fn dkms_tells_what_is_built_and_why_the_rest_is_not() {
    let log = (1..=500).map(|line| format!("line {line}: error: no")).collect::<Vec<_>>().join("\n");
    let log = format!("DKMS make.log for nvidia-470.256.02 for kernel {RELEASE} (x86_64)\n{log}");
    let machine = linux()
        .file(&format!("/var/lib/dkms/nvidia/535.183.01/{RELEASE}/x86_64/module/nvidia.ko.zst"), "")
        .file("/var/lib/dkms/nvidia/535.183.01/6.8.0-1030-azure/x86_64/log/make.log", "")
        .link(
            &format!("/var/lib/dkms/nvidia/kernel-{RELEASE}-x86_64"),
            &format!("535.183.01/{RELEASE}/x86_64"),
        )
        .file("/var/lib/dkms/nvidia/470.256.02/build/make.log", log)
        .file("/var/lib/dkms/nvidia-current/550.54.14/source/dkms.conf", "")
        .file("/var/lib/dkms/zfs/2.2.2/6.8.0/x86_64/module/zfs.ko", "");
    let trees = module_of(&machine).dkms;
    let told: Vec<_> = trees
        .iter()
        .map(|tree| {
            (tree.name.as_str(), tree.version.as_str(), tree.built_for.clone(), tree.failed_log.is_some())
        })
        .collect();
    let built = vec![RELEASE.to_owned()];
    assert_eq!(
        told,
        [
            ("nvidia", "470.256.02", Vec::new(), true),
            ("nvidia", "535.183.01", built, false),
            ("nvidia-current", "550.54.14", Vec::new(), false),
        ]
    );
    let log = trees[0].failed_log.as_ref().unwrap();
    assert!(log.ends_with("line 500: error: no") && log.lines().count() < 100, "{log}");
    assert_eq!(trees[0].failed_for.as_deref(), Some(RELEASE));
    assert!(trees[0].failed_lines[0].starts_with("line 1:") && trees[0].failed_lines.len() < 20);
}

#[test]
fn secure_boot_is_told_by_the_firmwares_variable() {
    let variable = |bytes: &[u8]| Machine::linux().file(SECURE_BOOT, bytes);
    for (machine, expected) in [
        (variable(&[6, 0, 0, 0, 1]), SecureBoot::On),
        (variable(&[6, 0, 0, 0, 0]), SecureBoot::Off),
        (variable(&[6, 0, 0, 0]), SecureBoot::Unknown),
        (variable(&[]), SecureBoot::Unknown),
        (variable(&[6, 0, 0, 0, 7]), SecureBoot::Unknown),
        (Machine::linux().folder("/sys/firmware/efi"), SecureBoot::Unknown),
        (Machine::linux(), SecureBoot::NoUefi),
    ] {
        assert_eq!(module_of(&machine).secure_boot, expected);
    }
}

#[test]
fn a_loaded_driver_is_read_from_proc_and_sys() {
    let line = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024";
    let machine = linux()
        .file("/proc/modules", "nvidia_uvm 1540096 2 - Live 0x0 (POE)\nnvidia 56774656 99 nvidia_uvm, Live 0x0 (POE)\nsnd 1 0 - Live 0x0\n")
        .file("/proc/driver/nvidia/version", format!("{line}\nGCC version:  gcc version 12.3.0\n"))
        .file("/proc/driver/nvidia/params", "ModifyDeviceFiles: 1\nDeviceFileMode: 438\nRegistryDwords: \"\"\n")
        .folder("/proc/driver/nvidia/gpus/0001:00:00.0")
        .file("/proc/devices", "Character devices:\n  1 mem\n195 nvidia-frontend\n511 nvidia-uvm\n\nBlock devices:\n  7 nvidia-loop\n")
        .file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
        .file("/etc/modprobe.d/nvidia.conf", "# blacklist x\nblacklist nouveau\noptions nouveau modeset=0\n")
        .file("/usr/lib/modprobe.d/other.conf", "# blacklist nouveau\nblacklist nouveaux\n blacklist nvidia\n")
        .file("/run/reboot-required", "");
    let module = module_of(&machine);
    assert!(module.is_loaded("nvidia") && module.is_loaded("nvidia_uvm") && !module.is_loaded("snd"));
    assert_eq!(module.version.as_deref(), Some("535.183.01"));
    assert_eq!(module.version_line.as_deref(), Some(line));
    assert_eq!(module.params["DeviceFileMode"], "438");
    assert!(!module.params.contains_key("RegistryDwords"));
    assert_eq!(module.driver_gpus.len(), 1);
    assert_eq!(
        module.majors.into_iter().collect::<Vec<_>>(),
        [("nvidia-frontend".to_owned(), 195), ("nvidia-uvm".to_owned(), 511)]
    );
    assert_eq!(module.lockdown.as_deref(), Some("integrity"));
    assert_eq!(module.nouveau_blacklisted_in, ["/etc/modprobe.d/nvidia.conf"]);
    let settings: Vec<_> = module.settings.iter().map(|setting| setting.line.as_str()).collect();
    assert_eq!(settings, ["blacklist nvidia"]);
    assert!(module.reboot_required);
}

#[test]
fn a_kernel_without_modules_has_none_and_no_proc_is_unknown() {
    let machine = Machine::empty().file("/proc/version", "Linux version 6.8.0\n");
    assert!(module_of(&machine).loaded.is_empty());
    let nothing = gpucheck::probe::module::probe(&Machine::empty().root());
    assert!(matches!(nothing, Observed::Failed(_)), "{nothing:?}");
}

#[test]
fn device_nodes_are_told_from_what_merely_has_their_name() {
    let machine =
        linux().file("/dev/nvidia1", "").folder("/dev/nvidia-caps").link("/dev/nvidia-gone", "nowhere");
    let node = machine.place_for("/dev/nvidia0");
    let made = mknodat(CWD, &node, FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(195, 0));
    std::fs::set_permissions(
        machine.place_for("/dev/nvidia1"),
        std::os::unix::fs::PermissionsExt::from_mode(0o640),
    )
    .unwrap();
    let nodes = module_of(&machine).nodes;
    let found = |path: &str| nodes.iter().find(|node| node.path == path);
    let file = found("/dev/nvidia1").unwrap();
    assert_eq!((file.node, file.mode, file.access), (Node::Other, 0o640, Access::Allowed));
    assert!(found("/dev/nvidia-caps").is_none() && found("/dev/nvidia-gone").is_none());
    if made.is_err() {
        println!("skipped in part: only root may make device nodes");
        return;
    }
    let device = found("/dev/nvidia0").unwrap();
    assert_eq!(device.node, Node::Character { major: 195, minor: 0 });
}

/// The beginning of an ELF file: 1 is 32-bit, 2 is 64-bit.
fn elf(class: u8) -> Vec<u8> {
    [&[0x7f, b'E', b'L', b'F', class][..], &[0; 60]].concat()
}

/// Path, target, version and whether it is 64-bit.
type Library = (String, Option<String>, Option<String>, Option<bool>);

fn libraries(machine: &Machine) -> Vec<Library> {
    let Module { libraries, .. } = module_of(machine);
    let told =
        libraries.into_iter().map(|file| (file.path, file.target.seen().cloned(), file.version, file.elf64));
    told.collect()
}

#[test]
fn driver_libraries_are_told_with_what_they_are() {
    let text = |text: &str| Some(text.to_owned());
    let lib = "/usr/lib/x86_64-linux-gnu";
    let machine = linux()
        .file(&format!("{lib}/libcuda.so.535.183.01"), elf(2))
        .link(&format!("{lib}/libcuda.so.1"), "libcuda.so.535.183.01")
        // The same folder once more: /lib is a link on merged systems.
        .link("/lib/x86_64-linux-gnu", "../usr/lib/x86_64-linux-gnu")
        .file("/usr/lib64/libcuda.so.470.256.02", elf(1))
        .link("/usr/lib64/libcuda.so.1", "libcuda.so.470.256.02")
        .link("/usr/lib/libnvidia-ml.so.1", "libnvidia-ml.so.390.157")
        .file("/etc/ld.so.conf.d/cuda.conf", "# stubs\n/opt/cuda/stubs\nrelative/folder\ninclude other\n")
        .file("/opt/cuda/stubs/libcuda.so.1", elf(2))
        .file("/etc/ld.so.conf.d/not-read", "/opt/not/read\n")
        .file("/opt/not/read/libcuda.so.1", elf(2))
        .file("/usr/local/lib/libcuda.so.1", "text");
    let stub = "/opt/cuda/stubs/libcuda.so.1";
    assert_eq!(
        libraries(&machine),
        [
            (stub.to_owned(), text(stub), None, Some(true)),
            ("/usr/lib/libnvidia-ml.so.1".to_owned(), None, None, None),
            (
                format!("{lib}/libcuda.so.1"),
                text(&format!("{lib}/libcuda.so.535.183.01")),
                text("535.183.01"),
                Some(true)
            ),
            (
                "/usr/lib64/libcuda.so.1".to_owned(),
                text("/usr/lib64/libcuda.so.470.256.02"),
                text("470.256.02"),
                Some(false)
            ),
            ("/usr/local/lib/libcuda.so.1".to_owned(), text("/usr/local/lib/libcuda.so.1"), None, None),
        ]
    );
}

#[test]
fn a_module_that_was_installed_since_the_boot_is_told() {
    let file = format!("/lib/modules/{RELEASE}/updates/dkms/nvidia.ko.zst");
    let since_boot = |stat: &str| {
        let machine = linux().file(&file, "a module").file("/proc/stat", stat);
        module_of(&machine).running_linux().unwrap().nvidia[0].since_boot
    };
    assert_eq!(since_boot("cpu 1 2 3\nbtime 1\nprocesses 9\n"), Some(true));
    assert_eq!(since_boot("btime 99999999999\n"), Some(false));
    assert_eq!(since_boot("btime soon\n"), None);
}

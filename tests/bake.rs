//! `gpucheck bake` as a pipeline meets it: images in folders, statuses, what is said and what is left behind.

mod evidence;
mod odd_images;
mod untouched;

use crate::stage::{Machine, Ran};
use serde_json::Value;
use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const X86_64: u8 = 62;
const AARCH64: u8 = 183;
const LINUX: &str = "6.8.0-1021-azure";

/// The beginning of an ELF file: 64 bits, little-endian, for this processor.
fn elf(machine: u8) -> Vec<u8> {
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0];
    header.resize(64, 0);
    header
}

/// An Ubuntu 22.04 that nobody has booted, with this driver or none, for this processor.
fn image(machine: u8, driver: Option<&str>) -> Machine {
    let image = Machine::empty()
        .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\n")
        .file("/usr/bin/dash", elf(machine))
        .link("/bin", "usr/bin")
        .link("/usr/bin/sh", "dash")
        .file("/usr/lib/systemd/systemd", elf(machine))
        .file("/var/lib/dpkg/status", "")
        .file(&format!("/lib/modules/{LINUX}/modules.dep"), "")
        .folder("/proc")
        .folder("/sys");
    let Some(version) = driver else { return image };
    let library = format!("/usr/lib/x86_64-linux-gnu/libcuda.so.{version}");
    image
        .file(&library, elf(machine))
        .link("/usr/lib/x86_64-linux-gnu/libcuda.so.1", &format!("libcuda.so.{version}"))
        .file(&format!("/lib/modules/{LINUX}/updates/dkms/nvidia.ko"), elf(machine))
}

/// With an environment in which PyTorch of this version lies, as PyTorch's wheels have it.
fn with_torch(image: Machine, prefix: &str, version: &str, cuda: Option<&str>) -> Machine {
    let packages = format!("{prefix}/lib/python3.11/site-packages");
    let cuda = cuda.map_or("None".to_owned(), |cuda| format!("'{cuda}'"));
    let image = image
        .file(&format!("{prefix}/pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.2\n")
        .file("/usr/bin/python3.11", elf(X86_64))
        .link(&format!("{prefix}/bin/python"), "/usr/bin/python3.11")
        .file(&format!("{packages}/torch/__init__.py"), "")
        .file(
            &format!("{packages}/torch/version.py"),
            format!("from typing import Optional\n\n__version__ = '{version}'\ndebug = False\ncuda: Optional[str] = {cuda}\nhip: Optional[str] = None\n"),
        )
        .file(
            &format!("{packages}/torch-{version}.dist-info/METADATA"),
            format!("Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"),
        );
    let python = image.path().join("usr/bin/python3.11");
    std::fs::set_permissions(python, PermissionsExt::from_mode(0o755)).unwrap();
    image
}

/// What a T4 with driver 535 can use.
fn good() -> Machine {
    with_torch(image(X86_64, Some("535.161.08")), "/opt/torch", "2.6.0+cu126", Some("12.6"))
}

/// Only the layers that an image in a folder is judged by here: what its boot, its updates and its clones will be like is
/// tested elsewhere.
const LAYERS: &str = "pci,module,nvml,driver,compute,libraries,frameworks,performance,target";

/// The program as a pipeline starts it: no home, no terminal, nothing on standard input.
fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    command.env_clear().env("PATH", "/nowhere").stdin(Stdio::null());
    command.args(["bake", "--no-cloud-metadata", "--only", LAYERS, "--root"]).arg(root).args(args);
    command
}

fn bake(image: &Machine, args: &[&str]) -> Ran {
    command(image.path(), args).output().unwrap().into()
}

fn report(image: &Machine, args: &[&str]) -> Value {
    serde_json::from_str(&bake(image, &[args, &["--format", "json"]].concat()).out).unwrap()
}

/// The first root, by check and by what it is about.
fn first_root(report: &Value) -> (String, String) {
    let root = &report["roots"][0];
    (
        root["id"].as_str().unwrap_or_default().to_owned(),
        root["subject"]["name"].as_str().unwrap_or_default().to_owned(),
    )
}

#[test]
fn memory_that_the_class_needs_is_judged_for_each_target() {
    // A T4 is sold with 16 GiB; ECC and the driver leave 14.6 of them. A sixth of an A10 has 4.
    for (targets, memory, status, first) in [
        ("T4", "14GiB", 3, ""),
        ("T4", "16GiB", 1, "target.has_memory"),
        ("T4,V100", "15.5GiB", 1, "target.has_memory"),
    ] {
        let args = ["--target", targets, "--needs-memory", memory];
        assert_eq!(bake(&good(), &args).status, Some(status), "{targets} {memory}");
        assert_eq!(first_root(&report(&good(), &args)).0, first, "{targets} {memory}");
    }
}

#[test]
fn nothing_failed_and_nothing_ran_ends_with_3() {
    let ran = bake(&good(), &["--target", "T4"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(3), ""), "{}", ran.out);
    assert!(ran.out.starts_with("NOT VERIFIED: nothing failed for T4, "), "{}", ran.out);
    assert!(ran.out.contains("Not tried here"), "{}", ran.out);
    assert!(!ran.out.contains("FAILED"), "{}", ran.out);
}

#[test]
fn what_could_not_be_tried_may_be_allowed_and_is_listed_all_the_same() {
    let ran = bake(&good(), &["--target", "T4", "--allow-unverified"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(ran.out.starts_with("NOT VERIFIED: ") && ran.out.contains("Not tried here"), "{}", ran.out);
    let report = report(&good(), &["--target", "T4", "--allow-unverified"]);
    assert_eq!(
        (report["verdict"].as_str(), report["allowed_unverified"].as_bool()),
        (Some("incomplete"), Some(true))
    );
    let untried: Vec<&str> = report["unverified"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|untried| untried["id"].as_str())
        .collect();
    for layer in [
        "pci",
        "module",
        "nvml",
        "driver",
        "compute",
        "libraries",
        "performance",
        "frameworks.torch_computes",
    ] {
        assert!(untried.contains(&layer), "{layer}: {untried:?}");
    }
}

#[test]
fn what_failed_is_never_allowed() {
    let broken = with_torch(image(X86_64, Some("535.161.08")), "/opt/torch", "2.6.0+cpu", None);
    for args in [&["--target", "T4"][..], &["--target", "T4", "--allow-unverified"]] {
        let ran = bake(&broken, args);
        assert_eq!(ran.status, Some(1), "{}", ran.out);
        assert!(ran.out.starts_with("NOT USABLE: "), "{}", ran.out);
    }
    let report = report(&broken, &["--target", "T4"]);
    assert_eq!(report["roots"][0]["cause"], "torch-cpu-wheel");
    assert_eq!(first_root(&report).1, "/opt/torch/bin/python");
    assert!(report.get("allowed_unverified").is_none());
}

#[test]
fn each_target_is_judged_and_the_same_one_once() {
    let image = good();
    let judged = |args: &[&str]| {
        let report = report(&image, args);
        let targets: Vec<String> = report["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        (targets, first_root(&report).0)
    };
    let of = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(judged(&["--target", "T4,V100", "--target", "t4"]), (of(&["T4", "V100"]), String::new()));
    // Driver 535 has no code for a K80, and PyTorch for CUDA 12.6 none either.
    assert_eq!(judged(&["--target", "T4", "--target", "K80"]).1, "target.driver_supports_gpu");
    let report = report(&image, &["--target", "K80"]);
    assert!(
        report["roots"][0]["fix"]["commands"].to_string().contains("nvidia-driver-470-server"),
        "{report}"
    );
}

#[test]
fn an_unknown_target_is_a_mistake_and_gets_the_nearest_names() {
    for (target, near) in [
        ("Standard_NC4as_T4_v4", "Standard_NC4as_T4_v3"),
        ("V1000", "V100"),
        ("H10", "H100"),
        ("Standard_NV6ads_A10_v6", "Standard_NV6ads_A10_v5"),
    ] {
        let ran = bake(&good(), &["--target", target]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{target}: {}", ran.err);
        assert!(ran.err.contains("did you mean") && ran.err.contains(near), "{target}: {}", ran.err);
    }
    for target in ["", "xyzzyxyzzyxyzzy", "T4,", "\u{1b}[31m"] {
        let ran = bake(&good(), &["--target", target]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{target}: {}", ran.err);
        assert!(ran.err.contains("--target") && !ran.err.contains('\u{1b}'), "{target}: {}", ran.err);
    }
}

#[test]
fn a_machine_of_amd_s_or_without_a_gpu_is_known_and_fails() {
    for (target, said) in [("Standard_NV8as_v4", "AMD"), ("Standard_D4s_v4", "no GPU")] {
        let ran = bake(&good(), &["--target", target]);
        assert_eq!(ran.status, Some(1), "{}", ran.out);
        assert!(ran.out.contains(said), "{}", ran.out);
    }
}

#[test]
fn an_image_for_another_processor_is_said_to_be_one() {
    let ran = bake(
        &image(AARCH64, None),
        &["--target", "Standard_NC4as_T4_v3", "--skip", "target.driver_supports_gpu"],
    );
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    assert!(ran.out.contains("the image is for aarch64"), "{}", ran.out);
}

#[test]
fn without_a_driver_the_package_to_install_is_named_by_the_table() {
    for (target, package) in [
        ("K80", "nvidia-driver-470-server"),
        ("V100", "nvidia-driver-580-server"),
        ("B200", "nvidia-driver-580-server-open"),
    ] {
        let report = report(&image(X86_64, None), &["--target", target]);
        assert_eq!(first_root(&report).0, "target.driver_supports_gpu");
        let commands = report["roots"][0]["fix"]["commands"].to_string();
        assert!(commands.contains(&format!("install -y {package} ")), "{target}: {commands}");
        // ubuntu-drivers looks for the card, which is not there.
        assert!(!commands.contains("ubuntu-drivers"), "{commands}");
        assert_eq!(report["roots"][0]["who"], "image_baker");
    }
}

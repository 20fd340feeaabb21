//! Folders that are no image, or half of one.

use super::{X86_64, bake, command, elf, first_root, good, image, report, with_torch};
use crate::stage::{Machine, Ran};
use std::{fs::Permissions, os::unix::fs::PermissionsExt, os::unix::process::CommandExt};

#[test]
fn an_empty_folder_is_no_image_and_never_good() {
    for (folder, said) in [
        (Machine::empty(), "so it is no image of a machine"),
        (Machine::empty().folder("/home").file("/notes", ""), "so it is no image of a machine"),
    ] {
        let ran = bake(&folder, &["--target", "T4", "--allow-unverified"]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_a_mistake() {
    let folder = Machine::empty().file("/disk.img", "");
    let ran: Ran = command(&folder.path().join("disk.img"), &[]).output().unwrap().into();
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains("Not a directory"), "{}", ran.err);
}

#[test]
fn a_system_without_anything_in_it_has_no_driver() {
    let bare = Machine::empty()
        .file("/usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("/usr/lib/systemd/systemd", elf(X86_64));
    let report = report(&bare, &["--target", "T4"]);
    assert_eq!(first_root(&report).0, "target.driver_supports_gpu");
}

#[test]
fn a_builders_own_proc_and_sys_say_nothing_of_the_image() {
    // Packer's chroot builder mounts them; the builder's driver is not the image's.
    let image = image(X86_64, None)
        .file(
            "/proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Mon Feb 26 01:46:03 UTC 2024\n",
        )
        .file("/proc/sys/kernel/osrelease", "6.5.0-1025-azure\n")
        .file("/proc/modules", "nvidia 56823808 2 - Live 0x0000000000000000\n")
        .file("/sys/module/nvidia/version", "535.161.08\n");
    let report = report(&image, &["--target", "T4"]);
    assert_eq!(report["roots"][0]["title"], "the image has no NVIDIA driver for T4");
    assert!(report["machine"]["host"]["linux"].is_null(), "{}", report["machine"]);
}

#[test]
fn what_only_root_may_read_is_not_taken_for_absent() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root, to be somebody else");
        return;
    }
    let image = good();
    std::fs::set_permissions(image.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(image.path().join("opt/torch"), Permissions::from_mode(0o700)).unwrap();
    let mut command = command(image.path(), &["--target", "T4"]);
    command.uid(65534).gid(65534);
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("gpucheck did not run as root"), "{}", ran.out);
}

#[test]
fn an_environment_whose_interpreter_is_the_builders_fails() {
    let image = good();
    std::fs::remove_file(image.path().join("usr/bin/python3.11")).unwrap();
    let report = report(&image, &["--target", "T4"]);
    assert_eq!(
        first_root(&report),
        ("frameworks.python_starts".to_owned(), "/opt/torch/bin/python".to_owned())
    );
}

#[test]
fn environments_are_found_wherever_bakers_put_them() {
    for prefix in [
        "/venv",
        "/opt/ml/tf",
        "/srv/env",
        "/usr/local/torch",
        "/home/student/venv",
        "/root/.virtualenvs/a",
        "/app/.venv",
    ] {
        let image = with_torch(image(X86_64, Some("535.161.08")), prefix, "2.6.0+cu126", Some("12.6"));
        let report = report(&image, &["--target", "T4"]);
        assert_eq!(report["machine"]["pythons"][0]["path"], format!("{prefix}/bin/python"), "{prefix}");
    }
}

#[test]
fn files_that_are_cut_or_are_no_files_lose_nothing_else() {
    let image = good().file("/usr/bin/dash", "\u{7f}ELF").file("/etc/os-release", [0xff, 0xfe, 0, b'=']);
    let libraries = image.path().join("usr/lib/x86_64-linux-gnu/libcuda.so.535.161.08");
    std::fs::write(&libraries, "").unwrap();
    let pipe = image.path().join("opt/torch/lib/python3.11/site-packages/pipe.pth");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    std::os::unix::fs::symlink("/opt/torch", image.path().join("opt/torch/opt")).unwrap();
    let ran = bake(&image, &["--target", "Standard_NC4as_T4_v3"]);
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("/opt/torch/bin/python"), "{}", ran.out);
}

#[test]
fn more_environments_than_are_looked_at_are_told() {
    let image = (0..300).fold(good(), |image, number| {
        image
            .file(&format!("/srv/envs/{number}/pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.2\n")
            .link(&format!("/srv/envs/{number}/bin/python"), "/usr/bin/python3.11")
    });
    let image = with_torch(image, "/srv/envs/zz", "2.6.0+cpu", None);
    let ran = bake(&image, &["--target", "T4"]);
    assert_eq!(ran.status, Some(3), "{}", ran.out);
    let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("there may be more"), "{}", ran.out);
}

#[test]
fn more_folders_in_one_than_are_looked_at_are_told() {
    let image = good();
    for number in 0..600 {
        std::fs::create_dir(image.path().join(format!("opt/{number}"))).unwrap();
    }
    let names = std::fs::read_dir(image.path().join("opt")).unwrap().count();
    let ran = bake(&image, &["--target", "T4"]);
    assert_eq!(ran.status, Some(3), "{}", ran.out);
    let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("512 of {names} names in /opt were looked at")), "{}", ran.out);
}

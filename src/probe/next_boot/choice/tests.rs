use super::*;
use std::{fs, path::Path};
use tempfile::TempDir;

fn tree(files: &[(&str, &str)]) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    tree
}

fn choose(tree: &Path) -> Choice {
    choice(&Root::new(tree))
}

const OLD: &str = "6.5.0-1025-azure";
const NEW: &str = "6.8.0-1021-azure";

fn grub(default: &str) -> String {
    format!(
        "set default=\"${{next_entry}}\"\nset default=\"{default}\"\n\
         menuentry 'Ubuntu' $menuentry_id_option 'gnulinux-simple-1' {{\n linux /boot/vmlinuz-{NEW} ro quiet\n}}\n\
         submenu 'Advanced options for Ubuntu' $menuentry_id_option 'gnulinux-advanced-1' {{\n\
         menuentry 'Ubuntu, with Linux {NEW}' $menuentry_id_option 'gnulinux-{NEW}-advanced-1' {{\n linux /boot/vmlinuz-{NEW} ro\n}}\n\
         menuentry 'Ubuntu, with Linux {OLD}' $menuentry_id_option 'gnulinux-{OLD}-advanced-1' {{\n linux /boot/vmlinuz-{OLD} ro\n}}\n}}\n"
    )
}

#[test]
fn a_saved_entry_and_one_for_once_decide() {
    let menu = grub("${saved_entry}");
    let by_menu = |grubenv: &str| {
        let tree = tree(&[("boot/grub/grub.cfg", &menu), ("boot/grub/grubenv", grubenv)]);
        let choice = choose(tree.path());
        (choice.linux.seen().cloned().unwrap(), choice.once)
    };
    assert_eq!(by_menu("# GRUB Environment Block\n####"), (NEW.to_owned(), false));
    let saved = format!("saved_entry=gnulinux-advanced-1>gnulinux-{OLD}-advanced-1\n");
    assert_eq!(by_menu(&saved), (OLD.to_owned(), false));
    assert_eq!(by_menu("saved_entry=0\nnext_entry=1>1\n"), (OLD.to_owned(), true));
}

#[test]
fn settings_that_were_not_applied_are_doubted() {
    let menu = grub("0");
    let doubts = |settings: &str| {
        let tree = tree(&[
            ("boot/grub/grub.cfg", &menu),
            ("etc/default/grub", "GRUB_DEFAULT=0\n"),
            ("etc/default/grub.d/50-cloudimg-settings.cfg", settings),
        ]);
        choose(tree.path()).doubts
    };
    assert!(doubts("GRUB_TIMEOUT=0\n").is_empty());
    assert!(doubts("GRUB_DEFAULT=\"Ubuntu, with Linux $(uname -r)\"\n").is_empty());
    let said = doubts("GRUB_DEFAULT=\"1>1\"\n");
    assert_eq!(
        said,
        [
            r#"/etc/default/grub.d/50-cloudimg-settings.cfg wants "1>1" to boot, and GRUB's menu still goes by "0""#
        ]
    );
}

#[test]
fn a_newest_linux_that_is_not_in_the_menu_is_doubted() {
    let image = "boot/vmlinuz-6.11.0-1001-azure";
    let menu = grub("0");
    let files = [("boot/grub/grub.cfg", menu.as_str()), (image, ""), ("boot/vmlinuz-6.8.0-1021-azure", "")];
    let there = tree(&files);
    let choice = choose(there.path());
    assert_eq!(choice.doubts, ["Linux 6.11.0-1001-azure is installed, and GRUB's menu does not have it"]);
    assert_eq!(choice.images, ["6.11.0-1001-azure", NEW]);
}

#[test]
fn a_menu_that_starts_an_image_that_is_gone_is_doubted() {
    let tree = tree(&[("boot/grub/grub.cfg", &grub("0")), ("boot/vmlinuz-6.5.0-1025-azure", "")]);
    let said = "the menu starts Linux 6.8.0-1021-azure, and its image is not under /boot";
    assert_eq!(choose(tree.path()).doubts, [said]);
}

#[test]
fn a_default_that_names_an_entry_of_a_submenu_alone_is_doubted() {
    let tree = tree(&[("boot/grub/grub.cfg", &grub(&format!("Ubuntu, with Linux {OLD}")))]);
    let choice = choose(tree.path());
    assert_eq!(choice.linux.seen().map(String::as_str), Some(NEW));
    assert_eq!(choice.doubts.len(), 1, "{:?}", choice.doubts);
}

#[test]
fn fedora_keeps_its_entries_in_files() {
    let entry = |release: &str| {
        format!(
            "title Fedora Linux ({release}) 40\nversion {release}\nlinux /vmlinuz-{release}\ninitrd /initramfs-{release}.img\noptions root=UUID=1 ro rd.driver.blacklist=nouveau $x\n"
        )
    };
    let (old, new) = (entry("6.8.5-301.fc40.x86_64"), entry("6.11.4-201.fc40.x86_64"));
    let by_saved = |saved: &str| {
        let tree = tree(&[
            ("boot/grub2/grub.cfg", "set default=\"${saved_entry}\"\ninsmod blscfg\nblscfg\n"),
            ("boot/grub2/grubenv", saved),
            ("boot/loader/entries/ab-6.8.5-301.fc40.x86_64.conf", &old),
            ("boot/loader/entries/ab-6.11.4-201.fc40.x86_64.conf", &new),
        ]);
        choose(tree.path())
    };
    let choice = by_saved("");
    assert_eq!(choice.linux.seen().map(String::as_str), Some("6.11.4-201.fc40.x86_64"));
    assert_eq!(choice.command_line, ["rd.driver.blacklist=nouveau"]);
    assert_eq!(choice.initrd.as_deref(), Some("/initramfs-6.11.4-201.fc40.x86_64.img"));
    let saved = by_saved("saved_entry=ab-6.8.5-301.fc40.x86_64\n");
    assert_eq!(saved.linux.seen().map(String::as_str), Some("6.8.5-301.fc40.x86_64"));
}

#[test]
fn systemd_boot_takes_what_its_settings_name() {
    let entry =
        |release: &str| format!("title Arch\nlinux /vmlinuz-{release}\ninitrd /initramfs.img\noptions rw\n");
    let (lts, latest) = (entry("6.6.1-lts"), entry("6.9.1-arch1"));
    let by_default = |settings: &str| {
        let tree = tree(&[
            ("boot/loader/loader.conf", settings),
            ("boot/loader/entries/lts.conf", &lts),
            ("boot/loader/entries/arch.conf", &latest),
        ]);
        let choice = choose(tree.path());
        (choice.linux.seen().cloned(), choice.doubts.len())
    };
    assert_eq!(by_default("default arch*\ntimeout 3\n"), (Some("6.9.1-arch1".to_owned()), 0));
    assert_eq!(by_default("default gone.conf\n"), (Some("6.6.1-lts".to_owned()), 1));
    assert_eq!(by_default("timeout 3\n"), (Some("6.6.1-lts".to_owned()), 0));
}

#[test]
fn what_cannot_be_told_says_why() {
    for (files, why) in [
        (vec![], "there is no /boot"),
        (vec![("boot/x", "")], "no menu of GRUB and no settings of systemd-boot lie under /boot"),
        (vec![("boot/grub/grub.cfg", "")], "GRUB's menu has no entry"),
        (vec![("boot/grub/grub.cfg", "menuentry 'Windows' {\nchainloader +1\n}\n")], "starts no Linux"),
        (vec![("boot/grub/grub.cfg", "menuentry 'Mine' {\nlinux /boot/mine\n}\n")], "tells no release"),
        (vec![("boot/grub2/grub.cfg", "blscfg\n")], "there are none"),
    ] {
        let tree = tree(&files);
        let choice = choose(tree.path());
        assert!(choice.linux.seen().is_none() && choice.linux.why_not().contains(why), "{:?}", choice.linux);
    }
}

#[test]
fn a_menu_that_is_no_file_is_refused() {
    let tree = tree(&[("boot/grub/x", "")]);
    fs::create_dir(tree.path().join("boot/grub/grub.cfg")).unwrap();
    assert!(choose(tree.path()).linux.failure().is_some());
}

#[test]
fn a_link_leads_to_the_release() {
    let tree = tree(&[
        (
            "boot/grub/grub.cfg",
            "menuentry 'Debian' {\nlinux /vmlinuz root=LABEL=x ro\ninitrd /initrd.img\n}\n",
        ),
        ("boot/vmlinuz-6.1.0-31-amd64", ""),
    ]);
    std::os::unix::fs::symlink("boot/vmlinuz-6.1.0-31-amd64", tree.path().join("vmlinuz")).unwrap();
    let choice = choose(tree.path());
    assert_eq!(choice.linux.seen().map(String::as_str), Some("6.1.0-31-amd64"));
    assert!(choice.doubts.is_empty(), "{:?}", choice.doubts);
}

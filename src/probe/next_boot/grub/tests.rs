use super::*;

/// What grub-mkconfig 2.06 wrote on an Ubuntu 22.04 of Azure's, cut to two releases.
const UBUNTU: &str = r#"
### BEGIN /etc/grub.d/00_header ###
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${initrdfail}" = 2 ]; then
   set initrdfail=
elif [ "${initrdfail}" = 1 ]; then
   set next_entry="${prev_entry}"
   set prev_entry=
   save_env prev_entry
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
### END /etc/grub.d/00_header ###
menuentry 'Ubuntu' --class ubuntu --class gnu-linux --class gnu --class os $menuentry_id_option 'gnulinux-simple-ab12' {
	recordfail
	load_video
	gfxmode $linux_gfx_mode
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	if [ "${initrdfail}" = 1 ]; then
	  echo	'GRUB_FORCE_PARTUUID set, initrdless boot failed. Attempting with initrd.'
	  linux	/boot/vmlinuz-6.8.0-1021-azure root=PARTUUID=ab12 ro  console=tty1 modprobe.blacklist=nouveau
	  initrd	/boot/microcode.cpio /boot/initrd.img-6.8.0-1021-azure
	else
	  linux	/boot/vmlinuz-6.8.0-1021-azure root=PARTUUID=ab12 ro  console=tty1 panic=-1
	fi
	initrdfail
}
submenu 'Advanced options for Ubuntu' $menuentry_id_option 'gnulinux-advanced-ab12' {
	menuentry 'Ubuntu, with Linux 6.8.0-1021-azure' --class ubuntu $menuentry_id_option 'gnulinux-6.8.0-1021-azure-advanced-ab12' {
		linux	/boot/vmlinuz-6.8.0-1021-azure root=PARTUUID=ab12 ro
		initrd	/boot/initrd.img-6.8.0-1021-azure
	}
	menuentry 'Ubuntu, with Linux 6.8.0-1021-azure (recovery mode)' --class ubuntu $menuentry_id_option 'gnulinux-6.8.0-1021-azure-recovery-ab12' {
		linux	/boot/vmlinuz-6.8.0-1021-azure root=PARTUUID=ab12 ro recovery
	}
	menuentry 'Ubuntu, with Linux 6.5.0-1025-azure' --class ubuntu $menuentry_id_option 'gnulinux-6.5.0-1025-azure-advanced-ab12' {
		linux	/boot/vmlinuz-6.5.0-1025-azure root=PARTUUID=ab12 ro
		initrd	/boot/initrd.img-6.5.0-1025-azure
	}
}
if [ "$grub_platform" = "efi" ]; then
	fwsetup --is-supported
	menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
		fwsetup
	}
fi
"#;

fn taken(default: &str) -> (String, Option<String>, bool) {
    let menu = menu(UBUNTU);
    let found = find(&menu.entries, default).unwrap();
    (found.title, found.entry.linux.clone().map(|(image, _)| image), found.is_fallback)
}

#[test]
fn a_default_names_an_entry_by_number_id_or_title() {
    let (new, old) = ("/boot/vmlinuz-6.8.0-1021-azure", "/boot/vmlinuz-6.5.0-1025-azure");
    for (default, image) in [
        ("0", new),
        ("1>2", old),
        ("1", new),
        ("gnulinux-advanced-ab12>gnulinux-6.5.0-1025-azure-advanced-ab12", old),
        ("Advanced options for Ubuntu>Ubuntu, with Linux 6.5.0-1025-azure", old),
        ("Advanced options for Ubuntu > Ubuntu, with Linux 6.5.0-1025-azure", old),
    ] {
        let (_, linux, is_fallback) = taken(default);
        assert_eq!((linux.as_deref(), is_fallback), (Some(image), false), "{default}");
    }
    assert_eq!(taken("uefi-firmware").1, None);
}

#[test]
fn a_default_that_names_nothing_is_the_first_entry() {
    // An entry of a submenu without the submenu: the mistake that everybody makes once.
    for default in ["Ubuntu, with Linux 6.5.0-1025-azure", "7", "1>9", "gnulinux-gone"] {
        let (_, linux, is_fallback) = taken(default);
        assert_eq!(
            (linux.as_deref(), is_fallback),
            (Some("/boot/vmlinuz-6.8.0-1021-azure"), true),
            "{default}"
        );
    }
}

#[test]
fn a_menu_tells_its_default_and_what_an_entry_boots_with() {
    let menu = menu(UBUNTU);
    assert_eq!((menu.default.as_deref(), menu.has_snippets, menu.entries.len()), (Some("0"), false, 3));
    let first = &menu.entries[0];
    assert_eq!(
        first.linux.as_ref().unwrap().1,
        "root=PARTUUID=ab12 ro console=tty1 modprobe.blacklist=nouveau"
    );
    assert_eq!(first.initrd.as_deref(), Some("/boot/initrd.img-6.8.0-1021-azure"));
    let saved = super::menu(&UBUNTU.replace("default=\"0\"", "default=\"${saved_entry}\""));
    assert_eq!(saved.default.as_deref(), Some("${saved_entry}"));
}

#[test]
fn settings_are_read_as_the_shell_does() {
    let text = "# GRUB_DEFAULT=1\nGRUB_DEFAULT=0\nGRUB_DEFAULT_X=3\nGRUB_DEFAULT=\"1>2\" # pinned\n";
    assert_eq!(setting(text, "GRUB_DEFAULT").as_deref(), Some("1>2"));
    assert_eq!(setting(text, "GRUB_TIMEOUT"), None);
    let block = "# GRUB Environment Block\nsaved_entry=1>2\nnext_entry=\n####";
    assert_eq!(environment(block).get("saved_entry").map(String::as_str), Some("1>2"));
}

#[test]
fn garbage_is_a_menu_of_nothing() {
    for text in
        ["", "}", "menuentry {", "submenu 'x' {\nmenuentry 'y' {", "menuentry 'a' {\n}\n}\n}", "set", "linux"]
    {
        menu(text);
    }
    let deep = "submenu 'x' {\n".repeat(5000) + &"}\n".repeat(5000);
    let menu = menu(&deep);
    assert!(find(&menu.entries, "0>0>0").is_none());
}

//! Virtual or not, by the firmware's words and the processor's flag.

use crate::root::Root;
use gpucheck_checks::fact::Dmi;

/// What the firmware of virtual machines says of itself, and systemd's word for it.
///
/// Source: `dmi_vendor_table` in systemd's src/basic/virt.c.
const FIRMWARE: [(&str, &str); 13] = [
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("Google Compute Engine", "google"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
];

/// The hypervisor, in systemd's words; `vm-other` where only the processor tells of one.
pub(super) fn detect(root: &Root, dmi: &Dmi) -> Option<String> {
    let words = [&dmi.product_name, &dmi.sys_vendor, &dmi.bios_vendor];
    let says =
        |text: &str| words.iter().any(|word| word.as_deref().is_some_and(|word| word.starts_with(text)));
    // Microsoft makes physical machines as well; only its virtual ones are called so.
    if says("Microsoft Corporation") && says("Virtual Machine") {
        return Some("microsoft".to_owned());
    }
    // Amazon's metal instances carry its name too, and no hypervisor flag.
    let flagged = has_flag(root);
    let named = FIRMWARE.iter().find(|(text, _)| says(text)).filter(|(_, name)| flagged || *name != "amazon");
    named.map(|(_, name)| (*name).to_owned()).or_else(|| flagged.then(|| "vm-other".to_owned()))
}

fn has_flag(root: &Root) -> bool {
    super::resources::processor_flags(root)
        .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

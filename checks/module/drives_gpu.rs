//! The nvidia module drives the GPU.
//!
//! # Meaning
//! A card obeys the one driver that is bound to it. With nouveau or a pass-through driver there, or with none, the
//! NVIDIA driver cannot use it.
//!
//! # Detection
//! `/sys/bus/pci/devices/*/driver` leads to `nvidia`.
//!
//! # Fix
//! Keep the other driver out (a blacklist and a new initramfs) and reboot; where no driver is bound, read what the
//! NVIDIA module says of this card in `sudo dmesg`.
//!
//! # Source
//! mattshma/bigdata#133, <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>

use crate::{Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, fact::Facts};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci],
    needs: &["pci.gpu_answers", "module.loaded"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    facts
        .gpus()
        .map(|gpu| {
            let subject = Subject::Gpu(gpu.address.clone());
            match gpu.driver.as_deref() {
                Some("nvidia") => Finding::pass(subject, "bound to nvidia"),
                Some(other) => Finding::fail(subject, format!("bound to {other}")).with("driver", other),
                None => Finding::fail(subject, "bound to no driver")
                    .variant("unbound")
                    .run("sudo dmesg | grep -iE 'nvidia|nvrm' | tail"),
            }
        })
        .collect()
}

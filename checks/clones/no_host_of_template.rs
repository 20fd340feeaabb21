//! Nothing names this very machine.
//!
//! # Meaning
//! A clone has another name, another address, and often other disks. Jupyter does not start on an address that the machine does
//! not have, and a boot that waits for a disk that is not there ends in an emergency shell.
//!
//! # Detection
//! Jupyter's configuration and services set an `ip` that is one address, or name the machine by /etc/hostname; /etc/hosts
//! gives that name an address beside those of loopback; /etc/fstab mounts a disk by a name like `/dev/sdb1`, or by the UUID of a
//! disk that is not the system's, without `nofail`.
//!
//! # Fix
//! Let Jupyter listen on `localhost`; take the line out of /etc/hosts; add `nofail` in /etc/fstab, and name Azure's temporary
//! disk `/dev/disk/cloud/azure_resource-part1`.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/linux/create-upload-generic>,
//! <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/troubleshoot-device-names-problems>, fstab(5)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, cloned,
    fact::{Clones, Facts, HostTrace, Named},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.clones, judge_clones)
}

fn judge_clones(clones: &Clones) -> Finding {
    let host = Subject::Host;
    let Some(first) = clones.host.first() else {
        return Finding::pass(host, "no line was found that does");
    };
    let finding = Finding::new(host, Verdict::Warn, said(first));
    let finding = cloned::and_more(finding, clones.host.iter().skip(1).map(said));
    cloned::edit(finding, clones.host.iter().map(|trace| (trace.file.as_str(), trace.line)))
}

fn said(trace: &HostTrace) -> String {
    let names = match trace.names {
        Named::HostName => "has the name of this machine",
        Named::Address => "has an address of this machine alone",
        Named::DiskName => "mounts a disk by a name that another may get at the next boot, without nofail",
        Named::OtherDisk => "mounts a disk that is not the system's, without nofail",
    };
    format!("{} {names}", cloned::place(&trace.file, trace.line))
}

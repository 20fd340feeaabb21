//! Every human user may open the driver's device nodes.
//!
//! # Meaning
//! Programs reach the driver through `/dev/nvidiactl`, `/dev/nvidia0`, ... and `/dev/nvidia-uvm`. To whom they are closed
//! the GPU does not exist, while everything works for root and with sudo.
//!
//! # Detection
//! Whether each human user may read and write each node, by that user's own id and groups. As root all are looked as;
//! otherwise the asking user alone.
//!
//! # Fix
//! Add the users to the group that owns the nodes, or let the module make nodes for everyone
//! (`options nvidia NVreg_DeviceFileMode=0666`).
//!
//! # Source
//! NVIDIA/nvidia-container-toolkit#210, NVIDIA/nvidia-modprobe#7

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Access, Facts, Users},
    judge, users,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Users, Source::Module],
    needs: &["module.loaded"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.users, judge_users)
}

fn judge_users(users: &Users) -> Finding {
    let host = Subject::Host;
    if let Some(finding) = users::shut_out_finding(users, Verdict::Fail) {
        return finding;
    }
    let seen = || users.humans.iter().filter(|user| !users::nodes(user).is_empty());
    let names = users::list(seen().map(|user| user.name.as_str()));
    if names.is_empty() {
        return Finding::not_applicable(host, "no human user was seen with device nodes of the driver");
    }
    let is_untold = |access: Access| access == Access::Unknown;
    match seen().find(|user| users::nodes(user).iter().any(|node| is_untold(node.access))) {
        Some(user) => Finding::unknown(host, format!("what {} may open could not be told", user.name)),
        None => Finding::pass(host, format!("open to {names}")),
    }
}

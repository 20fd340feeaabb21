//! What each human user of this machine sees is known.
//!
//! # Meaning
//! A notebook runs with the kernels, packages, variables and groups of whoever opens it. What works for the one who made
//! the template may fail for another account on it: packages under `~/.local` hide those of an environment, an
//! environment under `/root` is closed to all others, a group is missing.
//!
//! # Detection
//! The lines of `/etc/passwd` whose id lies in `UID_MIN`..`UID_MAX` of `/etc/login.defs`, with a shell that lets them log
//! in and a home that is theirs. As root, gpucheck looks for kernels and Pythons once more as each of them, with that
//! user's id, groups and the variables of a login; scripts such as `~/.profile` are not run. Whoever is not root sees
//! with their own eyes alone. Users of a directory service are not asked for; owners of homes whom `/etc/passwd` does
//! not list are told where `/etc/nsswitch.conf` names such a service.
//!
//! # Fix
//! `sudo gpucheck publish`
//!
//! # Source
//! login.defs(5), nsswitch.conf(5), nologin(8)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, HumanUser, Observed, Users},
    judge, users,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Users],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.users, judge_users)
}

fn judge_users(users: &Users) -> Finding {
    let host = Subject::Host;
    let failed: Vec<&HumanUser> = users.humans.iter().filter(|user| user.look.failure().is_some()).collect();
    if let Some(first) = failed.first() {
        let names = users::list(failed.iter().map(|user| user.name.as_str()));
        let why = first.look.why_not();
        return failed.iter().fold(Finding::unknown(host, format!("as {names}: {why}")), |finding, user| {
            finding.because(format!("{} (user {}): {}", user.name, user.uid, user.look.why_not()))
        });
    }
    let is_unseen = |user: &&HumanUser| matches!(user.look, Observed::NotProbed { .. });
    let unseen: Vec<&HumanUser> = users.humans.iter().filter(is_unseen).collect();
    if let Some(first) = unseen.first() {
        let names = users::list(unseen.iter().map(|user| user.name.as_str()));
        let why = match &first.look {
            Observed::NotProbed { why } => why,
            Observed::Seen(_) | Observed::Failed(_) | Observed::Interrupted { .. } => "",
        };
        return Finding::new(host, Verdict::Warn, format!("not as {names}: {why}"))
            .with("users", names)
            .run("sudo gpucheck publish");
    }
    if users.more > 0 {
        let seen = users.humans.len();
        return Finding::unknown(host, format!("as {seen} users, and not as {} more", users.more));
    }
    of_directories(users).unwrap_or_else(|| pass(users))
}

fn of_directories(users: &Users) -> Option<Finding> {
    if users.not_listed.is_empty() || users.directories.is_empty() {
        return None;
    }
    let ids: Vec<String> = users.not_listed.iter().map(u32::to_string).collect();
    let ids = users::list(ids.iter().map(String::as_str));
    let services = users.directories.join(", ");
    let summary = format!("homes of users {ids}, whom {services} may know and /etc/passwd does not");
    let finding = Finding::new(Subject::Host, Verdict::Warn, summary).variant("directory");
    Some(finding.with("ids", ids).with("services", services).run("gpucheck publish"))
}

fn pass(users: &Users) -> Finding {
    let names = users::list(users.humans.iter().map(|user| user.name.as_str()));
    let summary = if names.is_empty() { "there is no human user".to_owned() } else { format!("as {names}") };
    let seen = |user: &HumanUser| {
        let look = user.look.seen()?;
        Some(format!("{} (user {}): {} kernels, {} Pythons", user.name, user.uid, look.kernels, look.pythons))
    };
    users.humans.iter().filter_map(seen).fold(Finding::pass(Subject::Host, summary), Finding::because)
}

//! The ways into the machine are up, now and after a boot.
//!
//! # Meaning
//! Every clone starts by itself. A service that does not start at boot keeps its students out, however well it runs on the
//! template.
//!
//! # Detection
//! `gpucheck publish`: of SSH, xrdp, X2Go, Jupyter as a service and JupyterHub those that are installed, by systemd's folders
//! (enabled, masked), `/proc` (running, and who listens on the port) and, for a desktop, its session. X2Go comes through SSH.
//! A machine without any is left alone: it may be entered by its console.
//!
//! # Fix
//! Enable the service and start it, or remove it where it is not meant.
//!
//! # Source
//! <https://learn.microsoft.com/azure/lab-services/how-to-enable-remote-desktop-linux>,
//! <https://wiki.x2go.org/doku.php/doc:installation:x2goserver>, systemd.unit(5), proc(5)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Classroom, Facts, Listening, WayIn, WayInKind},
    in_class, judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Classroom],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge(facts, |classroom| judge_ways(facts, classroom))
}

fn judge_ways(facts: &Facts, classroom: &Classroom) -> Finding {
    let host = Subject::Host;
    if judge::in_container(facts) {
        return Finding::not_applicable(host, "a container has no services of its own");
    }
    let ways = &classroom.ways_in;
    if ways.is_empty() {
        return Finding::not_applicable(
            host,
            "none is installed as a service: no SSH, remote desktop or Jupyter",
        );
    }
    let troubles: Vec<(&WayIn, String)> =
        ways.iter().filter_map(|way| Some((way, trouble(way, ways)?))).collect();
    let Some((first, _)) = troubles.first() else {
        let names: Vec<&str> = ways.iter().map(|way| way.name.as_str()).collect();
        return Finding::pass(host, names.join(", "));
    };
    let all = troubles.len() == ways.len();
    let verdict = if all { Verdict::Fail } else { Verdict::Warn };
    let told: Vec<String> = troubles.iter().map(|(way, why)| format!("{} {why}", way.name)).collect();
    let finding = Finding::new(host, verdict, told.join("; ")).with("service", first.name.clone());
    let finding = if all { finding.variant("all") } else { finding };
    let commands: Vec<String> = troubles.iter().flat_map(|(way, _)| commands(way)).collect();
    commands.into_iter().fold(finding, Finding::run)
}

/// What keeps people from coming in this way, as a clause.
fn trouble(way: &WayIn, all: &[WayIn]) -> Option<String> {
    if way.masked {
        return Some("is masked: nothing may start it".to_owned());
    }
    if !way.enabled {
        let now = if way.running == Some(true) { "runs now and " } else { "" };
        return Some(format!("{now}does not start at boot"));
    }
    if way.running == Some(false) {
        return Some("starts at boot and does not run now".to_owned());
    }
    match way.kind {
        WayInKind::Ssh | WayInKind::Xrdp if way.listening == Some(Listening::Loopback) => {
            Some("lets nobody in but from this machine".to_owned())
        }
        WayInKind::X2go if !all.iter().any(|other| other.kind == WayInKind::Ssh) => {
            Some("comes through SSH, which is not installed".to_owned())
        }
        WayInKind::Xrdp | WayInKind::X2go if way.desktops.as_ref().is_some_and(Vec::is_empty) => {
            Some("has no desktop to show".to_owned())
        }
        WayInKind::Ssh | WayInKind::Xrdp | WayInKind::X2go | WayInKind::Jupyter | WayInKind::Jupyterhub => {
            None
        }
    }
}

fn commands(way: &WayIn) -> Vec<String> {
    let name = judge::quoted(&way.name);
    let unmask = way.masked.then(|| format!("sudo systemctl unmask {name}"));
    let enable = (way.masked || !way.enabled || way.running == Some(false))
        .then(|| format!("sudo systemctl enable --now {name}"));
    let show = enable.is_none().then(|| format!("systemctl status {name}"));
    [unmask, enable, show].into_iter().flatten().collect()
}

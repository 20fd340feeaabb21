use super::*;
use crate::{RootReference, UsableFrom, Who, report::Fix};

/// A report of a template about which nothing is known to be wrong.
fn report(verdict: MachineVerdict) -> Report {
    let facts = Facts::unprobed("0.1.0", "2026-11-26T09:00:00Z", "test");
    let knowledge = Knowledge::built_in().unwrap();
    let report = diagnose::diagnose(&facts, &knowledge, &Selection::default());
    Report {
        verdict,
        roots: Vec::new(),
        usable_from: Vec::new(),
        outcomes: Vec::new(),
        unverified: Vec::new(),
        ..report
    }
}

fn root(id: &str, severity: Severity, subject: Subject) -> Root {
    Root {
        id: id.to_owned(),
        cause: None,
        subject,
        severity,
        who: Who::Instructor,
        title: id.to_owned(),
        meaning: String::new(),
        summary: String::new(),
        evidence: Vec::new(),
        fix: Fix { text: String::new(), commands: Vec::new(), url: None },
        explains: Vec::new(),
        wording: crate::Wording::default(),
    }
}

fn judge(mut report: Report, failed: &[bool]) -> (Readiness, Report) {
    let holds = holds(&mut report, failed);
    (readiness(&report, &holds), Report { holds, ..report })
}

fn row(subject: Subject, usable: Usable, root: Option<&Root>) -> UsableFrom {
    let root =
        root.map(|root| RootReference { id: root.id.clone(), cause: None, subject: root.subject.clone() });
    UsableFrom {
        subject,
        shown_as: None,
        python: None,
        usable,
        frameworks: Vec::new(),
        why: None,
        root,
        retold_s: None,
        vscode: false,
        asked_from: None,
    }
}

#[test]
fn every_combination_has_its_readiness_and_an_unknown_is_never_ready() {
    use MachineVerdict::{Degraded, Incomplete, Unusable, Usable};
    let roots = [
        None,
        Some((Severity::Degraded, false)),
        Some((Severity::Degraded, true)),
        Some((Severity::BreaksLater, false)),
        Some((Severity::BreaksLater, true)),
        Some((Severity::Unusable, true)),
    ];
    let unknowns = [None, Some("next_boot.x"), Some("updates.x"), Some("nvml.x")];
    let mut counted = [0; 3];
    for verdict in [Usable, Degraded, Unusable, Incomplete] {
        for found in roots {
            for unknown in unknowns {
                let mut report = report(verdict);
                report.roots.extend(found.map(|(severity, _)| root("x.y", severity, Subject::Host)));
                report.unverified.extend(unknown.map(|id| Unverified::of_machine(id, "no permission")));
                let failed: Vec<bool> = found.iter().map(|(_, failed)| *failed).collect();
                let breaks = matches!(found, Some((Severity::BreaksLater | Severity::Unusable, true)));
                let (readiness, report) = judge(report, &failed);
                let expected = match (verdict, breaks, unknown, found) {
                    (Unusable | Incomplete, ..) | (_, true, ..) | (_, _, Some("next_boot.x"), _) => {
                        Readiness::NotReady
                    }
                    (Usable, false, None, None) => Readiness::Ready,
                    (Usable | Degraded, ..) => Readiness::ReadyWithWarnings,
                };
                assert_eq!(readiness, expected, "{verdict:?} {found:?} {unknown:?}");
                assert!(unknown.is_none() || readiness != Readiness::Ready);
                // What holds it back is named.
                assert_eq!(report.holds.iter().any(|hold| hold.failed), breaks);
                counted[readiness as usize] += 1;
            }
        }
    }
    assert_eq!(counted.iter().sum::<i32>(), 4 * 6 * 4);
    assert_eq!(counted[Readiness::Ready as usize], 1);
}

#[test]
fn what_holds_it_back_is_the_answer() {
    let mut report = report(MachineVerdict::Usable);
    report.roots.push(root("performance.slow", Severity::Degraded, Subject::Host));
    report.roots.push(root("updates.moves", Severity::BreaksLater, Subject::Host));
    report.roots.push(root("next_boot.lost", Severity::BreaksLater, Subject::Host));
    let (readiness, report) = judge(report, &[true, false, true]);
    let ids: Vec<&str> = report.roots.iter().map(|root| root.id.as_str()).collect();
    assert_eq!(ids, ["next_boot.lost", "performance.slow", "updates.moves"]);
    assert_eq!((readiness, report.holds.len()), (Readiness::NotReady, 1));
}

#[test]
fn a_kernel_that_cannot_use_a_gpu_it_is_meant_for_holds_it_back() {
    let notebook = || Subject::Notebook("ml".to_owned());
    let root = root("notebooks.gpu_visible", Severity::Degraded, notebook());
    for (usable, expected) in
        [(Usable::No, Readiness::NotReady), (Usable::InPart, Readiness::ReadyWithWarnings)]
    {
        let mut report = report(MachineVerdict::Degraded);
        report.usable_from.push(row(notebook(), usable, Some(&root)));
        report.roots.push(root.clone());
        assert_eq!(judge(report, &[true]).0, expected, "{usable:?}");
    }
}

#[test]
fn an_environment_that_no_kernel_starts_is_a_warning_beside_kernels_that_work() {
    let aside = Subject::Python("/opt/old/bin/python".to_owned());
    let root = root("frameworks.torch_built_with_cuda", Severity::Unusable, aside.clone());
    let kernel = row(Subject::Notebook("ml".to_owned()), Usable::Yes, None);
    for (kernels, expected) in
        [(vec![kernel], Readiness::ReadyWithWarnings), (Vec::new(), Readiness::NotReady)]
    {
        let mut report = report(MachineVerdict::Degraded);
        report.usable_from.extend(kernels);
        report.usable_from.push(row(aside.clone(), Usable::No, Some(&root)));
        report.roots.push(root.clone());
        assert_eq!(judge(report, &[true]).0, expected);
    }
}

#[test]
fn who_did_not_look_at_the_next_boot_does_not_call_it_ready() {
    let facts = Facts::unprobed("0.1.0", "2026-11-26T09:00:00Z", "an old record");
    let report = publish(&facts, &Knowledge::built_in().unwrap(), &Selection::default());
    assert_eq!(report.readiness, Some(Readiness::NotReady));
    let of_boot = report.holds.iter().find(|hold| hold.id == "next_boot").unwrap();
    assert!(!of_boot.failed);
}

//! Facts in, report out, on every machine under tests/machines.
//!
//! What is expected stands in each machine's file, with the vendor page or thread that it comes from. The reports
//! as people see them are goldens beside it; `INSTA_UPDATE=always cargo test --test suite judge` writes them anew.

mod layout;
mod schema;
mod texts;

use crate::machine::{ExpectedRoot, Machine};
use gpucheck::{
    exit::Exit,
    render::{Style, json, text},
};
use gpucheck_checks::{
    CAUSES, CHECKS, Knowledge, Language, Report, Selection, Verdict, diagnose, fact::Facts,
};
use rustix::time::{ClockId, clock_gettime};
use std::{sync::LazyLock, time::Duration};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

fn judge(facts: &Facts) -> Report {
    diagnose(facts, &KNOWLEDGE, &Selection::default())
}

fn roots(report: &Report) -> Vec<ExpectedRoot> {
    report
        .roots
        .iter()
        .map(|root| ExpectedRoot {
            id: root.id.clone(),
            cause: root.cause.clone(),
            subject: root.subject.to_string(),
        })
        .collect()
}

#[test]
fn every_machine_gets_its_verdict_and_its_roots() {
    let machines = Machine::all();
    assert!(machines.len() >= 40, "{} machines", machines.len());
    let mut wrong = Vec::new();
    for machine in &machines {
        let report = judge(&machine.facts);
        let got = (report.verdict, Exit::of(&report, false) as u8, roots(&report));
        let expected = (machine.expect.verdict, machine.expect.exit, machine.expect.roots.clone());
        println!("{:32} {:?}", machine.name, got);
        if got != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  got      {got:?}", machine.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_report_reads_as_its_golden() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(machine.folder());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!(
                "report.txt",
                text(&report, Style { width: 100, color: false }, Language::English)
            );
            if ["t4-535", "module-missing-new-kernel"].contains(&machine.name.as_str()) {
                insta::assert_snapshot!("report.json", json(&report));
            }
            if ["t4-535", "module-missing-new-kernel", "two-diseases", "no-python"]
                .contains(&machine.name.as_str())
            {
                let style = Style { width: 80, color: false };
                insta::assert_snapshot!("report.ko.txt", text(&report, style, Language::Korean));
            }
        });
    }
}

#[test]
fn every_check_fails_on_some_machine_and_passes_on_the_healthy_one() {
    let machines = Machine::all();
    let reports: Vec<Report> = machines.iter().map(|machine| judge(&machine.facts)).collect();
    for check in CHECKS.iter() {
        let is_root = |report: &Report| report.roots.iter().any(|root| root.id == check.id);
        assert!(reports.iter().any(is_root), "{} is the root on no machine", check.id);
    }
    for cause in CAUSES {
        let recognized =
            |report: &Report| report.roots.iter().any(|root| root.cause.as_deref() == Some(cause.id));
        assert!(reports.iter().any(recognized), "{} is recognized on no machine", cause.id);
    }
    let healthy = judge(&Machine::load("t4-535").facts);
    for check in CHECKS.iter() {
        let mut outcomes = healthy.outcomes.iter().filter(|outcome| outcome.id == check.id).peekable();
        assert!(outcomes.peek().is_some(), "{} says nothing of the healthy machine", check.id);
        assert!(outcomes.all(|outcome| outcome.verdict == Verdict::Pass), "{} fails on it", check.id);
    }
}

#[test]
fn every_failure_has_a_root_that_is_listed() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        for outcome in report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail) {
            let root = outcome.root.as_ref().unwrap_or_else(|| panic!("{}: {outcome:?}", machine.name));
            assert!(report.roots.iter().any(|known| known.id == *root), "{}: {outcome:?}", machine.name);
        }
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for machine in Machine::all() {
        assert_eq!(json(&judge(&machine.facts)), json(&judge(&machine.facts)), "{}", machine.name);
    }
}

/// What this thread has computed: other tests run on the same processors.
fn own_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

#[test]
fn judging_every_machine_takes_under_a_second() {
    let machines = Machine::all();
    let start = own_time();
    for machine in &machines {
        judge(&machine.facts);
    }
    let elapsed = own_time().saturating_sub(start);
    println!("{} machines judged in {elapsed:?}", machines.len());
    assert!(elapsed.as_secs() < 1, "{elapsed:?}");
}

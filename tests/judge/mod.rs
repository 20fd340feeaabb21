//! Facts in, report out, on every machine under tests/machines.
//!
//! What is expected stands in each machine's file, with the vendor page or thread that it comes from. The reports
//! as people see them are goldens beside it; `INSTA_UPDATE=always cargo test --test suite judge` writes them anew.

mod absurd;
mod layout;
mod schema;
mod texts;
mod watched;

use crate::machine::Machine;
use gpucheck::{
    exit::Exit,
    render::{Style, json, text},
};
use gpucheck_checks::{
    CAUSES, CHECKS, Knowledge, Language, MachineVerdict, Profile, Report, Root, Selection, Verdict,
    fact::Facts,
};
use gpucheck_machines::{
    Kind,
    expect::{ExpectedRoot, Got},
    folder, machine as simulated, names,
};
use rustix::time::{ClockId, clock_gettime};
use std::{sync::LazyLock, time::Duration};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

/// As `gpucheck judge` does: by the question that the facts were taken for.
fn judge(facts: &Facts) -> Report {
    Profile::of(facts).judge(facts, &KNOWLEDGE, &Selection::default())
}

fn got(report: &Report) -> Got {
    let root = |root: &Root| ExpectedRoot {
        id: root.id.clone(),
        cause: root.cause.clone(),
        subject: root.subject.to_string(),
        explains: root.explains.clone(),
    };
    Got {
        verdict: report.verdict,
        readiness: report.readiness,
        exit: Some(Exit::of(report, false) as u8),
        roots: report.roots.iter().map(root).collect(),
        loose: Vec::new(),
    }
}

#[test]
fn every_machine_gets_its_verdict_and_its_roots() {
    let machines = Machine::all();
    assert!(machines.len() >= 40, "{} machines", machines.len());
    let mut wrong = Vec::new();
    for machine in &machines {
        let got = got(&judge(&machine.facts));
        println!("{:32} {:?} {:?}", machine.name, got.verdict, got.roots);
        for difference in machine.expect.differences(&got) {
            wrong.push(format!("{}: {difference}", machine.name));
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
            if [
                "t4-535",
                "module-missing-new-kernel",
                "two-diseases",
                "no-python",
                "slow-on-cpu",
                "slow-at-work",
            ]
            .contains(&machine.name.as_str())
            {
                let style = Style { width: 80, color: false };
                insta::assert_snapshot!("report.ko.txt", text(&report, style, Language::Korean));
            }
        });
    }
}

#[test]
fn every_check_fails_on_some_machine_and_on_no_healthy_one() {
    let machines = Machine::all();
    let judged = machines.iter().flat_map(|machine| got(&judge(&machine.facts)).roots);
    // That a simulated machine gets its roots is proven where it is run.
    let simulated = names(&folder(), Kind::Simulated).into_iter().flat_map(|name| {
        simulated::Machine::load(&folder(), &name).unwrap_or_else(|error| panic!("{error}")).expected.roots
    });
    let roots: Vec<ExpectedRoot> = judged.chain(simulated).collect();
    for check in CHECKS.iter() {
        let of = |root: &ExpectedRoot| root.id == check.id || root.explains.iter().any(|id| id == check.id);
        assert!(roots.iter().any(of), "{} fails on no machine", check.id);
    }
    for cause in CAUSES {
        let recognized = |root: &ExpectedRoot| root.cause.as_deref() == Some(cause.id);
        assert!(roots.iter().any(recognized), "{} is recognized on no machine", cause.id);
    }
    let is_healthy = |machine: &&Machine| {
        machine.expect.verdict == MachineVerdict::Usable && machine.expect.roots.is_empty()
    };
    let reports: Vec<(bool, Report)> =
        machines.iter().map(|machine| (is_healthy(&machine), judge(&machine.facts))).collect();
    for check in CHECKS.iter() {
        let verdicts = |healthy: bool| {
            let judged = reports.iter().filter(move |(is_healthy, _)| !healthy || *is_healthy);
            let outcomes = judged.flat_map(|(_, report)| &report.outcomes);
            outcomes.filter(|outcome| outcome.id == check.id).map(|outcome| outcome.verdict)
        };
        assert!(verdicts(false).any(|verdict| verdict == Verdict::Pass), "{} passes nowhere", check.id);
        let fails = verdicts(true).any(|verdict| matches!(verdict, Verdict::Fail | Verdict::Warn));
        assert!(!fails, "{} fails on a healthy machine", check.id);
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

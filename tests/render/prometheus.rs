//! Prometheus's text: each line as its makers describe it, each series once, and promtool's own opinion.
//!
//! Source: https://prometheus.io/docs/instrumenting/exposition_formats/.

use super::{all, asked, hostile, samples};
use crate::metrics::check;
use gpucheck::render::prometheus;
use gpucheck_checks::{GpuSummary, MachineVerdict, Outcome, Profile, Report, Root, Subject, Verdict};
use regex_lite::Regex;
use std::{collections::BTreeSet, sync::LazyLock};

/// A series of a gauge: its metric, its labels, its value.
static SERIES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (\d+)$"#).unwrap()
});

/// What must hold of each document.
pub(super) fn assert_sound(name: &str, report: &Report) {
    let text = prometheus(report);
    let (mut metric, mut metrics, mut told) = (String::new(), BTreeSet::new(), BTreeSet::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            help.split(' ').next().unwrap().clone_into(&mut metric);
            assert!(metrics.insert(metric.clone()), "{name}: {metric} twice");
            assert_eq!(lines.next(), Some(format!("# TYPE {metric} gauge").as_str()), "{name}");
            continue;
        }
        let series = SERIES.captures(line).unwrap_or_else(|| panic!("{name}: {line}"));
        assert_eq!(&series[1], metric, "{name}: {line}");
        assert!(told.insert((metric.clone(), series[2].to_owned())), "{name}: twice {line}");
    }
    let bytes = text.len();
    assert!(text.ends_with('\n') && bytes < 1 << 20, "{name}: {bytes} bytes");
}

#[test]
fn every_machine_is_told_in_lines_that_prometheus_reads() {
    for (name, report) in all() {
        assert_sound(&name, &report);
        let text = prometheus(&report);
        let holds = text.lines().filter(|line| line.starts_with("gpucheck_verdict{") && line.ends_with(" 1"));
        assert_eq!(holds.count(), 1, "{name}");
    }
}

/// What Slurm and node-problem-detector go by.
#[test]
fn a_gpu_computes_where_the_verdict_rests_on_it() {
    let mut seen = BTreeSet::new();
    for (name, report) in all() {
        let proofs: Vec<Verdict> =
            report.machine.gpus.iter().map(|gpu| report.proof_of(&gpu.address)).collect();
        let computes =
            prometheus(&report).lines().filter(|line| line.starts_with("gpucheck_gpu_computes{")).count();
        let is_told = |gpu: &&GpuSummary| match report.proof_of(&gpu.address) {
            Verdict::Pass => true,
            Verdict::Fail => report.profile != "slow" && !report.is_used_by_others(&gpu.address),
            Verdict::Warn | Verdict::Unknown | Verdict::NotApplicable => false,
        };
        assert_eq!(computes, report.machine.gpus.iter().filter(is_told).count(), "{name}");
        if report.profile == "check" && report.verdict == MachineVerdict::Usable {
            assert!(proofs.iter().all(|proof| *proof == Verdict::Pass), "{name}: {proofs:?}");
            seen.insert("usable");
        }
        if proofs.contains(&Verdict::Fail) && report.profile == "check" {
            assert_ne!(report.verdict, MachineVerdict::Usable, "{name}");
            seen.insert("broken");
        }
    }
    assert_eq!(seen.len(), 2);
}

/// A program that computes takes nothing from a GPU but its time and its memory.
#[test]
fn a_gpu_that_others_use_is_not_broken() {
    let told = |report: &Report| {
        let text = prometheus(report);
        let value = |metric: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{metric}{{")))?;
            line.rsplit(' ').next().map(str::to_owned)
        };
        (value("gpucheck_gpu_computes"), value("gpucheck_gpu_in_use"))
    };
    let (used, broken) = ((None, Some("1".to_owned())), (Some("0".to_owned()), None));
    for (machine, wanted) in [
        ("memory-held-outside-container", &used),
        ("memory-held-by-other-user", &used),
        ("compute-mode-exclusive", &used),
        // Nobody can use it, or its memory is nobody's.
        ("compute-mode-prohibited", &broken),
        ("zombie-holds-memory", &broken),
        ("bit-flip", &broken),
    ] {
        assert_eq!(told(&asked(Profile::Check, machine)), *wanted, "{machine}");
    }
    // Several GPUs have one root, which is the machine's; what one of them has besides is its own.
    let mut several = asked(Profile::Check, "memory-held-by-other-user");
    several.roots[0].subject = Subject::Host;
    assert_eq!(told(&several), used);
    let gpu = Subject::Gpu(several.machine.gpus[0].address.clone());
    let own = Root {
        subject: gpu.clone(),
        cause: Some("zombie-holds-gpu-memory".into()),
        ..several.roots[0].clone()
    };
    several.roots.push(own);
    assert_eq!(told(&several), broken);
    several.roots.pop();
    let wrong = |outcome: &&Outcome| outcome.id == "compute.adds_vectors";
    let wrong = several.outcomes.iter().find(wrong).unwrap().clone();
    several.outcomes.push(Outcome { id: "compute.memory_holds".into(), verdict: Verdict::Fail, ..wrong });
    assert_eq!(told(&several).0, broken.0);
}

#[test]
fn promtool_finds_nothing_to_say_of_samples_and_of_hostile_texts() {
    let hostile =
        hostile::TEXTS.into_iter().map(|text| hostile::said(&asked(Profile::Check, "two-diseases"), text));
    for report in samples().into_iter().map(|(_, report)| report).chain(hostile) {
        let text = prometheus(&report);
        assert_eq!(check(&text), (Some(0), String::new()), "{text}");
    }
    // The judge does judge.
    assert_ne!(check("gpucheck_total 1\n").0, Some(0));
}

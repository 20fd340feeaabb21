//! Prometheus's text: each line as its makers describe it, each series once, and promtool's own opinion.
//!
//! Source: https://prometheus.io/docs/instrumenting/exposition_formats/.

use super::{all, asked, hostile, samples};
use crate::metrics::check;
use gpucheck::render::prometheus;
use gpucheck_checks::{MachineVerdict, Profile, Report, Verdict};
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
        let known = proofs.iter().filter(|proof| matches!(proof, Verdict::Pass | Verdict::Fail)).count();
        assert_eq!(computes, known, "{name}");
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

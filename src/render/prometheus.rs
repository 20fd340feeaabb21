//! Prometheus's classic text form, for node_exporter's textfile collector and for whoever scrapes.
//!
//! Invariants: `promtool check metrics` has nothing to say; no series stands twice, for one that does costs node_exporter
//! all its metrics; each has the profile, so that files of several commands lie side by side; labels are names and ids,
//! never sentences or figures, which would be a new series at each look; of each metric a bounded number.

use super::{outline::excerpt, page::clean, word::name};
use gpucheck_checks::{MachineVerdict, Readiness, Report, Root, RootReference, Subject, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write},
};

/// Most series of one metric. What is left out is counted in `gpucheck_series_left_out`.
const MOST: usize = 200;
/// Longest value of a label, in characters.
const LONGEST: usize = 256;

/// The report as Prometheus's classic text.
pub fn prometheus(report: &Report) -> String {
    let mut metrics = Metrics::new(&report.profile);
    of_look(&mut metrics, report);
    of_checks(&mut metrics, report);
    of_machine(&mut metrics, report);
    metrics.end()
}

/// What was found, as a whole.
fn of_look(metrics: &mut Metrics, report: &Report) {
    metrics.gauge("gpucheck_build_info", "The gpucheck that looked, by its version; always 1.");
    metrics.series(&[("version", &report.gpucheck)], 1);
    metrics.gauge("gpucheck_report_timestamp_seconds", "When the looking began, in Unix time.");
    if let Ok(taken) = report.taken_at.parse::<jiff::Timestamp>() {
        metrics.series(&[], taken.as_second());
    }
    metrics.gauge(
        "gpucheck_verdict",
        "Whether the GPU is usable: 1 at the verdict that holds, 0 at the others.",
    );
    for verdict in [
        MachineVerdict::Usable,
        MachineVerdict::Degraded,
        MachineVerdict::Unusable,
        MachineVerdict::Incomplete,
    ] {
        metrics.series(&[("verdict", &name(&verdict))], u8::from(verdict == report.verdict));
    }
    metrics.gauge(
        "gpucheck_readiness",
        "Whether the template or image may leave: 1 at what holds, 0 at the others.",
    );
    for readiness in [Readiness::Ready, Readiness::ReadyWithWarnings, Readiness::NotReady] {
        if let Some(holds) = report.readiness {
            metrics.series(&[("readiness", &name(&readiness))], u8::from(readiness == holds));
        }
    }
}

/// What is wrong, how the checks came out, and from where a GPU can be used.
fn of_checks(metrics: &mut Metrics, report: &Report) {
    metrics.gauge(
        "gpucheck_root",
        "Something that is wrong, by its check and its cause (gpucheck explain CAUSE); always 1.",
    );
    for Root { id, cause, subject, severity, who, .. } in &report.roots {
        let labels = [
            ("id", id.as_str()),
            ("cause", cause.as_deref().unwrap_or_default()),
            ("severity", &name(severity)),
            ("who", &name(who)),
            ("kind", kind(subject)),
            ("subject", &subject.to_string()),
        ];
        metrics.series(&labels, 1);
    }
    metrics.gauge("gpucheck_checks", "Checks by how they came out, one a subject.");
    for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Unknown, Verdict::NotApplicable] {
        let count = report.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
        metrics.series(&[("verdict", &name(&verdict))], count);
    }
    metrics.gauge(
        "gpucheck_usable_from",
        "A notebook kernel or a Python, by whether a GPU can be used from it, and by the cause where not; always 1.",
    );
    for row in &report.usable_from {
        let cause = row.root.as_ref().map(RootReference::page);
        let labels = [
            ("kind", kind(&row.subject)),
            ("name", &row.subject.to_string()),
            ("shown_as", row.shown_as.as_deref().unwrap_or_default()),
            ("usable", &name(&row.usable)),
            ("cause", cause.unwrap_or_default()),
        ];
        metrics.series(&labels, 1);
    }
}

/// What the machine is.
fn of_machine(metrics: &mut Metrics, report: &Report) {
    let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
    let machine = &report.machine;
    metrics.gauge("gpucheck_gpu_info", "A GPU by its PCI address, model and compute capability; always 1.");
    for gpu in &machine.gpus {
        let labels = [
            ("gpu", &gpu.address.to_string()),
            ("model", &text(&gpu.name)),
            ("compute_capability", &text(&gpu.compute_capability)),
        ];
        metrics.series(&labels.map(|(label, value)| (label, value.as_str())), 1);
    }
    metrics.gauge("gpucheck_gpu_memory_bytes", "Memory of a GPU.");
    for gpu in &machine.gpus {
        if let Some(memory) = gpu.memory {
            metrics.series(&[("gpu", &gpu.address.to_string())], memory);
        }
    }
    metrics.gauge(
        "gpucheck_gpu_computes",
        "Whether a GPU computes, and always right: 1 or 0; none where that could not be told.",
    );
    for gpu in &machine.gpus {
        if let Some(computes) = report.computes(&gpu.address) {
            metrics.series(&[("gpu", &gpu.address.to_string())], u8::from(computes));
        }
    }
    metrics.gauge(
        "gpucheck_gpu_in_use",
        "A GPU whose memory another program fills, or that one has for itself; always 1.",
    );
    for gpu in &machine.gpus {
        if report.is_used_by_others(&gpu.address) {
            metrics.series(&[("gpu", &gpu.address.to_string())], 1);
        }
    }
    let driver = &machine.driver;
    metrics.gauge(
        "gpucheck_driver_info",
        "The driver: loaded module, libraries, newest CUDA that it runs; always 1.",
    );
    let labels = [("module", &driver.module), ("version", &driver.version), ("cuda", &driver.cuda)];
    if labels.iter().any(|(_, value)| value.is_some()) {
        metrics.series(&labels.map(|(label, value)| (label, value.as_deref().unwrap_or_default())), 1);
    }
    let host = &machine.host;
    metrics.gauge(
        "gpucheck_host_info",
        "The machine: operating system, Linux, cloud and size, container; always 1.",
    );
    let labels = [
        ("os", &host.os),
        ("linux", &host.linux),
        ("hypervisor", &host.hypervisor),
        ("container", &host.container),
        ("cloud", &host.cloud),
    ];
    metrics.series(&labels.map(|(label, value)| (label, value.as_deref().unwrap_or_default())), 1);
}

fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Host => "host",
        Subject::Gpu(_) => "gpu",
        Subject::Python(_) => "python",
        Subject::Notebook(_) => "notebook",
    }
}

/// Metrics with their series, in the order in which they are told.
struct Metrics<'a> {
    profile: &'a str,
    text: String,
    /// The metric whose series come now, and its head, until there is one.
    name: &'static str,
    head: String,
    told: BTreeSet<String>,
    left_out: BTreeMap<&'static str, usize>,
}

impl<'a> Metrics<'a> {
    fn new(profile: &'a str) -> Self {
        let (text, head) = (String::new(), String::new());
        Self { profile, text, name: "", head, told: BTreeSet::new(), left_out: BTreeMap::new() }
    }

    /// Begins a metric. One without a series is not told at all.
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.name = name;
        self.head = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        self.told.clear();
    }

    /// A series of the metric, unless it has it already. A label without a value is none.
    fn series(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let all = labels.iter().copied().chain([("profile", self.profile)]);
        let told = all.filter(|(_, value)| !value.is_empty());
        let told = told.map(|(label, value)| format!("{label}=\"{}\"", escape(value)));
        let labels = told.collect::<Vec<_>>().join(",");
        if self.told.contains(&labels) {
            return;
        }
        if self.told.len() == MOST {
            *self.left_out.entry(self.name).or_default() += 1;
            return;
        }
        self.text.push_str(&std::mem::take(&mut self.head));
        let _ = writeln!(self.text, "{}{{{labels}}} {value}", self.name);
        self.told.insert(labels);
    }

    fn end(mut self) -> String {
        self.gauge("gpucheck_series_left_out", "Series that a metric has too many of to be told.");
        for (metric, count) in std::mem::take(&mut self.left_out) {
            self.series(&[("metric", metric)], count);
        }
        self.text
    }
}

/// A text as the value of a label may have it.
fn escape(text: &str) -> String {
    let text = excerpt(text, LONGEST).replace('\\', r"\\").replace('"', "\\\"");
    text.split('\n').map(clean).collect::<Vec<_>>().join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_as_prometheus_reads_it() {
        // https://prometheus.io/docs/instrumenting/exposition_formats/: \\, \" and \n.
        assert_eq!(escape("C:\\DIR\\F \"a\"\nb"), "C:\\\\DIR\\\\F \\\"a\\\"\\nb");
        assert_eq!(escape("\u{0}\u{1b}[31m\u{202e}"), "\u{fffd}\u{fffd}[31m\u{fffd}");
        assert_eq!(escape(&"\\".repeat(LONGEST + 3)), format!("{} [... +3]", "\\\\".repeat(LONGEST)));
    }

    #[test]
    fn no_series_stands_twice_and_what_is_too_much_is_counted() {
        let mut metrics = Metrics::new("");
        metrics.gauge("gpucheck_empty", "Nothing.");
        metrics.gauge("gpucheck_many", "Many.");
        for number in 0..MOST + 3 {
            metrics.series(&[("number", &number.to_string()), ("none", "")], 1);
            metrics.series(&[("number", "0")], 1);
        }
        let text = metrics.end();
        assert_eq!(text.matches("\ngpucheck_many{").count(), MOST);
        assert_eq!(text.matches("{number=\"0\"} 1\n").count(), 1);
        assert!(
            text.ends_with("gpucheck_series_left_out{metric=\"gpucheck_many\"} 3\n")
                && !text.contains("empty")
        );
    }
}

//! JUnit XML: counted rightly, and read by Jenkins's schema.

use super::{KNOWLEDGE, all, asked, image, part, samples};
use crate::machine::Machine;
use gpucheck::{exit::Exit, render::junit};
use gpucheck_checks::{
    Language, Profile, Report, Selection, Unverified, Verdict,
    fact::{Observed, Target},
};
use roxmltree::{Document, Node};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn elements<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.descendants().filter(move |node| node.has_tag_name(name))
}

fn number(node: Node, attribute: &str) -> usize {
    node.attribute(attribute).unwrap_or_else(|| panic!("no {attribute} in {node:?}")).parse().unwrap()
}

/// What must hold of each document.
pub(super) fn assert_sound(name: &str, report: &Report) {
    let xml = junit(report);
    let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{name}: {error}"));
    let root = document.root_element();
    let mut names = BTreeSet::new();
    for suite in elements(root, "testsuite") {
        let cases: Vec<Node> = elements(suite, "testcase").collect();
        let with = |what| cases.iter().filter(|case| elements(**case, what).next().is_some()).count();
        assert_eq!(number(suite, "tests"), cases.len(), "{name}");
        for (attribute, element) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
            assert_eq!(number(suite, attribute), with(element), "{name}: {attribute}");
        }
        for case in cases {
            assert_eq!(case.attribute("classname"), suite.attribute("name"), "{name}");
            // GitLab leaves out the second of two of one name.
            let both = (case.attribute("classname"), case.attribute("name"));
            assert!(names.insert(both), "{name}: twice {both:?}");
        }
    }
    let is_outcome = |untold: &&Unverified| {
        report.outcomes.iter().any(|outcome| outcome.id == untold.id && outcome.subject == untold.subject)
    };
    let not_looked_at = report.unverified.iter().filter(|untold| !is_outcome(untold)).count();
    let drift = usize::from(report.drift.is_some());
    assert_eq!(number(root, "tests"), report.outcomes.len() + not_looked_at + drift, "{name}");
    for (attribute, element) in [("failures", "failure"), ("errors", "error")] {
        assert_eq!(number(root, attribute), elements(root, element).count(), "{name}: {attribute}");
    }
    assert_eq!(number(root, "tests"), names.len(), "{name}");
    assert_tells_all_that_is_wrong(name, report, root);
}

fn assert_tells_all_that_is_wrong(name: &str, report: &Report, root: Node) {
    let told: Vec<&str> = elements(root, "failure")
        .filter_map(|failure| failure.attribute("message"))
        .chain(elements(root, "system-out").filter_map(|output| output.text()))
        .collect();
    // Control characters and line ends are not told as they are.
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let told: Vec<String> = told.into_iter().map(letters).collect();
    for wrong in &report.roots {
        let title = wrong.texts(Language::English).title;
        assert!(told.iter().any(|told| told.contains(&letters(&title))), "{name}: {title} is not told");
    }
    let errors = elements(root, "error").count();
    let status = Exit::of(report, false);
    let incomplete = status == Exit::Incomplete && !report.unverified.is_empty();
    assert!(!incomplete || errors > 0, "{name}: what could not be told is no error");
    assert!(status != Exit::Usable || errors == 0, "{name}: ends with 0, and has {errors} errors");
}

#[test]
fn every_machine_has_a_sound_document() {
    for (name, report) in all() {
        assert_sound(&name, &report);
    }
}

#[test]
fn a_failure_tells_its_cause_what_was_seen_and_the_fix() {
    let report = asked(Profile::Check, "module-missing-new-kernel");
    let [root] = report.roots.as_slice() else { panic!("{:?}", report.roots) };
    let xml = junit(&report);
    let document = Document::parse(&xml).unwrap();
    let failures: Vec<Node> = elements(document.root_element(), "failure").collect();
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!(failure.attribute("type"), root.cause.as_deref());
    assert_eq!(failure.attribute("message"), Some(root.title.as_str()));
    let text = failure.text().unwrap();
    assert!(text.contains(&root.meaning) && text.contains(&root.fix.text), "{text}");
    for line in root.evidence.iter().chain(&root.fix.commands) {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let because =
        |node: &Node| node.attribute("message").unwrap().starts_with(&format!("because of {}: ", root.id));
    let consequences = elements(document.root_element(), "skipped").filter(because).count();
    let follow =
        report.outcomes.iter().filter(|outcome| outcome.root.is_some() && outcome.id != root.id).count();
    assert!(consequences == follow && follow > 3, "{consequences} of {follow}");
}

#[test]
fn each_target_that_fails_tells_its_own_fault() {
    let mut facts = Machine::load("image-t4").facts;
    let Observed::Seen(targets) = &mut facts.targets else { panic!("{:?}", facts.targets) };
    targets.machines = ["K80", "V100", "B200"].map(|name| Target { name: name.to_owned() }).to_vec();
    let report = Profile::Bake.judge(&facts, &KNOWLEDGE, &Selection::default());
    let xml = junit(&report);
    let document = Document::parse(&xml).unwrap();
    let driver = |node: &Node| node.attribute("type") == Some("target.driver_supports_gpu");
    let failed: Vec<&str> = elements(document.root_element(), "failure")
        .filter(driver)
        .filter_map(|node| node.attribute("message"))
        .collect();
    for target in ["K80", "B200"] {
        assert_eq!(failed.iter().filter(|message| message.contains(target)).count(), 1, "{failed:?}");
    }
    assert_eq!(failed.len(), 2);
}

#[test]
fn a_warning_passes_and_says_so() {
    let report = asked(Profile::Check, "persistence-mode-off");
    let warned = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Warn && outcome.root.as_ref() == Some(&outcome.id));
    let xml = junit(&report);
    let document = Document::parse(&xml).unwrap();
    let outputs: Vec<&str> =
        elements(document.root_element(), "system-out").filter_map(|output| output.text()).collect();
    assert_eq!((outputs.len(), number(document.root_element(), "failures")), (warned.count(), 0));
    assert!(
        !outputs.is_empty() && outputs.iter().all(|output| output.starts_with("warning: ")),
        "{outputs:?}"
    );
}

/// By the schema of Jenkins's xUnit plugin, which tests/parts/junit.sh fetches.
#[test]
fn jenkins_reads_every_machine() {
    let parts = part("junit");
    let python = parts.join("lxml/bin/python");
    assert!(python.is_file(), "no schema at {0}: run `tests/parts/junit.sh {0}` first", parts.display());
    let folder = tempfile::tempdir().unwrap();
    let reports = all()
        .into_iter()
        .chain(samples().into_iter().map(|(name, report)| (format!("sample-{name}"), report)));
    let count = reports
        .map(|(name, report)| fs::write(folder.path().join(name + ".xml"), junit(&report)).unwrap())
        .count();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render/valid.py");
    let ran =
        Command::new(python).arg(script).arg(parts.join("junit-10.xsd")).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(said.trim(), format!("{count} documents are valid"));
}

#[test]
fn what_was_allowed_not_to_be_tried_is_skipped() {
    let report = image();
    let errors = |report: &Report| number(Document::parse(&junit(report)).unwrap().root_element(), "errors");
    assert!(errors(&report) > 0);
    let allowed = Report { allowed_unverified: true, ..report };
    assert_eq!(errors(&allowed), 0);
    assert_sound("allowed", &allowed);
}

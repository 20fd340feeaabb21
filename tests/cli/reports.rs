//! `--report`: further files of the report, each in the form of its ending, whatever becomes of the others.

use super::{broken_facts, judge_facts, run};
use std::fs;

/// How a document of each form begins.
const FORMS: [(&str, &str); 6] = [
    ("report.txt", "NOT USABLE: "),
    ("report.json", "{\n  \"schema\": 1,"),
    ("report.xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
    ("report.html", "<!doctype html>\n"),
    ("report.md", "### "),
    ("report.prom", "# HELP gpucheck_build_info "),
];

#[test]
fn each_file_has_the_form_of_its_ending_and_standard_output_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["--quiet".to_owned()];
    for (name, _) in FORMS {
        args.extend(["--report".to_owned(), folder.path().join(name).to_str().unwrap().to_owned()]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = judge_facts(&broken_facts(), &args);
    assert_eq!((ran.status, ran.err.as_str(), ran.out.lines().count()), (Some(1), "", 1), "{}", ran.out);
    for (name, beginning) in FORMS {
        let written = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(written.starts_with(beginning), "{name}: {written}");
    }
    // Nothing unfinished is left.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), FORMS.len());
}

#[test]
fn a_form_is_the_same_in_a_file_and_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    for (name, form) in [
        ("a.xml", "junit"),
        ("a.html", "html"),
        ("a.md", "markdown"),
        ("a.json", "json"),
        ("a.prom", "prometheus"),
    ] {
        let path = folder.path().join(name);
        let ran = judge_facts(&broken_facts(), &["--format", form, "--report", path.to_str().unwrap()]);
        assert_eq!(fs::read_to_string(&path).unwrap(), ran.out, "{form}");
    }
}

#[test]
fn one_that_cannot_be_written_costs_the_others_nothing_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (first, gone, last) = (place("first.html"), place("gone/report.xml"), place("last.md"));
    let args = ["--report", &first, "--report", &gone, "--report", &last];
    let ran = judge_facts(&broken_facts(), &args);
    assert_eq!(ran.status, Some(4));
    assert!(ran.err.starts_with(&format!("gpucheck: {gone}: ")) && !ran.err.contains(&last), "{}", ran.err);
    assert_eq!(ran.out, judge_facts(&broken_facts(), &[]).out);
    for written in [first, last] {
        assert!(fs::metadata(&written).unwrap().len() > 100, "{written}");
    }
    let both = judge_facts(&broken_facts(), &["--report", &gone, "--output", &place("gone/report.txt")]);
    assert_eq!(both.status, Some(4));
    for what in [&gone, "gone/report.txt", "--report", "--output"] {
        assert!(both.err.contains(what), "{}", both.err);
    }
}

#[test]
fn an_ending_that_tells_no_form_is_refused_with_those_that_do() {
    for name in ["report", "report.pdf", "report.html.gz", ".md", "-"] {
        let ran = judge_facts(&broken_facts(), &["--report", name]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{name}");
        for (known, _) in FORMS {
            let ending = known.strip_prefix("report").unwrap();
            assert!(ran.err.contains(ending), "{name}: {}", ran.err);
        }
    }
}

#[test]
fn a_command_that_makes_no_report_refuses_to_write_one() {
    for args in [&["list"][..], &["explain", "nvml.loads"], &["record"]] {
        let ran = run(&[args, &["--report", "/nowhere/report.html"]].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains("makes no report"), "{}", ran.err);
    }
}

//! The samples as people and pipelines see them; `INSTA_UPDATE=always cargo test --test suite render::goldens` writes them
//! anew.

use super::samples;
use gpucheck::render::{html, junit, markdown, prometheus};
use gpucheck_checks::{Language, Readiness};

#[test]
fn every_form_reads_as_its_golden() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("goldens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, report) in samples() {
            insta::assert_snapshot!(format!("{name}.xml"), junit(&report));
            insta::assert_snapshot!(format!("{name}.prom"), prometheus(&report));
            insta::assert_snapshot!(format!("{name}.md"), markdown(&report, Language::English));
            // Its style and script would only repeat their files.
            let html = html(&report, Language::English);
            let body = html.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
            insta::assert_snapshot!(format!("{name}.html"), body);
        }
    });
}

/// A sample that fell to another verdict would leave its own unseen.
#[test]
fn each_sample_of_a_template_is_what_its_name_says() {
    let got: Vec<_> =
        samples().into_iter().filter_map(|(name, report)| Some((name, report.readiness?))).collect();
    let expected = [
        ("ready", Readiness::Ready),
        ("warnings", Readiness::ReadyWithWarnings),
        ("not-ready", Readiness::NotReady),
    ];
    assert_eq!(got, expected);
}

//! The samples as people and pipelines see them; `INSTA_UPDATE=always cargo test --test suite render::goldens` writes them
//! anew.

use super::samples;
use gpucheck::render::{html, junit, markdown};
use gpucheck_checks::Language;

#[test]
fn every_form_reads_as_its_golden() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("goldens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, report) in samples() {
            insta::assert_snapshot!(format!("{name}.xml"), junit(&report));
            insta::assert_snapshot!(format!("{name}.md"), markdown(&report, Language::English));
            // Its style and script would only repeat their files.
            let html = html(&report, Language::English);
            let body = html.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
            insta::assert_snapshot!(format!("{name}.html"), body);
        }
    });
}

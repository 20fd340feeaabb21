//! The page in a real browser, which tests/parts/browser.sh fetches: nothing goes wrong, nothing is asked for, it fits,
//! contrasts, tabs and copies.

use super::{code, part, samples};
use gpucheck::render::html;
use gpucheck_checks::Language;
use std::{fs, path::Path, process::Command};

#[test]
fn a_browser_shows_every_sample_as_it_should() {
    let parts = part("browser");
    if let Ok(reason) = fs::read_to_string(parts.join("skipped")) {
        println!("skipped: {reason}");
        return;
    }
    assert!(
        parts.join("gpucheck-stamp").is_file(),
        "no browser at {0}: run `tests/parts/browser.sh {0}` first",
        parts.display()
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, report) in samples() {
        for language in Language::ALL {
            let file = folder.path().join(format!("{name}.{}.html", code(language)));
            fs::write(file, html(&report, language)).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render/browser.py");
    let ran = Command::new("python3").arg(script).arg(parts).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    println!("{said}");
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}

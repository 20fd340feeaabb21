//! The evidence that an image keeps.

use super::{X86_64, bake, command, good, image, report};
use crate::stage::Ran;
use gpucheck::evidence::{Evidence, PLACE, place};
use std::{fs, path::Path};

fn written(path: &Path) -> Evidence {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn it_says_what_was_verified_and_what_was_not() {
    let (image, folder) = (good(), tempfile::tempdir().unwrap());
    let file = folder.path().join("evidence.json");
    let file_name = file.to_str().unwrap();
    let ran = bake(&image, &["--target", "T4", "--allow-unverified", "--evidence", file_name]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let evidence = written(&file);
    assert!(evidence.is_whole());
    assert_eq!(evidence.targets, ["T4"]);
    assert!(evidence.allowed_unverified && evidence.failed.is_empty());
    assert_eq!((evidence.place.looked_at.as_str(), evidence.place.linux.as_deref()), ("root", None));
    assert!(evidence.verified.iter().any(|item| item.id == "target.driver_supports_gpu"));
    assert!(evidence.unverified.iter().any(|item| item.id == "compute"));
    // The sum that `sha256sum` gives of the binary that ran.
    let sum = std::process::Command::new("sha256sum").arg(env!("CARGO_BIN_EXE_gpucheck")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(evidence.gpucheck_sha256.as_deref(), sum.split_whitespace().next());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
}

#[test]
fn an_edit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.json");
    let failing = image(X86_64, None);
    let ran = bake(&failing, &["--target", "T4", "--evidence", file.to_str().unwrap()]);
    assert_eq!(ran.status, Some(1), "a broken image keeps its evidence, too: {}", ran.err);
    let text = fs::read_to_string(&file).unwrap();
    assert!(written(&file).is_whole());
    for (from, to) in
        [("\"unusable\"", "\"usable\""), ("\"T4\"", "\"H100\""), ("no NVIDIA driver", "an NVIDIA driver")]
    {
        assert!(text.contains(from), "{from}: {text}");
        let edited: Evidence = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
        assert!(!edited.is_whole(), "{from}");
    }
}

#[test]
fn what_cannot_be_written_costs_neither_the_report_nor_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let report_file = folder.path().join("report.json");
    let output = report_file.to_str().unwrap();
    for place in ["/proc/evidence.json", "/no/such/folder/evidence.json", "/sys/evidence.json"] {
        let ran =
            bake(&good(), &["--target", "T4", "--evidence", place, "--format", "json", "--output", output]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""), "{}", ran.err);
        assert!(ran.err.contains(place) && ran.err.contains("the report is written"), "{}", ran.err);
        let report: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&report_file).unwrap()).unwrap();
        assert_eq!(report["verdict"], "incomplete");
    }
}

#[test]
fn of_another_root_it_goes_only_where_it_is_told_to() {
    assert_eq!(place(None, true), Some(Path::new(PLACE)));
    assert_eq!(place(None, false), None);
    assert_eq!(place(Some(Path::new("/a")), false), Some(Path::new("/a")));
    let image = good();
    let ran: Ran = command(image.path(), &["--target", "T4"]).output().unwrap().into();
    assert_eq!(ran.status, Some(3), "{}", ran.err);
    assert!(!image.path().join(PLACE.trim_start_matches('/')).exists());
}

#[test]
fn the_same_image_gives_the_same_facts() {
    let (image, folder) = (good(), tempfile::tempdir().unwrap());
    let sums = ["a", "b"].map(|name| {
        let file = folder.path().join(name);
        report(&image, &["--target", "T4", "--evidence", file.to_str().unwrap()]);
        let evidence = written(&file);
        (evidence.verified, evidence.facts_sha256.len())
    });
    assert_eq!(sums[0], sums[1]);
    assert_eq!(sums[0].1, 64);
}

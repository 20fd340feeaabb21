//! Reports in files: whose they are, which counts, and what is found in a folder.

use super::{broken, class, counts, folder, gpucheck, healthy};
use serde_json::json;
use std::fs;

#[test]
fn a_seat_is_named_by_its_file_or_by_its_folder() {
    let folder = folder(&[
        ("seat-01.json", &healthy(1)),
        ("seat-02/gpucheck.json", &healthy(2)),
        ("seat-02/gpucheck.html.json", &broken()),
        (".hidden.json", &broken()),
        ("notes.txt", &broken()),
        ("deep/er/gpucheck.json", &broken()),
    ]);
    fs::remove_dir_all(folder.path().join("deep")).unwrap();
    let ran = class(folder.path(), &["--format", "json"]);
    let listed = &ran.json()["listed"];
    assert_eq!(
        listed,
        &json!([{"name": "seat-01", "state": "ready"}, {"name": "seat-02", "state": "ready"}])
    );
    assert_eq!(ran.status, Some(0));
    // The same as files.
    let files = ["seat-01.json", "seat-02/gpucheck.json"].map(|name| folder.path().join(name));
    let named: super::Ran = gpucheck().args(files).args(["--format", "json"]).output().unwrap().into();
    assert_eq!(named.out, ran.out);
}

#[test]
fn the_newest_report_of_a_seat_counts_in_whatever_order_they_come() {
    let mut old = broken();
    old["taken_at"] = json!("2026-11-23T08:00:00Z");
    let (first, second) = ("seat.json", "seat/gpucheck.json");
    let folder = folder(&[(first, &old), (second, &healthy(1))]);
    let merged = |files: [&str; 2]| -> super::Ran {
        let files = files.map(|file| folder.path().join(file));
        gpucheck().args(files).args(["--format", "json"]).output().unwrap().into()
    };
    let (one, other) = (merged([first, second]), merged([second, first]));
    assert_eq!(one.out, other.out);
    let answer = one.json();
    assert_eq!((counts(&answer), &answer["older_reports"]), ([1, 1, 0, 0, 0, 0, 0], &json!(1)));
    assert_eq!(answer["causes"], json!([]));
    // Of two reports of one time the worse one counts.
    old["taken_at"] = healthy(1)["taken_at"].clone();
    super::write(folder.path(), first, &old);
    let (one, other) = (merged([first, second]), merged([second, first]));
    assert_eq!((one.out == other.out, one.status), (true, Some(1)));
}

#[test]
fn two_rooms_have_a_seat_of_one_name_each_and_what_is_named_twice_counts_once() {
    let folder = folder(&[
        ("lab1/seat-01.json", &healthy(5)),
        ("lab2/seat-01.json", &broken()),
        ("other/lab2/seat-01/gpucheck.json", &healthy(6)),
    ]);
    let merged = |paths: &[&str]| -> super::Ran {
        let mut command = gpucheck();
        command.current_dir(folder.path()).args(paths).args(["--format", "json"]);
        command.output().unwrap().into()
    };
    let names = |ran: &super::Ran| -> Vec<String> {
        let answer = ran.json();
        let listed = answer["listed"].as_array().unwrap();
        listed.iter().map(|seat| seat["name"].as_str().unwrap().to_owned()).collect()
    };
    let ran = merged(&["lab1", "lab2"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(1), [2, 1, 0, 1, 0, 0, 0]), "{}", ran.out);
    assert_eq!(names(&ran), ["lab1/seat-01", "lab2/seat-01"]);
    assert_eq!(merged(&["lab2/", "./lab1", "lab2"]).out, ran.out);
    // In whatever way a room's reports are named.
    assert_eq!(merged(&["lab1", "lab2/seat-01.json"]).out, ran.out);
    assert_eq!(merged(&["lab2/seat-01.json", "lab1/seat-01.json"]).out, ran.out);
    assert_eq!(
        names(&merged(&["lab2/../lab1/seat-01.json", "nowhere/seat-02.json"])),
        ["seat-01", "seat-02"]
    );
    let home = folder.path().file_name().unwrap().to_string_lossy();
    let of_one_name = [format!("{home}/lab2/seat-01"), "other/lab2/seat-01".to_owned()];
    assert_eq!(names(&merged(&["lab2", "other/lab2"])), of_one_name);
    assert_eq!(names(&merged(&["lab2/seat-01.json", "other/lab2/seat-01/gpucheck.json"])), of_one_name);
    for twice in [["lab1", "./lab1"], ["lab1/seat-01.json", "lab1/../lab1/seat-01.json"]] {
        let ran = merged(&twice);
        assert_eq!((names(&ran), &ran.json()["older_reports"]), (vec!["seat-01".to_owned()], &json!(0)));
    }
}

/// As a shell writes out `reports/*`.
#[test]
fn a_folder_of_a_seat_is_a_seat_and_an_empty_one_has_not_answered() {
    let folder = folder(&[
        ("reports/seat-01/gpucheck.json", &healthy(1)),
        ("reports/seat-02/gpucheck.json", &healthy(2)),
        ("gpucheck.json", &broken()),
    ]);
    fs::create_dir(folder.path().join("reports/seat-03")).unwrap();
    let merged = |paths: &[&str]| -> super::Ran {
        let mut command = gpucheck();
        command.current_dir(folder.path().join("reports")).args(paths).args(["--format", "json"]);
        command.output().unwrap().into()
    };
    let by_room = merged(&["."]);
    assert_eq!(
        (by_room.status, counts(&by_room.json())),
        (Some(3), [3, 2, 0, 0, 0, 0, 1]),
        "{}",
        by_room.out
    );
    assert_eq!(merged(&["seat-01", "seat-02", "seat-03"]).out, by_room.out);
    assert_eq!(merged(&["seat-01/", "../reports", "seat-03", "seat-02/gpucheck.json"]).out, by_room.out);
    // Two machines, though the shorter path has no name in it.
    let two = merged(&["seat-01/gpucheck.json", "../gpucheck.json"]);
    assert_eq!((two.status, counts(&two.json())), (Some(1), [2, 1, 0, 1, 0, 0, 0]), "{}", two.out);
    // Nothing else is a class that nobody has answered for.
    assert_eq!(merged(&["seat-03"]).status, Some(4));
}

#[test]
fn a_report_that_could_not_be_read_may_be_the_newest_of_its_seat() {
    let folder = folder(&[("seat-01.json", &healthy(1)), ("seat-02.json", &healthy(2))]);
    fs::create_dir(folder.path().join("seat-01")).unwrap();
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(3), [2, 2, 0, 0, 0, 0, 0]), "{}", ran.out);
    let text = class(folder.path(), &[]).out;
    assert!(text.starts_with("NOT VERIFIED: 2 of 2 seats are ready, Could not be read: 1\n"), "{text}");
    assert!(text.contains("- seat-01: no gpucheck.json in its folder"), "{text}");
    // What is known to be bad is.
    super::write(folder.path(), "seat-02.json", &broken());
    assert_eq!(class(folder.path(), &[]).status, Some(1));
}

#[test]
fn a_report_of_the_future_does_not_count() {
    let mut future = healthy(0);
    future["taken_at"] = json!("2999-01-01T00:00:00Z");
    let folder = folder(&[("seat-01.json", &future)]);
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(3), [1, 0, 0, 0, 0, 0, 1]), "{}", ran.out);
    assert!(ran.json()["unread"][0]["why"].as_str().unwrap().contains("in the future"), "{}", ran.out);
    super::write(folder.path(), "seat-01/gpucheck.json", &broken());
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(1), [1, 0, 0, 1, 0, 0, 0]), "{}", ran.out);
    // A clock may be a little ahead.
    future["taken_at"] = json!((jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60)).to_string());
    super::write(folder.path(), "seat-01/gpucheck.json", &future);
    fs::remove_file(folder.path().join("seat-01.json")).unwrap();
    assert_eq!(class(folder.path(), &[]).status, Some(0));
}

#[test]
fn a_report_that_is_too_old_is_a_seat_that_is_not_told() {
    let folder = folder(&[("old.json", &broken())]);
    let mut young = healthy(0);
    young["taken_at"] = json!(jiff::Timestamp::now().to_string());
    super::write(folder.path(), "young.json", &young);
    let mut timeless = healthy(0);
    timeless["taken_at"] = json!("yesterday");
    super::write(folder.path(), "timeless.json", &timeless);
    let ran = class(folder.path(), &["--format", "json", "--max-age", "24h"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(3), [3, 1, 0, 0, 0, 2, 0]), "{}", ran.out);
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(1), [3, 2, 0, 1, 0, 0, 0]), "{}", ran.out);
}

#[test]
fn nothing_to_merge_is_no_class_that_is_ready() {
    let empty = tempfile::tempdir().unwrap();
    let ran = class(empty.path(), &[]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""));
    assert!(ran.err.contains("no report in it"), "{}", ran.err);
    assert_eq!(super::stream(b" \n", &[]).status, Some(4));
    let none: super::Ran = gpucheck().output().unwrap().into();
    assert_eq!(none.status, Some(2));
    for junit in [["--format", "junit"], ["--report", "a.xml"]] {
        assert_eq!(class(empty.path(), &junit).status, Some(2));
    }
}

#[test]
fn a_baseline_is_a_report_or_what_publish_saved() {
    let folder = folder(&[("seat.json", &healthy(0))]);
    let saved = tempfile::NamedTempFile::new().unwrap();
    let facts = crate::machine::healthy();
    let report = serde_json::from_value(healthy(0)).unwrap();
    gpucheck::baseline::save(&facts, &report, saved.path()).unwrap();
    let with = |path: &std::path::Path| {
        class(folder.path(), &["--format", "json", "--baseline", path.to_str().unwrap()])
    };
    let ran = with(saved.path());
    assert_eq!(
        (ran.status, &ran.json()["template"]),
        (Some(0), &json!("2026-11-23T09:00:00Z")),
        "{}",
        ran.err
    );
    assert_eq!(ran.json()["outliers"], json!([]));
    fs::write(saved.path(), "{\"schema\": 1}").unwrap();
    let ran = with(saved.path());
    assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""));
    assert!(ran.err.contains("neither a report in JSON nor what `gpucheck publish` saved"), "{}", ran.err);
    assert_eq!(with(std::path::Path::new("/nowhere/baseline.json")).status, Some(4));
}

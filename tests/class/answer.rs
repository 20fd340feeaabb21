//! What is said of a class: its seats, its causes, what is unlike the rest; and the status that goes with it.

use super::{broken, class, counts, folder, healthy, report};
use gpucheck_checks::seats::Seats;
use serde_json::{Value, json};
use std::fs;

/// 25 seats: one without its driver's module, one with an older driver, one in part, one untold.
fn mixed() -> tempfile::TempDir {
    let folder = folder(&[]);
    for number in 1..=21 {
        super::write(folder.path(), &format!("seat-{number:02}.json"), &healthy(number));
    }
    let mut older = healthy(40);
    older["machine"]["driver"]["version"] = json!("470.223.02");
    super::write(folder.path(), "seat-22.json", &older);
    super::write(folder.path(), "seat-23.json", &broken());
    super::write(folder.path(), "seat-24.json", &report("kernelspec-gone"));
    super::write(folder.path(), "seat-25.json", &report("frameworks-not-told"));
    folder
}

#[test]
fn the_answer_counts_the_seats_and_names_each_cause_with_its_fix() {
    let folder = mixed();
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    let answer = ran.json();
    assert_eq!(counts(&answer), [25, 22, 1, 1, 1, 0, 0], "{}", ran.out);
    let cause = &answer["causes"][0];
    assert_eq!(cause["cause"], "module-missing-new-kernel");
    assert_eq!(cause["seats"]["names"], json!(["seat-23"]));
    assert_eq!(cause["first_of"], 1);
    assert_eq!(cause["fixes"][0]["root"]["fix"]["commands"], broken()["roots"][0]["fix"]["commands"]);
    let text = class(folder.path(), &[]).out;
    assert!(
        text.starts_with(
            "NOT READY: 22 of 25 seats are ready, 1 ready in part, 1 not ready, 1 could not be told\n"
        ),
        "{text}"
    );
    assert!(text.contains("sudo apt-mark hold linux-azure"), "{text}");
    assert!(text.contains("470.223.02 on 1: seat-22"), "{text}");
    let quiet = class(folder.path(), &["--quiet", "--lang", "ko"]);
    assert_eq!(quiet.out.lines().count(), 1);
    assert!(quiet.out.starts_with("게시 불가: 컴퓨터 25대 중 22대 준비됨, "), "{}", quiet.out);
}

#[test]
fn a_seat_that_is_unlike_most_is_named_and_a_students_own_python_is_not() {
    let folder = mixed();
    let mut own = healthy(50);
    own["machine"]["pythons"][0]["name"] = json!("/home/kim/venv/bin/python");
    own["machine"]["pythons"][0]["path"] = json!("/home/kim/venv/bin/python");
    let usual = healthy(0)["machine"]["pythons"].clone();
    own["machine"]["pythons"].as_array_mut().unwrap().extend(usual.as_array().unwrap().clone());
    super::write(folder.path(), "seat-21.json", &own);
    let answer = class(folder.path(), &["--format", "json"]).json();
    let outliers = answer["outliers"].as_array().unwrap();
    let driver = outliers.iter().find(|outlier| outlier["what"] == "driver").unwrap();
    assert_eq!(driver["expected"], healthy(0)["machine"]["driver"]["version"]);
    let value = |value: &str| {
        let others = driver["others"].as_array().unwrap();
        others.iter().find(|other| other["value"] == value).unwrap()["seats"]["names"].clone()
    };
    assert_eq!(value("470.223.02"), json!(["seat-22"]));
    assert!(!answer.to_string().contains("/home/kim"), "{answer:#}");
    // Everything is as it is on the template: only the driver of one seat is not.
    let (template, like) = (folder.path().join(".template.json"), folder.path().join("like"));
    fs::write(&template, healthy(0).to_string()).unwrap();
    for seat in ["seat-20.json", "seat-22.json"] {
        fs::create_dir_all(&like).unwrap();
        fs::copy(folder.path().join(seat), like.join(seat)).unwrap();
    }
    let answer = class(&like, &["--format", "json", "--baseline", template.to_str().unwrap()]).json();
    assert_eq!(answer["template"], "2026-11-23T09:00:00Z");
    let outliers = answer["outliers"].as_array().unwrap();
    assert_eq!(outliers.len(), 1, "{outliers:#?}");
    assert_eq!((&outliers[0]["what"], &outliers[0]["as_expected"]), (&json!("driver"), &json!(1)));
    assert_eq!(outliers[0]["others"][0]["seats"]["names"], json!(["seat-22"]));
}

#[test]
fn what_could_not_be_looked_at_is_not_missing() {
    let folder = folder(&[]);
    for number in 1..=6 {
        super::write(folder.path(), &format!("seat-{number}.json"), &healthy(number));
    }
    let name = healthy(0)["machine"]["pythons"][0]["name"].clone();
    let without = |change: &dyn Fn(&mut Value)| {
        let mut seat = healthy(0);
        seat["machine"]["pythons"][0]["tensorflow"] = Value::Null;
        change(&mut seat);
        seat
    };
    super::write(folder.path(), "lacks.json", &without(&|_| ()));
    let hung = without(&|seat| seat["machine"]["pythons"][0]["version"] = Value::Null);
    super::write(folder.path(), "hung.json", &hung);
    let untold = without(&|seat| {
        let subject = json!({"kind": "python", "name": name});
        seat["unverified"] = json!([{"id": "tensorflow.import", "subject": subject, "why": "it hung"}]);
    });
    super::write(folder.path(), "untold.json", &untold);
    let gone = without(&|seat| seat["machine"]["pythons"][0]["name"] = json!("/opt/other/bin/python"));
    super::write(folder.path(), "gone.json", &gone);
    let answer = class(folder.path(), &["--format", "json"]).json();
    let outliers = answer["outliers"].as_array().unwrap();
    let absent = |what: &str| {
        let outlier = outliers.iter().find(|outlier| outlier["what"] == what && outlier["place"] == name);
        let others = outlier.unwrap_or_else(|| panic!("{outliers:#?}"))["others"].as_array().unwrap().clone();
        others.into_iter().find(|other| other["value"].is_null()).unwrap()["seats"]["names"].clone()
    };
    assert_eq!(absent("framework"), json!(["lacks"]), "{outliers:#?}");
    assert_eq!(absent("python"), json!(["gone"]), "{outliers:#?}");
}

#[test]
fn the_status_is_that_of_the_worst_seat() {
    let part = report("kernelspec-gone");
    let untold = report("frameworks-not-told");
    for (reports, plain, strict, first) in [
        (&[healthy(0), healthy(1)][..], 0, 0, "READY: "),
        (&[healthy(0), part.clone()], 0, 1, "READY WITH WARNINGS: "),
        (&[healthy(0), untold.clone()], 3, 3, "NOT VERIFIED: "),
        (&[part, untold.clone()], 3, 3, "NOT VERIFIED: "),
        (&[healthy(0), untold, broken()], 1, 1, "NOT READY: "),
    ] {
        let files: Vec<String> = (0..reports.len()).map(|number| format!("{number}.json")).collect();
        let reports: Vec<(&str, &Value)> = files.iter().map(String::as_str).zip(reports).collect();
        let folder = folder(&reports);
        let ran = class(folder.path(), &[]);
        assert_eq!(ran.status, Some(plain), "{}", ran.out);
        assert!(ran.out.starts_with(first), "{}", ran.out);
        assert_eq!(class(folder.path(), &["--strict"]).status, Some(strict), "{}", ran.out);
    }
}

#[test]
fn a_template_counts_by_its_readiness() {
    // Usable today, and without a driver after the next boot.
    let folder = folder(&[
        ("a.json", &report("template-next-linux-without-module")),
        ("b.json", &report("template-t4")),
    ]);
    let ran = class(folder.path(), &["--format", "json"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(counts(&ran.json()), [2, 1, 0, 1, 0, 0, 0], "{}", ran.out);
}

#[test]
fn every_form_says_the_same_and_keeps_to_its_layout() {
    let folder = mixed();
    let reports = tempfile::tempdir().unwrap();
    let file = |name: &str| reports.path().join(name).to_str().unwrap().to_owned();
    let files = ["a.json", "a.html", "a.md", "a.txt"].map(file);
    let args: Vec<&str> = files.iter().flat_map(|file| ["--report", file.as_str()]).collect();
    assert_eq!(class(folder.path(), &args).status, Some(1));
    let [json, html, markdown, text] = files.map(|file| fs::read_to_string(file).unwrap());
    let schema = schemars::schema_for!(Seats);
    let validator = jsonschema::validator_for(&serde_json::to_value(&schema).unwrap()).unwrap();
    let answer: Value = serde_json::from_str(&json).unwrap();
    let errors: Vec<String> = validator.iter_errors(&answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let page = scraper::Html::parse_document(&html);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let select = |selector: &str| page.select(&scraper::Selector::parse(selector).unwrap()).count();
    assert_eq!(
        (select(".seats li"), select("article"), select("h1")),
        (25, answer["causes"].as_array().unwrap().len(), 1)
    );
    assert_eq!(select("[src], [style], link, iframe, img, form, base"), 0);
    for document in [&html, &markdown, &text] {
        assert!(
            document.contains("sudo apt-mark hold linux-azure") && document.contains("seat-23"),
            "{document}"
        );
        assert!(document.contains("22 of 25 seats are ready"), "{document}");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../goldens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("class.txt", text);
        insta::assert_snapshot!("class.schema.json", serde_json::to_string_pretty(&schema).unwrap());
    });
}

#[test]
fn a_large_class_has_bars_and_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = healthy(0).to_string();
    let input: String = (0..2_100)
        .map(|number| ["{\"seat\":\"s", &format!("{number:04}"), "\",", &text[1..], "\n"].concat())
        .collect();
    let page = folder.path().join("page.html");
    let ran = super::stream(input.as_bytes(), &["--format", "json", "--report", page.to_str().unwrap()]);
    let answer = ran.json();
    assert_eq!(counts(&answer), [2_100, 2_100, 0, 0, 0, 0, 0]);
    assert_eq!(
        (answer["listed"].as_array().unwrap().len(), &answer["listed_left_out"]),
        (2_000, &json!(100))
    );
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("<meter min=\"0\" max=\"2100\" value=\"2100\"") && !page.contains("s0001"),
        "{page}"
    );
}

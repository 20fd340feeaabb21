//! What lies among reports and is none, and reports that lie.

use super::{class, counts, folder, healthy};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, time::Instant};

#[test]
fn each_that_cannot_be_read_is_counted_and_named_and_none_is_waited_for() {
    let good = healthy(0);
    let folder = folder(&[("good.json", &good)]);
    let at = |name: &str| folder.path().join(name);
    let whole = fs::read(at("good.json")).unwrap();
    fs::write(at("cut.json"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("empty.json"), "").unwrap();
    fs::write(at("foreign.json"), "{\"name\": \"package\"}").unwrap();
    fs::write(at("bytes.json"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(at("two.json"), [&whole[..], &whole[..]].concat()).unwrap();
    let mut newer = good.clone();
    newer["schema"] = json!(999);
    super::write(folder.path(), "newer.json", &newer);
    super::write(folder.path(), "slow.json", &super::report("slow-on-cpu"));
    fs::File::create(at("huge.json")).unwrap().set_len(100 << 20).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo.json"), rustix::fs::Mode::RWXU).unwrap();
    symlink("good.json", at("link.json")).unwrap();
    symlink("loop.json", at("loop.json")).unwrap();
    fs::create_dir(at("unreached")).unwrap();
    fs::write(at("a\nname.json"), "x").unwrap();
    let start = Instant::now();
    let ran = class(folder.path(), &["--format", "json"]);
    assert!(start.elapsed().as_secs() < 20);
    let answer = ran.json();
    assert_eq!((ran.status, counts(&answer)), (Some(3), [14, 1, 0, 0, 0, 0, 13]), "{answer:#}");
    let why = |name: &str| {
        let unread = answer["unread"].as_array().unwrap();
        let found = unread.iter().find(|unread| unread["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {unread:#?}"))["why"].as_str().unwrap().to_owned()
    };
    for (name, said) in [
        ("cut", "EOF"),
        ("empty", "not a whole report"),
        ("foreign", "missing field"),
        ("bytes", "not a whole report"),
        ("two", "trailing characters"),
        ("newer", "layout 999"),
        ("slow", "gpucheck slow"),
        ("huge", "more than 16 MiB"),
        ("fifo", "not a regular file"),
        ("link", "symbolic link"),
        ("loop", "symbolic link"),
        ("unreached", "could not be reached"),
        ("a\nname", "not a whole report"),
    ] {
        assert!(why(name).contains(said), "{name}: {}", why(name));
    }
    let text = class(folder.path(), &[]).out;
    assert!(text.starts_with("NOT VERIFIED: 1 of 14 seats are ready, 13 without a report"), "{text}");
    assert!(text.contains("- a name: "), "{text}");
}

#[test]
fn what_was_named_and_is_not_there_is_a_seat_without_a_report() {
    let folder = folder(&[("good.json", &healthy(0))]);
    let mut command = super::gpucheck();
    command.arg(folder.path()).arg("/nowhere/seat-07.json").args(["--format", "json"]);
    let ran: super::Ran = command.output().unwrap().into();
    assert_eq!((ran.status, counts(&ran.json())), (Some(3), [2, 1, 0, 0, 0, 0, 1]));
    assert_eq!(ran.json()["unread"][0]["name"], "seat-07");
}

#[test]
fn a_report_that_tells_endlessly_fills_neither_memory_nor_the_answer() {
    let mut liar = super::broken();
    let root = liar["roots"][0].clone();
    let roots = (0..500).map(|number| {
        let mut root = root.clone();
        root["id"] = json!(format!("made.up_{number:05}"));
        root["cause"] = Value::Null;
        root["title"] = json!("<script>alert(1)</script>\u{202e}\u{1b}[2J".repeat(20));
        root["fix"]["commands"] = json!(["rm -rf /".repeat(2_000)]);
        root
    });
    liar["roots"] = roots.collect();
    let folder = folder(&[("good.json", &healthy(0)), ("liar.json", &liar)]);
    let page = folder.path().join("page.html");
    let ran = class(folder.path(), &["--format", "json", "--report", page.to_str().unwrap()]);
    let answer = ran.json();
    assert_eq!((ran.status, counts(&answer)[..4].to_vec()), (Some(1), vec![2, 1, 0, 1]));
    assert_eq!(answer["causes"].as_array().unwrap().len(), 64);
    assert_eq!(answer["causes"][0]["fixes"][0]["root"]["fix"]["commands"], json!([]));
    let page = fs::read_to_string(page).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains(['\u{202e}', '\u{1b}']));
    let text = class(folder.path(), &[]).out;
    assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
}

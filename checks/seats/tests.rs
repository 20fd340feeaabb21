//! Tallies: any order, any hands, bounded.

use super::{NAMES, Seat, SeatReport, SeatState, Seats, Tally};
use serde_json::{Value, json};

/// A report in which this root stands, if any.
fn report(root: Option<Value>, driver: &str) -> SeatReport {
    let verdict = if root.is_some() { "unusable" } else { "usable" };
    let report = json!({
        "schema": 1, "gpucheck": "0.1.0", "taken_at": "2026-11-23T09:00:00Z", "profile": "check", "verdict": verdict,
        "roots": root.into_iter().collect::<Vec<_>>(), "outcomes": [], "unverified": [],
        "machine": {"host": {}, "gpus": [], "driver": {"version": driver}, "pythons": [], "notebooks": []},
    });
    serde_json::from_value(report).unwrap()
}

/// A cause whose fix and whose measured values are these.
fn root(cause: &str, command: &str, value: u64) -> Value {
    json!({
        "id": "a.b", "cause": cause, "subject": {"kind": "host", "name": "this machine"}, "severity": "unusable",
        "who": "student", "title": format!("{value} GB are held"), "meaning": "", "summary": "", "evidence": ["much"],
        "fix": {"text": "Mend it.", "commands": [command], "url": null}, "explains": [],
    })
}

fn named(number: u64) -> Seat {
    Seat::Named(format!("seat-{number:04}").into())
}

fn told(tally: &Tally) -> Seats {
    tally.seats("0.1.0", None, |seconds| seconds.to_string())
}

/// Takes these seats by two hands, which share them in turn.
fn tally(seats: &[u64], take: impl Fn(&mut Tally, u64)) -> Tally {
    let (mut one, mut other) = (Tally::default(), Tally::default());
    for (index, seat) in seats.iter().enumerate() {
        take(if index.is_multiple_of(2) { &mut one } else { &mut other }, *seat);
    }
    one.merge(other);
    one
}

#[test]
fn any_order_and_any_hands_tell_the_same() {
    let take = |tally: &mut Tally, number: u64| {
        let seat = named(number % 70);
        let taken = Some(i64::try_from(number * 7919 % 100).unwrap());
        match number % 5 {
            0 => tally.miss(seat, "cut off".to_owned()),
            1 => tally.take(seat, taken, false, report(None, &format!("550.{}", number % 3))),
            2 => tally.take(seat, taken, true, report(None, "550.1")),
            _ => {
                let root = root(&format!("c{}", number % 4), &format!("kill {}", number % 50), number);
                tally.take(seat, taken, false, report(Some(root), "550.1"));
            }
        }
    };
    let forward: Vec<u64> = (0..300).collect();
    let backward: Vec<u64> = (0..300).rev().collect();
    let shuffled: Vec<u64> = (0..300).map(|number| number * 131 % 300).collect();
    let expected = told(&tally(&forward, take));
    assert_eq!(expected.seats.all, 70);
    assert!(expected.older_reports > 0 && !expected.causes.is_empty() && !expected.outliers.is_empty());
    for order in [backward, shuffled] {
        assert_eq!(told(&tally(&order, take)), expected);
    }
}

#[test]
fn a_cause_is_one_whatever_was_measured_and_each_fix_has_its_seats() {
    let seats: Vec<u64> = (0..1_000).collect();
    let fix = |number: u64| if number < 900 { "reboot".to_owned() } else { format!("kill {number}") };
    let tally = tally(&seats, |tally, number| {
        let root = root("held", &fix(number), number);
        tally.take(named(number), Some(0), false, report(Some(root), "550.1"));
    });
    let told = told(&tally);
    assert_eq!((told.causes.len(), told.causes_left_out), (1, 0));
    let cause = &told.causes[0];
    assert_eq!((cause.seats.count, cause.seats.names.len(), cause.first_of), (1_000, NAMES, 1_000));
    assert_eq!(cause.seats.names_left_out, 1_000 - NAMES as u64);
    assert_eq!(cause.seats.names[..2], ["seat-0000", "seat-0001"]);
    let shown: u64 = cause.fixes.iter().map(|fix| fix.seats.count).sum();
    assert_eq!(shown + cause.other_fixes, 1_000);
}

#[test]
fn a_cause_is_told_in_the_words_of_the_newest_report_that_has_it() {
    let broken = |value| report(Some(root("held", "reboot", value)), "550.1");
    for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        let tally = tally(&order, |tally, number| match number {
            0 => tally.take(named(1), Some(0), false, broken(10)),
            1 => tally.take(named(1), Some(9), false, report(None, "550.1")),
            2 => tally.take(named(2), Some(1), false, broken(20)),
            _ => tally.take(named(2), Some(2), false, broken(21)),
        });
        let causes = told(&tally).causes;
        let fix = &causes[0].fixes[0];
        assert_eq!((causes.len(), &fix.seats.names[..]), (1, &["seat-0002".to_owned()][..]));
        assert_eq!(fix.root.title, "21 GB are held");
    }
}

#[test]
fn more_causes_than_are_kept_are_counted() {
    let seats: Vec<u64> = (0..3_000).collect();
    let take = |tally: &mut Tally, number: u64| {
        let root = root(&format!("made-up-{number}"), "x", number);
        tally.take(named(number), Some(0), false, report(Some(root), "550.1"));
    };
    let told = told(&tally(&seats, take));
    assert_eq!(told.causes.len() as u64 + told.causes_left_out, 3_000);
    assert!(told.causes.len() <= 1_024, "{}", told.causes.len());
    assert_eq!(told.seats.not_ready, 3_000);
}

#[test]
fn what_cannot_be_read_takes_no_report_away() {
    for unread_first in [true, false] {
        let mut tally = Tally::default();
        let miss = |tally: &mut Tally| tally.miss(named(1), "cut off".to_owned());
        if unread_first {
            miss(&mut tally);
        }
        tally.take(named(1), None, false, report(None, "550.1"));
        if !unread_first {
            miss(&mut tally);
        }
        let told = told(&tally);
        assert_eq!((told.seats.all, told.seats.ready, told.unread.len(), told.older_reports), (1, 1, 1, 0));
        assert_eq!(told.listed[0].state, SeatState::Ready);
    }
}

#[test]
fn names_are_in_the_order_in_which_people_count() {
    let names = [
        "a",
        "seat",
        "seat-1",
        "seat-01",
        "seat-2",
        "seat-2b",
        "seat-10",
        "seat-99999999999999999999999",
        "seats",
    ];
    let seats: Vec<Seat> = names.iter().map(|name| Seat::Named((*name).into())).collect();
    let mut sorted = seats.clone();
    sorted.reverse();
    sorted.sort();
    let expected = ["a", "seat", "seat-01", "seat-1", "seat-2", "seat-2b", "seat-10", names[7], "seats"];
    assert_eq!(sorted, expected.map(|name| Seat::Named(name.into())));
}

#[test]
fn half_of_the_seats_are_not_most() {
    let versions = |of: fn(u64) -> &'static str| {
        let seats: Vec<u64> = (0..10).collect();
        told(&tally(&seats, |tally, number| {
            tally.take(named(number), Some(0), false, report(None, of(number)));
        }))
    };
    let even = versions(|number| if number < 5 { "535" } else { "550" });
    assert_eq!((&even.outliers[0].expected, even.outliers[0].others.len()), (&None, 2));
    let most = versions(|number| if number < 4 { "535" } else { "550" });
    let outlier = &most.outliers[0];
    assert_eq!((outlier.expected.as_deref(), outlier.as_expected, outlier.of), (Some("550"), 6, 10));
    assert_eq!((outlier.others[0].value.as_deref(), outlier.others[0].seats.count), (Some("535"), 4));
    assert_eq!(versions(|_| "550").outliers, []);
}

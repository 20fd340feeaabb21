//! What is said of many machines: how many seats are ready, each cause with its seats and its fix, what is unlike the rest.
//!
//! Invariants: the answer comes first; a list of seats says how many it leaves out; names of seats are as foreign as any
//! text of a machine.

use super::{
    page::{Page, Style, clean},
    tone::Tone,
    word,
};
use anstyle::{AnsiColor, Style as Ansi};
use gpucheck_checks::{
    Language, SeatStateWords, SeatsWords, Words,
    seats::{Outlier, Reading, SeatCause, SeatState, Seats, SomeSeats, What},
};

/// Most names in a line.
const NAMES: usize = 12;
/// Longest name that is shown, in characters.
const LONGEST: usize = 80;

/// The answer in one line.
pub fn answer(seats: &Seats, language: Language) -> String {
    let (verdict, rest) = parts(seats, language);
    format!("{verdict}: {rest}")
}

/// The answer in its two parts: a word or two, and the seats by state.
pub(super) fn parts(seats: &Seats, language: Language) -> (&'static str, String) {
    let words = language.words();
    let counts = &seats.seats;
    let verdict = match tone(seats) {
        Tone::Good => &words.publish.ready,
        Tone::Bad => &words.publish.not_ready,
        Tone::Warning if seats.is_in_part_unknown() => &words.verdict.incomplete,
        Tone::Warning => &words.publish.ready_with_warnings,
    };
    let values = [("ready", counts.ready.to_string()), ("all", counts.all.to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ready = words.seats.answer.with(&values);
    let others = states(seats).into_iter().filter(|(state, _)| *state != SeatState::Ready);
    let others = others.map(|(state, count)| counted(state, count, &words.seats));
    // Where a seat has another report its state does not tell of it.
    let unread = (counts.unread == 0 && !seats.unread.is_empty()).then(|| {
        let count = seats.unread.len() as u64 + seats.unread_left_out;
        format!("{}: {count}", words.seats.unread)
    });
    (verdict, std::iter::once(ready).chain(others).chain(unread).collect::<Vec<_>>().join(", "))
}

/// How good the news is.
pub(super) fn tone(seats: &Seats) -> Tone {
    let counts = &seats.seats;
    let is_whole = counts.ready == counts.all && !seats.is_in_part_unknown();
    match (counts.not_ready, is_whole) {
        (0, true) if seats.causes.is_empty() => Tone::Good,
        (0, _) => Tone::Warning,
        _ => Tone::Bad,
    }
}

/// The states that seats are in, and how many are.
pub(super) fn states(seats: &Seats) -> Vec<(SeatState, u64)> {
    let counts = &seats.seats;
    let all = [
        (SeatState::Ready, counts.ready),
        (SeatState::InPart, counts.in_part),
        (SeatState::NotReady, counts.not_ready),
        (SeatState::Untold, counts.untold),
        (SeatState::Stale, counts.stale),
        (SeatState::Unread, counts.unread),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

pub(super) fn counted(state: SeatState, count: u64, words: &SeatsWords) -> String {
    words.count.with(&[("count", &count.to_string()), ("state", self::state(state, &words.state))])
}

pub(super) fn state(state: SeatState, words: &SeatStateWords) -> &str {
    match state {
        SeatState::Ready => &words.ready,
        SeatState::InPart => &words.in_part,
        SeatState::NotReady => &words.not_ready,
        SeatState::Untold => &words.untold,
        SeatState::Stale => &words.stale,
        SeatState::Unread => &words.unread,
    }
}

/// Names of seats, and how many more there are.
pub(super) fn names(seats: &SomeSeats, words: &SeatsWords) -> String {
    let shown: Vec<String> = seats.names.iter().take(NAMES).map(|name| name_of(name)).collect();
    let more = seats.count - shown.len() as u64;
    let shown = shown.join(", ");
    if more == 0 { shown } else { words.and_more.with(&[("names", &shown), ("count", &more.to_string())]) }
}

/// A seat's name, as much of it as can be read.
pub(super) fn name_of(name: &str) -> String {
    clean(&super::outline::excerpt(name, LONGEST))
}

/// A cause and how many seats have it.
pub(super) fn title(cause: &SeatCause, seats: &Seats, language: Language) -> String {
    let first = cause.fixes.first();
    let title = first.map_or_else(|| cause.id.clone(), |fix| fix.root.texts(language).title);
    of_seats(&title, &cause.seats, seats, language.words())
}

/// Something, and how many seats have it.
fn of_seats(title: &str, have: &SomeSeats, seats: &Seats, words: &Words) -> String {
    let (count, all) = (have.count.to_string(), seats.seats.all.to_string());
    words.seats.cause.with(&[("title", title), ("count", &count), ("all", &all)])
}

/// Before what differs.
pub(super) fn unlike(seats: &Seats, words: &SeatsWords) -> String {
    match &seats.template {
        Some(date) => words.unlike_template.with(&[("date", date)]),
        None => words.unlike_most.clone(),
    }
}

/// In what seats differ.
pub(super) fn what(outlier: &Outlier, words: &Words) -> String {
    let drift = &words.drift;
    let name = outlier.name.as_deref();
    let what = match outlier.what {
        What::Driver => drift.what.driver.clone(),
        What::Gpus => drift.what.gpu.clone(),
        What::Size => drift.what.size.clone(),
        What::Os => drift.what.os.clone(),
        What::Linux => drift.what.linux.clone(),
        What::Python => "Python".to_owned(),
        What::Framework => name.unwrap_or_default().to_owned(),
    };
    match &outlier.place {
        Some(place) => drift.in_place.with(&[("subject", &what), ("place", place)]),
        None => what,
    }
}

/// What the template or most seats have, and where they do.
fn usual(outlier: &Outlier, words: &Words) -> String {
    let what = what(outlier, words);
    let (count, of) = (outlier.as_expected.to_string(), outlier.of.to_string());
    match &outlier.expected {
        Some(expected) => {
            let values = [("what", &what), ("expected", expected), ("count", &count), ("of", &of)];
            words.seats.usual.with(&values.map(|(name, value)| (name, value.as_str())))
        }
        None => words.seats.mixed.with(&[("what", &what), ("of", &of)]),
    }
}

/// The seats that have another value.
pub(super) fn others(outlier: &Outlier, words: &SeatsWords) -> Vec<String> {
    let line = |reading: &Reading| {
        let value = reading.value.as_ref().unwrap_or(&words.absent);
        let (count, names) = (reading.seats.count.to_string(), names(&reading.seats, words));
        words.other.with(&[("value", value), ("count", &count), ("names", &names)])
    };
    let mut lines: Vec<String> = outlier.others.iter().map(line).collect();
    if outlier.others_left_out > 0 {
        lines.push(words.others.with(&[("count", &outlier.others_left_out.to_string())]));
    }
    lines
}

/// What could not be told, a line each; and what could not be read.
pub(super) fn doubts(seats: &Seats, words: &Words) -> [(String, Vec<String>); 2] {
    let more = |count: u64| (count > 0).then(|| words.page.more.with(&[("count", &count.to_string())]));
    let untold = seats.untold.iter().map(|doubt| {
        let title = format!("{}: {}", doubt.id, doubt.why);
        format!("{}: {}", of_seats(&title, &doubt.seats, seats, words), names(&doubt.seats, &words.seats))
    });
    let unread = seats.unread.iter().map(|unread| format!("{}: {}", name_of(&unread.name), unread.why));
    [
        (words.heading.untold.clone(), untold.chain(more(seats.untold_left_out)).collect()),
        (words.seats.unread.clone(), unread.chain(more(seats.unread_left_out)).collect()),
    ]
}

/// When the seats were looked at, and what did not count.
pub(super) fn about(seats: &Seats, words: &SeatsWords) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(oldest), Some(newest)) = (&seats.oldest, &seats.newest) {
        let (first, last) = (name_of(&oldest.name), name_of(&newest.name));
        lines.push(words.taken.with(&[
            ("from", &oldest.taken_at),
            ("first", &first),
            ("to", &newest.taken_at),
            ("last", &last),
        ]));
    }
    if seats.older_reports > 0 {
        lines.push(words.older.with(&[("count", &seats.older_reports.to_string())]));
    }
    lines
}

/// The answer as text, for people.
pub fn text(seats: &Seats, style: Style, language: Language) -> String {
    let words = language.words();
    let mut page = Page { text: String::new(), style };
    let color = match tone(seats) {
        Tone::Good => AnsiColor::Green,
        Tone::Warning => AnsiColor::Yellow,
        Tone::Bad => AnsiColor::Red,
    };
    page.painted(&answer(seats, language), Ansi::new().bold().fg_color(Some(color.into())));
    for cause in &seats.causes {
        self::cause(&mut page, cause, seats, language);
    }
    if seats.causes_left_out > 0 {
        page.heading(&words.seats.causes_left_out.with(&[("count", &seats.causes_left_out.to_string())]));
    }
    if !seats.outliers.is_empty() {
        page.heading(&unlike(seats, &words.seats));
        for outlier in &seats.outliers {
            page.paragraph(&usual(outlier, words));
            for line in others(outlier, &words.seats) {
                page.wrapped("    - ", "      ", &line);
            }
        }
    }
    for (heading, lines) in doubts(seats, words) {
        if !lines.is_empty() {
            page.heading(&heading);
            for line in &lines {
                page.item(line);
            }
        }
    }
    page.line("");
    for line in about(seats, &words.seats) {
        page.painted(&line, Ansi::new());
    }
    page.text
}

fn cause(page: &mut Page, cause: &SeatCause, seats: &Seats, language: Language) {
    let words = language.words();
    page.heading(&title(cause, seats, language));
    page.paragraph(&words.seats.which.with(&[("names", &names(&cause.seats, &words.seats))]));
    if let Some(fix) = cause.fixes.first() {
        let text = fix.root.texts(language).fix;
        page.paragraph(&format!("{}: {text}", word::fix_heading(fix.root.who, &words.heading.fix)));
        for command in &fix.root.fix.commands {
            page.line(&format!("      {}", clean(command)));
        }
        let others = cause.seats.count.saturating_sub(fix.seats.count);
        if others > 0 {
            page.paragraph(&words.seats.other_fixes.with(&[("count", &others.to_string())]));
        }
    }
    let id = cause.page();
    page.paragraph(&words.heading.more.with(&[("id", id)]));
}

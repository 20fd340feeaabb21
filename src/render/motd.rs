//! What is said at a login: a line or two, within 80 columns.
//!
//! Invariants: what was not proven is not said, so a report that could tell nothing is silence; the id to ask about is never
//! cut, what is said beside it is.

use super::{
    answer::gpus,
    page::clean,
    usable_from::{self, age},
};
use gpucheck_checks::{Language, MachineVerdict, Phrase, Report, Root, Subject, Usable, UsableFrom};
use unicode_width::UnicodeWidthStr;

/// Columns of a line: those of the smallest terminal.
const WIDTH: usize = 80;
/// Fewest columns in which the beginning of a title says something.
const LEAST: usize = 24;
/// What stands for the rest of a text.
const DOTS: &str = "...";

/// The lines, each with its end; nothing where the report could not tell. `age_s` is the report's age in seconds.
pub fn motd(report: &Report, age_s: u64, language: Language) -> String {
    let words = &language.words().login;
    let seen = language.words().heading.retold.with(&[("age", &age(age_s))]);
    let lines = match (report.verdict, report.roots.first()) {
        (MachineVerdict::Incomplete, _) => Vec::new(),
        (MachineVerdict::Unusable, root) => broken(&words.unusable, root, &seen, language),
        (MachineVerdict::Degraded, root) => match barred(report) {
            Some((row, root)) => vec![usable(report, &seen, language), kernel(report, row, root, language)],
            None => broken(&words.degraded, root, &seen, language),
        },
        (MachineVerdict::Usable, root) => {
            let to_mend = root.map(|root| noted(&words.to_mend, root, &[], language));
            std::iter::once(usable(report, &seen, language)).chain(to_mend).collect()
        }
    };
    lines.into_iter().map(|line| line + "\n").collect()
}

/// That it is usable, and from where.
fn usable(report: &Report, seen: &str, language: Language) -> String {
    let words = language.words();
    let gpus = clean(&gpus(report, &words.answer));
    match usable_from::count(report, true) {
        (_, 0) => fitted(&words.login.usable, ("gpus", &gpus), &[("seen", seen)]),
        (can, all) => {
            let others = [("can", &*can.to_string()), ("all", &*all.to_string()), ("seen", seen)];
            fitted(&words.login.usable_from, ("gpus", &gpus), &others)
        }
    }
}

/// What is wrong with the GPU, and how to read on.
fn broken(what: &Phrase, root: Option<&Root>, seen: &str, language: Language) -> Vec<String> {
    let Some(root) = root else { return Vec::new() };
    let more = &language.words().login.more;
    vec![titled(what, root, language), more.with(&[("id", &id(root)), ("seen", seen)])]
}

/// The first kernel that cannot use the GPU, of those whose reason is known.
fn barred(report: &Report) -> Option<(&UsableFrom, &Root)> {
    let kernels = report.usable_from.iter().filter(|row| matches!(row.subject, Subject::Notebook(_)));
    let mut barred = kernels.filter(|row| matches!(row.usable, Usable::No | Usable::InPart));
    barred.find_map(|row| Some((row, report.root_of(row)?)))
}

/// Which kernel cannot use the GPU, why, and how to read on.
fn kernel(report: &Report, row: &UsableFrom, root: &Root, language: Language) -> String {
    let phrase = &language.words().login.kernel;
    let rows: Vec<&UsableFrom> = report.usable_from.iter().collect();
    let around = phrase.with(&[("name", ""), ("title", ""), ("id", &id(root))]);
    let left = WIDTH.saturating_sub(around.width()).min(WIDTH / 3);
    let name = shortened(&clean(&usable_from::name(row, &rows, language)), left);
    noted(phrase, root, &[("name", &name)], language)
}

/// A line about a root, and how to read on; its title stands in it where there is room for enough of it.
fn noted(phrase: &Phrase, root: &Root, others: &[(&str, &str)], language: Language) -> String {
    let (title, id) = (clean(&root.texts(language).title), id(root));
    let line = |title: &str| phrase.with(&[others, &[("title", title), ("id", &id)]].concat());
    let left = WIDTH.saturating_sub(line(": ").width());
    if title.width() <= left || left >= LEAST {
        line(&format!(": {}", shortened(&title, left)))
    } else {
        line("")
    }
}

/// What a root is.
fn titled(phrase: &Phrase, root: &Root, language: Language) -> String {
    fitted(phrase, ("title", &clean(&root.texts(language).title)), &[])
}

fn id(root: &Root) -> String {
    clean(root.page())
}

/// A line in which one value is as short as the others make it.
fn fitted(phrase: &Phrase, (name, text): (&str, &str), others: &[(&str, &str)]) -> String {
    let around = phrase.with(&[others, &[(name, "")]].concat());
    let text = shortened(text, WIDTH.saturating_sub(around.width()));
    phrase.with(&[others, &[(name, &text)]].concat())
}

/// The beginning of a text that is too wide, up to a word's end.
fn shortened(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + c.to_string().width() + DOTS.len() > room {
            break;
        }
        short.push(c);
    }
    let word = short.rsplit_once(' ').map_or(short.as_str(), |(words, _)| words);
    format!("{}{DOTS}", word.trim_end_matches([',', ':', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_with_a_word() {
        assert_eq!(shortened("the driver is gone", 18), "the driver is gone");
        assert_eq!(shortened("the driver is gone", 17), "the driver is...");
        assert_eq!(shortened("Linux, and more", 13), "Linux...");
        assert_eq!(shortened("드라이버가 없음", 14), "드라이버가...");
        assert_eq!(shortened("driverless", 6), "dri...");
    }
}

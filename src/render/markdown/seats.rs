//! What is said of many machines, for a pull request or a chat.

use super::{Cut, LONGEST, LONGEST_BODY, ROOTS, Summary};
use crate::render::{seats, tone::Tone};
use gpucheck_checks::{Language, seats::Seats};

/// How long each list may become, in bytes: with the rest less than a body may have.
const LIST: usize = 10_000;

/// What is said of a class as Markdown.
pub fn seats_markdown(seats: &Seats, language: Language) -> String {
    let cut = |longest| whole(seats, language, Cut(longest));
    let [usual, short, shortest] = LONGEST;
    let fits = |text: &String| text.len() <= LONGEST_BODY;
    [usual, short].into_iter().map(cut).find(fits).unwrap_or_else(|| cut(shortest))
}

fn whole(seats: &Seats, language: Language, cut: Cut) -> String {
    let words = language.words();
    let mut summary = Summary { text: String::new(), cut, words, language };
    let (verdict, rest) = seats::parts(seats, language);
    let mark = match seats::tone(seats) {
        Tone::Good => '\u{2705}',
        Tone::Warning => '\u{26a0}',
        Tone::Bad => '\u{274c}',
    };
    summary.line(&format!("### {mark} gpucheck class: {verdict}\n"));
    summary.line(&format!("**{rest}**\n"));
    if !seats.causes.is_empty() {
        let rows = seats.causes.iter().map(|cause| {
            let title = cut.short(&seats::title(cause, seats, language));
            let names = cut.short(&seats::names(&cause.seats, &words.seats));
            let fix = cause.fixes.first().map(|fix| cut.short(&fix.root.texts(language).fix));
            format!("| {title} | {names} | {} |", fix.unwrap_or_default())
        });
        summary.line(&format!(
            "| {} | {} | {} |\n| --- | --- | --- |",
            words.page.what, words.seats.seats, words.heading.fix.student
        ));
        summary.lines(ROOTS, rows, |count| format!("| {count} | | |"));
        summary.line("");
        let room = |index: usize| LIST.checked_div(index + 1).unwrap_or_default();
        for (index, cause) in seats.causes.iter().take(3).enumerate() {
            if let Some(fix) = cause.fixes.first() {
                summary.line(&format!("**{}**\n", cut.short(&fix.root.texts(language).title)));
                summary.fix(&fix.root, room(index));
            }
        }
    }
    let outliers = seats.outliers.iter().map(|outlier| {
        let others =
            seats::others(outlier, &words.seats).iter().map(|line| cut.short(line)).collect::<Vec<_>>();
        let expected = outlier.expected.as_deref().unwrap_or("-");
        format!(
            "| {} | {} | {} |",
            cut.short(&seats::what(outlier, words)),
            cut.short(expected),
            others.join("<br>")
        )
    });
    if !seats.outliers.is_empty() {
        summary.line(&format!("**{}**\n", cut.short(&seats::unlike(seats, &words.seats))));
        let columns = [&words.seats.what, &words.seats.expected, &words.seats.deviant];
        summary.line(&format!("| {} | {} | {} |\n| --- | --- | --- |", columns[0], columns[1], columns[2]));
        summary.lines(LIST, outliers, |count| format!("| {count} | | |"));
        summary.line("");
    }
    for (heading, lines) in seats::doubts(seats, words) {
        if !lines.is_empty() {
            summary.line(&format!("**{heading}**\n"));
            summary.lines(LIST, lines.iter().map(|line| cut.item(line)), |count| format!("- {count}"));
            summary.line("");
        }
    }
    let about = seats::about(seats, &words.seats).into_iter().chain([format!("gpucheck {}", seats.gpucheck)]);
    summary.line(&format!("<sub>{}</sub>", cut.short(&about.collect::<Vec<_>>().join("; "))));
    summary.text
}

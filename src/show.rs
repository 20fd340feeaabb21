//! Showing a report, in the form and the language that are asked for.

use crate::{
    cli::{Color, Format, ShowArgs},
    error::Error,
    exit::Exit,
    locale, output,
    render::{self, Retold, Style},
};
use gpucheck_checks::{Language, Report, seats::Seats};
use std::io::{self, IsTerminal};

/// Width of a text report in a file, in columns.
const FILE_WIDTH: usize = 100;

/// Writes a report, and every further file of it that is asked for; the status that goes with it. A place that cannot be
/// written to costs the others nothing.
///
/// # Errors
/// Some of it cannot be written.
pub fn report(report: &Report, show: &ShowArgs) -> Result<Exit, Error> {
    with_note(report, None, show)
}

/// Writes a report that the daemon took, and since when it stands.
///
/// # Errors
/// As of [`report`].
pub fn retold(report: &Report, retold: Retold, show: &ShowArgs) -> Result<Exit, Error> {
    with_note(report, Some(&render::retold(retold, language(show))), show)
}

fn with_note(report: &Report, note: Option<&str>, show: &ShowArgs) -> Result<Exit, Error> {
    let render = |format, style, language| render(report, format, style, language);
    let answer = |language| render::answer(report, language);
    written(show, &render, &answer, note).map(|()| Exit::of(report, show.strict))
}

/// Writes what is said of a class, as [`report`] does.
///
/// # Errors
/// Some of it cannot be written, or has no such form.
pub fn seats(seats: &Seats, show: &ShowArgs) -> Result<Exit, Error> {
    let render = |format, style, language| match format {
        Format::Json => render::json(seats),
        Format::Html => render::seats_html(seats, language),
        Format::Markdown => render::seats_markdown(seats, language),
        // Whoever asks for another has been told that there is none.
        Format::Text | Format::Junit | Format::Prometheus | Format::Parts => {
            render::seats_text(seats, style, language)
        }
    };
    let answer = |language| render::seats_answer(seats, language);
    written(show, &render, &answer, None).map(|()| Exit::of_seats(seats, show.strict))
}

/// Writes a document in each form that is asked for, and a note below the one that is shown as text.
fn written(
    show: &ShowArgs,
    render: &dyn Fn(Format, Style, Language) -> String,
    answer: &dyn Fn(Language) -> String,
    note: Option<&str>,
) -> Result<(), Error> {
    let language = language(show);
    let shown = || {
        let is_line = show.quiet && show.format == Format::Text;
        let mut document = if is_line {
            format!("{}\n", answer(language))
        } else {
            render(show.format, style(show), language)
        };
        // Every other form tells when it was taken, and of a line that stands alone somebody reads no more.
        if let Some(note) = note.filter(|_| show.format == Format::Text && !is_line) {
            document.extend(["\n", note, "\n"]);
        }
        output::write(&document, show.output.as_deref())
    };
    let files = show.report.iter().map(|file| {
        let style = Style { width: FILE_WIDTH, color: false };
        output::write_report(&render(file.format, style, language), &file.path)
    });
    let written: Vec<_> = files.chain(std::iter::once_with(shown)).collect();
    let mut failed: Vec<Error> = written.into_iter().filter_map(Result::err).collect();
    match failed.pop() {
        None => Ok(()),
        Some(error) if failed.is_empty() => Err(error),
        Some(error) => Err(Error::Several(failed.into_iter().chain([error]).collect())),
    }
}

fn render(report: &Report, format: Format, style: Style, language: Language) -> String {
    match format {
        Format::Text => render::text(report, style, language),
        Format::Json => render::json(report),
        Format::Junit => render::junit(report),
        Format::Html => render::html(report, language),
        Format::Markdown => render::markdown(report, language),
        Format::Prometheus => render::prometheus(report),
        Format::Parts => render::parts(report, language),
    }
}

/// The language that was asked for, else that of the locale.
pub fn language(show: &ShowArgs) -> Language {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    show.lang.map_or_else(|| locale::language(variable), Language::from)
}

/// How to draw on what the report is written to.
pub fn style(show: &ShowArgs) -> Style {
    let to_terminal = show.output.is_none() && io::stdout().is_terminal();
    let color = match show.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            to_terminal && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    };
    let terminal = to_terminal.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
    let columns = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Style { width: columns.or(asked).unwrap_or(100).clamp(40, 160), color }
}

//! Showing a report, in the form and the language that are asked for.

use crate::{
    cli::{Color, Format, ShowArgs},
    error::Error,
    exit::Exit,
    locale, output,
    render::{self, Style},
};
use gpucheck_checks::{Language, Report};
use std::io::{self, IsTerminal};

/// Writes a report; the status that goes with it.
///
/// # Errors
/// It cannot be written.
pub fn report(report: &Report, show: &ShowArgs) -> Result<Exit, Error> {
    output::write(&render(report, show), show.output.as_deref())?;
    Ok(Exit::of(report, show.strict))
}

fn render(report: &Report, show: &ShowArgs) -> String {
    match show.format {
        Format::Json => render::json(report),
        Format::Text if show.quiet => format!("{}\n", render::answer(report, language(show))),
        Format::Text => render::text(report, style(show), language(show)),
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

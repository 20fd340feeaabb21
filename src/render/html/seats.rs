//! The page of many machines: a cell for each seat, each cause with its seats and its fix, what is unlike the rest.

use super::{
    super::{outline::excerpt, seats, tone::Tone, word},
    LONGEST, Page,
    tables::Cell,
};
use gpucheck_checks::{
    Language, Severity,
    seats::{SeatCause, SeatState, Seats},
};

/// What is said of a class as one HTML file.
pub fn seats_html(seats: &Seats, language: Language) -> String {
    let mut page = Page::new(language, false);
    let (verdict, rest) = seats::parts(seats, language);
    let title = format!("{verdict} - gpucheck class");
    let asked = format!("gpucheck class: {}", page.words.seats.question);
    page.begin(&title);
    page.answer(&asked, seats::tone(seats), verdict, &rest, None);
    page.markup.own("<main>\n");
    page.seats(seats);
    page.causes(seats);
    page.outliers(seats);
    for ((heading, lines), id) in seats::doubts(seats, page.words).into_iter().zip(["untold", "unread"]) {
        if !lines.is_empty() {
            page.section(id, &heading, |page| {
                page.markup.own("<ul class=\"panel untold\">\n");
                for line in &lines {
                    page.english("li", &[], line);
                }
                page.markup.own("</ul>\n");
            });
        }
    }
    let mut about = seats::about(seats, &page.words.seats);
    about.push(format!("gpucheck {}", seats.gpucheck));
    page.end(&about.join(", "));
    page.markup.into_string()
}

impl Page {
    /// A cell for each seat, as long as they can be told apart; otherwise a bar for each state.
    fn seats(&mut self, seats: &Seats) {
        let words = &self.words.seats;
        self.section("seats", &words.seats, |page| {
            if seats.listed_left_out > 0 {
                page.bars(seats);
                return;
            }
            page.markup.own("<ul class=\"seats\">\n");
            for seat in &seats.listed {
                let class = tone(seat.state).class();
                page.markup.open("li", &[("class", class)]);
                page.markup.own(tone(seat.state).icon());
                page.markup.inline("span", &[], &seats::name_of(&seat.name));
                page.markup.inline("span", &[("class", "small")], seats::state(seat.state, &words.state));
                page.markup.close("li");
            }
            page.markup.own("</ul>\n");
        });
    }

    fn bars(&mut self, seats: &Seats) {
        let words = &self.words.seats;
        let all = seats.seats.all.to_string();
        self.markup.own("<ul class=\"bars\">\n");
        for (state, count) in seats::states(seats) {
            self.markup.open("li", &[("class", tone(state).class())]);
            self.markup.own(tone(state).icon());
            let counted = seats::counted(state, count, words);
            self.markup.inline("span", &[], &counted);
            let count = count.to_string();
            let bar =
                [("min", "0"), ("max", all.as_str()), ("value", count.as_str()), ("aria-label", &counted)];
            self.markup.inline("meter", &bar, "");
            self.markup.close("li");
        }
        self.markup.own("</ul>\n");
    }

    fn causes(&mut self, seats: &Seats) {
        let words = self.words;
        self.section("to-mend", &words.page.to_mend, |page| {
            for cause in &seats.causes {
                page.cause(cause, seats);
            }
            if seats.causes_left_out > 0 {
                let count = seats.causes_left_out.to_string();
                page.markup.element("p", &[], &words.seats.causes_left_out.with(&[("count", &count)]));
            }
            if seats.causes.is_empty() {
                page.markup.element("p", &[], &words.page.nothing_to_mend);
            }
        });
    }

    fn cause(&mut self, cause: &SeatCause, seats: &Seats) {
        let words = self.words;
        let tone = if cause.severity == Severity::Unusable { Tone::Bad } else { Tone::Warning };
        self.markup.open("article", &[("class", &format!("finding {}", tone.class()))]);
        self.markup.own("\n<p class=\"when\">");
        self.markup.own(tone.icon());
        self.markup.inline("span", &[], word::severity(cause.severity, &words.page.severity));
        self.markup.own("</p>\n");
        self.markup.element("h3", &[], &excerpt(&seats::title(cause, seats, self.language), LONGEST));
        let which = words.seats.which.with(&[("names", &seats::names(&cause.seats, &words.seats))]);
        self.markup.element("p", &[("class", "about")], &excerpt(&which, LONGEST));
        if let Some(fix) = cause.fixes.first() {
            let texts = fix.root.texts(self.language);
            self.markup.element("p", &[], &excerpt(&texts.meaning, LONGEST));
            self.fix(&fix.root, &texts);
            let others = cause.seats.count.saturating_sub(fix.seats.count);
            if others > 0 {
                let others = words.seats.other_fixes.with(&[("count", &others.to_string())]);
                self.markup.element("p", &[("class", "more")], &others);
            }
        }
        let id = cause.page();
        let more = words.heading.more.with(&[("id", id)]);
        self.markup.element("p", &[("class", "more")], &excerpt(&more, LONGEST));
        self.markup.close("article");
    }

    fn outliers(&mut self, seats: &Seats) {
        if seats.outliers.is_empty() {
            return;
        }
        let words = &self.words.seats;
        let columns = [words.what.as_str(), &words.expected, &words.deviant];
        self.section("outliers", &seats::unlike(seats, words), |page| {
            page.table(None, &columns, |page| {
                for outlier in &seats.outliers {
                    let what = seats::what(outlier, page.words);
                    let expected = outlier.expected.as_deref().unwrap_or("-");
                    let share = format!("{} / {}", outlier.as_expected, outlier.of);
                    let others = seats::others(outlier, words).join("; ");
                    let cells = [Cell::new(expected).english(), Cell::new(&others).english()];
                    page.row(&what, Some(&share), &columns, &cells);
                }
            });
        });
    }
}

fn tone(state: SeatState) -> Tone {
    match state {
        SeatState::Ready => Tone::Good,
        SeatState::NotReady => Tone::Bad,
        SeatState::InPart | SeatState::Untold | SeatState::Stale | SeatState::Unread => Tone::Warning,
    }
}

//! The text report on terminals of every width: wrapped by columns, in columns.

use super::judge;
use crate::machine::Machine;
use gpucheck::render::{Style, answer, text};
use gpucheck_checks::{Language, Report, Verdict, fact::Facts};
use unicode_width::UnicodeWidthStr;

const WIDTHS: [usize; 5] = [40, 60, 80, 100, 160];

fn draw(report: &Report, width: usize, language: Language) -> String {
    text(report, Style { width, color: false }, language)
}

/// A line that may be longer than its terminal is wide: a command, or one word.
fn cannot_be_wrapped(line: &str, report: &Report) -> bool {
    let text = line.trim();
    let status = Language::ALL.into_iter().flat_map(|language| language.words().status.all());
    let before = status.chain(["-"]).find(|before| text.starts_with(&format!("{before} ")));
    let word = text[before.map_or(0, str::len)..].trim_start();
    let is_command = |command: &String| command.replace(['\n', '\t'], " ").trim() == text;
    !word.contains(' ') || report.roots.iter().any(|root| root.fix.commands.iter().any(is_command))
}

/// A machine whose users name their folders in Korean.
fn with_korean_paths(facts: &Facts) -> Facts {
    let text = serde_json::to_string(facts).unwrap();
    serde_json::from_str(&text.replace("/anaconda/envs/tf/", "/home/홍길동/딥러닝 환경/")).unwrap()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for machine in Machine::all() {
        assert_fits(&machine.name, &judge(&machine.facts));
    }
    assert_fits("Korean paths", &judge(&with_korean_paths(&Machine::load("tf-cuda-libs-missing").facts)));
}

fn assert_fits(name: &str, report: &Report) {
    for (language, width) in Language::ALL.into_iter().flat_map(|language| WIDTHS.map(|w| (language, w))) {
        for line in draw(report, width, language).lines() {
            let fits = line.width() <= width || cannot_be_wrapped(line, report);
            assert!(fits, "{name} at {width}, {} columns: {line}", line.width());
        }
    }
}

/// Wrapping changes blanks alone: each word stands whole, in its order.
#[test]
fn no_word_is_torn_or_lost() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        for language in Language::ALL {
            let words = |width| -> Vec<String> {
                draw(&report, width, language).split_whitespace().map(str::to_owned).collect()
            };
            let wide = words(100_000);
            for width in WIDTHS.into_iter().filter(|width| *width >= 100) {
                assert_eq!(words(width), wide, "{} at {width}", machine.name);
            }
            // Where the terminal is narrow for it the id of a check stands before its status.
            let sorted = |mut words: Vec<String>| {
                words.sort();
                words
            };
            for width in [0, 40, 60, 80] {
                assert_eq!(sorted(words(width)), sorted(wide.clone()), "{} at {width}", machine.name);
            }
        }
    }
}

#[test]
fn the_ids_of_checks_stand_below_each_other() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        for (language, width) in Language::ALL.into_iter().flat_map(|language| WIDTHS.map(|w| (language, w)))
        {
            let drawn = draw(&report, width, language);
            let status = language.words().status.all();
            let starts: Vec<usize> = lines_of_checks(&drawn, language)
                .filter_map(|line| start_of_id(line, &status, &report))
                .collect();
            let judged = report.outcomes.iter().filter(|outcome| {
                let follows = outcome.root.as_ref().is_some_and(|root| *root != outcome.id);
                !follows && outcome.verdict != Verdict::NotApplicable
            });
            assert_eq!(starts.len(), judged.count(), "{} at {width}\n{drawn}", machine.name);
            assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{} at {width}\n{drawn}", machine.name);
        }
    }
}

/// The lines below the headings of checks.
fn lines_of_checks(drawn: &str, language: Language) -> impl Iterator<Item = &str> {
    let heading = &language.words().heading;
    let of_python = heading.checks_in.with(&[("python", "")]);
    drawn
        .split("\n\n")
        .filter(move |block| {
            let first = block.lines().next().unwrap_or_default();
            [heading.checks.as_str(), heading.checks_of_notebooks.as_str()].contains(&first)
                || first.starts_with(of_python.trim())
        })
        .flat_map(str::lines)
}

/// The column at which a check's line has its id: after its status, or alone. Of an image a whole layer may stand there.
fn start_of_id(line: &str, status: &[&str], report: &Report) -> Option<usize> {
    let line = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
    let after = status.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line).trim_start();
    let id = after.split(' ').next()?;
    let known = report.outcomes.iter().any(|outcome| outcome.id == id);
    let alone = after.len() == line.len() && after != id;
    (known && !alone).then(|| 2 + line.width() - after.width())
}

#[test]
fn the_answer_in_one_line_is_the_beginning_of_the_report() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        for language in Language::ALL {
            let answer = answer(&report, language);
            assert!(!answer.contains('\n'));
            let drawn = draw(&report, 40, language);
            let words: Vec<&str> = answer.split_whitespace().collect();
            let first: Vec<&str> = drawn.split_whitespace().take(words.len()).collect();
            assert_eq!(first, words, "{}", machine.name);
        }
    }
}

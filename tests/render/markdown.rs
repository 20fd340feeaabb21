//! Markdown: what a pull request shows of it, and that GitHub takes it.

use super::{all, asked, samples};
use gpucheck::render::markdown;
use gpucheck_checks::{Language, Profile, Report};

/// What GitHub takes as the body of a pull request, in characters.
const LONGEST: usize = 65_536;

/// What must hold of each summary.
pub(super) fn assert_sound(name: &str, report: &Report, language: Language) {
    let summary = markdown(report, language);
    assert!(summary.len() <= LONGEST, "{name}: {} bytes", summary.len());
    assert!(summary.starts_with("### "), "{name}");
    assert!(!summary.chars().any(|c| c.is_control() && c != '\n'), "{name}");
    let mut columns = None;
    let mut fence: Option<&str> = None;
    let mut unfolded = 0;
    for line in summary.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => continue,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {}
        }
        unfolded += line.matches("<details>").count();
        unfolded -= line.matches("</details>").count();
        // Each row of a table has as many cells as its head.
        let cells = cells(line);
        if cells > 0 {
            assert_eq!(*columns.get_or_insert(cells), cells, "{name}: {line}");
        } else {
            columns = None;
        }
        let tags = ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<br>"];
        let bare = tags.iter().fold(line.to_owned(), |line, tag| line.replace(tag, ""));
        assert!(!bare.contains(['<', '>']), "{name}: {line}");
    }
    assert_eq!(fence, None, "{name}: a block of commands is left open");
    assert_eq!(unfolded, 0, "{name}: details are left open");
}

/// Cells of a table's row; none in another line.
fn cells(line: &str) -> usize {
    if !line.starts_with('|') {
        return 0;
    }
    let mut escaped = false;
    let bars = line.chars().filter(|c| {
        let is_bar = *c == '|' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_bar
    });
    bars.count() - 1
}

#[test]
fn every_machine_has_a_sound_summary_in_every_language() {
    for (name, report) in all() {
        for language in Language::ALL {
            assert_sound(&name, &report, language);
        }
    }
}

#[test]
fn the_first_fix_stands_in_the_open_as_it_is_to_be_run() {
    for (name, report) in samples() {
        let Some(root) = report.roots.first() else { continue };
        let summary = markdown(&report, Language::English);
        let open = summary.split("<details>").next().unwrap();
        let block = format!("```sh\n{}\n```\n", root.fix.commands.join("\n"));
        assert!(root.fix.commands.is_empty() || open.contains(&block), "{name}: {open}");
    }
}

#[test]
fn rows_that_have_no_room_are_counted() {
    let mut report = asked(Profile::Check, "two-diseases");
    let root = report.roots[0].clone();
    report.roots = vec![root; 2_000];
    let row = report.usable_from.first().cloned();
    report.usable_from.extend(row.into_iter().cycle().take(2_000));
    for language in Language::ALL {
        assert_sound("many", &report, language);
    }
    let summary = markdown(&report, Language::English);
    let shown = summary.lines().filter(|line| line.starts_with("| now")).count();
    let left_out = format!("| | | and {} more |", 2_000 - shown);
    assert!(shown > 10 && summary.contains(&left_out), "{shown} shown");
}

//! The line on a terminal that says how far looks and work are.

use crate::{child, progress::Line};
use gpucheck_checks::Language;

/// The line in words.
pub fn progress(line: Line<'_>, language: Language) -> String {
    let words = &language.words().heading;
    match line {
        Line::Pythons { done, total, seconds, name } => words.progress.with(&[
            ("done", &done.to_string()),
            ("total", &total.to_string()),
            ("seconds", &seconds.to_string()),
            ("name", name),
        ]),
        Line::Notebooks { done, total, seconds, name } => language.words().class.progress.with(&[
            ("done", &done.to_string()),
            ("total", &total.to_string()),
            ("seconds", &seconds.to_string()),
            ("name", name),
        ]),
        Line::Work { gpu, progress: child::Progress { done, all, rate, left_s, .. } } => {
            let phrase = if all.is_some() { &words.testing } else { &words.soaking };
            phrase.with(&[
                ("gpu", gpu),
                ("done", &gigabytes(done)),
                ("all", &gigabytes(all.unwrap_or_default())),
                ("rate", &gigabytes(rate)),
                ("left", &clock(left_s)),
            ])
        }
    }
}

/// So many bytes as gigabytes of 10^9 bytes, which rates of memory are told in.
fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Minutes and seconds, and hours where there are some.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_at_work_is_told_with_rate_and_time() {
        let told = child::Progress {
            device: 0,
            done: 12_340_000_000,
            all: Some(2_100_000_000_000),
            rate: 251_990_000_000,
            left_s: 125,
        };
        let line = |progress| progress_of("0001:00:00.0", progress);
        assert_eq!(
            line(told),
            "GPU 0001:00:00.0: 12.3 of 2100.0 GB of memory written and read, 251.9 GB/s, 2:05 left"
        );
        assert_eq!(
            line(child::Progress { all: None, left_s: 3725, ..told }),
            "GPU 0001:00:00.0 at work: 12.3 GB of memory written and read, 251.9 GB/s, 1:02:05 left"
        );
    }

    fn progress_of(gpu: &str, told: child::Progress) -> String {
        progress(Line::Work { gpu, progress: told }, Language::English)
    }
}

//! The picture while a machine is watched: a line for each GPU, one for the processors.
//!
//! Invariants: a pure function of what was sampled; no line is wider than the terminal and there are fewer than it has
//! rows; no control character of a program's name reaches it; without colour and, where the locale has no Unicode, in
//! ASCII.

use super::page::clean;
use gpucheck_checks::fact::{GpuLoad, GpuSample, HostLoad, HostSample, PciAddress};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Widest and narrowest curve, in columns.
const CURVE: (usize, usize) = (40, 8);
/// From nothing to everything.
const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// How long the machine has been watched, and is to be, in milliseconds.
    pub at_ms: u64,
    /// The same for the whole of it.
    pub time_ms: u64,
    /// Each GPU.
    pub gpus: Vec<GpuLoad>,
    /// What is known of them: address, name, bytes of memory.
    pub known: Vec<(PciAddress, Option<String>, Option<u64>)>,
    /// The host.
    pub host: HostLoad,
    /// The process that was asked about.
    pub asked: Option<u32>,
}

/// Where it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Its columns.
    pub columns: usize,
    /// Its rows.
    pub rows: usize,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

/// The lines of a picture.
pub fn live(picture: &Picture, canvas: Canvas) -> Vec<String> {
    // What is written into the last column or row would scroll.
    let columns = canvas.columns.saturating_sub(1);
    let rows = canvas.rows.saturating_sub(1).max(1);
    let seconds = |ms: u64| ms.saturating_add(500) / 1000;
    let head = format!(
        "gpucheck slow  {}/{} s",
        seconds(picture.at_ms.min(picture.time_ms)),
        seconds(picture.time_ms)
    );
    // Of many GPUs the last do not find room, the processors do.
    let room = rows.saturating_sub(2);
    let gpus = picture.gpus.iter().take(room).map(|gpu| gpu_line(gpu, picture, canvas));
    let lines: Vec<String> =
        std::iter::once(head).chain(gpus).chain([host_line(picture, canvas)]).take(rows).collect();
    lines.iter().map(|line| cut(line, columns, canvas.unicode)).collect()
}

fn gpu_line(gpu: &GpuLoad, picture: &Picture, canvas: Canvas) -> String {
    let none = Vec::new();
    let samples = gpu.samples.seen().unwrap_or(&none);
    let last = samples.last().copied().unwrap_or_default();
    let (name, total) = picture
        .known
        .iter()
        .find(|(pci, ..)| *pci == gpu.pci)
        .map_or((None, None), |(_, name, total)| (name.clone(), *total));
    let label = format!("GPU {}", name.unwrap_or_else(|| gpu.pci.to_string()));
    let parts = [
        last.activity.map(|percent| format!("{percent:>3} %")),
        last.memory_used.map(|used| memory(used, total)),
        last.sm_mhz.map(|mhz| format!("{mhz} MHz")),
        last.power_mw.map(|power| format!("{} W", power.saturating_add(500) / 1000)),
        last.temperature.map(|degrees| format!("{degrees} {}", if canvas.unicode { "°C" } else { "C" })),
    ];
    let values: Vec<(u64, Option<u32>)> =
        samples.iter().map(|sample: &GpuSample| (sample.at_ms, sample.activity)).collect();
    line(&label, &values, &parts, picture, canvas)
}

fn host_line(picture: &Picture, canvas: Canvas) -> String {
    let values: Vec<(u64, Option<u32>)> =
        picture.host.samples.iter().map(|sample| (sample.at_ms, Some(busy(sample)))).collect();
    let last = picture.host.samples.last();
    let processes = &picture.host.processes;
    let shown = match picture.asked {
        Some(pid) => processes.iter().find(|process| process.pid == pid),
        None => processes.first(),
    };
    let cores = last.map_or(0, |sample| sample.cores.len());
    let parts = [
        last.map(|sample| format!("{:>3} %", busy(sample))),
        shown.map(|process| format!("{} ({}) {} %", process.name, process.pid, process.percent)),
        last.filter(|sample| sample.waiting > 0).map(|sample| format!("iowait {} %", sample.waiting)),
    ];
    line(&format!("CPU {cores}x"), &values, &parts, picture, canvas)
}

/// The mean of all cores, in percent.
fn busy(sample: &HostSample) -> u32 {
    let sum: u32 = sample.cores.iter().map(|percent| u32::from(*percent)).sum();
    let count = u32::try_from(sample.cores.len()).unwrap_or(u32::MAX);
    sum.checked_div(count).unwrap_or_default()
}

/// `15.1/16.0 GiB`.
fn memory(used: u64, total: Option<u64>) -> String {
    let gib = |bytes: u64| {
        let tenths = bytes.saturating_add((1 << 30) / 20) / ((1 << 30) / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    total.map_or_else(|| format!("{} GiB", gib(used)), |total| format!("{}/{} GiB", gib(used), gib(total)))
}

/// A label, a curve that takes the room that is left, and what is measured now.
fn line(
    label: &str,
    values: &[(u64, Option<u32>)],
    parts: &[Option<String>],
    picture: &Picture,
    canvas: Canvas,
) -> String {
    let rest = parts.iter().flatten().fold(String::new(), |rest, part| rest + "  " + part);
    let (widest, narrowest) = CURVE;
    let taken = label.width() + 2 + clean(&rest).width() + 1;
    let width = canvas.columns.saturating_sub(taken).clamp(narrowest, widest);
    format!("{label}  {}{rest}", curve(values, picture.time_ms, width, canvas.unicode))
}

/// The means of so many parts of the time, each a letter; blank where nothing is known, and where it is still to come.
fn curve(values: &[(u64, Option<u32>)], time_ms: u64, width: usize, unicode: bool) -> String {
    let letters = if unicode { UNICODE } else { ASCII };
    let columns = u64::try_from(width).unwrap_or(u64::MAX);
    let place = |at: u64| (at.saturating_mul(columns) / time_ms.max(1)).min(columns.saturating_sub(1));
    let mut before = None;
    let letter = |column: u64| {
        let here: Vec<u32> =
            values.iter().filter(|(at, _)| place(*at) == column).filter_map(|(_, value)| *value).collect();
        let count = u32::try_from(here.len()).unwrap_or(u32::MAX);
        let mean = here.iter().fold(0, |sum: u32, value| sum.saturating_add(*value)).checked_div(count);
        // A short time has fewer samples than columns.
        let is_over = values.last().is_some_and(|(at, _)| place(*at) >= column);
        let value = mean.or_else(|| before.filter(|_| is_over));
        before = value;
        let level = value.map(|value| usize::try_from(value.min(100)).unwrap_or_default() * 7 / 100);
        level.and_then(|level| letters.get(level)).copied().unwrap_or(' ')
    };
    (0..columns).map(letter).collect()
}

/// The beginning of a line, fit for the terminal.
fn cut(line: &str, columns: usize, unicode: bool) -> String {
    let mut room = columns;
    let line = clean(line);
    let shown = line.chars().map(|c| match c {
        '\u{fffd}' if !unicode => '?',
        c if !unicode && !c.is_ascii() => '?',
        c => c,
    });
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    shown.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{Observed, ProcessorUse};

    fn picture() -> Picture {
        let pci = PciAddress::new("0001:00:00.0");
        let sample = |at_ms: u64| GpuSample {
            at_ms,
            activity: Some(if at_ms < 1000 { 0 } else { 100 }),
            memory_used: Some(15 << 30),
            sm_mhz: Some(1590),
            power_mw: Some(69_600),
            temperature: Some(84),
            ..GpuSample::default()
        };
        let host =
            |at_ms: u64| HostSample { at_ms, cores: vec![100, 0], waiting: 3, ..HostSample::default() };
        Picture {
            at_ms: 2400,
            time_ms: 5000,
            gpus: vec![GpuLoad {
                pci: pci.clone(),
                samples: Observed::Seen((0..25).map(|number| sample(number * 100)).collect()),
                processes: Observed::Seen(Vec::new()),
                xids: None,
            }],
            known: vec![(pci, Some("Tesla T4".to_owned()), Some(16 << 30))],
            host: HostLoad {
                samples: (1..10).map(|number| host(number * 250)).collect(),
                processes: vec![ProcessorUse {
                    pid: 7,
                    name: "py\u{1b}[2J커널\nx".to_owned(),
                    ancestors: Vec::new(),
                    has_compiler: None,
                    percent: 99,
                    busiest_thread: 99,
                    memory: 0,
                    waiting: 0,
                }],
                limits: None,
            },
            asked: None,
        }
    }

    fn drawn(columns: usize, rows: usize, unicode: bool) -> Vec<String> {
        live(&picture(), Canvas { columns, rows, unicode })
    }

    #[test]
    fn curves_grow_from_left_to_right() {
        let lines = drawn(100, 24, true);
        assert_eq!(lines[0], "gpucheck slow  2/5 s");
        let gpu = "GPU Tesla T4  ▁▁▁▁▁▁▁▁████████████";
        assert!(lines[1].starts_with(gpu), "{}", lines[1]);
        assert!(lines[1].ends_with("100 %  15.0/16.0 GiB  1590 MHz  70 W  84 °C"), "{}", lines[1]);
        assert!(lines[2].starts_with("CPU 2x  "), "{}", lines[2]);
        assert!(lines[2].contains("▄") && lines[2].contains(" 50 %"), "{}", lines[2]);
        assert!(lines[2].ends_with("(7) 99 %  iowait 3 %"), "{}", lines[2]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_none_holds_what_it_would_obey() {
        for columns in [0, 1, 2, 10, 30, 60, 79, 200] {
            for rows in [0, 1, 2, 3, 24] {
                for unicode in [false, true] {
                    let lines = drawn(columns, rows, unicode);
                    assert!((1..=rows.saturating_sub(1).max(1)).contains(&lines.len()));
                    for line in lines {
                        assert!(line.width() <= columns.saturating_sub(1), "{columns}: {line}");
                        assert!(
                            !line.chars().any(char::is_control) && (unicode || line.is_ascii()),
                            "{line}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_told_is_left_blank() {
        assert_eq!(curve(&[(0, None), (10, Some(100)), (20, None)], 40, 4, false), " ## ");
        assert_eq!(curve(&[], 0, 3, true), "   ");
        assert_eq!(curve(&[(0, Some(7)), (u64::MAX, Some(u32::MAX))], 1, 2, false), "_#");
        let nothing = live(&Picture::default(), Canvas { columns: 80, rows: 24, unicode: true });
        assert_eq!(nothing.len(), 2);
    }
}

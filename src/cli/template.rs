//! The commands for templates and images: what is asked of them.

use super::seconds;
use clap::Args;
use gpucheck_checks::Decimal;
use std::path::PathBuf;

/// What of a class to try before it is published.
#[derive(Debug, Args)]
#[command(
    after_help = "It imports every framework in full, as a notebook does (--full), and retells nothing of an earlier run \
        (--fresh). With sudo it looks as every human user of this machine, without it as the asking one.\n\n\
        Exit status: 0 ready, with warnings or without (--strict: only without), 1 not ready, 2 usage, 3 not ready only \
        because something could not be told, 4 gpucheck's own error"
)]
pub struct PublishArgs {
    /// Look through the class's notebooks in this folder
    #[arg(long, value_name = "DIR")]
    pub notebooks: Option<PathBuf>,
    /// Run each of them, and say how long it took and whether it used the GPU
    #[arg(long, requires = "notebooks")]
    pub run_notebooks: bool,
    /// Time for each notebook: 90s, 10m, 2h
    #[arg(long, value_name = "DURATION", default_value = "10m", requires = "run_notebooks", value_parser = seconds)]
    pub notebook_timeout: u64,
    /// The account that students will log in as: say whether it lets them in, and what of the class it lacks
    #[arg(long, value_name = "NAME", value_parser = account)]
    pub student: Option<String>,
    /// GPU memory that the class needs, to be judged for this machine's GPUs: 8GiB, 6000MiB, 12GB
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub needs_memory: Option<u64>,
    /// Milliseconds for Jupyter to start, instead of its own deadline
    #[arg(long, hide = true, value_name = "MS")]
    pub jupyter_deadline_ms: Option<u64>,
    /// What the class costs, and so what a wrong template wastes.
    #[command(flatten)]
    pub cost: CostArgs,
    /// What to keep.
    #[command(flatten)]
    pub baseline: BaselineArgs,
}

/// What is kept for `gpucheck drift`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Save what this machine is to this file, for `gpucheck drift`, instead of /var/lib/gpucheck/baseline.json
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Save it nowhere
    #[arg(long, conflicts_with = "baseline")]
    pub no_baseline: bool,
}

/// With what to compare.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 usable (--strict: only without changes and without anything to mend), 1 not usable, 2 usage, \
        3 something needed could not be told, 4 no baseline, or gpucheck's own error"
)]
pub struct DriftArgs {
    /// What `gpucheck publish` saved, if not at /var/lib/gpucheck/baseline.json
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Compare these facts, recorded before, instead of looking
    #[arg(long, hide = true, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// A class, as far as it is billed.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// Say what it costs if it is wrong: students in the class
    #[arg(long, value_name = "N", requires = "hours", value_parser = clap::value_parser!(u32).range(1..))]
    pub seats: Option<u32>,
    /// Hours that each student's machine runs
    #[arg(long, value_name = "HOURS", requires = "seats")]
    pub hours: Option<Decimal>,
    /// Units that an hour of one machine is billed with; otherwise Azure Lab Services' for this size, where that is known
    #[arg(long, value_name = "N", requires = "seats")]
    pub units: Option<Decimal>,
    /// Price of a unit; otherwise Azure Lab Services'
    #[arg(long, value_name = "PRICE", requires = "units")]
    pub unit_price: Option<Decimal>,
    /// Currency of that price
    #[arg(long, value_name = "CODE", requires = "unit_price", default_value = "USD", value_parser = currency)]
    pub currency: String,
}

/// Reads the name of an account: what `useradd` takes, and what directories have beside it.
fn account(text: &str) -> Result<String, String> {
    let is_of_name = |c: char| c.is_alphanumeric() || "._-@$".contains(c);
    if text.chars().all(is_of_name) && !text.is_empty() && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("an account has a name as in /etc/passwd: student".to_owned())
    }
}

/// Reads the code of a currency: three letters, as ISO 4217 has them.
fn currency(text: &str) -> Result<String, String> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a currency has three letters: USD, EUR, KRW".to_owned())
    }
}

/// Most memory that a GPU may be asked for: more than any has, in bytes.
const MOST_MEMORY: u64 = 1 << 40;

/// Reads memory as a number and its unit, in bytes: of 1024 the units with an `i`, of 1000 the others, as ISO 80000-1 has
/// them.
fn memory(text: &str) -> Result<u64, String> {
    let wrong = || "memory is a number and its unit, MiB, GiB, MB or GB: 8GiB, 7.5GiB, 6000MiB".to_owned();
    let units = [("MiB", 1 << 20), ("GiB", 1 << 30), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let is_unit = |ending: &str, unit: &str| ending.eq_ignore_ascii_case(unit);
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c.is_whitespace()).ok_or_else(wrong)?;
    let (number, ending) = text.split_at(end);
    let (_, unit) =
        units.into_iter().find(|(name, _)| is_unit(ending.trim_start(), name)).ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let read = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let scale = 10_u64.pow(u32::try_from(part.len()).map_err(|_| wrong())?);
    let bytes = read(whole)?.saturating_mul(unit).saturating_add(read(part)?.saturating_mul(unit) / scale);
    match bytes {
        0 => Err("no memory at all".to_owned()),
        bytes if bytes > MOST_MEMORY => Err("more than any GPU has".to_owned()),
        bytes => Ok(bytes),
    }
}

/// For what an image is meant.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 good, 1 something failed (--strict: also where something is to be mended), 2 usage, \
        3 nothing failed and something could not be tried (--allow-unverified: 0), 4 gpucheck's own error"
)]
pub struct BakeArgs {
    /// A size of Azure's or a GPU that the image is to work on: Standard_NC4as_T4_v3, T4, V100; repeatable, or separated by
    /// commas
    #[arg(long, value_name = "SIZE-OR-GPU", value_delimiter = ',')]
    pub target: Vec<String>,
    /// GPU memory that the class needs, to be judged for each target: 8GiB, 6000MiB, 12GB
    #[arg(long, value_name = "SIZE", requires = "target", value_parser = memory)]
    pub needs_memory: Option<u64>,
    /// End with 0 where nothing failed, also where something could not be tried here; the report lists it all the same
    #[arg(long)]
    pub allow_unverified: bool,
    /// Write what was verified to this file; without --root otherwise to /var/lib/gpucheck/evidence.json
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_name() {
        for name in ["student", "lab.user-1", "kim@school.example", "홍길동", "machine$"] {
            assert_eq!(account(name), Ok(name.to_owned()));
        }
        for name in ["", "-x", "a b", "a:b", "../x", "a\n"] {
            assert!(account(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn memory_has_a_unit() {
        for (text, bytes) in [
            ("8GiB", 8 << 30),
            ("8 gib", 8 << 30),
            ("7.5GiB", 15 << 29),
            ("6000MiB", 6000 << 20),
            ("12GB", 12_000_000_000),
            ("0.25GB", 250_000_000),
        ] {
            assert_eq!(memory(text), Ok(bytes), "{text}");
        }
        for text in [
            "8",
            "GiB",
            "",
            " 8GiB",
            "-8GiB",
            "+8GiB",
            "8G",
            "8 GiB or so",
            "1e3GiB",
            "8.GiB",
            ".5GiB",
            "1.2.3GiB",
            "8,5GiB",
            "٨GiB",
            "8KiB",
        ] {
            assert!(memory(text).unwrap_err().contains("8GiB"), "{text}");
        }
        for text in ["0GiB", "0.0000000001GB", "0.000000001MB"] {
            assert!(memory(text).is_err(), "{text}");
        }
        assert!(memory("16384GiB").unwrap_err().contains("more than"));
        assert!(memory("999999999999999999999GiB").is_err());
    }
}

//! The command for many machines.

use super::seconds;
use clap::Args;
use std::path::PathBuf;

/// Whose reports to merge.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 every seat is ready, in part too (--strict: only without anything to mend), 1 one is not, 2 usage, \
        3 none failed, and of one it could not be told, or its report not be read, 4 there is no report, or gpucheck's own error"
)]
pub struct ClassArgs {
    /// JSON reports, or folders that hold them as SEAT.json or SEAT/gpucheck.json; - is standard input, one report after another
    #[arg(required = true, value_name = "PATH")]
    pub reports: Vec<PathBuf>,
    /// Compare the seats with their template: what `gpucheck publish` saved, or a JSON report of it; otherwise with each other
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Take a report that is older than this for none: 90s, 10m, 24h
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    pub max_age: Option<u64>,
}

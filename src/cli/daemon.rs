//! The command line of the daemon, and of asking it.

use super::LookArgs;
use crate::daemon::config;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// How the daemon runs.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// What to ask the daemon that runs; nothing: be the daemon.
    #[command(subcommand)]
    pub ask: Option<DaemonAsk>,
    /// Its configuration
    #[arg(long, value_name = "FILE", default_value = config::PATH)]
    pub config: PathBuf,
    /// Where it keeps the last report, as report.json
    #[arg(long, value_name = "DIR", default_value = "/var/lib/gpucheck/daemon")]
    pub state: PathBuf,
    /// A program in the place of this one that looks
    #[arg(long, hide = true, value_name = "PROGRAM")]
    pub looker: Option<PathBuf>,
    /// Milliseconds for a look
    #[arg(long, hide = true, value_name = "MS")]
    pub look_deadline_ms: Option<u64>,
    /// Milliseconds between looks that somebody or something calls for
    #[arg(long, hide = true, value_name = "MS")]
    pub gap_ms: Option<u64>,
}

/// What the daemon that runs can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum DaemonAsk {
    /// Show what it knows, since when, and when it looks next
    Status,
    /// Have it look now; once a minute at most
    Look,
    /// Have it look now and test all free memory of the GPUs; root alone
    Deep,
}

impl LookArgs {
    /// Whether nothing is asked for but the usual look, whichever machine and daemon that is at.
    pub(crate) fn is_usual(&self) -> bool {
        let Self {
            root: _,
            only,
            skip,
            knowledge,
            full,
            fresh,
            no_exercise,
            deep,
            soak,
            no_cloud_metadata,
            cloud_metadata_url: _,
            this_pythons,
            this_notebooks,
            driver_deadline_ms,
            users_list,
            user_deadline_ms,
            small_work,
            socket: _,
            asking,
        } = self;
        let switches =
            [full, fresh, no_exercise, deep, no_cloud_metadata, this_pythons, this_notebooks, small_work];
        !switches.contains(&&true)
            && only.is_empty()
            && skip.is_empty()
            && (knowledge.is_none() && soak.is_none() && asking.is_none() && users_list.is_none())
            && (driver_deadline_ms.is_none() && user_deadline_ms.is_none())
    }
}

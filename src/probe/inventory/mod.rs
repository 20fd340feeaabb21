//! What is installed where, and what logs tell of its changes, by files alone.
//!
//! Invariants: nothing is started and no JSON of conda's is read, names of files tell all; what is read is bounded in
//! bytes, in number and in time; a line that is garbled costs itself alone; no secret is kept.

mod history;
mod shell;
mod stock;

use crate::{
    probe::environments::{self, Surroundings},
    root::Root,
};
use gpucheck_checks::fact::{Environment, Inventory, Observed};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Time for all of it, which takes well below a second on a disk that is not broken.
const LONGEST: Duration = Duration::from_secs(4);
/// Most environments that are looked at.
const MOST: usize = 256;

/// What to take stock of, beside the environments that were found.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// With what it is compared; none where it is only recorded.
    pub compared: Option<Compared>,
}

/// What a machine is compared with.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// The day from which logs are read, `2026-11-19`; of each the newest, where it is empty.
    pub since: String,
    /// Folders and interpreters of the environments that there were.
    pub environments: Vec<String>,
}

/// Takes stock of these environments; on another machine, where none was looked for, of those that its files tell.
pub fn probe(root: &Root, ask: &Ask, found: &[Environment]) -> Observed<Inventory> {
    let until = Instant::now() + LONGEST;
    let discovered = if found.is_empty() && !root.is_this_machine() {
        environments::discover(root, &Surroundings::default())
    } else {
        Vec::new()
    };
    let mut stocks = BTreeMap::new();
    for environment in found.iter().chain(&discovered).take(MOST) {
        let stock = if Instant::now() < until {
            Observed::Seen(stock::of(root, environment))
        } else {
            Observed::not_probed("there was no time left")
        };
        stocks.entry(stock::name(root, environment)).or_insert(stock);
    }
    for known in ask.compared.iter().flat_map(|compared| &compared.environments).take(MOST) {
        if !stocks.contains_key(known) {
            stocks.insert(known.clone(), stock::of_known(root, known));
        }
    }
    let variables =
        if root.is_this_machine() { shell::variables(std::env::vars_os()) } else { BTreeMap::new() };
    let history = match &ask.compared {
        None => Observed::not_probed("there is nothing to compare with"),
        Some(compared) => {
            let folders = stocks.iter().filter_map(|(name, stock)| Some((name.as_str(), stock.seen()?)));
            Observed::Seen(history::read(root, &compared.since, folders, until))
        }
    };
    Observed::Seen(Inventory { environments: stocks, variables, history })
}

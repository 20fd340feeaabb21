//! Writes gpucheck's manual pages and its completions for bash, zsh and fish into a folder:
//! `cargo run --example pages -- FOLDER`.
//!
//! Invariants: all of it is made from the command line that gpucheck itself reads, so there is nothing to keep in step;
//! the same command line makes the same bytes.

use clap::CommandFactory;
use clap_complete::Shell;
use gpucheck::cli::Cli;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("usage: pages FOLDER")?);
    fs::create_dir_all(&folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "gpucheck", &folder)?;
    }
    clap_mangen::generate_to(Cli::command(), &folder)?;
    Ok(())
}

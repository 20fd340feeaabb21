//! `simulate`: runs gpucheck on a machine of the tests, or on all of them.

use clap::Parser;
use gpucheck_machines::{Kind, error::did_you_mean, facts, folder, machine::Machine, matrix, names, run};
use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Runs gpucheck on a machine of tests/machines, as if on the machine itself.
#[derive(Debug, Parser)]
#[command(after_help = "gpucheck is built first; the variable GPUCHECK names another one to run.")]
struct Cli {
    /// Run every machine, print what is expected and what is got; ends with 1 where one is wrong
    #[arg(long, conflicts_with_all = ["machine", "list", "keep"])]
    matrix: bool,
    /// List the machines
    #[arg(long, conflicts_with_all = ["machine", "keep"])]
    list: bool,
    /// Leave the machine's files where they are, and say where
    #[arg(long)]
    keep: bool,
    /// A folder under tests/machines
    #[arg(required_unless_present_any = ["matrix", "list"])]
    machine: Option<String>,
    /// For gpucheck: `record`, `--format json`, `--only nvml`, ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    match simulate(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "simulate: {error}");
            ExitCode::from(2)
        }
    }
}

fn simulate(cli: &Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = io::stdout();
    if cli.list {
        for (kind, word) in [(Kind::Simulated, "simulated"), (Kind::Facts, "facts")] {
            for name in names(&folder(), kind) {
                writeln!(out, "{word:10} {name}")?;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let gpucheck = gpucheck()?;
    if cli.matrix {
        let (table, all_right) =
            matrix::table(&matrix::rows(&folder(), &[Kind::Simulated, Kind::Facts], &gpucheck));
        write!(out, "{table}")?;
        return Ok(if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let name = cli.machine.as_deref().unwrap_or_default();
    let known = |kind| names(&folder(), kind).iter().any(|known| known == name);
    if known(Kind::Facts) && !known(Kind::Simulated) {
        return judge(cli, name, &gpucheck);
    }
    if !known(Kind::Simulated) {
        let all = [names(&folder(), Kind::Simulated), names(&folder(), Kind::Facts)].concat();
        let near = did_you_mean(name, all.iter().map(String::as_str));
        return Err(format!("there is no machine {name:?}{near}; --list shows all").into());
    }
    let machine = Machine::load(&folder(), name)?;
    if let Some(why) = run::reason_to_skip(&machine) {
        return Err(format!("{name} cannot be simulated here: {why}").into());
    }
    let staged = run::Staged::new(&machine)?;
    // Who asks no other question asks the machine's own.
    let asks_another =
        cli.arguments.first().is_some_and(|argument| !argument.to_string_lossy().starts_with('-'));
    let mut command = if asks_another { staged.command(&gpucheck)? } else { staged.question(&gpucheck)? };
    let status = command.args(&cli.arguments).status()?;
    if cli.keep {
        writeln!(io::stderr(), "simulate: {name} lies in {}", staged.keep().display())?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A machine of which there are facts alone is judged.
fn judge(cli: &Cli, name: &str, gpucheck: &PathBuf) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let machine = facts::Machine::load(&folder(), name)?;
    let text = serde_json::to_string_pretty(&machine.facts)?;
    if cli.arguments.first().is_some_and(|argument| argument == "record") {
        writeln!(io::stdout(), "{text}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = tempfile::TempDir::with_prefix("gpucheck-facts-")?;
    let file = folder.path().join("facts.json");
    std::fs::write(&file, text)?;
    let status = Command::new(gpucheck).arg("judge").arg(&file).args(&cli.arguments).status()?;
    if cli.keep {
        writeln!(io::stderr(), "simulate: {name} lies in {}", folder.keep().display())?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The gpucheck to run: that of the variable, else the one beside this program, built anew.
fn gpucheck() -> Result<PathBuf, Box<dyn std::error::Error>> {
    if let Some(path) = std::env::var_os("GPUCHECK") {
        return Ok(path.into());
    }
    let this = std::env::current_exe()?;
    let folder = this.parent().ok_or("this program lies nowhere")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "gpucheck", "--bin", "gpucheck", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err("gpucheck does not build".into());
    }
    Ok(folder.join("gpucheck"))
}

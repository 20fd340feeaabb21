//! # gpucheck: the architecture
//!
//! gpucheck says whether a machine's NVIDIA GPU is usable, and if not, the one cause and the one fix. This crate is
//! **the shell**: it looks, runs and shows. [`gpucheck_checks`] is **the pure half**: it knows and concludes.
//!
//! ```text
//!           src/probe                          checks/                         src/render
//!  machine ──────────▶ Facts ──▶ checks ──▶ outcomes ──▶ diagnose ──▶ Report ──────────▶ text, JSON
//!           collect     │ ▲                                                      exit status
//!                record ▼ │ judge
//!                    facts.json
//! ```
//!
//! One way through: no later stage calls an earlier one, and every arrow is a value that can be saved, sent and
//! replayed.
//!
//! ## Five invariants
//!
//! 1. **Facts never judge; checks never look.** A probe records what the machine said
//!    ([`gpucheck_checks::fact`]). A check is a pure function of facts. `checks/clippy.toml` bans files, environment,
//!    processes, network, clocks and hash-ordered maps there.
//! 2. **One way through**, as drawn: [`collect::collect`] cannot fail, [`gpucheck_checks::diagnose`] is total.
//! 3. **Nothing foreign runs in this process.** NVML, libcuda and every Python run in children ([`child`]) with a
//!    deadline, a process group and a trail that names each call before it is made. A crash, a hang, a refusal is a
//!    fact. A child that cannot be killed is abandoned.
//! 4. **Unknown is never a pass.** A value that could not be had is an [`Observed`](gpucheck_checks::fact::Observed)
//!    that says why, and a check without its value concludes `unknown`.
//! 5. **One place per idea.** A check is one file: its manual (the doc comment), its needs, its logic. What NVIDIA,
//!    Microsoft or Google may change without us is a row of TOML under `checks/knowledge` with its source.
//!
//! ## Where things are
//!
//! | | |
//! |---|---|
//! | `checks/LAYER/NAME.rs` | the check `LAYER.NAME`; `checks/causes/NAME.rs` a named disease; both listed by `checks/build.rs` |
//! | `checks/texts` | what people read, a folder a language |
//! | [`probe`] | a source of facts each; [`worker`] is their other end, in the child |
//! | [`probe::environments`], [`probe::notebooks`] | find environments, Jupyter's kernels and servers by files and `/proc` |
//! | [`probe::frameworks`] | starts the Pythons of the shell, of kernels and of environments, side by side, and runs `python/` in them, the PyO3 extension that `build.rs` embeds |
//! | `python/gpucheck` | the Python package for notebooks, programs and Jupyter servers, which runs this program with `--format parts` |
//! | [`probe::users`] | the human users, and this program once more as each of them |
//! | [`probe::load`], [`slow`] | samples GPUs and host for some seconds |
//! | [`child`] | starting, following and ending children; the line protocol |
//! | [`render`] | a report made visible |
//! | [`probe::cuda::work`] | puts the GPUs to work: products, memory, copies, arithmetic, each checked and timed |
//! | [`progress`] | how far the looks and the work are, on a terminal |
//! | [`cli`], [`locale`], [`exit`], [`error`] | the command, its language, what its status means, its own troubles |
//! | [`root`] | the file system under `--root` |
//! | [`motd`] | what the daemon's last report says at a login |
//! | [`daemon`] | looks when there is a reason to, by this program as its child, and answers who asks |
//! | [`seats`] | the reports of many machines, merged as they come |
//! | [`baseline`], [`drift`] | what a template was, kept in its image, and what changed since |
//!
//! ## From failed checks to one cause
//!
//! Each check names those without which it cannot pass. A failure whose need failed (for a subject that reaches its
//! own) is a consequence; one whose needs all hold is a root. A cause then takes over the roots that it explains,
//! with its own words and its own fix. Everything is judged; a pass is never taken back. At last each notebook kernel, and
//! each other Python, gets a row: whether a GPU can be used from it, and by which root not.

pub mod ask;
pub mod bake;
pub mod baseline;
pub mod child;
pub mod cli;
pub mod collect;
pub mod daemon;
pub mod drift;
pub mod error;
pub mod evidence;
pub mod exit;
pub mod facts_file;
mod hex;
mod in_time;
pub mod knowledge;
mod layout;
pub mod locale;
mod look_again;
mod look_as_users;
pub mod motd;
pub mod output;
pub mod probe;
pub mod progress;
pub mod publish;
mod put_to_work;
pub mod redact;
pub mod render;
pub mod root;
pub mod seats;
pub mod show;
pub mod slow;
pub mod worker;

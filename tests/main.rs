//! The one test binary.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "clippy knows #[test] functions as tests, and not what they call"
)]

mod bake;
mod broken_pythons;
mod children;
mod class;
mod classroom;
mod cli;
mod cuda_libraries;
mod daemon;
mod drift;
mod environments;
mod frameworks_at_work;
mod hardware;
mod home;
mod human_users;
mod judge;
mod jupyter;
mod kernels_on_gpus;
mod machine;
mod metrics;
mod motd;
mod notebooks;
mod one_home;
mod other_users;
mod pipelines;
mod platform;
mod protocol;
mod ptx;
mod python_package;
mod pythons;
mod real_frameworks;
mod real_kernels;
mod real_nvidia;
mod real_tensorflow;
mod render;
mod simulated;
mod simulated_machines;
mod slow;
mod stage;
mod starts;
mod work;

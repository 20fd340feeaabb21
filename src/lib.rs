//! gpucheck, the shell: look, run, show.

pub mod child;
pub mod probe;
pub mod worker;

//! gpucheck, the shell: look, run, show.

pub mod child;

//! The pure half of gpucheck.

pub mod fact;

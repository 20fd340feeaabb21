//! The pure half of gpucheck.

pub mod fact;
pub mod kernels;

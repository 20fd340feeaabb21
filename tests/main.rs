//! The one test binary.

mod real_nvidia;

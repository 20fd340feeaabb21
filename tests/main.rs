//! The one test binary.

mod broken_pythons;
mod pythons;
mod real_tensorflow;

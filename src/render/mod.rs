//! A report made visible. Every renderer is a pure function of the report.

mod json;
mod manual;
mod text;

pub use json::json;
pub use manual::{list, manual};
pub use text::{Style, answer, text};

//! A report made visible. Every renderer is a pure function of the report.

mod answer;
mod drift;
mod json;
mod live;
mod manual;
mod page;
mod progress;
mod text;
mod usable_from;

pub use answer::answer;
pub use json::json;
pub use live::{Canvas, Picture, live};
pub use manual::{list, manual};
pub use page::Style;
pub use progress::progress;
pub use text::text;

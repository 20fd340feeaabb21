//! A report made visible. Every renderer is a pure function of the report.

mod answer;
mod class;
mod drift;
mod html;
mod json;
mod junit;
mod live;
mod machine;
mod manual;
mod markdown;
mod motd;
mod outline;
mod page;
mod parts;
mod progress;
mod prometheus;
mod publish;
mod retold;
mod text;
mod tone;
mod usable_from;
mod word;

pub use answer::answer;
pub use html::{fragment, html};
pub use json::json;
pub use junit::junit;
pub use live::{Canvas, Picture, live};
pub use manual::{list, manual};
pub use markdown::markdown;
pub use motd::motd;
pub use page::Style;
pub use parts::parts;
pub use progress::progress;
pub use prometheus::prometheus;
pub use retold::{Retold, retold};
pub use text::text;

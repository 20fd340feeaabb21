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
mod outline;
mod page;
mod progress;
mod publish;
mod seats;
mod text;
mod tone;
mod usable_from;
mod word;

pub use answer::answer;
pub use html::{html, seats_html};
pub use json::json;
pub use junit::junit;
pub use live::{Canvas, Picture, live};
pub use manual::{list, manual};
pub use markdown::{markdown, seats_markdown};
pub use page::Style;
pub use progress::progress;
pub use seats::{answer as seats_answer, text as seats_text};
pub use text::text;

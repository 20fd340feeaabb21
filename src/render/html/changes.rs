//! What changed since the template was saved.

use super::{
    super::outline::{self, Part, excerpt},
    LONGEST, Page,
};
use gpucheck_checks::Report;

/// What the headings are known by within the page.
const IDS: [&str; 2] = ["changed", "not-compared"];

impl Page {
    pub(super) fn drift(&mut self, report: &Report) {
        let parts = outline::drift(report, self.language);
        for (Part { heading, items }, id) in parts.iter().zip(IDS) {
            self.section(id, heading, |page| {
                if !items.is_empty() {
                    page.items(items);
                }
            });
        }
    }

    fn items(&mut self, items: &[(String, Vec<String>)]) {
        self.markup.own("<ul class=\"panel\">\n");
        for (item, below) in items {
            self.markup.open("li", &[]);
            self.markup.text(&excerpt(item, LONGEST));
            for line in below {
                self.markup.inline("span", &[("class", "small")], &excerpt(line, LONGEST));
            }
            self.markup.close("li");
        }
        self.markup.own("</ul>\n");
    }
}

//! What renderers of whole pages have in common: the checks by what they are about, and what follows from what.

use super::page::Sheet;
use gpucheck_checks::{Language, Outcome, Report, Root, Subject, Verdict};

/// Checks about one thing.
pub(super) struct Group<'a> {
    pub(super) heading: String,
    /// Those that came out somehow.
    pub(super) outcomes: Vec<&'a Outcome>,
    /// Those with nothing to be about, by the reason.
    pub(super) not_applicable: Vec<(&'a str, Vec<&'a str>)>,
}

/// Every check: of the machine and its GPUs, of each Python, of the notebook kernels.
pub(super) fn groups(report: &Report, language: Language) -> Vec<Group<'_>> {
    let words = &language.words().heading;
    let is_of_machine = |subject: &Subject| matches!(subject, Subject::Host | Subject::Gpu(_));
    let is_of_notebook = |subject: &Subject| matches!(subject, Subject::Notebook(_));
    let mut pythons: Vec<&Subject> = Vec::new();
    for outcome in &report.outcomes {
        if matches!(outcome.subject, Subject::Python(_)) && !pythons.contains(&&outcome.subject) {
            pythons.push(&outcome.subject);
        }
    }
    let machine = group(report, words.checks.clone(), is_of_machine);
    let of_pythons = pythons.into_iter().map(|python| {
        let heading = words.checks_in.with(&[("python", &python.to_string())]);
        group(report, heading, |subject| subject == python)
    });
    let notebooks = group(report, words.checks_of_notebooks.clone(), is_of_notebook);
    let all = [machine].into_iter().chain(of_pythons).chain([notebooks]);
    all.filter(|group| !group.outcomes.is_empty() || !group.not_applicable.is_empty()).collect()
}

fn group(report: &Report, heading: String, is_here: impl Fn(&Subject) -> bool) -> Group<'_> {
    let here = report.outcomes.iter().filter(|outcome| is_here(&outcome.subject));
    let is_about_something = |outcome: &&Outcome| outcome.verdict != Verdict::NotApplicable;
    Group {
        heading,
        outcomes: here.clone().filter(is_about_something).collect(),
        not_applicable: not_applicable(here),
    }
}

/// What has nothing to be about, each reason once, with the checks that give it.
pub(super) fn not_applicable<'a>(
    outcomes: impl Iterator<Item = &'a Outcome>,
) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for outcome in outcomes.filter(|outcome| outcome.verdict == Verdict::NotApplicable) {
        match reasons.iter_mut().find(|(reason, _)| *reason == outcome.summary) {
            Some((_, ids)) if ids.contains(&outcome.id.as_str()) => {}
            Some((_, ids)) => ids.push(&outcome.id),
            None => reasons.push((&outcome.summary, vec![&outcome.id])),
        }
    }
    reasons
}

/// A part of a report under its heading: items, each with what is said below it.
pub(super) struct Part {
    pub(super) heading: String,
    pub(super) items: Vec<(String, Vec<String>)>,
}

/// What changed since the template was saved.
pub(super) fn drift(report: &Report, language: Language) -> Vec<Part> {
    let mut parts = Parts(Vec::new());
    if let Some(drift) = &report.drift {
        super::drift::write(&mut parts, report, drift, language);
    }
    parts.0
}

struct Parts(Vec<Part>);

impl Sheet for Parts {
    fn heading(&mut self, heading: &str) {
        self.0.push(Part { heading: heading.to_owned(), items: Vec::new() });
    }

    fn item(&mut self, text: &str) {
        if let Some(part) = self.0.last_mut() {
            part.items.push((text.to_owned(), Vec::new()));
        }
    }

    fn wrapped(&mut self, _first: &str, _rest: &str, text: &str) {
        if let Some((_, below)) = self.0.last_mut().and_then(|part| part.items.last_mut()) {
            below.push(text.to_owned());
        }
    }
}

/// What could not be told, a line each. Of an image each reason once: where nothing of it runs there is one for much.
pub(super) fn untold(report: &Report) -> Vec<String> {
    let of_image = report.profile == "bake";
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for unverified in &report.unverified {
        let about = about(&unverified.subject).map(|subject| format!(" ({subject})"));
        let what = format!("{}{}", unverified.id, about.unwrap_or_default());
        match reasons.iter_mut().find(|(why, _)| of_image && *why == unverified.why) {
            Some((_, known)) => known.push(what),
            None => reasons.push((&unverified.why, vec![what])),
        }
    }
    let line = |(why, what): (&str, Vec<String>)| {
        let what = what.join(", ");
        if of_image { format!("{why}: {what}") } else { format!("{what}: {why}") }
    };
    reasons.into_iter().map(line).collect()
}

/// How many came out how, the worst first.
pub(super) fn counts(outcomes: &[Outcome]) -> Vec<(Verdict, usize)> {
    let order = [Verdict::Fail, Verdict::Warn, Verdict::Unknown, Verdict::Pass, Verdict::NotApplicable];
    let of = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    order.into_iter().map(|verdict| (verdict, of(verdict))).filter(|(_, count)| *count > 0).collect()
}

/// Whether something came out as neither well nor about nothing.
pub(super) fn is_trouble(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Fail | Verdict::Warn | Verdict::Unknown)
}

/// The check that this outcome is a consequence of.
pub(super) fn follows(outcome: &Outcome) -> Option<&str> {
    outcome.root.as_deref().filter(|root| *root != outcome.id)
}

/// The root that shows in this outcome. A check may fail of one subject for each of several targets: then what was seen
/// tells them apart.
pub(super) fn root_in<'a>(report: &'a Report, outcome: &Outcome) -> Option<&'a Root> {
    let mut of_check = report.roots.iter().filter(|root| root.id == outcome.id);
    let mut of_both = of_check.clone().filter(|root| root.subject == outcome.subject);
    let of_all = of_both.clone().find(|root| root.summary == outcome.summary);
    let root = of_all.or_else(|| of_both.next()).or_else(|| of_check.next());
    root.filter(|_| outcome.root.as_ref() == Some(&outcome.id))
}

/// What something is about, where that is not the whole machine.
pub(super) fn about(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Host => None,
        Subject::Gpu(_) | Subject::Python(_) | Subject::Notebook(_) => Some(subject.to_string()),
    }
}

/// The beginning of a text that is too long, and how much of it is left out.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    let Some((cut, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let left_out = text.chars().count() - most;
    format!("{} [... +{left_out}]", text.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(excerpt("한국어", 3), "한국어");
        assert_eq!(excerpt("한국어", 2), "한국 [... +1]");
        assert_eq!(excerpt("", 0), "");
    }
}

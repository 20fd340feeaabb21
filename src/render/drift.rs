//! What changed since the template was saved, for whoever sits in front of the clone.
//!
//! Invariants: what explains the failure comes first, each change on a line of its own with its time and its command; what
//! has nothing to do with a GPU is counted, not listed.

use super::page::{Sheet, clean};
use gpucheck_checks::{
    DriftWords, Language, MachineVerdict, Phrase, Report, Root, RootReference,
    drift::{By, Change, Drift, Since, What},
    fact::Installer,
};
use std::collections::BTreeMap;

/// Longest value that is shown, in characters: a kernel's command, a list of libraries.
const LONGEST: usize = 160;

/// Writes it.
pub(super) fn write(page: &mut impl Sheet, report: &Report, drift: &Drift, language: Language) {
    let section = Section { report, words: &language.words().drift, language };
    let date = date(&drift.baseline.taken_at);
    let is_shown = |change: &&Change| is_told(change);
    let shown: Vec<&Change> = drift.changes.iter().filter(is_shown).collect();
    let heading = match (shown.is_empty(), drift.changes.is_empty()) {
        (false, _) => &section.words.since,
        (true, false) => &section.words.nothing_of_it,
        (true, true) => &section.words.nothing,
    };
    page.heading(&heading.with(&[("date", &date)]));
    for change in shown {
        page.item(&section.change(change));
        section.consequences(page, change);
    }
    section.others(page, drift);
    section.roots(page, drift);
    if !drift.untold.is_empty() {
        page.heading(&section.words.untold);
        for untold in &drift.untold {
            let what = section.called(untold.what, &untold.subject);
            page.item(&format!("{what}: {}", untold.why));
        }
    }
}

/// Whether a change has a line of its own.
fn is_told(change: &Change) -> bool {
    change.matters || !change.explains.is_empty() || !change.may_explain.is_empty()
}

struct Section<'a> {
    report: &'a Report,
    words: &'a DriftWords,
    language: Language,
}

impl Section<'_> {
    fn change(&self, change: &Change) -> String {
        let name = self.called(change.what, &change.subject);
        let subject = match &change.place {
            Some(place) if change.what == What::Package => {
                self.words.in_place.with(&[("subject", &name), ("place", place)])
            }
            _ => name,
        };
        let shown = |value: &str| if value.is_empty() { "\"\"".to_owned() } else { shortened(value) };
        let [from, to] = [&change.from, &change.to].map(|value| value.as_deref().map(shown));
        let what = match (&from, &to) {
            (Some(from), Some(to)) => {
                self.words.changed.with(&[("subject", &subject), ("from", from), ("to", to)])
            }
            (None, Some(to)) => self.words.came.with(&[("subject", &subject), ("to", to)]),
            (Some(from), None) => self.words.went.with(&[("subject", &subject), ("from", from)]),
            (None, None) => subject,
        };
        let when = change.when.as_deref().map(|when| self.time(when));
        let told = change.by.as_ref().filter(|by| by.command.is_some() || by.installer != Installer::Other);
        let by = told.map(|by| self.words.by.with(&[("who", &self.who(by))]));
        let user = change.by.as_ref().filter(|by| by.by_user == Some(true)).map(|_| self.words.user.clone());
        [Some(what), when, by, user].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// A thing by its name; all of its kind where there is none.
    fn called(&self, what: What, name: &str) -> String {
        let words = &self.words.what;
        let is_all = name.is_empty();
        let name = [("name", name)];
        match what {
            What::Environment if is_all => words.environments.clone(),
            What::Kernelspec if is_all => words.kernelspecs.clone(),
            What::Package if is_all => words.packages.clone(),
            What::Driver => words.driver.clone(),
            What::DriverLibraries => words.driver_libraries.clone(),
            What::Linux => words.linux.clone(),
            What::Os => words.os.clone(),
            What::Gpu => words.gpu.clone(),
            What::Size => words.size.clone(),
            What::Setting => words.setting.with(&name),
            What::Environment => words.environment.with(&name),
            What::Kernelspec => words.kernelspec.with(&name),
            What::Variable => words.variable.with(&name),
            What::Package => words.package.with(&name),
        }
    }

    /// `2026-11-24 10:12`, with UTC where that is known.
    fn time(&self, at: &str) -> String {
        let time = at.get(..16).unwrap_or(at).replace('T', " ");
        if at.ends_with('Z') { format!("{time} UTC") } else { self.words.local_time.with(&[("time", &time)]) }
    }

    fn who(&self, by: &By) -> String {
        if let Some(command) = &by.command {
            return format!("`{}`", shortened(command));
        }
        let installer = name(by.installer);
        if by.asked_for.is_empty() {
            return installer.to_owned();
        }
        let names = shortened(&by.asked_for.join(", "));
        self.words.asked_for.with(&[("installer", installer), ("names", &names)])
    }

    fn consequences(&self, page: &mut impl Sheet, change: &Change) {
        for root in change.explains.iter().filter_map(|reference| self.root(reference)) {
            let why = self.words.why.clone();
            let text = if self.is_answer(root) { why } else { self.titled(&self.words.explains, root) };
            page.wrapped("    ", "    ", &text);
        }
        for root in change.may_explain.iter().filter_map(|reference| self.root(reference)) {
            page.wrapped("    ", "    ", &self.titled(&self.words.may_explain, root));
        }
    }

    fn titled(&self, phrase: &Phrase, root: &Root) -> String {
        phrase.with(&[("title", &root.texts(self.language).title)])
    }

    /// Whether the first line of the report says this already.
    fn is_answer(&self, root: &Root) -> bool {
        let answered = matches!(self.report.verdict, MachineVerdict::Unusable | MachineVerdict::Degraded);
        answered && self.report.roots.first() == Some(root)
    }

    /// The root that a comparison names; a home may be called otherwise there.
    fn root(&self, reference: &RootReference) -> Option<&Root> {
        let roots = &self.report.roots;
        let is_like = |root: &&Root| root.id == reference.id && root.cause == reference.cause;
        roots.iter().find(|root| reference.is(root)).or_else(|| roots.iter().find(is_like))
    }

    fn others(&self, page: &mut impl Sheet, drift: &Drift) {
        let mut counted: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for change in drift.changes.iter().filter(|change| change.what == What::Package && !is_told(change)) {
            *counted.entry(change.place.as_deref()).or_default() += 1;
        }
        for (place, count) in counted {
            let place = place.unwrap_or(&self.words.what.system);
            page.item(&self.words.others.with(&[("count", &count.to_string()), ("place", place)]));
        }
    }

    /// What the comparison says of the roots that no line above names.
    fn roots(&self, page: &mut impl Sheet, drift: &Drift) {
        for compared in &drift.roots {
            let phrase = match compared.since {
                Since::Already => &self.words.already,
                Since::Unexplained => &self.words.unexplained,
                Since::Unknown => &self.words.unknown,
                Since::Explained | Since::PerhapsExplained => continue,
            };
            if let Some(root) = self.root(&compared.root) {
                page.item(&self.titled(phrase, root));
            }
        }
    }
}

/// The day, and the time to the minute.
fn date(at: &str) -> String {
    let time = at.get(..16).unwrap_or(at).replace('T', " ");
    if at.ends_with('Z') { format!("{time} UTC") } else { time }
}

fn name(installer: Installer) -> &'static str {
    match installer {
        Installer::Apt => "apt",
        Installer::Dpkg => "dpkg",
        Installer::Conda => "conda",
        Installer::Pip => "pip",
        Installer::Uv => "uv",
        Installer::Poetry => "Poetry",
        Installer::Nvidia => "nvidia-installer",
        Installer::Other => "",
    }
}

fn shortened(text: &str) -> String {
    let text = clean(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}...")
}

//! Two values beside each other.

use super::{Change, Untold, What};
use crate::fact::Observed;
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Vec<Change>,
    pub(super) untold: Vec<Untold>,
}

/// Of what a change is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing<'a> {
    pub(super) what: What,
    pub(super) subject: &'a str,
    pub(super) place: Option<&'a str>,
}

impl Found {
    /// Notes a value that is another one, has come or is gone.
    pub(super) fn value(&mut self, thing: Thing<'_>, from: Option<&str>, to: Option<&str>) {
        if from == to {
            return;
        }
        self.changes.push(Change {
            what: thing.what,
            subject: thing.subject.to_owned(),
            place: thing.place.map(str::to_owned),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            when: None,
            by: None,
            matters: false,
            explains: Vec::new(),
            may_explain: Vec::new(),
        });
    }

    /// Notes a value of the machine's that is another one, where both are known.
    pub(super) fn known(&mut self, what: What, subject: &str, from: Option<&str>, to: Option<&str>) {
        if from.is_some() && to.is_some() {
            self.value(Thing { what, subject, place: None }, from, to);
        }
    }

    /// Notes each value that is another one, has come or is gone.
    pub(super) fn each(
        &mut self,
        what: What,
        place: Option<&str>,
        from: &BTreeMap<String, String>,
        to: &BTreeMap<String, String>,
    ) {
        for (subject, version) in from {
            let thing = Thing { what, subject, place };
            self.value(thing, Some(version), to.get(subject).map(String::as_str));
        }
        for (subject, version) in to.iter().filter(|(subject, _)| !from.contains_key(*subject)) {
            self.value(Thing { what, subject, place }, None, Some(version));
        }
    }

    /// Notes that a source was not seen on one side or the other.
    pub(super) fn unseen<T>(&mut self, what: What, before: &Observed<T>, now: &Observed<T>) {
        let why = match before.seen() {
            None => format!("it was not seen when the template was saved: {}", before.why_not()),
            Some(_) => now.why_not(),
        };
        self.untold(what, "", why);
    }

    /// Notes what could not be compared.
    pub(super) fn untold(&mut self, what: What, subject: &str, why: String) {
        self.untold.push(Untold { what, subject: subject.to_owned(), why });
    }
}

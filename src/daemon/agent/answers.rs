//! What the daemon says to who asks: `gpucheck`, and those who scrape metrics.
//!
//! Invariant: nobody is told a report to be fresh of which something has happened that it says nothing of.

use super::Agent;
use crate::daemon::{
    schedule::Reason,
    socket::{Asked, Line, Reply, http},
    wire::{Answer, Ask, PROTOCOL, Question},
};
use std::{fmt::Write, rc::Rc, time::Duration};

/// Longest that a report answers where the kernel's log cannot be listened to.
const UNHEARD: Duration = Duration::from_mins(5);

impl Agent {
    /// What is said to who asks.
    pub(in crate::daemon) fn answer(&mut self, asked: &Asked<'_>, now: Duration) -> Reply {
        match asked.line {
            Line::Http => http(asked.text, || self.metrics(now)),
            Line::Own => self.answer_question(asked, now),
        }
    }

    fn answer_question(&mut self, asked: &Asked<'_>, now: Duration) -> Reply {
        let question: Result<Question, _> = serde_json::from_slice(asked.text);
        let (refused, wants_report) = match question {
            Err(error) => (Some(format!("this is no question that is understood: {error}")), false),
            Ok(Question { protocol, .. }) if protocol != PROTOCOL => {
                (Some(format!("this daemon speaks protocol {PROTOCOL}, and not {protocol}")), false)
            }
            Ok(Question { ask: Ask::Report, .. }) => (None, true),
            Ok(Question { ask: Ask::Status, .. }) => (None, false),
            Ok(Question { ask: Ask::Look, .. }) => (self.call_for(Reason::Asked, now).err(), false),
            Ok(Question { ask: Ask::Deep, .. }) if asked.uid != Some(0) => {
                let why = "only root may call for a deep look, which takes all free memory of the GPUs";
                (Some(why.to_owned()), false)
            }
            Ok(Question { ask: Ask::Deep, .. }) => (self.call_for(Reason::Deep, now).err(), false),
        };
        let unchanged = self.is_unchanged(now);
        let file = self.store.report.as_ref().filter(|_| wants_report).map(Rc::clone);
        let length = file.as_ref().map_or(0, |_| self.store.length());
        let answer = Answer {
            protocol: PROTOCOL,
            gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
            refused,
            root: self.settings.look.root.clone(),
            looking: self.under_way.is_some(),
            next_s: self.schedule.next().map(|at| at.saturating_sub(now).as_secs()),
            known: self.store.known(now, &self.boot, self.fresh_for(), unchanged),
            length,
        };
        let mut head = serde_json::to_vec(&answer).unwrap_or_default();
        head.push(b'\n');
        Reply { head, file: file.map(|file| (file, length)) }
    }

    /// Whether nothing has happened that the last report says nothing of.
    fn is_unchanged(&mut self, now: Duration) -> bool {
        self.hear(now);
        let same_driver = self.driver.is_as_it_was(now);
        if !same_driver && self.under_way.is_none() {
            self.happened(Reason::Driver, now);
        }
        same_driver && self.in_doubt_since.is_none()
    }

    /// How old a report may be; a machine whose errors are not seen as they come is soon another one.
    fn fresh_for(&self) -> Duration {
        if self.log.is_some() { self.config.fresh_for } else { self.config.fresh_for.min(UNHEARD) }
    }

    /// Somebody wants a look.
    fn call_for(&mut self, reason: Reason, now: Duration) -> Result<(), String> {
        if self.under_way.is_some() {
            return Err("a look is under way".to_owned());
        }
        let since = self.schedule.last().map(|last| now.saturating_sub(last));
        if let Some(since) = since.filter(|since| *since < self.schedule.gap() && reason != Reason::Deep) {
            let since = since.as_secs();
            return Err(format!("the last look ended {since} s ago, and one is taken once a minute at most"));
        }
        self.schedule.want(reason, now, Duration::ZERO);
        Ok(())
    }

    /// The daemon's own few numbers, and behind them those of the report.
    fn metrics(&mut self, now: Duration) -> Option<Reply> {
        let (unchanged, fresh_for) = (self.is_unchanged(now), self.fresh_for());
        // One from before the boot says nothing of this machine as it runs.
        let kept = self.store.kept.as_ref().filter(|kept| kept.boot == self.boot)?;
        let fresh = self.store.known(now, &self.boot, fresh_for, unchanged).is_some_and(|known| known.fresh);
        let (file, length) = self.store.metrics()?;
        let mut head = String::new();
        let age = now.saturating_sub(kept.taken).as_secs();
        let numbers = [
            ("report_age_seconds", "Time since the look began that the report is from.", "gauge", age),
            ("report_full", "Whether everything was looked at.", "gauge", u64::from(kept.full)),
            (
                "report_fresh",
                "Whether it answers: young enough, and nothing has happened since.",
                "gauge",
                fresh.into(),
            ),
            ("looks_total", "Looks that have ended.", "counter", self.looks),
            ("failed_looks_total", "Looks that left no report.", "counter", self.failed_looks),
        ];
        for (name, help, kind, value) in numbers {
            let name = format!("gpucheck_daemon_{name}");
            let _ = write!(head, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        Some(Reply { head: head.into_bytes(), file: Some((Rc::new(file), length)) })
    }
}

//! What runs in this process and may hang: a file on a dead network mount takes for ever to open.

use gpucheck_checks::fact::{Observed, ProbeFailure};
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// A probe in a thread of its own, which is left behind where it is late.
pub(crate) struct InTime<T> {
    answer: Receiver<Observed<T>>,
    step: &'static str,
    limit: Duration,
    until: Instant,
}

impl<T: Send + 'static> InTime<T> {
    /// Starts a probe that has so much time.
    pub(crate) fn start(
        step: &'static str,
        limit: Duration,
        probe: impl FnOnce() -> Observed<T> + Send + 'static,
    ) -> Self {
        let (sender, answer) = channel();
        // Whoever waited is gone where the answer is late.
        thread::spawn(move || drop(sender.send(probe())));
        Self { answer, step, limit, until: Instant::now() + limit }
    }

    /// The answer, as soon as it is there and not later than the limit.
    pub(crate) fn take(self) -> Observed<T> {
        match self.answer.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(observed) => observed,
            Err(RecvTimeoutError::Disconnected) => broken(),
            Err(RecvTimeoutError::Timeout) => Observed::Failed(ProbeFailure::TimedOut {
                after_ms: u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX),
                step: self.step.to_owned(),
                // A thread cannot be killed, and nobody tried.
                unkillable: false,
            }),
        }
    }
}

/// A panic of ours: the rest of the report is none the worse.
pub(crate) fn broken<T>() -> Observed<T> {
    Observed::Failed(ProbeFailure::Garbled {
        step: "gpucheck's own probe".to_owned(),
        message: "it panicked; please report this bug with what is on standard error".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Duration = Duration::from_secs(20);

    #[test]
    fn an_answer_in_time_is_taken() {
        assert_eq!(InTime::start("platform", AMPLE, || Observed::Seen(1)).take(), Observed::Seen(1));
    }

    #[test]
    fn a_probe_that_hangs_is_left_behind() {
        let start = Instant::now();
        let limit = Duration::from_millis(100);
        let late = InTime::<()>::start("platform", limit, || {
            loop {
                thread::park();
            }
        });
        let by = ProbeFailure::TimedOut { after_ms: 100, step: "platform".to_owned(), unkillable: false };
        assert_eq!(by.to_string(), "no answer after 100 ms in platform");
        assert_eq!(late.take(), Observed::Failed(by));
        assert!(start.elapsed() < AMPLE);
    }

    #[test]
    fn a_panic_is_told() {
        let panics = InTime::<()>::start("platform", AMPLE, || panic!("on purpose"));
        assert!(matches!(panics.take(), Observed::Failed(ProbeFailure::Garbled { .. })));
    }
}

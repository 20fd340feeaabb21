//! What systemd is told: readiness, state, and that the daemon is alive.

use super::clock;
use sd_notify::NotifyState;
use std::time::Duration;

/// The manager of services, where there is one.
pub(super) struct Service {
    /// From one sign of life to the next; none where nobody waits for one.
    every: Option<Duration>,
    next: Duration,
}

impl Service {
    pub(super) fn of_this_process() -> Self {
        // As sd_watchdog_enabled(3) advises.
        let every = sd_notify::watchdog_enabled().map(|within| within / 2);
        Self { every, next: clock::now() + every.unwrap_or_default() }
    }

    /// What is told is lost where nobody listens.
    pub(super) fn tell(state: &[NotifyState<'_>]) {
        let _ = sd_notify::notify(state);
    }

    /// Gives a sign of life, where it is time.
    pub(super) fn live(&mut self, now: Duration) {
        if let Some(every) = self.every
            && now >= self.next
        {
            Self::tell(&[NotifyState::Watchdog]);
            self.next = now + every;
        }
    }

    /// When it is time for the next one.
    pub(super) fn next(&self) -> Option<Duration> {
        self.every.map(|_| self.next)
    }

    pub(super) fn reloading() {
        let since = NotifyState::monotonic_usec_now();
        Self::tell(&[NotifyState::Reloading]);
        if let Ok(since) = since {
            Self::tell(&[since]);
        }
    }
}

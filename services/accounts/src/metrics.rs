//! What operators see of accounts.

use std::sync::LazyLock;

use telemetry::{Counter, Counters, counter, counters};

use crate::Error;

pub(crate) struct Metrics {
    registrations: Counters<1>,
    log_ins: Counters<1>,
    pub(crate) reused_tokens: Counter,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    registrations: counters("plaza_accounts_registrations", "Attempts to register, by outcome"),
    log_ins: counters("plaza_accounts_log_ins", "Attempts to log in, by outcome"),
    reused_tokens: counter("plaza_accounts_reused_refresh_tokens", "Sessions ended because a refresh token came twice"),
});

impl Metrics {
    pub(crate) fn registered<T>(&self, outcome: &Result<T, Error>) {
        self.registrations.get_or_create(&[("outcome", name(outcome))]).inc();
    }

    pub(crate) fn logged_in<T>(&self, outcome: &Result<T, Error>) {
        self.log_ins.get_or_create(&[("outcome", name(outcome))]).inc();
    }
}

const fn name<T>(outcome: &Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(Error::TooManyAttempts(_)) => "limited",
        Err(Error::Busy) => "busy",
        Err(Error::WrongCredentials | Error::HandleTaken | Error::Violation(_)) => "refused",
        Err(_) => "error",
    }
}

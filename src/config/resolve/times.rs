//! How long things may take: the part of [`super::resolve`] that concerns timeouts.

use std::time::Duration;

use super::own_or;
use crate::config::duration;
use crate::config::node::{At, Field, Timeout};
use crate::config::raw::{RawOptions, RawServer};
use crate::config::report::{Place, Report};
use crate::limits::{REQUEST_TIME, TIMEOUT_MAX, TIMEOUT_MIN};

/// A time of `options`.
pub(super) fn time_or(field: &Field<String>, default: Duration, report: &mut Report) -> Duration {
    let Some(At { value, place }) = field.given() else { return default };
    parsed(value, place, report).unwrap_or(default)
}

/// How long a call may stay silent: a remote server may say it in two ways.
pub(super) fn request_time(
    server: &RawServer,
    inherited: &RawOptions,
    is_remote: bool,
    report: &mut Report,
) -> Duration {
    let own = &server.options.request_timeout;
    let in_options = time_or(own_or(own, &inherited.request_timeout), REQUEST_TIME, report);
    let Some(At { value, place }) = server.timeout.given() else { return in_options };
    if !is_remote {
        let advice = "For a command write \"options\": { \"requestTimeout\": \"60s\" }";
        report.error(place, "belongs to remote servers, but this one has a command", advice);
    } else if own.is_said() {
        report.error(place, "stands beside options.requestTimeout", "They mean the same: keep one of the two.");
    }
    match value {
        Timeout::Text(text) => parsed(text, place, report),
        Timeout::Nanoseconds(nanoseconds) => of_nanoseconds(*nanoseconds, place, report),
    }
    .unwrap_or(in_options)
}

fn parsed(text: &str, place: &Place, report: &mut Report) -> Option<Duration> {
    match duration::parse(text) {
        Some(time) => within_bounds(time, place, report),
        None => {
            let advice = "Write a time longer than zero with its unit: \"30s\", \"1m30s\" or \"500ms\".";
            report.error(place, "is no duration", advice);
            None
        }
    }
}

fn of_nanoseconds(nanoseconds: u64, place: &Place, report: &mut Report) -> Option<Duration> {
    let time = Duration::from_nanos(nanoseconds);
    if time < TIMEOUT_MIN {
        let what = "a bare number means nanoseconds, and this many are less than a millisecond";
        report.error(place, what, "Write it with its unit, in quotes: \"30s\"");
        return None;
    }
    within_bounds(time, place, report)
}

fn within_bounds(time: Duration, place: &Place, report: &mut Report) -> Option<Duration> {
    if time <= TIMEOUT_MAX {
        return Some(time);
    }
    let hours = TIMEOUT_MAX.as_secs() / 3_600;
    report.error(place, format!("is longer than {hours} hours"), "Write a shorter time.");
    None
}

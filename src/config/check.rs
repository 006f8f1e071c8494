//! What no setting may say: everything that a type cannot forbid, checked before anything is opened.

use std::collections::HashSet;
use std::time::Duration;

use super::{Config, LineConfig, RetryConfig};
use crate::address::{DialPlan, Policy};

/// The longest time a setting may name, a hundred years: sums of it with any time of day stay on the calendar.
const TIME_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// A setting, and what is wrong with it as a sentence without its full stop.
pub(super) type Wrong = (&'static str, String);

/// The first setting that makes no sense.
pub(super) fn check(config: &Config) -> Result<(), Wrong> {
    config.zone().map_err(|reason| ("time_zone", reason))?;
    if config.node.is_empty() {
        return Err(("node", "must not be empty".into()));
    }
    config.smtp.check().map_err(|e| ("smtp", e.to_string()))?;
    config.milter.check().map_err(|e| ("milter", e.to_string()))?;
    config.mail_auth.check().map_err(|reason| ("mail_auth", reason))?;
    config.address.check().map_err(|e| ("address", e.to_string()))?;
    DialPlan::new(config.dial_plan.clone()).map_err(|e| ("dial_plan", e.to_string()))?;
    Policy::new(config.policy.clone()).map_err(|e| ("policy", e.to_string()))?;
    config.received.check().map_err(|reason| ("received", reason))?;
    config.report.check().map_err(|reason| ("report", reason))?;
    config.render.options(None).map_err(|e| ("render.cover_template", e.to_string()))?;
    config.render.limits.check().map_err(|name| ("render.limits", format!("{name} must be at least 1")))?;
    config.render.workers.check().map_err(|name| ("render.workers", format!("{name} is too small")))?;
    config.render.office.check().map_err(|name| ("render.office", format!("{name} is too small")))?;
    retry(&config.retry)?;
    fits("store.keep_done", config.store.keep_done)?;
    if config.store.commit_deadline.is_zero() {
        return Err(("store.commit_deadline", "must not be 0".into()));
    }
    lines(config)
}

fn retry(retry: &RetryConfig) -> Result<(), Wrong> {
    for (setting, rule) in [
        ("retry.busy", retry.busy),
        ("retry.no_answer", retry.no_answer),
        ("retry.no_fax", retry.no_fax),
        ("retry.line_taken", retry.line_taken),
        ("retry.protocol", retry.protocol),
        ("retry.line_trouble", retry.line_trouble),
    ] {
        if rule.tries == 0 {
            return Err((setting, "tries must be at least 1".into()));
        }
        fits(setting, rule.delay)?;
    }
    fits("retry.expires_after", retry.expires_after)?;
    fits("retry.delay_report_after", retry.delay_report_after)
}

fn fits(setting: &'static str, time: Duration) -> Result<(), Wrong> {
    if time > TIME_MAX { Err((setting, "is longer than a hundred years".into())) } else { Ok(()) }
}

fn lines(config: &Config) -> Result<(), Wrong> {
    let mut names = HashSet::new();
    let mut numbers = HashSet::new();
    let mut devices = HashSet::new();
    for line in &config.line {
        line.check().map_err(|reason| ("line", reason))?;
        if !names.insert(line.name()) {
            return Err(("line", format!("two lines are called {:?}", line.name())));
        }
        if let Some(number) = line.number().filter(|number| !numbers.insert(*number)) {
            return Err(("line", format!("two lines have the number {number}")));
        }
        if let LineConfig::Modem(modem) = line
            // By whatever link it is named.
            && !devices.insert(std::fs::canonicalize(&modem.device).unwrap_or_else(|_| modem.device.clone()))
        {
            return Err(("line", format!("two lines are on {}", modem.device.display())));
        }
    }
    let unknown = |name: &&str| !names.contains(name);
    if let Some(name) = config.received.route.iter().filter_map(|r| r.line.as_deref()).find(unknown) {
        return Err(("received.route", format!("there is no line {name:?}")));
    }
    config.simulation.check().map_err(|(setting, reason)| (setting, reason.into()))
}

//! The header lines of a message that a reader wants to see above its text.

use mail_parser::{Addr, Address, DateTime, Message};

/// Label and value of each line that says something.
pub(super) fn heading(message: &Message<'_>) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut add = |label, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            lines.push((label, value));
        }
    };
    add("From", message.from().map(addresses));
    add("To", message.to().map(addresses));
    add("Date", message.date().map(DateTime::to_rfc822));
    add("Subject", message.subject().map(str::to_owned));
    lines
}

fn addresses(address: &Address<'_>) -> String {
    let one = |addr: &Addr<'_>| match (addr.name(), addr.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => String::new(),
    };
    address.iter().map(one).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

//! Which mailboxes a received fax is for: a pure decision by line, called number and subaddress.
//!
//! A fax that no route fits is for the postmaster, so none is ever without a mailbox.

use serde::{Deserialize, Serialize};

use super::ReceivedConfig;
use crate::address::Number;
use crate::job::ReceivedFax;

/// One rule: the faxes that it fits are for its mailboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Fits faxes to this number; without it, to any, also where the line does not know the number.
    pub called: Option<Number>,
    /// Fits faxes over the line of this name; without it, over any.
    pub line: Option<String>,
    /// Fits faxes to this subaddress, spaces left aside; without it, with any and with none.
    pub subaddress: Option<String>,
    /// The mailboxes, each of which gets its own mail.
    pub to: Vec<String>,
}

impl Route {
    fn fits(&self, fax: &ReceivedFax) -> bool {
        let called_fits = self.called.is_none() || self.called == fax.called;
        let line_fits = self.line.as_ref().is_none_or(|line| *line == fax.line);
        let subaddress_fits = self.subaddress.as_deref().is_none_or(|wanted| {
            let digits = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            fax.subaddress.as_deref().is_some_and(|got| digits(got) == digits(wanted))
        });
        called_fits && line_fits && subaddress_fits && !self.to.is_empty()
    }
}

/// The mailboxes for a fax: those of the first route that fits, each once; else the postmaster's.
#[must_use]
pub fn mailboxes(fax: &ReceivedFax, config: &ReceivedConfig, postmaster: &str) -> Vec<String> {
    let Some(route) = config.route.iter().find(|route| route.fits(fax)) else {
        return vec![postmaster.to_owned()];
    };
    let mut mailboxes: Vec<String> = Vec::new();
    for mailbox in &route.to {
        if !mailboxes.contains(mailbox) {
            mailboxes.push(mailbox.clone());
        }
    }
    mailboxes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::FaxId;

    fn fax(line: &str, called: Option<&str>) -> ReceivedFax {
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        ReceivedFax {
            id: FaxId::new(now),
            line: line.into(),
            called: called.and_then(Number::parse),
            caller: None,
            remote_id: None,
            subaddress: None,
            started: now,
            ended: now,
            pages: 1,
            complete: true,
            mode: None,
        }
    }

    #[test]
    fn the_first_route_that_fits_counts_and_nothing_is_dropped() {
        let config: ReceivedConfig = toml::from_str(
            r#"
            [[route]]
            called = "+12125550100"
            to = ["sales@x", "sales@x", "archive@x"]
            [[route]]
            called = "+12125550101"
            line = "modem-2"
            to = ["two@x"]
            [[route]]
            line = "modem-2"
            to = ["office@x"]
            "#,
        )
        .unwrap();
        config.check().unwrap();
        for (line, called, to) in [
            ("modem-1", Some("+12125550100"), "sales@x archive@x"),
            ("modem-2", Some("+12125550100"), "sales@x archive@x"),
            ("modem-2", Some("+12125550101"), "two@x"),
            ("modem-1", Some("+12125550101"), "post@x"),
            ("modem-2", None, "office@x"),
            ("modem-1", None, "post@x"),
            ("modem-9", Some("+4930123456"), "post@x"),
        ] {
            let found = mailboxes(&fax(line, called), &config, "post@x").join(" ");
            assert_eq!(found, to, "{line} {called:?}");
        }
    }

    #[test]
    fn a_subaddress_finds_its_department() {
        let text = "[[route]]\nsubaddress = \"63 77\"\nto = [\"ward@x\"]";
        let config: ReceivedConfig = toml::from_str(text).unwrap();
        for (subaddress, to) in
            [(Some("6377"), "ward@x"), (Some("6 377"), "ward@x"), (Some("63"), "post@x"), (None, "post@x")]
        {
            let fax = ReceivedFax { subaddress: subaddress.map(str::to_owned), ..fax("m", None) };
            assert_eq!(mailboxes(&fax, &config, "post@x"), [to], "{subaddress:?}");
        }
    }

    #[test]
    fn a_route_to_nowhere_is_an_error_and_still_drops_nothing() {
        let config: ReceivedConfig = toml::from_str("[[route]]\nline = \"m\"\nto = []").unwrap();
        assert!(config.check().unwrap_err().contains("number 1"));
        assert_eq!(mailboxes(&fax("m", None), &config, "post@x"), ["post@x"]);
        assert!(toml::from_str::<ReceivedConfig>("[[route]]\ncalled = \"0123\"").is_err());
        assert!(toml::from_str::<ReceivedConfig>("[[route]]\nnumber = \"+1\"").is_err());
    }
}

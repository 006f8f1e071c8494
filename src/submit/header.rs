//! What the header of a message says about going in circles. Only line beginnings are read: a header that is
//! broken otherwise is for the renderer to judge.

use mail_parser::{MessageParser, MimeHeaders};

use super::refusal::{Reason, Refusal};

/// Refuses mail that came through too many machines, and automatic replies (RFC 3834 §5: `Auto-Submitted:
/// auto-replied`): an absence note that answers a received fax is nothing that a person wants faxed. Mail
/// that a machine *generates* (`auto-generated`: an order, an invoice) is as welcome as any other.
pub(super) fn check(message: &[u8], received_lines_max: usize) -> Result<(), Refusal> {
    let mut received_lines = 0_usize;
    for line in lines(message) {
        if field(line, b"received").is_some() {
            received_lines += 1;
        } else if field(line, b"auto-submitted").is_some_and(is_reply) {
            let text = "automatic replies are not faxed";
            return Err(Refusal::new(Reason::NotPermitted, text, "Auto-Submitted: auto-replied"));
        }
    }
    if received_lines > received_lines_max {
        let text = "the message has passed through too many mail servers and seems to go in circles";
        return Err(Refusal::new(Reason::Loop, text, &format!("{received_lines} Received lines")));
    }
    Ok(())
}

/// Whether the mail asks to be answered by a disposition notification, and may be without somebody's leave (RFC 8098
/// §2.1): to its sender alone, with no condition attached, and it is no report itself.
pub(super) fn asks_for_disposition(message: &[u8], sender: Option<&str>) -> bool {
    let Some(header) = MessageParser::new().parse_headers(message).filter(|header| !header.parts.is_empty())
    else {
        return false;
    };
    let is_report = header.content_type().is_some_and(|kind| kind.subtype() == Some("report"));
    let Some(to) = header
        .header_raw("Disposition-Notification-To")
        .map(str::trim)
        .filter(|to| !to.contains([',', ';', ':']))
    else {
        return false;
    };
    let mailbox = to.rsplit_once('<').map_or(to, |(_, rest)| rest.trim_end_matches('>')).trim();
    sender.is_some_and(|sender| sender.eq_ignore_ascii_case(mailbox))
        && header.header_raw("Disposition-Notification-Options").is_none()
        && !is_report
}

/// The lines of the header, the empty line that ends it excluded.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message
        .split(|b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
}

/// What follows `name:` on the line, if that is how it begins.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    head.eq_ignore_ascii_case(name).then_some(rest)
}

fn is_reply(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let keyword = b"auto-replied";
    value.get(..keyword.len()).is_some_and(|head| head.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(message: &str) -> Option<Reason> {
        check(message.as_bytes(), 2).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn circles_are_seen_in_the_header_only() {
        let hop = "Received: from a\r\n\tby b\r\n";
        assert_eq!(reason(&hop.repeat(2)), None);
        assert_eq!(reason(&hop.repeat(3)), Some(Reason::Loop));
        assert_eq!(reason(&format!("{}\r\n{hop}", hop.repeat(2))), None);
        assert_eq!(reason("received :x\r\nRECEIVED:x\r\nReceived:\r\n"), Some(Reason::Loop));
        assert_eq!(reason("Received-SPF: pass\r\nReceived-SPF: pass\r\nReceived-SPF: pass\r\n"), None);
        assert_eq!(reason(""), None);
    }

    #[test]
    fn a_disposition_is_told_to_the_sender_alone() {
        let to = "Disposition-Notification-To: Anna <Anna@example.com>";
        for (head, want) in [
            (to, true),
            ("disposition-notification-to: anna@example.com", true),
            ("Disposition-Notification-To:\r\n <anna@example.com>", true),
            ("Disposition-Notification-To: bob@example.com", false),
            ("Disposition-Notification-To: anna@example.com, bob@example.com", false),
            ("Disposition-Notification-To: Anna <anna@example.com> x", false),
            (&format!("{to}\r\nDisposition-Notification-Options: x=required,1"), false),
            (&format!("{to}\r\nContent-Type: multipart/report; boundary=x"), false),
            ("Subject: x", false),
        ] {
            let message = format!("{head}\r\n\r\n{to}");
            assert_eq!(asks_for_disposition(message.as_bytes(), Some("anna@example.com")), want, "{head}");
            assert!(!asks_for_disposition(message.as_bytes(), None), "{head}");
        }
    }

    #[test]
    fn replies_of_machines_are_refused_and_their_orders_not() {
        for (line, want) in [
            ("Auto-Submitted: auto-replied", Some(Reason::NotPermitted)),
            ("auto-submitted:Auto-Replied (vacation)", Some(Reason::NotPermitted)),
            ("Auto-Submitted: auto-replied; owner-email=a@b", Some(Reason::NotPermitted)),
            ("Auto-Submitted: auto-generated", None),
            ("Auto-Submitted: no", None),
            ("X: Auto-Submitted: auto-replied", None),
        ] {
            assert_eq!(reason(&format!("Subject: x\r\n{line}\r\n\r\nbody")), want, "{line}");
        }
    }
}

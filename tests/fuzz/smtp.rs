//! A client of the SMTP door: whatever it sends, in whatever pieces, it gets the same replies.

use faxgate::address::Number;
use faxgate::door::smtp::line::LINE_OCTETS_MAX;
use faxgate::door::smtp::session::{Limits, Mail, Service, Session, Step, Verdict};
use faxgate::job::{JobId, Notify, Recipient};
use faxgate::submit::{Reason, Refusal, Wanted};

const LIMITS: Limits = Limits { message_bytes_max: 1000, recipients_max: 3, errors_max: 5 };
/// What `Debug` writes for an octet: `255, `.
const DEBUG_CHARS: usize = 5;

/// The first octet says in which pieces the rest is sent.
pub(crate) fn smtp_session(input: &[u8]) {
    let Some((&piece, bytes)) = input.split_first() else { return };
    let whole = talk(bytes, usize::MAX);
    assert_eq!(talk(bytes, usize::from(piece).max(1)), whole);
    for mail in &whole.mails {
        assert!(mail.text.len() <= LIMITS.message_bytes_max && !mail.text.contains(&0));
        assert!((1..=LIMITS.recipients_max).contains(&mail.envelope.recipients.len()));
        let lines = mail.text.split(|&b| b == b'\n');
        assert!(lines.clone().count() == mail.text.split(|&b| b == b'\r').count(), "only CRLF");
    }
    assert_replies(&whole.said);
}

/// What comes of a session.
#[derive(Debug, Default, PartialEq, Eq)]
struct Talk {
    said: Vec<u8>,
    mails: Vec<Mail>,
    closed: bool,
}

fn talk(bytes: &[u8], piece: usize) -> Talk {
    let mut session =
        Session::new(Service { tls: true, auth: true, ..Service::plain("fax.example.com", LIMITS) }, false);
    let mut talk = Talk::default();
    talk.drive(&mut session);
    // A client waits for the reply to DATA (RFC 2920 §3.1), so it sends nothing more in that piece.
    let line_ends = bytes.split_inclusive(|&b| b == b'\n');
    let waits = |line: &[u8]| line.to_ascii_uppercase().starts_with(b"DATA");
    let mut pending = Vec::new();
    for line in line_ends {
        pending.extend_from_slice(line);
        if waits(line) {
            talk.send(&mut session, &std::mem::take(&mut pending), piece);
        }
    }
    talk.send(&mut session, &pending, piece);
    talk
}

impl Talk {
    fn send(&mut self, session: &mut Session, bytes: &[u8], piece: usize) {
        for part in bytes.chunks(piece) {
            if self.closed {
                return;
            }
            session.receive(faxgate::clock::Timestamp::UNIX_EPOCH, part);
            self.drive(session);
        }
        let pending = piece.min(bytes.len());
        let held = LINE_OCTETS_MAX * (2 + LIMITS.recipients_max) + LIMITS.message_bytes_max + pending;
        assert!(format!("{session:?}").len() <= DEBUG_CHARS * held, "it keeps more than its limits");
    }

    /// Does what the session asks: every other number may be faxed, and a mail with `virus` is refused.
    fn drive(&mut self, session: &mut Session) {
        loop {
            match session.poll() {
                Step::StartTls => session.secured(),
                Step::Keys(_) => session.scram_keys(None),
                Step::SignIn(_) => session.signed_in(Verdict::No),
                Step::Reply(reply) => self.said.extend(reply.to_bytes()),
                Step::Check { wanted, .. } => session.recipient_checked(verdict(&wanted)),
                Step::Room => session.room(self.mails.len() < 3),
                Step::Accept(mail) => {
                    let refused = mail.text.windows(5).any(|word| word == b"virus");
                    let refusal = Refusal::new(Reason::Unconvertible, "virus.exe cannot be faxed", "exe");
                    session.accepted(if refused { Err(refusal) } else { Ok(vec![job()]) });
                    self.mails.push(*mail);
                }
                Step::Read => return,
                Step::Close => {
                    self.closed = true;
                    return;
                }
            }
        }
    }
}

fn job() -> JobId {
    JobId::parse("0000000000000").unwrap()
}

fn verdict(wanted: &Wanted) -> Result<Recipient, Refusal> {
    if wanted.address.len().is_multiple_of(2) {
        return Err(Refusal::new(Reason::NotPermitted, format!("{} is not for you", wanted.address), "test"));
    }
    Ok(Recipient {
        address: wanted.address.clone(),
        number: Number::parse("+12125550123").unwrap(),
        subaddress: None,
        attention: None,
        notify: wanted.notify.unwrap_or(Notify::DEFAULT),
        orcpt: wanted.orcpt.clone(),
        key_of: None,
    })
}

/// Whatever of the client's own words a reply repeats, it stays a reply (RFC 5321 §4.2, §4.5.3.1.5).
fn assert_replies(said: &[u8]) {
    let text = std::str::from_utf8(said).unwrap();
    let lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
    for line in lines {
        let code_ends = line.as_bytes().get(3).is_none_or(|b| matches!(b, b' ' | b'-'));
        assert!(line.bytes().take(3).all(|b| b.is_ascii_digit()) && code_ends, "{line:?}");
        assert!(line.len() <= 510 && line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
    }
}

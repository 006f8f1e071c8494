//! Sessions as talks: what the client says, what the server answers, and what it makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::SignedDuration;

use super::*;
use crate::address::Number;
use crate::job::Notify;
use crate::submit::Reason;

/// What the clock says all the time.
const NOW: &str = "2026-11-26T12:00:00Z";
const LIMITS: Limits = Limits { message_bytes_max: 200, recipients_max: 3, errors_max: 4 };

/// A session and a driver that lets pass every recipient but those at `no.example`, has room while told so,
/// and accepts all mail but that which says `virus`.
struct Talk {
    session: Session,
    room: bool,
    asked: Vec<(Option<String>, Wanted)>,
    mails: Vec<Mail>,
    closed: bool,
}

impl Talk {
    fn new() -> Self {
        Self::of(Service::plain("fax.example.com", LIMITS))
    }

    fn of(service: Service) -> Self {
        let session = Session::new(service, false);
        let mut talk = Self { session, room: true, asked: vec![], mails: vec![], closed: false };
        assert_eq!(talk.drive(), "220 fax.example.com ESMTP Faxgate\r\n");
        talk
    }

    fn greeted() -> Self {
        let mut talk = Self::new();
        talk.says("EHLO client.example\r\n");
        talk
    }

    /// Sends bytes; gives back what the server says.
    fn says(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.session.receive(NOW.parse().unwrap(), bytes.as_ref());
        self.drive()
    }

    fn drive(&mut self) -> String {
        let mut said = Vec::new();
        loop {
            match self.session.poll() {
                Step::Reply(reply) => said.extend(reply.to_bytes()),
                Step::Check { sender, wanted } => {
                    let verdict = verdict(&wanted);
                    self.asked.push((sender, wanted));
                    self.session.recipient_checked(verdict);
                }
                Step::Keys(_) => self.session.scram_keys(None),
                Step::SignIn(Credentials::Password { name, password }) => {
                    let right = name == "anna" && password.0 == "secret";
                    self.session.signed_in(if right { Verdict::Yes } else { Verdict::No });
                }
                Step::SignIn(Credentials::Proof { right, .. }) => {
                    self.session.signed_in(if right { Verdict::Yes } else { Verdict::No });
                }
                Step::StartTls => {
                    self.session.secured();
                }
                Step::Room => self.session.room(self.room),
                Step::Accept(mail) => {
                    let virus = mail.text.windows(5).any(|w| w == b"virus");
                    self.mails.push(*mail);
                    let job = JobId::new(Timestamp::UNIX_EPOCH);
                    let no = Refusal::new(Reason::Unconvertible, "virus.exe cannot be faxed", "exe");
                    self.session.accepted(if virus { Err(no) } else { Ok(vec![job]) });
                }
                Step::Read => return String::from_utf8(said).unwrap(),
                Step::Close => {
                    self.closed = true;
                    return String::from_utf8(said).unwrap();
                }
            }
        }
    }

    /// Plays a talk: lines `C: …` are sent, and the server must answer as the lines `S: …` begin.
    fn plays(&mut self, talk: &str) {
        let mut pending: VecDeque<String> = VecDeque::new();
        for line in talk.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(command) = line.strip_prefix("C:") {
                assert_eq!(pending, [""; 0], "unexpected before {line}");
                let command = command.strip_prefix(' ').unwrap_or(command);
                pending = self.says(format!("{command}\r\n")).lines().map(String::from).collect();
            } else {
                let want = line.strip_prefix("S: ").unwrap();
                let got = pending.pop_front().unwrap_or_else(|| panic!("nothing said, wanted {want}"));
                assert!(got.starts_with(want), "said {got:?}, wanted {want:?}");
            }
        }
        assert_eq!(pending, [""; 0], "unexpected at the end");
    }
}

fn verdict(wanted: &Wanted) -> Result<Recipient, Refusal> {
    if wanted.address.ends_with("@no.example") {
        return Err(Refusal::new(Reason::NotPermitted, "not for you", "test"));
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

#[test]
fn a_fax_is_sent() {
    let mut talk = Talk::new();
    talk.plays(
        "C: EHLO client.example
         S: 250-fax.example.com greets client.example
         S: 250-PIPELINING
         S: 250-SIZE 200
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-DSN
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250-LIMITS RCPTMAX=3
         S: 250-DELIVERBY 60
         S: 250 MT-PRIORITY
         C: MAIL FROM:<anna@example.com> SIZE=50 BODY=8BITMIME RET=HDRS ENVID=Q1
         S: 250 2.1.0
         C: RCPT TO:<+12125550123@fax.example.com> NOTIFY=SUCCESS ORCPT=rfc822;a+2Bb@x
         S: 250 2.1.5 will be faxed to +12125550123
         C: DATA
         S: 354
         C: Subject: hello
         C:
         C: ..dot
         C: .
         S: 250 2.0.0 accepted for faxing as 0
         C: QUIT
         S: 221 2.0.0",
    );
    assert!(talk.closed);
    let [mail] = talk.mails.as_slice() else { panic!() };
    assert_eq!(mail.text, b"Subject: hello\r\n\r\n.dot\r\n");
    assert_eq!(
        mail.hello,
        Hello {
            name: "client.example".into(),
            extended: true,
            secured: false,
            signed_in: false,
            lmtp: false
        }
    );
    assert_eq!(mail.envelope.sender.as_deref(), Some("anna@example.com"));
    assert_eq!((mail.envelope.ret, mail.envelope.envid.as_deref()), (Some(Ret::Headers), Some("Q1")));
    let recipient = &mail.envelope.recipients[0];
    assert_eq!(recipient.orcpt.as_deref(), Some("rfc822;a+b@x"));
    assert!(recipient.notify.success && !recipient.notify.failure);
}

#[test]
fn faxes_wait_and_are_given_up_as_asked() {
    let mut talk = Talk::of(Service { holds: true, ..Service::plain("fax.example.com", LIMITS) });
    let said = talk.says("EHLO client.example\r\n");
    assert!(said.ends_with("250 FUTURERELEASE 31536000 2027-11-26T12:00:00Z\r\n"), "{said}");
    for (parameters, code) in [
        ("HOLDFOR=60", "250 2.1.0"),
        ("HOLDUNTIL=2026-11-26T13:00:00+01:00 BY=120;R MT-PRIORITY=-9", "250 2.1.0"),
        ("HOLDFOR=31536001", "501 5.5.4"),
        ("HOLDFOR=60 HOLDFOR=60", "501 5.5.4"),
        ("HOLDFOR=121 BY=120;R", "501 5.5.4"),
        ("BY=120;R HOLDFOR=121", "501 5.5.4"),
        ("BY=10;R", "555 5.4.7"),
        ("BY=-10;N", "250 2.1.0"),
        ("BY=-10;R", "501 5.5.4"),
        ("MT-PRIORITY=11", "501 5.5.4"),
    ] {
        let said = talk.says(format!("RSET\r\nMAIL FROM:<a@b> {parameters}\r\n"));
        assert!(said.contains(&format!("\r\n{code}")), "{parameters}: {said}");
    }
    talk.says("RSET\r\nMAIL FROM:<a@b> HOLDFOR=60 BY=120;R MT-PRIORITY=3\r\nRCPT TO:<1@x>\r\nDATA\r\n");
    talk.session.lowered_to(0);
    assert!(talk.says("hello\r\n.\r\n").starts_with("250 2.3.6 0 is the priority; accepted"));
    let options = &talk.mails[0].envelope.options;
    let now: Timestamp = NOW.parse().unwrap();
    assert_eq!(options.not_before, Some(now + SignedDuration::from_secs(60)));
    assert_eq!(options.expires_at, Some(now + SignedDuration::from_secs(120)));
    assert_eq!(options.priority, 3);

    // Where nobody signs in it is not offered (RFC 4865 §4.2).
    let mut talk = Talk::greeted();
    assert!(talk.says("MAIL FROM:<a@b> HOLDFOR=60\r\n").starts_with("555 5.5.4"));
}

#[test]
fn helo_is_enough_and_gets_no_extensions() {
    let mut talk = Talk::new();
    talk.plays(
        "C: HELO old.example
         S: 250 fax.example.com greets old.example
         C: MAIL FROM:<>
         S: 250
         C: RCPT TO:<1@fax.example.com>
         S: 250
         C: DATA
         S: 354
         C: .
         S: 250 2.0.0",
    );
    assert!(!talk.mails[0].hello.extended);
    assert_eq!(talk.mails[0].envelope.sender, None);
    assert_eq!(talk.asked[0].0, None);
    assert_eq!(talk.mails[0].text, b"");
}

#[test]
fn out_of_order_is_503_and_harmless() {
    let mut talk = Talk::new();
    talk.plays(
        "C: MAIL FROM:<a@b>
         S: 503 5.5.1 say EHLO first
         C: EHLO x
         S: 250-
         S: 250-
         S: 250-
         S: 250-
         S: 250-
         S: 250-DSN
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250-LIMITS RCPTMAX=3
         S: 250-DELIVERBY 60
         S: 250 MT-PRIORITY
         C: RCPT TO:<1@x>
         S: 503 5.5.1 say MAIL first
         C: MAIL FROM:<a@b>
         S: 250
         C: MAIL FROM:<c@d>
         S: 503 5.5.1 a mail is already begun
         C: DATA
         S: 554 5.5.1 there is no recipient",
    );
    assert!(talk.mails.is_empty());
}

#[test]
fn rset_and_a_second_ehlo_forget_the_mail() {
    for forget in ["RSET", "EHLO again.example", "HELO again.example"] {
        let mut talk = Talk::greeted();
        talk.says("MAIL FROM:<a@b>\r\n");
        talk.says("RCPT TO:<1@x>\r\n");
        assert!(talk.says(format!("{forget}\r\n")).starts_with("250"));
        assert!(talk.says("DATA\r\n").starts_with("503 5.5.1"), "{forget}");
        assert!(talk.says("MAIL FROM:<c@d>\r\n").starts_with("250 2.1.0"));
    }
}

#[test]
fn the_small_verbs() {
    let mut talk = Talk::greeted();
    talk.plays(
        "C: NOOP
         S: 250 2.0.0
         C: VRFY anna
         S: 252 2.0.0
         C: HELP
         S: 214 2.0.0
         C: EXPN list
         S: 502 5.5.1 EXPN
         C: STARTTLS
         S: 502 5.5.1 STARTTLS
         C: QUIT
         S: 221 2.0.0 goodbye",
    );
    assert!(talk.closed);
}

#[test]
fn refused_recipients_do_not_hurt_the_others() {
    let mut talk = Talk::greeted();
    talk.plays(
        "C: MAIL FROM:<a@b>
         S: 250
         C: RCPT TO:<1@no.example>
         S: 550 5.7.1 not for you
         C: RCPT TO:<1@x> NOTIFY=NEVER,SUCCESS
         S: 501 5.5.4
         C: RCPT TO:<1@x>
         S: 250 2.1.5
         C: DATA
         S: 354
         C: .
         S: 250 2.0.0",
    );
    assert_eq!(talk.mails[0].envelope.recipients.len(), 1);
}

#[test]
fn who_tries_numbers_out_is_sent_away() {
    let mut talk = Talk::greeted();
    talk.says("MAIL FROM:<a@b>\r\n");
    for _ in 0..2 {
        assert_eq!(talk.says("RCPT TO:<1@no.example>\r\n"), "550 5.7.1 not for you\r\n");
    }
    assert!(talk.says("RCPT TO:<1@x>\r\nDATA\r\n").contains("354"));
    assert!(talk.says(".\r\n").starts_with("250"), "an accepted mail begins the count again");
    for _ in 0..2 {
        assert_eq!(
            talk.says("RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<1@no.example>\r\n").matches("550").count(),
            1
        );
    }
    let said = talk.says("RCPT TO:<1@no.example>\r\n");
    assert!(said.ends_with("421 4.7.0 too many recipients were refused\r\n") && talk.closed, "{said}");
}

#[test]
fn pipelined_commands_are_answered_in_order_and_at_once() {
    let mut talk = Talk::greeted();
    let said = talk.says("MAIL FROM:<a@b>\r\nRCPT TO:<1@no.example>\r\nRCPT TO:<1@x>\r\nDATA\r\n");
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "250", "354"]);
    let said = talk.says("hello\r\n.\r\nMAIL FROM:<c@d>\r\nQUIT\r\n");
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "221"]);
    assert_eq!(talk.mails.len(), 1);
    assert!(talk.closed);
}

#[test]
fn a_group_without_recipients_ends_without_text() {
    let mut talk = Talk::greeted();
    let said = talk.says("MAIL FROM:<a@b>\r\nRCPT TO:<1@no.example>\r\nDATA\r\n");
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "554"]);
    assert!(talk.says("RSET\r\n").starts_with("250"));
}

#[test]
fn text_before_the_354_ends_the_session() {
    let mut talk = Talk::greeted();
    let said = talk.says("MAIL FROM:<a@b>\r\nRCPT TO:<1@x>\r\nDATA\r\nhello\r\n.\r\n");
    assert!(said.ends_with("554 5.5.0 you did not wait for the reply to DATA; goodbye\r\n"), "{said}");
    assert!(talk.closed && talk.mails.is_empty());
}

#[test]
fn size_is_declared_and_enforced() {
    let mut talk = Talk::greeted();
    let long = "x".repeat(199);
    talk.plays(&format!(
        "C: MAIL FROM:<a@b> SIZE=201
         S: 552 5.3.4
         C: MAIL FROM:<a@b> SIZE=200
         S: 250
         C: RCPT TO:<1@x>
         S: 250
         C: DATA
         S: 354
         C: {long}
         C: more
         C: .
         S: 552 5.3.4 the message is too large; 200 bytes are allowed
         C: MAIL FROM:<a@b>
         S: 250",
    ));
    assert!(talk.mails.is_empty());
}

#[test]
fn recipients_over_the_limit_are_told_to_come_again() {
    let mut talk = Talk::greeted();
    talk.says("MAIL FROM:<a@b>\r\n");
    for _ in 0..3 {
        assert!(talk.says("RCPT TO:<1@x>\r\n").starts_with("250"));
    }
    assert!(talk.says("RCPT TO:<1@x>\r\n").starts_with("452 4.5.3"));
    assert!(talk.says("DATA\r\n").starts_with("354"));
    assert!(talk.says(".\r\n").starts_with("250"));
    assert_eq!(talk.mails[0].envelope.recipients.len(), 3);
}

#[test]
fn no_room_and_no_acceptance_leave_the_session_usable() {
    let mut talk = Talk::greeted();
    talk.room = false;
    let begin = "MAIL FROM:<a@b>\r\nRCPT TO:<1@x>\r\nDATA\r\n";
    assert!(
        talk.says(begin).ends_with("451 4.3.2 too many messages are coming in; please try again later\r\n")
    );
    talk.room = true;
    assert!(talk.says(begin).contains("354 "));
    assert_eq!(talk.says("a virus\r\n.\r\n"), "554 5.6.1 virus.exe cannot be faxed\r\n");
    assert!(talk.says(begin).contains("354 "));
    assert!(talk.says("a letter\r\n.\r\n").starts_with("250 2.0.0"));
}

#[test]
fn a_spoiled_message_is_refused_at_its_true_end() {
    for (text, word) in [
        ("a\n.\nMAIL FROM:<evil@x>\r\n", "CR LF"),
        ("a\r\n.\nQUIT\r\n", "CR LF"),
        ("a\r.\r\n", "CR LF"),
        ("a\r\n.\r\r\nQUIT\r\n", "CR LF"),
        ("a\0\r\n", "NUL"),
    ] {
        let mut talk = Talk::greeted();
        talk.says("MAIL FROM:<a@b>\r\nRCPT TO:<1@x>\r\nDATA\r\n");
        assert_eq!(talk.says(text), "", "{text:?} is no end");
        let said = talk.says(".\r\n");
        assert!(said.starts_with("554 5.6.0") && said.contains(word), "{text:?}: {said}");
        assert!(talk.mails.is_empty() && !talk.closed);
        assert_eq!(talk.says("NOOP\r\n"), "250 2.0.0 nothing done\r\n");
    }
}

#[test]
fn bad_line_ends_among_commands_end_the_session() {
    for bytes in ["NOOP\nNOOP\r\n", "NOOP\rNOOP\r\n", "NOOP\r\r\n", "MAIL FROM:<a@b>\n"] {
        let mut talk = Talk::greeted();
        assert_eq!(talk.says(bytes), "500 5.5.2 lines must end in CR LF; goodbye\r\n", "{bytes:?}");
        assert!(talk.closed);
    }
}

#[test]
fn strange_lines_are_errors_and_many_errors_are_the_end() {
    let mut talk = Talk::greeted();
    assert!(talk.says("FOO\r\n").starts_with("500 5.5.2"));
    assert!(talk.says("NOOP \u{85}\r\n").starts_with("500 5.5.2 commands are printable text"));
    assert!(
        talk.says(format!("NOOP {}\r\n", "x".repeat(3000))).starts_with("500 5.5.2 that line is too long")
    );
    assert!(!talk.closed);
    assert_eq!(talk.says("RCPT TO:<1@x>\r\n"), "503 5.5.1 say MAIL first\r\n421 4.7.0 too many errors\r\n");
    assert!(talk.closed);
}

#[test]
fn what_is_no_mail_client_is_sent_away() {
    for line in ["POST / HTTP/1.1", "BDAT x", "BDAT 5 LOST"] {
        let mut talk = Talk::greeted();
        assert!(talk.says(format!("{line}\r\nMAIL FROM:<a@b>\r\n")).starts_with("421 4.7.0"), "{line}");
        assert!(talk.closed && talk.asked.is_empty());
    }
}

#[test]
fn an_interrupt_says_why() {
    for (interrupt, status) in [
        (Interrupt::Silence, "421 4.4.2"),
        (Interrupt::TooLong, "421 4.4.2"),
        (Interrupt::Shutdown, "421 4.3.2"),
    ] {
        let mut talk = Talk::greeted();
        talk.says("MAIL FROM:<a@b>\r\nRCPT TO:<1@x>\r\nDATA\r\nhalf a mess");
        talk.session.interrupt(interrupt);
        assert!(talk.drive().starts_with(status));
        assert!(talk.closed && talk.mails.is_empty());
    }
}

/// A whole talk gives the same in pieces of any size, but for what RFC 2920 forbids.
#[test]
fn pieces_do_not_matter() {
    let commands = b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<1@x>\r\nDATA\r\n";
    let rest = b"a\r\n..b\r\n.\r\nRSET\r\nFOO\r\nQUIT\r\n";
    let play = |piece: usize| {
        let mut talk = Talk::new();
        let said: String =
            commands.chunks(piece).chain(rest.chunks(piece)).map(|part| talk.says(part)).collect();
        let text = talk.mails.first().map(|mail| mail.text.clone());
        // Job names differ from talk to talk.
        (said.lines().map(|line| line[..9.min(line.len())].to_owned()).collect::<Vec<_>>(), text, talk.closed)
    };
    for piece in 1..60 {
        assert_eq!(play(piece), play(usize::MAX), "{piece}");
    }
    assert_eq!(play(1).1.as_deref(), Some(&b"a\r\n.b\r\n"[..]));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(512))]
    /// Whatever comes, the session answers or waits, keeps little, and never takes a mail that was not asked
    /// for.
    #[test]
    fn any_talk(parts in proptest::collection::vec(
        proptest::prop_oneof![
            proptest::strategy::Just(b"EHLO x\r\n".to_vec()),
            proptest::strategy::Just(b"MAIL FROM:<a@b>\r\n".to_vec()),
            proptest::strategy::Just(b"RCPT TO:<1@x>\r\n".to_vec()),
            proptest::strategy::Just(b"DATA\r\n".to_vec()),
            proptest::strategy::Just(b".\r\n".to_vec()),
            proptest::strategy::Just(vec![b'x'; 5000]),
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
            proptest::collection::vec(proptest::sample::select(&b"\r\n. <>@:EHLOMAIFRCPTDQUS\0"[..]), 0..40),
        ], 0..40)) {
        let mut talk = Talk::new();
        for part in parts {
            if talk.closed {
                break;
            }
            for line in talk.says(part).lines() {
                assert!(line.len() <= 510 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit), "{line}");
            }
            assert!(talk.session.lines.take().len() < 6000);
        }
        for mail in &talk.mails {
            assert!(!mail.envelope.recipients.is_empty() && mail.text.len() <= LIMITS.message_bytes_max);
        }
    }
}

fn with_tls(tls_required: bool) -> Talk {
    // Patient, since what is tried here is mostly wrong.
    let limits = Limits { errors_max: 10, ..LIMITS };
    Talk::of(Service { tls: true, tls_required, ..Service::plain("fax.example.com", limits) })
}

#[test]
fn tls_begins_the_session_anew() {
    let mut talk = with_tls(true);
    assert!(talk.says("EHLO client.example\r\n").contains("250 STARTTLS\r\n"));
    talk.plays(
        "C: MAIL FROM:<anna@example.com>
         S: 530 5.7.0 say STARTTLS first
         C: STARTTLS
         S: 220 2.0.0
         C: MAIL FROM:<anna@example.com>
         S: 503 5.5.1 say EHLO first
         C: STARTTLS
         S: 503 5.5.1 this is TLS already",
    );
    assert!(!talk.says("EHLO client.example\r\n").contains("STARTTLS"));
    talk.plays(
        "C: MAIL FROM:<anna@example.com>
         S: 250 2.1.0
         C: STARTTLS
         S: 503 5.5.1",
    );
}

#[test]
fn what_comes_with_starttls_ends_the_session() {
    for more in ["EHLO x\r\n", "M", "\r\n", "\0"] {
        let mut talk = with_tls(false);
        let said = talk.says(format!("STARTTLS\r\n{more}"));
        assert_eq!(said, "554 5.5.0 you did not wait for the reply to STARTTLS; goodbye\r\n", "{more:?}");
        assert!(talk.closed);
    }
    // A mail that was begun in the clear is not gone on with.
    let mut talk = with_tls(false);
    talk.says("EHLO x\r\nMAIL FROM:<anna@example.com>\r\nRCPT TO:<1@x>\r\n");
    assert!(talk.says("STARTTLS\r\n").starts_with("220"));
    talk.says("EHLO x\r\n");
    assert!(talk.says("DATA\r\n").starts_with("503"));
}

#[test]
fn tls_that_is_not_offered_is_refused() {
    let mut talk = Talk::greeted();
    assert!(talk.says("STARTTLS\r\n").starts_with("502 5.5.1"));
}

/// A submission service over TLS.
fn submission() -> Talk {
    let plain = Service::plain("fax.example.com", Limits { errors_max: 10, ..LIMITS });
    let mut talk =
        Talk::of(Service { tls: true, tls_required: true, auth: true, auth_required: true, ..plain });
    talk.plays(
        "C: AUTH PLAIN AGFubmEAc2VjcmV0
         S: 538 5.7.11 say STARTTLS first",
    );
    assert!(!talk.says("EHLO client.example\r\n").contains("AUTH"));
    talk.says("STARTTLS\r\n");
    talk
}

#[test]
fn signing_in_opens_the_submission_service() {
    let mut talk = submission();
    talk.plays("C: AUTH PLAIN AGFubmEAc2VjcmV0\nS: 503 5.5.1 say EHLO first");
    assert!(talk.says("EHLO x\r\n").contains("250 AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"));
    talk.plays(
        "C: MAIL FROM:<anna@example.com>
         S: 530 5.7.0 sign in first
         C: AUTH PLAIN
         S: 334
         C: *
         S: 501 5.7.0",
    );
    let mut talk = submission();
    talk.says("EHLO x\r\n");
    talk.plays(
        "C: AUTH LOGIN
         S: 334 VXNlcm5hbWU6
         C: YW5uYQ==
         S: 334 UGFzc3dvcmQ6
         C: c2VjcmV0
         S: 235 2.7.0
         C: AUTH PLAIN AGFubmEAc2VjcmV0
         S: 503 5.5.1
         C: MAIL FROM:<anna@example.com> AUTH=<>
         S: 250 2.1.0",
    );
    let plain = "AUTH PLAIN AGFubmEAc2VjcmV0\r\n";
    assert!(Talk::greeted().says(plain).starts_with("502 5.5.1"), "where nobody can");
}

#[test]
fn guessing_ends_the_session() {
    let mut talk = submission();
    talk.says("EHLO x\r\n");
    let wrong = "AUTH PLAIN AGFubmEAd3Jvbmc=\r\n";
    assert_eq!(talk.says(wrong), "535 5.7.8 name or password is wrong\r\n");
    assert!(talk.says("AUTH PLAIN rubbish\r\n").starts_with("501 5.5.2"));
    assert!(talk.says(wrong).contains("421 4.7.0"));
    assert!(talk.closed);
}

const BEGIN: &str = "MAIL FROM:<anna@example.com>\r\nRCPT TO:<1@x>\r\nRCPT TO:<2@x>\r\n";

#[test]
fn chunks_make_a_message() {
    let mut talk = Talk::greeted();
    talk.says(BEGIN);
    // A client need not wait between chunks, nor before the next command.
    let said = talk.says("BDAT 5\r\na\r\n.\rBDAT 4\r\n\nQUIBDAT 3 LAST\r\nT\r\nNOOP\r\n");
    let codes: Vec<&str> = said.lines().filter_map(|line| line.get(..3)).collect();
    assert_eq!(codes, ["250"; 4], "{said}");
    assert_eq!(talk.mails[0].text, b"a\r\n.\r\nQUIT\r\n");
    assert_eq!(talk.mails[0].envelope.recipients.len(), 2);
    talk.says(BEGIN);
    assert!(talk.says("BDAT 0\r\n").starts_with("250"));
    talk.plays("C: DATA\nS: 503\nC: RCPT TO:<3@x>\nS: 503\nC: MAIL FROM:<>\nS: 503");
}

#[test]
fn a_chunk_that_is_not_wanted_is_no_command() {
    let mut talk = Talk::greeted();
    assert!(talk.says("BDAT 6 LAST\r\nQUIT\r\n").starts_with("503 5.5.1"));
    talk.says("MAIL FROM:<anna@example.com>\r\n");
    assert!(talk.says("BDAT 6\r\nQUIT\r\n").starts_with("554 5.5.1"));
    talk.says(BEGIN);
    talk.room = false;
    assert!(talk.says("BDAT 6\r\nQUIT\r\n").starts_with("451 4.3.2"));
    talk.room = true;
    talk.says(BEGIN);
    let half = "x".repeat(120);
    assert!(talk.says(format!("BDAT 120\r\n{half}")).starts_with("250"));
    assert!(talk.says(format!("BDAT 120 LAST\r\n{half}")).starts_with("552 5.3.4"));
    talk.says(BEGIN);
    assert!(talk.says("BDAT 7 LAST\r\na\nb\r\n\r\n").starts_with("554 5.6.0"));
    assert_eq!(talk.mails.len(), 0);
    assert!(!talk.closed);
    assert!(talk.says("BDAT 201\r\n").starts_with("552 5.3.4"));
    assert!(talk.closed, "nobody reads on for that long");
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let lmtp = || Talk::of(Service { lmtp: true, ..Service::plain("fax.example.com", LIMITS) });
    let mut talk = lmtp();
    talk.plays("C: EHLO x\nS: 500 5.5.1 this is LMTP; say LHLO");
    assert!(talk.says("LHLO x\r\n").contains("PIPELINING"));
    for text in ["hello\r\n", "virus\r\n", "a\nb\r\n"] {
        talk.says(BEGIN);
        assert!(talk.says("RCPT TO:<2@no.example>\r\n").starts_with("550"));
        assert!(talk.says("DATA\r\n").starts_with("354"));
        let said = talk.says(format!("{text}.\r\n"));
        assert_eq!(said.lines().count(), 2, "{said}");
        talk.says(BEGIN);
        let said = talk.says(format!("BDAT {} LAST\r\n{text}", text.len()));
        assert_eq!(said.lines().count(), 2, "{said}");
    }
    talk.plays("C: DATA\nS: 503");
    assert!(Talk::greeted().says("LHLO x\r\n").starts_with("502 5.5.1"));
}

//! The filter on a bench: an MTA's commands through the protocol's session, and a policy that knows two words.
#![allow(clippy::unwrap_used, clippy::panic)]

use milter_proto::{Actions, Command, Macro, Session, Step, Steps, Wanted as Asked};

use super::*;
use crate::address::Number;
use crate::submit::Reason;

const LIMITS: Limits = Limits { message_bytes_max: 200, recipients_max: 2, trust_mta_auth: false };

/// A filter, the session before it, and what has become of a talk.
struct Bench {
    session: Session,
    filter: Filter,
    clients: Vec<Client>,
    mails: Vec<Mail>,
    endings: Vec<Ending>,
    room: bool,
    refuses_mail: bool,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let mut bench = Self {
            session: Session::new(Asked { steps: Steps::NO_REPLY_HEADERS, ..Asked::default() }),
            filter: Filter::new(limits),
            clients: Vec::new(),
            mails: Vec::new(),
            endings: Vec::new(),
            room: true,
            refuses_mail: false,
        };
        let offer = Command::OptNeg {
            version: 6,
            actions: Actions::from_bits(0x1ff),
            steps: Steps::from_bits(u32::MAX),
        };
        bench.says(&offer);
        bench
    }

    /// With a client at an address.
    fn connected(limits: Limits, address: &str) -> Self {
        let mut bench = Self::new(limits);
        let peer = Peer::Inet { address: address.as_bytes(), port: 1 };
        bench.says(&Command::Connect { host: b"client", peer });
        bench.says(&Command::Helo { name: b"client.example" });
        bench
    }

    /// Says it, and gives what was answered: a word for each answer.
    fn says(&mut self, command: &Command<'_>) -> String {
        let mut packet = Vec::new();
        command.encode(&mut packet).unwrap();
        self.session.received(&packet);
        let mut said = Vec::new();
        while let Step::Event { event, macros, answered } = self.session.poll().unwrap() {
            let reaction = self.filter.event(&event, macros, answered);
            let verdict = match reaction {
                Reaction::Say(verdict) => verdict,
                Reaction::Check { client, sender, wanted } => self.check(client, sender.as_deref(), wanted),
                Reaction::Room => self.filter.room(self.room),
                Reaction::Submit(mail) => self.submit(*mail),
            };
            assert!(answered || verdict == Verdict::Continue, "{verdict:?} to what is not answered");
            let (word, verdict) = match verdict {
                Verdict::Continue => ("continue".into(), milter_proto::Verdict::Continue),
                Verdict::Accept => ("accept".into(), milter_proto::Verdict::Accept),
                Verdict::Discard => ("discard".into(), milter_proto::Verdict::Discard),
                Verdict::Refuse(reply) => {
                    let words = String::from_utf8(reply.to_bytes()).unwrap().trim_end().to_owned();
                    (words, milter_proto::Verdict::Reject)
                }
            };
            self.session.answer(verdict).unwrap();
            if answered {
                said.push(word);
            }
        }
        said.join("|")
    }

    fn check(&mut self, client: Client, sender: Option<&str>, wanted: Wanted) -> Verdict {
        if !wanted.address.ends_with("@fax.example") {
            return self.filter.not_ours();
        }
        self.clients.push(client);
        if sender.is_none() || !wanted.address.starts_with('+') {
            let text = format!("{} is no number", wanted.address);
            return self.filter.checked(Err(Refusal::new(Reason::BadAddress, text, "test")));
        }
        let number = Number::parse(wanted.address.trim_end_matches("@fax.example")).unwrap();
        self.filter.checked(Ok(Recipient {
            address: wanted.address,
            number,
            subaddress: None,
            attention: None,
            notify: wanted.notify.unwrap_or(Notify::DEFAULT),
            orcpt: wanted.orcpt,
            key_of: None,
        }))
    }

    fn submit(&mut self, mail: Mail) -> Verdict {
        self.mails.push(mail);
        let verdict = match self.refuses_mail {
            true => Err(Refusal::new(Reason::Full, "there is no room", "test")),
            false => Ok(vec![JobId::parse("0000000000001").unwrap()]),
        };
        let ending = self.filter.submitted(verdict);
        self.endings.push(ending.clone());
        ending.verdict
    }

    fn mail(&mut self, sender: &str) -> String {
        let parameters = vec![&b"SIZE=10"[..], b"RET=HDRS", b"ENVID=a+2Bb", b"SMTPUTF8"];
        self.says(&Command::Mail { sender: sender.as_bytes(), parameters })
    }

    fn rcpt(&mut self, recipient: &str) -> String {
        let parameters = vec![&b"NOTIFY=NEVER"[..], b"ORCPT=rfc822;x@y", b"RRVS=x"];
        self.says(&Command::Rcpt { recipient: recipient.as_bytes(), parameters })
    }

    /// From DATA to the end; gives the answers to DATA and to the end.
    fn content(&mut self, body: &str) -> (String, String) {
        let data = self.says(&Command::Data);
        if data != "continue" {
            return (data, String::new());
        }
        self.says(&Command::Header { name: b"Subject", value: b"x" });
        self.says(&Command::Header { name: b"X-Fax-Job", value: b"foreign" });
        self.says(&Command::Eoh);
        let said = self.says(&Command::Body(body.as_bytes()));
        if said != "continue" {
            return (data, said);
        }
        self.says(&Command::Macro { command: b'E', macros: vec![Macro { name: b"i", value: b"4Fz" }] });
        (data, self.says(&Command::BodyEob(b"")))
    }
}

#[test]
fn a_fax_is_submitted_and_the_rest_goes_on() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    assert_eq!(bench.mail("<anna@example.com>"), "continue");
    assert_eq!(bench.rcpt("<bob@example.com>"), "continue");
    assert_eq!(bench.rcpt("<+12125550123@fax.example>"), "continue");
    assert_eq!(bench.content("hello\r\n"), ("continue".into(), "accept".into()));

    let mail = &bench.mails[0];
    assert_eq!(mail.client, Client::Machine("192.0.2.7".parse().unwrap()));
    assert_eq!(mail.sender.as_deref(), Some("anna@example.com"));
    assert_eq!((mail.ret, mail.envid.as_deref()), (Some(Ret::Headers), Some("a+b")));
    let [recipient] = mail.recipients.as_slice() else { panic!("{mail:?}") };
    assert_eq!((recipient.notify, recipient.orcpt.as_deref()), (Notify::NEVER, Some("rfc822;x@y")));
    assert_eq!(mail.text, b"Subject: x\r\n\r\nhello\r\n");
    assert_eq!((mail.trace.helo.as_str(), mail.trace.peer.as_str()), ("client.example", "[192.0.2.7]"));
    assert_eq!(mail.trace.queue_id, "4Fz");
    let ending = &bench.endings[0];
    assert_eq!(ending.delete, [b"<+12125550123@fax.example>"]);
    assert_eq!((ending.foreign_fields, ending.jobs.len()), (1, 1));
}

#[test]
fn a_mail_of_faxes_alone_is_dropped_by_the_mail_server() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    for _ in 0..2 {
        bench.mail("<anna@example.com>");
        bench.rcpt("<@relay:+12125550123@fax.example>");
        assert_eq!(bench.rcpt("<anna@fax.example>"), "553 5.1.3 anna@fax.example is no number");
        assert_eq!(bench.content("x").1, "discard");
    }
    assert_eq!((bench.mails.len(), bench.endings[1].delete.len()), (2, 0));
}

#[test]
fn mail_for_others_is_not_looked_at() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    bench.mail("not even an address");
    assert_eq!(bench.rcpt("<bob@example.com>"), "continue");
    assert_eq!(bench.content("x").0, "accept");
    assert!(!bench.filter.holds_text());
}

#[test]
fn who_asks_is_whom_the_mail_server_names() {
    let client = |limits, address: &str, login: Option<&str>| {
        let mut bench = Bench::connected(limits, address);
        let value = login.unwrap_or_default().as_bytes();
        bench.says(&Command::Macro { command: b'M', macros: vec![Macro { name: b"{auth_authen}", value }] });
        bench.mail("<anna@example.com>");
        bench.rcpt("<+12125550123@fax.example>");
        bench.clients.remove(0)
    };
    let trusting = Limits { trust_mta_auth: true, ..LIMITS };
    let machine = |address: &str| Client::Machine(address.parse().unwrap());
    assert_eq!(client(LIMITS, "192.0.2.7", Some("ann")), machine("192.0.2.7"));
    assert_eq!(client(trusting, "192.0.2.7", Some("ann")), Client::Login("ann".into()));
    assert_eq!(client(trusting, "192.0.2.7", None), machine("192.0.2.7"));
    assert_eq!(client(LIMITS, "IPv6:2001:db8::7", None), machine("2001:db8::7"));
    assert_eq!(client(LIMITS, "::ffff:192.0.2.7", None), machine("192.0.2.7"));
    assert_eq!(client(LIMITS, "nonsense", None), Client::Unknown);
}

#[test]
fn a_client_without_an_address_has_the_one_that_the_macro_says() {
    for (value, want) in [("192.0.2.9", Client::Machine("192.0.2.9".parse().unwrap())), ("", Client::Unknown)]
    {
        let mut bench = Bench::new(LIMITS);
        let macros = vec![Macro { name: b"{client_addr}", value: value.as_bytes() }];
        bench.says(&Command::Macro { command: b'C', macros });
        bench.says(&Command::Connect { host: b"localhost", peer: Peer::Unknown });
        bench.mail("<anna@example.com>");
        bench.rcpt("<+12125550123@fax.example>");
        assert_eq!(bench.clients, [want]);
    }
}

#[test]
fn limits_are_said_in_the_words_of_the_smtp_door() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    bench.mail("<anna@example.com>");
    for number in 3..5 {
        assert_eq!(bench.rcpt(&format!("<+1212555012{number}@fax.example>")), "continue");
    }
    assert!(bench.rcpt("<+12125550125@fax.example>").starts_with("452 4.5.3 that is as many recipients"));
    assert_eq!(
        bench.content(&"x".repeat(300)).1,
        "552 5.3.4 the message is too large; 200 bytes are allowed"
    );
    bench.mail("<anna>");
    assert_eq!(bench.rcpt("<+12125550123@fax.example>"), "553 5.1.7 the sender is no mail address");
    bench.mail("<>");
    assert_eq!(bench.rcpt("<1@fax.example>"), "553 5.1.3 1@fax.example is no number");
    assert_eq!(bench.rcpt("<2@fax.example>"), "553 5.1.3 2@fax.example is no number");
    assert_eq!(bench.rcpt("<3@fax.example>"), "421 4.7.0 too many recipients were refused");
}

#[test]
fn what_cannot_be_taken_now_is_deferred_whole() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    let begin = |bench: &mut Bench| {
        bench.mail("<anna@example.com>");
        bench.rcpt("<bob@example.com>");
        bench.rcpt("<+12125550123@fax.example>")
    };
    begin(&mut bench);
    bench.room = false;
    assert!(bench.content("x").0.starts_with("451 4.3.2 too many messages"));
    bench.room = true;
    bench.refuses_mail = true;
    begin(&mut bench);
    assert_eq!(bench.content("x").1, "452 4.3.1 there is no room");
    assert_eq!(bench.endings[0].delete.len() + bench.endings[0].jobs.len(), 0, "nothing is changed");

    begin(&mut bench);
    assert!(bench.filter.has_ours());
    bench.filter.stop();
    assert!(bench.content("x").0.starts_with("451 4.3.2 the gateway is shutting down"));
    assert!(!bench.filter.has_ours());
    assert!(begin(&mut bench).starts_with("451 4.3.2"));
    assert_eq!(bench.mails.len(), 1);
}

#[test]
fn a_message_that_is_dropped_leaves_nothing() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    bench.mail("<anna@example.com>");
    bench.rcpt("<+12125550123@fax.example>");
    bench.says(&Command::Data);
    assert!(bench.filter.holds_text());
    bench.says(&Command::Abort);
    assert!(!bench.filter.holds_text() && !bench.filter.has_ours());
    bench.mail("<anna@example.com>");
    bench.rcpt("<+12125550124@fax.example>");
    bench.says(&Command::QuitNc);
    assert!(!bench.filter.has_ours());
    assert_eq!(bench.filter.client, None, "the next client is another");
}

/// An MTA of version 2 has no DATA, and is told at the end of the header.
#[test]
fn without_data_the_header_decides() {
    let mut bench = Bench::connected(LIMITS, "192.0.2.7");
    bench.mail("<anna@example.com>");
    bench.rcpt("<bob@example.com>");
    bench.says(&Command::Header { name: b"Subject", value: b"x" });
    assert_eq!(bench.says(&Command::Eoh), "accept");
    bench.mail("<anna@example.com>");
    bench.rcpt("<+12125550123@fax.example>");
    bench.says(&Command::Header { name: b"Subject", value: b"x" });
    assert_eq!(bench.says(&Command::Eoh), "continue");
    assert_eq!(bench.says(&Command::BodyEob(b"body")), "discard");
    assert_eq!(bench.mails[0].text, b"Subject: x\r\n\r\nbody");
}

//! Whole connections: an MTA that says what it is told to, and a filter that answers.
#![allow(clippy::unwrap_used, clippy::panic)]

use milter_proto::{
    Actions, BODY_CHUNK_BYTES_MAX, Change, Command, Event, Macro, MacroStep, Misuse, Peer, Reply, Session,
    SessionError, Stage, Step, Steps, VERSION, Verdict, Wanted,
};

/// Everything Postfix 3.7 and Sendmail 8.17 offer.
const ALL_ACTIONS: Actions = Actions::from_bits(0x1ff);
const ALL_STEPS: Steps = Steps::from_bits(0x1f_ffff);

/// A session and the MTA's hand on it.
struct Talk(Session);

/// An event, kept: its letter and its text.
type Heard = Vec<(char, String)>;

impl Talk {
    fn new(wanted: Wanted) -> Self {
        Self(Session::new(wanted))
    }

    /// A session that is negotiated and has a client.
    fn connected(wanted: Wanted) -> Self {
        let mut talk = Self::new(wanted);
        talk.says(&offer(VERSION));
        talk.says(&Command::Connect { host: b"client", peer: Peer::Unknown });
        assert_eq!(talk.next(), ('C', "client".into()));
        talk.answers(Verdict::Continue);
        let _ = talk.0.take_output();
        talk
    }

    fn says(&mut self, command: &Command<'_>) {
        let mut packet = Vec::new();
        command.encode(&mut packet).unwrap();
        self.0.received(&packet);
    }

    /// The next event.
    fn next(&mut self) -> (char, String) {
        match self.0.poll().unwrap() {
            Step::Event { event, .. } => letter(&event),
            step => panic!("no event but {step:?}"),
        }
    }

    /// What an MTA says is answered by `verdict` until it wants to read.
    fn hears_out(&mut self, verdict: Verdict<'_>) -> Heard {
        let mut heard = Heard::new();
        while let Step::Event { event, answered, .. } = self.0.poll().unwrap() {
            heard.push(letter(&event));
            if answered {
                self.0.answer(verdict).unwrap();
            }
        }
        heard
    }

    fn answers(&mut self, verdict: Verdict<'_>) {
        self.0.answer(verdict).unwrap();
    }

    /// The codes of what the filter has sent.
    fn sent(&mut self) -> String {
        let output = self.0.take_output();
        let mut rest = &output[..];
        let mut codes = String::new();
        while let Some((reply, bytes)) = Reply::decode(rest).unwrap() {
            codes.push(char::from(reply.code()));
            rest = &rest[bytes..];
        }
        assert!(rest.is_empty());
        codes
    }
}

fn letter(event: &Event<'_>) -> (char, String) {
    let (letter, text) = match event {
        Event::Connect { host, .. } => ('C', host),
        Event::Helo(name) => ('H', name),
        Event::Mail { sender, .. } => ('M', sender),
        Event::Rcpt { recipient, .. } => ('R', recipient),
        Event::Data => ('T', &&b""[..]),
        Event::Header { name, .. } => ('L', name),
        Event::Eoh => ('N', &&b""[..]),
        Event::Body(bytes) => ('B', bytes),
        Event::End(bytes) => ('E', bytes),
        Event::Abort => ('A', &&b""[..]),
        Event::Unknown(line) => ('U', line),
        Event::NextClient => ('K', &&b""[..]),
        Event::Quit => ('Q', &&b""[..]),
    };
    (letter, String::from_utf8_lossy(text).into_owned())
}

fn offer(version: u32) -> Command<'static> {
    Command::OptNeg { version, actions: ALL_ACTIONS, steps: ALL_STEPS }
}

fn mail(sender: &str) -> Command<'_> {
    Command::Mail { sender: sender.as_bytes(), parameters: vec![b"SIZE=10"] }
}

fn rcpt(recipient: &str) -> Command<'_> {
    Command::Rcpt { recipient: recipient.as_bytes(), parameters: vec![] }
}

/// A message from RCPT to its end.
fn message<'a>(to: &'a str) -> Vec<Command<'a>> {
    vec![
        rcpt(to),
        Command::Data,
        Command::Header { name: b"Subject", value: b"x" },
        Command::Eoh,
        Command::Body(b"one\r\n"),
        Command::BodyEob(b""),
    ]
}

fn letters(heard: &Heard) -> String {
    heard.iter().map(|(letter, _)| *letter).collect()
}

#[test]
fn the_filter_takes_what_it_wants_of_the_offer() {
    let mut talk = Talk::new(Wanted {
        actions: Actions::ADD_HEADERS,
        actions_wished: Actions::QUARANTINE,
        steps: Steps::NO_UNKNOWN | Steps::NO_REPLY_HEADERS,
        macro_lists: vec![(MacroStep::Mail, "{auth_authen}".into())],
    });
    talk.says(&offer(VERSION));
    assert_eq!(talk.0.poll(), Ok(Step::Read));
    let output = talk.0.take_output();
    let Some((Reply::OptNeg { version, actions, steps, macro_lists }, _)) = Reply::decode(&output).unwrap()
    else {
        panic!("{output:?}")
    };
    assert_eq!((version, actions.bits(), steps.bits()), (6, 0x121, 0x180));
    assert_eq!((macro_lists[0].step, macro_lists[0].names), (MacroStep::Mail, &b"{auth_authen}"[..]));
    assert_eq!(talk.0.agreed().unwrap().version, 6);
}

#[test]
fn an_mta_that_is_too_old_or_allows_too_little_is_left() {
    let mut talk = Talk::new(Wanted::default());
    talk.says(&offer(1));
    for _ in 0..2 {
        assert_eq!(talk.0.poll(), Err(SessionError::TooOld { version: 1 }));
    }
    let mut talk = Talk::new(Wanted { actions: Actions::CHANGE_FROM, ..Wanted::default() });
    talk.says(&Command::OptNeg { version: 2, actions: Actions::from_bits(0x3f), steps: Steps::NONE });
    assert_eq!(talk.0.poll(), Err(SessionError::Lacks { actions: Actions::CHANGE_FROM }));
    assert_eq!(talk.sent(), "", "nothing is promised");
}

#[test]
fn several_messages_on_one_connection() {
    let mut talk = Talk::connected(Wanted::default());
    talk.says(&Command::Helo { name: b"me" });
    for number in 0..3 {
        let to = format!("<{number}@b>");
        talk.says(&mail("<a@b>"));
        message(&to).iter().for_each(|command| talk.says(command));
        if number == 1 {
            // Postfix says so between messages, Sendmail does not.
            talk.says(&Command::Abort);
        }
        let heard = talk.hears_out(Verdict::Continue);
        assert_eq!(letters(&heard).trim_start_matches('H'), "MRTLNBE");
        assert!(heard.contains(&('R', to)));
        assert_eq!(talk.0.stage(), Stage::Greeted);
    }
    talk.says(&Command::Quit);
    assert_eq!(talk.next().0, 'Q');
    assert_eq!(talk.0.poll(), Ok(Step::Close));
    assert_eq!(talk.sent(), "c".repeat(1 + 3 * 7));
}

#[test]
fn nothing_is_read_while_an_answer_is_owed() {
    let mut talk = Talk::connected(Wanted::default());
    talk.says(&mail("<a@b>"));
    talk.says(&rcpt("<c@d>"));
    assert_eq!(talk.next(), ('M', "<a@b>".into()));
    assert_eq!(talk.0.poll(), Ok(Step::Answer));
    talk.answers(Verdict::Continue);
    assert_eq!(talk.next(), ('R', "<c@d>".into()));
    talk.answers(Verdict::Reply(b"550 5.1.1 100% wrong"));
    assert_eq!(talk.0.take_output(), b"\0\0\0\x01c\0\0\0\x17y550 5.1.1 100%% wrong\0", "Sendmail wants %%");
    assert_eq!(talk.0.stage(), Stage::Rcpt, "one recipient is refused, not the message");
}

#[test]
fn what_is_not_answered_needs_no_answer() {
    let steps = Steps::NO_REPLY_MAIL | Steps::NO_REPLY_HEADERS | Steps::NO_REPLY_EOH | Steps::NO_REPLY_BODY;
    let mut talk = Talk::connected(Wanted { steps, ..Wanted::default() });
    talk.says(&mail("<a@b>"));
    assert_eq!(talk.next().0, 'M');
    assert_eq!(talk.0.answer(Verdict::Reject), Err(Misuse::NotAsked));
    assert_eq!(talk.0.answer(Verdict::Continue), Ok(()));
    message("<c@d>").iter().for_each(|command| talk.says(command));
    assert_eq!(letters(&talk.hears_out(Verdict::Continue)), "RTLNBE");
    assert_eq!(talk.sent(), "ccc", "for RCPT, DATA and the end");
}

#[test]
fn a_message_ends_at_any_point() {
    for length in 0..6 {
        let mut talk = Talk::connected(Wanted::default());
        talk.says(&mail("<a@b>"));
        message("<c@d>").iter().take(length).for_each(|command| talk.says(command));
        talk.says(&Command::Abort);
        let heard = letters(&talk.hears_out(Verdict::Continue));
        assert_eq!(heard, format!("{}A", &"MRTLNB"[..=length]));
        assert_eq!(talk.0.stage(), Stage::Greeted);
        talk.says(&mail("<e@f>"));
        assert_eq!(talk.next(), ('M', "<e@f>".into()));
    }
}

#[test]
fn mail_in_the_middle_of_a_message_forgets_it_and_keeps_its_own_macros() {
    let mut talk = Talk::connected(Wanted::default());
    talk.says(&mail("<a@b>"));
    talk.says(&rcpt("<c@d>"));
    assert_eq!(letters(&talk.hears_out(Verdict::Continue)), "MR");
    let macros = vec![Macro { name: b"{auth_authen}", value: b"ann" }];
    talk.says(&Command::Macro { command: b'M', macros });
    talk.says(&mail("<e@f>"));
    assert_eq!(talk.next().0, 'A');
    let Step::Event { event: Event::Mail { sender, .. }, macros, answered: true } = talk.0.poll().unwrap()
    else {
        panic!()
    };
    assert_eq!((sender, macros.get("auth_authen")), (&b"<e@f>"[..], Some(&b"ann"[..])));
}

#[test]
fn a_last_word_ends_the_message() {
    for (verdict, code) in
        [(Verdict::Accept, "a"), (Verdict::Discard, "d"), (Verdict::TempFail, "t"), (Verdict::Reject, "r")]
    {
        let mut talk = Talk::connected(Wanted::default());
        talk.says(&mail("<a@b>"));
        talk.says(&rcpt("<c@d>"));
        assert_eq!(letters(&talk.hears_out(Verdict::Continue)), "MR");
        talk.says(&Command::Data);
        assert_eq!(letters(&talk.hears_out(verdict)), "T");
        assert_eq!((talk.sent(), talk.0.stage()), (format!("cc{code}"), Stage::Greeted));
        // The MTA says of this message nothing more than that it is over.
        talk.says(&Command::Abort);
        assert_eq!(talk.0.poll(), Ok(Step::Read));
    }
}

#[test]
fn a_client_after_another() {
    let mut talk = Talk::connected(Wanted::default());
    talk.says(&Command::Macro { command: b'C', macros: vec![Macro { name: b"j", value: b"mx" }] });
    talk.says(&mail("<a@b>"));
    talk.says(&Command::QuitNc);
    assert_eq!(letters(&talk.hears_out(Verdict::Continue)), "MK");
    talk.says(&Command::Connect { host: b"other", peer: Peer::Inet { address: b"192.0.2.1", port: 9 } });
    let Step::Event { event: Event::Connect { host, .. }, macros, .. } = talk.0.poll().unwrap() else {
        panic!()
    };
    assert_eq!((host, macros.get("j")), (&b"other"[..], None));
}

#[test]
fn what_is_out_of_order_ends_the_connection() {
    let cases: [(&[Command<'_>], u8, Stage); 5] = [
        (&[Command::Data], b'T', Stage::Client),
        (&[mail("<>"), Command::Eoh], b'N', Stage::Mail),
        (&[mail("<>"), rcpt("<a>"), Command::Eoh, Command::Data], b'T', Stage::Eoh),
        (&[mail("<>"), rcpt("<a>"), Command::Eoh, rcpt("<a>")], b'R', Stage::Eoh),
        (&[offer(6)], b'O', Stage::Client),
    ];
    for (commands, command, stage) in cases {
        let mut talk = Talk::connected(Wanted::default());
        commands.iter().for_each(|command| talk.says(command));
        let error = loop {
            match talk.0.poll() {
                Ok(Step::Event { .. }) => talk.answers(Verdict::Continue),
                Ok(step) => panic!("{step:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error, SessionError::OutOfOrder { command, stage });
    }
    let mut talk = Talk::new(Wanted::default());
    talk.says(&mail("<a@b>"));
    assert_eq!(talk.0.poll(), Err(SessionError::OutOfOrder { command: b'M', stage: Stage::Start }));
}

#[test]
fn verdicts_have_their_places() {
    let mut talk = Talk::new(Wanted { steps: Steps::SKIP, ..Wanted::default() });
    talk.says(&offer(VERSION));
    talk.says(&Command::Connect { host: b"h", peer: Peer::Unknown });
    assert_eq!(talk.next().0, 'C');
    for verdict in [Verdict::Discard, Verdict::Skip] {
        assert_eq!(talk.0.answer(verdict), Err(Misuse::NotHere));
    }
    assert!(matches!(talk.0.answer(Verdict::Reply(b"250 ok")), Err(Misuse::Packet(_))));
    assert_eq!(talk.sent(), "O", "no packet of what may not be said");
    talk.answers(Verdict::Continue);
    talk.says(&Command::Unknown(b"XFOO"));
    assert_eq!(talk.next(), ('U', "XFOO".into()));
    talk.answers(Verdict::Continue);
    talk.says(&mail("<>"));
    message("<a@b>").iter().take(5).for_each(|command| talk.says(command));
    for _ in 0..5 {
        let _ = talk.next();
        talk.answers(Verdict::Continue);
    }
    assert_eq!(talk.next().0, 'B');
    talk.answers(Verdict::Skip);
    assert_eq!(talk.sent(), "cccccccs");
    assert_eq!(talk.0.stage(), Stage::Body, "the end is still to come");
}

#[test]
fn a_message_is_changed_at_its_end() {
    let actions = Actions::from_bits(0xff & !Actions::QUARANTINE.bits());
    let mut talk = Talk::connected(Wanted { actions, ..Wanted::default() });
    let change = Change::AddHeader { name: b"X", value: b"y" };
    talk.says(&mail("<a@b>"));
    message("<c@d>").iter().take(5).for_each(|command| talk.says(command));
    assert_eq!(letters(&talk.hears_out(Verdict::Continue)), "MRTLNB");
    assert_eq!(talk.0.change(change), Err(Misuse::NotHere));
    assert_eq!(talk.0.progress(), Err(Misuse::NotHere));
    talk.says(&Command::BodyEob(b"rest"));
    assert_eq!(talk.next(), ('E', "rest".into()));
    let _ = talk.0.take_output();

    talk.0.progress().unwrap();
    let body = vec![b'x'; BODY_CHUNK_BYTES_MAX + 1];
    for change in [
        change,
        Change::InsertHeader { index: 0, name: b"X", value: b"y" },
        Change::ChangeHeader { index: 2, name: b"X", value: b"" },
        Change::ChangeFrom { sender: b"<e@f>", parameters: None },
        Change::AddRecipient { recipient: b"<e@f>", parameters: None },
        Change::AddRecipient { recipient: b"<e@f>", parameters: Some(b"NOTIFY=NEVER") },
        Change::DeleteRecipient { recipient: b"<c@d>" },
        Change::ReplaceBody(b""),
        Change::ReplaceBody(&body),
    ] {
        talk.0.change(change).unwrap();
    }
    assert_eq!(talk.0.change(Change::Quarantine { reason: b"q" }), Err(Misuse::NotNegotiated));
    assert!(matches!(talk.0.change(Change::AddHeader { name: b"X", value: b"\0" }), Err(Misuse::Packet(_))));
    talk.answers(Verdict::Accept);
    assert_eq!(talk.sent(), "phime+2-bbba");
    assert_eq!(talk.0.change(change), Err(Misuse::NotHere));
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut all = Vec::new();
    let connect = Command::Connect { host: b"client", peer: Peer::Unknown };
    for command in [offer(6), connect, mail("<a@b>")].iter().chain(&message("<c@d>")) {
        command.encode(&mut all).unwrap();
    }
    let mut talk = Talk::new(Wanted::default());
    let mut heard = Heard::new();
    for byte in all {
        talk.0.received(&[byte]);
        heard.extend(talk.hears_out(Verdict::Continue));
    }
    assert_eq!(letters(&heard), "CMRTLNBE");
    assert_eq!(heard[6].1, "one\r\n");
}

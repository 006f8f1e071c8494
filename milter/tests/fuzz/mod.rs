//! What the fuzzer does with an input. Beyond that nothing panics, what was understood must survive a second journey.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "each fuzzer needs one of them")]

use milter_proto::{
    Actions, Change, Command, Event, PACKET_BYTES_MAX, Reply, Session, SessionError, Stage, Step, Steps,
    Verdict, Wanted,
};

/// A stream of packets, read as those of an MTA and as those of a filter.
pub(crate) fn milter_packet(input: &[u8]) {
    macro_rules! read_as {
        ($packet:ident) => {
            let mut rest = input;
            while let Ok(Some((packet, consumed))) = $packet::decode(rest) {
                let octets;
                (octets, rest) = rest.split_at(consumed);
                assert_eq!($packet::decode(&octets[..consumed - 1]), Ok(None), "half a packet is awaited");
                let mut again = Vec::new();
                packet.encode(&mut again).unwrap();
                // Fields that are not known, and the port of a local socket, are not kept.
                assert!(again.len() <= octets.len() && again[4] == octets[4]);
                assert_eq!($packet::decode(&again), Ok(Some((packet, again.len()))));
            }
        };
    }
    read_as!(Command);
    read_as!(Reply);
}

/// What comes of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Talk {
    heard: String,
    said: Vec<u8>,
    failed: Option<SessionError>,
    closed: bool,
}

/// An MTA that says anything, in any pieces: the first octet is their length, the second what the filter wants and how
/// it decides, the rest is what comes. Pieces make no difference, and every event that asks has one answer.
pub(crate) fn milter_session(input: &[u8]) {
    let Some(([piece, mind], stream)) = input.split_first_chunk() else { return };
    let whole = talk(stream, usize::MAX, *mind);
    assert_eq!(talk(stream, usize::from(*piece).max(1), *mind), whole);
    // One answer for each event that is answered, and what is not an answer comes at the end of a message only.
    let mut rest = &whole.said[..];
    let mut answers = 0;
    while let Some((reply, bytes)) = Reply::decode(rest).unwrap() {
        answers += usize::from(!b"Oph-".contains(&reply.code()));
        rest = &rest[bytes..];
    }
    assert!(rest.is_empty());
    assert_eq!(answers, whole.heard.matches('?').count(), "{}", whole.heard);
    let clients: Vec<&str> = whole.heard.split(['K', 'Q']).collect();
    assert!(clients.iter().all(|client| client.matches('C').count() <= 1), "{}", whole.heard);
}

fn talk(stream: &[u8], piece: usize, mind: u8) -> Talk {
    let steps = if mind & 1 == 0 { Steps::NONE } else { Steps::from_bits(0x1f_ffff & !0x37f) };
    let actions = Actions::ADD_HEADERS | Actions::DELETE_RECIPIENTS;
    let mut session = Session::new(Wanted { actions, steps, ..Wanted::default() });
    let mut talk = Talk::default();
    for part in stream.chunks(piece.min(stream.len()).max(1)) {
        session.received(part);
        talk.drive(&mut session, mind);
        if talk.failed.is_some() || talk.closed {
            break;
        }
        let held = PACKET_BYTES_MAX + part.len();
        assert!(
            stream.len() < held || format!("{session:?}").len() < 8 * held,
            "it keeps more than its limits"
        );
    }
    talk
}

impl Talk {
    fn drive(&mut self, session: &mut Session, mind: u8) {
        loop {
            let (letter, answered) = match session.poll() {
                Ok(Step::Event { event, answered, .. }) => (self.hear(&event), answered),
                Ok(Step::Read) => break,
                Ok(Step::Close) => {
                    self.closed = true;
                    break;
                }
                Ok(Step::Answer) => panic!("an answer is owed that was given"),
                Err(error) => {
                    assert_eq!(session.poll(), Err(error));
                    self.failed = Some(error);
                    break;
                }
            };
            if answered {
                self.heard.push('?');
                self.answer(session, letter, mind);
            } else {
                session.answer(Verdict::Continue).unwrap();
                assert!(session.answer(Verdict::Accept).is_err());
            }
        }
        self.said.extend(session.take_output());
    }

    fn hear(&mut self, event: &Event<'_>) -> char {
        let letter = match event {
            Event::Connect { .. } => 'C',
            Event::Helo(_) => 'H',
            Event::Mail { .. } => 'M',
            Event::Rcpt { .. } => 'R',
            Event::Data => 'T',
            Event::Header { .. } => 'L',
            Event::Eoh => 'N',
            Event::Body(_) => 'B',
            Event::End(_) => 'E',
            Event::Abort => 'A',
            Event::Unknown(_) => 'U',
            Event::NextClient => 'K',
            Event::Quit => 'Q',
        };
        self.heard.push(letter);
        letter
    }

    fn answer(&self, session: &mut Session, letter: char, mind: u8) {
        let change = Change::DeleteRecipient { recipient: b"<a@b>" };
        assert_eq!(session.change(change).is_ok(), letter == 'E');
        assert_eq!(session.progress().is_ok(), letter == 'E');
        let verdict = match mind >> 1 & 7 {
            0 => Verdict::Reply(b"550 5.1.1 100% no"),
            1 if letter == 'R' => Verdict::TempFail,
            2 if letter == 'T' => Verdict::Accept,
            3 if letter == 'B' => Verdict::Skip,
            4 => Verdict::Discard,
            _ => Verdict::Continue,
        };
        if session.answer(verdict).is_err() {
            session.answer(Verdict::Continue).unwrap();
        }
        assert!(session.stage() != Stage::End, "the last word was said");
    }
}

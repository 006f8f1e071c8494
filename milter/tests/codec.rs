//! The codec against packets as they stand on the wire, against itself, and against noise.
//!
//! The vectors are written from the constants of libmilter's `mfdef.h` and the layouts its two sides agree on. A filter
//! built with libmilter 8.17.1 (Debian 12) took the commands as they are encoded here; its negotiation, progress, skip,
//! SMTP reply and every change to a message decoded, and encoded again to the same bytes.
#![allow(clippy::unwrap_used)]

use milter_proto::{
    Actions, Command, Error, Macro, MacroList, MacroStep, Peer, Reply, Steps, TEXTS_MAX, VERSION,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Commands and their packets.
#[allow(clippy::too_many_lines, reason = "a table")]
fn commands() -> Vec<(Command<'static>, &'static [u8])> {
    vec![
        (
            Command::OptNeg {
                version: VERSION,
                actions: Actions::from_bits(0x1ff),
                steps: Steps::from_bits(0x1f_ffff),
            },
            b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff",
        ),
        (
            Command::Macro {
                command: b'M',
                macros: vec![
                    Macro { name: b"i", value: b"4FzQ" },
                    Macro { name: b"{auth_authen}", value: b"" },
                ],
            },
            b"\0\0\0\x18DMi\x004FzQ\0{auth_authen}\0\0",
        ),
        (
            Command::Connect {
                host: b"mx.example",
                peer: Peer::Inet { address: b"192.0.2.1", port: 25_000 },
            },
            b"\0\0\0\x19Cmx.example\x004\x61\xa8192.0.2.1\0",
        ),
        (
            Command::Connect { host: b"[v6]", peer: Peer::Inet6 { address: b"2001:db8::1", port: 0 } },
            b"\0\0\0\x15C[v6]\x006\0\x002001:db8::1\0",
        ),
        (
            Command::Connect { host: b"localhost", peer: Peer::Unix { path: b"/run/x" } },
            b"\0\0\0\x15Clocalhost\0L\0\0/run/x\0",
        ),
        (Command::Connect { host: b"localhost", peer: Peer::Unknown }, b"\0\0\0\x0cClocalhost\0U"),
        (Command::Helo { name: b"mail.example" }, b"\0\0\0\x0eHmail.example\0"),
        (
            Command::Mail { sender: b"<a@example.com>", parameters: vec![b"SIZE=99", b"BODY=8BITMIME"] },
            b"\0\0\0\x27M<a@example.com>\0SIZE=99\0BODY=8BITMIME\0",
        ),
        (
            Command::Rcpt { recipient: b"<+12125550123@fax.example>", parameters: vec![] },
            b"\0\0\0\x1cR<+12125550123@fax.example>\0",
        ),
        (Command::Data, b"\0\0\0\x01T"),
        (Command::Header { name: b"Subject", value: b"" }, b"\0\0\0\x0aLSubject\0\0"),
        (Command::Eoh, b"\0\0\0\x01N"),
        (Command::Body(b"a\0\r\n"), b"\0\0\0\x05Ba\0\r\n"),
        (Command::BodyEob(b""), b"\0\0\0\x01E"),
        (Command::Abort, b"\0\0\0\x01A"),
        (Command::Quit, b"\0\0\0\x01Q"),
        (Command::QuitNc, b"\0\0\0\x01K"),
        (Command::Unknown(b"FOO bar"), b"\0\0\0\x09UFOO bar\0"),
    ]
}

/// Replies and their packets.
#[allow(clippy::too_many_lines, reason = "a table")]
fn replies() -> Vec<(Reply<'static>, &'static [u8])> {
    vec![
        (
            Reply::OptNeg {
                version: VERSION,
                actions: Actions::DELETE_RECIPIENTS | Actions::SET_MACRO_LISTS,
                steps: Steps::NO_HELO,
                macro_lists: vec![MacroList { step: MacroStep::Rcpt, names: b"i {rcpt_addr}" }],
            },
            b"\0\0\0\x1fO\0\0\0\x06\0\0\x01\x08\0\0\0\x02\0\0\0\x03i {rcpt_addr}\0",
        ),
        (Reply::Accept, b"\0\0\0\x01a"),
        (Reply::Continue, b"\0\0\0\x01c"),
        (Reply::Discard, b"\0\0\0\x01d"),
        (Reply::Reject, b"\0\0\0\x01r"),
        (Reply::TempFail, b"\0\0\0\x01t"),
        (Reply::ReplyCode(b"550 5.7.1 no"), b"\0\0\0\x0ey550 5.7.1 no\0"),
        (
            Reply::ReplyCode(b"550-5.7.1 no\r\n550 5.7.1 never"),
            b"\0\0\0\x1fy550-5.7.1 no\r\n550 5.7.1 never\0",
        ),
        (Reply::Skip, b"\0\0\0\x01s"),
        (Reply::Progress, b"\0\0\0\x01p"),
        (Reply::ConnFail, b"\0\0\0\x01f"),
        (Reply::Shutdown, b"\0\0\0\x014"),
        (Reply::AddHeader { name: b"X-Fax", value: b"1" }, b"\0\0\0\x09hX-Fax\x001\0"),
        (Reply::InsertHeader { index: 0, name: b"A", value: b"b" }, b"\0\0\0\x09i\0\0\0\0A\0b\0"),
        (Reply::ChangeHeader { index: 2, name: b"A", value: b"" }, b"\0\0\0\x08m\0\0\0\x02A\0\0"),
        (Reply::ChangeFrom { sender: b"<>", parameters: None }, b"\0\0\0\x04e<>\0"),
        (
            Reply::ChangeFrom { sender: b"<a@b>", parameters: Some(b"RET=HDRS") },
            b"\0\0\0\x10e<a@b>\0RET=HDRS\0",
        ),
        (Reply::AddRcpt { recipient: b"<a@b>" }, b"\0\0\0\x07+<a@b>\0"),
        (Reply::AddRcptPar { recipient: b"<a@b>", parameters: None }, b"\0\0\0\x072<a@b>\0"),
        (
            Reply::AddRcptPar { recipient: b"<a@b>", parameters: Some(b"NOTIFY=NEVER") },
            b"\0\0\0\x142<a@b>\0NOTIFY=NEVER\0",
        ),
        (Reply::DelRcpt { recipient: b"<a@b>" }, b"\0\0\0\x07-<a@b>\0"),
        (Reply::ReplaceBody(b"new"), b"\0\0\0\x04bnew"),
        (Reply::Quarantine { reason: b"held" }, b"\0\0\0\x06qheld\0"),
    ]
}

#[test]
fn commands_stand_on_the_wire_as_written() {
    for (command, packet) in commands() {
        let mut out = Vec::new();
        command.encode(&mut out).unwrap();
        assert_eq!(out, packet, "{command:?}");
        assert_eq!(Command::decode(packet), Ok(Some((command, packet.len()))));
    }
}

#[test]
fn replies_stand_on_the_wire_as_written() {
    for (reply, packet) in replies() {
        let mut out = Vec::new();
        reply.encode(&mut out).unwrap();
        assert_eq!(out, packet, "{reply:?}");
        assert_eq!(Reply::decode(packet), Ok(Some((reply, packet.len()))));
    }
}

#[test]
fn packets_follow_one_another() {
    let mut stream = Vec::new();
    for (command, _) in commands() {
        command.encode(&mut stream).unwrap();
    }
    let mut rest = &stream[..];
    for (command, _) in commands() {
        for part in 0..4.min(rest.len()) {
            assert_eq!(Command::decode(&rest[..part]), Ok(None));
        }
        let (read, consumed) = Command::decode(rest).unwrap().unwrap();
        assert_eq!(read, command);
        rest = &rest[consumed..];
    }
    assert_eq!(Command::decode(rest), Ok(None));
}

#[test]
fn each_fault_of_a_command_has_its_name() {
    let cases: [(&[u8], Error); 10] = [
        (b"\0\0\0\0", Error::Empty),
        (b"\0\0\0\x01Z", Error::UnknownCode(b'Z')),
        (b"\0\0\0\x0cO\0\0\0\x06\0\0\x01\xff\0\x1f\xff", Error::Truncated),
        (b"\0\0\0\x01D", Error::Truncated),
        (b"\0\0\0\x04DMi\0", Error::MacroWithoutValue),
        (b"\0\0\0\x05Hmail", Error::MissingNul),
        (b"\0\0\0\x09Lname\0val", Error::MissingNul),
        (b"\0\0\0\x05M<>\0x", Error::MissingNul),
        (b"\0\0\0\x04Ch\x004", Error::Truncated),
        (b"\0\0\0\x08Ch\x009\0\0x\0", Error::UnknownFamily(b'9')),
    ];
    for (packet, error) in cases {
        assert_eq!(Command::decode(packet), Err(error), "{packet:?}");
    }
}

#[test]
fn each_fault_of_a_reply_has_its_name() {
    let cases: [(&[u8], Error); 7] = [
        (b"\0\0\0\x01H", Error::UnknownCode(b'H')),
        (b"\0\0\0\x05i\0\0\0\0", Error::MissingNul),
        (b"\0\0\0\x03i\0\0", Error::Truncated),
        (b"\0\0\0\x05+a@b\n", Error::MissingNul),
        (b"\0\0\0\x08y250 ok\0", Error::BadReplyCode),
        (b"\0\0\0\x05y5xx\0", Error::BadReplyCode),
        (b"\0\0\0\x12O\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0\x07\0", Error::UnknownStep(7)),
    ];
    for (packet, error) in cases {
        assert_eq!(Reply::decode(packet), Err(error), "{packet:?}");
    }
    let mut out = Vec::new();
    assert_eq!(Reply::ReplyCode(b"250 ok").encode(&mut out), Err(Error::BadReplyCode));
    assert!(out.is_empty(), "nothing is sent of a reply that can not be");
}

#[test]
fn macro_lists_have_a_limit() {
    let list = MacroList { step: MacroStep::Connect, names: b"j" };
    let offer = |lists: usize| {
        let (actions, steps) = (Actions::NONE, Steps::NONE);
        let mut out = Vec::new();
        Reply::OptNeg { version: VERSION, actions, steps, macro_lists: vec![list; lists] }
            .encode(&mut out)
            .map(|()| out)
    };
    let mut full = offer(TEXTS_MAX).unwrap();
    assert!(Reply::decode(&full).unwrap().is_some());
    assert_eq!(offer(TEXTS_MAX + 1), Err(Error::TooManyTexts));
    // One list more, which a peer may still send.
    let length = u32::try_from(full.len() - 4 + 6).unwrap();
    full[..4].copy_from_slice(&length.to_be_bytes());
    full.extend(b"\0\0\0\0j\0");
    assert_eq!(Reply::decode(&full), Err(Error::TooManyTexts));
}

/// What a later version adds at the end is left alone.
#[test]
fn bytes_after_the_last_field_are_no_fault() {
    let packet = b"\0\0\0\x08Hmail\0xx";
    assert_eq!(Command::decode(packet), Ok(Some((Command::Helo { name: b"mail" }, packet.len()))));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8.., 0..40)
}

/// Whether `command` is the same after it has been on the wire.
fn comes_back(command: &Command<'_>) -> bool {
    let mut out = Vec::new();
    command.encode(&mut out).unwrap();
    let consumed = out.len();
    Command::decode(&out) == Ok(Some((command.clone(), consumed)))
}

/// Whether `reply` is the same after it has been on the wire.
fn reply_comes_back(reply: &Reply<'_>) -> bool {
    let mut out = Vec::new();
    reply.encode(&mut out).unwrap();
    let consumed = out.len();
    Reply::decode(&out) == Ok(Some((reply.clone(), consumed)))
}

proptest! {
    #[test]
    fn a_command_comes_back(a in text(), b in text(), list in vec(text(), 0..6), port: u16, bits: [u32; 3]) {
        let parameters: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        let macros = list.iter().map(|name| Macro { name, value: &b }).collect();
        let actions = Actions::from_bits(bits[1]);
        let commands = [
            Command::OptNeg { version: bits[0], actions, steps: Steps::from_bits(bits[2]) },
            Command::Macro { command: b'R', macros },
            Command::Connect { host: &a, peer: Peer::Inet { address: &b, port } },
            Command::Connect { host: &a, peer: Peer::Inet6 { address: &b, port } },
            Command::Connect { host: &a, peer: Peer::Unix { path: &b } },
            Command::Mail { sender: &a, parameters: parameters.clone() },
            Command::Rcpt { recipient: &a, parameters },
            Command::Header { name: &a, value: &b },
            Command::Body(&a),
            Command::Unknown(&a),
        ];
        for command in commands {
            prop_assert!(comes_back(&command), "{command:?}");
        }
    }

    #[test]
    fn a_reply_comes_back(a in text(), b in text(), index: u32, code in 400..600_u16, bits: [u32; 3]) {
        let words = [format!("{code} ").as_bytes(), &a].concat();
        let lists = [MacroStep::Connect, MacroStep::Helo, MacroStep::Eom, MacroStep::Eoh];
        let replies = [
            Reply::OptNeg {
                version: bits[0],
                actions: Actions::from_bits(bits[1]),
                steps: Steps::from_bits(bits[2]),
                macro_lists: lists.map(|step| MacroList { step, names: &a }).to_vec(),
            },
            Reply::ReplyCode(&words),
            Reply::AddHeader { name: &a, value: &b },
            Reply::InsertHeader { index, name: &a, value: &b },
            Reply::ChangeHeader { index, name: &a, value: &b },
            Reply::ChangeFrom { sender: &a, parameters: Some(&b) },
            Reply::AddRcptPar { recipient: &a, parameters: Some(&b) },
            Reply::ReplaceBody(&a),
        ];
        for reply in replies {
            prop_assert!(reply_comes_back(&reply), "{reply:?}");
        }
    }

    /// Noise in a frame that is right gets past the length and meets the fields.
    #[test]
    fn noise_is_an_error_or_a_packet(code: u8, data in vec(any::<u8>(), 0..200), tail in vec(any::<u8>(), 0..9)) {
        let mut packet = u32::try_from(data.len() + 1).unwrap().to_be_bytes().to_vec();
        packet.push(code);
        packet.extend(&data);
        let whole = packet.len();
        packet.extend(tail);
        if let Ok(read) = Command::decode(&packet) {
            let (command, consumed) = read.unwrap();
            prop_assert_eq!(consumed, whole);
            prop_assert_eq!(command.code(), code);
        }
        if let Ok(read) = Reply::decode(&packet) {
            let (reply, consumed) = read.unwrap();
            prop_assert_eq!(consumed, whole);
            prop_assert_eq!(reply.code(), code);
        }
    }

    #[test]
    fn noise_without_a_frame_never_panics(noise in vec(any::<u8>(), 0..64)) {
        let _ = Command::decode(&noise);
        let _ = Reply::decode(&noise);
    }
}

//! A whole filter in one file: it refuses mail that has a word in its body, holds back what is marked as suspicious, and
//! names itself in the header of all other mail. One thread a connection, the standard library and nothing else.
//!
//! ```text
//! cargo run -p milter-proto --example banned_word -- 127.0.0.1:8899 lottery
//! postconf -e 'smtpd_milters = inet:127.0.0.1:8899'
//! ```
//!
//! `--check` instead of an address plays a short talk with itself over a port of this machine, and ends.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program to be read and tried")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use milter_proto::{Actions, Change, Event, Session, Step, Steps, Verdict, Wanted};

/// The most of a body that is looked at; the rest passes unread.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a mail server may be silent.
const IDLE: Duration = Duration::from_secs(2 * 3600);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let place = args.next().unwrap_or_else(|| "127.0.0.1:8899".into());
    let word: Arc<str> = args.next().unwrap_or_else(|| "lottery".into()).into();
    if place == "--check" {
        check(&word)?.iter().for_each(|said| println!("{said}"));
        return Ok(());
    }
    let listener = TcpListener::bind(place)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, word) = (stream?, Arc::clone(&word));
        std::thread::spawn(move || {
            if let Err(error) = serve(stream, &word) {
                eprintln!("a connection ended: {error}");
            }
        });
    }
    Ok(())
}

/// What this filter asks of a mail server: it must be allowed to add fields, it would like to hold mail back, and of what
/// it does not look at it wants to hear nothing.
fn wanted() -> Wanted {
    Wanted {
        actions: Actions::ADD_HEADERS,
        actions_wished: Actions::QUARANTINE,
        steps: Steps::NO_HELO
            | Steps::NO_RCPT
            | Steps::NO_REPLY_CONNECT
            | Steps::NO_REPLY_HEADERS
            | Steps::SKIP,
        macro_lists: Vec::new(),
    }
}

/// One connection of a mail server, from beginning to end.
fn serve(mut stream: TcpStream, word: &str) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(IDLE))?;
    let mut session = Session::new(wanted());
    let mut mail = Mail::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let said = match session.poll()? {
            Step::Event { event, answered, .. } => {
                let said = mail.hear(&event, word);
                if !answered {
                    continue;
                }
                said
            }
            // Not reached here: every event is answered before the next is asked for.
            Step::Answer => Said::Continue,
            Step::Read => {
                stream.write_all(&session.take_output())?;
                let count = stream.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                session.received(buffer.get(..count).unwrap_or_default());
                continue;
            }
            Step::Close => return Ok(stream.write_all(&session.take_output())?),
        };
        say(&mut session, said)?;
    }
}

/// What this filter has to say of a mail.
#[derive(Clone, Copy)]
enum Said {
    Continue,
    Skip,
    Refuse,
    Hold,
    Pass,
}

/// What it must remember of one.
#[derive(Default)]
struct Mail {
    body: Vec<u8>,
    suspicious: bool,
}

impl Mail {
    fn hear(&mut self, event: &Event<'_>, word: &str) -> Said {
        match event {
            Event::Mail { .. } | Event::Abort | Event::NextClient => *self = Self::default(),
            Event::Header { name, .. } => self.suspicious |= name.eq_ignore_ascii_case(b"X-Suspicious"),
            Event::Body(piece) => {
                self.body.extend_from_slice(piece);
                if self.body.len() >= BODY_BYTES_MAX {
                    return Said::Skip;
                }
            }
            Event::End(piece) => {
                self.body.extend_from_slice(piece);
                let mail = std::mem::take(self);
                let text = String::from_utf8_lossy(&mail.body).to_lowercase();
                return match (text.contains(&word.to_lowercase()), mail.suspicious) {
                    (true, _) => Said::Refuse,
                    (false, true) => Said::Hold,
                    (false, false) => Said::Pass,
                };
            }
            _ => {}
        }
        Said::Continue
    }
}

fn say(session: &mut Session, said: Said) -> Result<(), Box<dyn Error>> {
    let agreed = session.agreed().ok_or("nothing was negotiated")?;
    match said {
        // An older mail server knows no SKIP, and goes on sending.
        Said::Skip if agreed.steps.contains(Steps::SKIP) => session.answer(Verdict::Skip)?,
        Said::Continue | Said::Skip => session.answer(Verdict::Continue)?,
        Said::Refuse => {
            session.answer(Verdict::Reply(b"550 5.7.1 there is a word in it that we do not take"))?
        }
        Said::Hold if agreed.actions.contains(Actions::QUARANTINE) => {
            session.change(Change::Quarantine { reason: b"marked as suspicious" })?;
            session.answer(Verdict::Continue)?;
        }
        Said::Hold => session.answer(Verdict::TempFail)?,
        Said::Pass => {
            session.change(Change::AddHeader { name: b"X-Filter", value: b"banned_word" })?;
            session.answer(Verdict::Continue)?;
        }
    }
    Ok(())
}

/// Plays the mail server's side, three mails on one connection; gives what the filter says of them beside "go on".
fn check(word: &str) -> Result<Vec<String>, Box<dyn Error>> {
    use milter_proto::{Command, Peer, Reply, VERSION};
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut server = TcpStream::connect(listener.local_addr()?)?;
    let filter = listener.accept()?.0;
    let owned: Arc<str> = word.into();
    let running = std::thread::spawn(move || serve(filter, &owned).map_err(|error| error.to_string()));

    let all = Command::OptNeg {
        version: VERSION,
        actions: Actions::from_bits(0x1ff),
        steps: Steps::from_bits(0x1f_ffff),
    };
    let mut sent = Vec::new();
    all.encode(&mut sent)?;
    Command::Connect { host: b"localhost", peer: Peer::Unknown }.encode(&mut sent)?;
    for (field, body) in [("Subject", "good news"), ("Subject", word), ("X-Suspicious", "hello")] {
        Command::Mail { sender: b"<anna@example.com>", parameters: Vec::new() }.encode(&mut sent)?;
        Command::Data.encode(&mut sent)?;
        Command::Header { name: field.as_bytes(), value: b"x" }.encode(&mut sent)?;
        Command::Eoh.encode(&mut sent)?;
        Command::Body(body.as_bytes()).encode(&mut sent)?;
        Command::BodyEob(b"").encode(&mut sent)?;
    }
    Command::Quit.encode(&mut sent)?;
    server.write_all(&sent)?;
    let mut received = Vec::new();
    server.read_to_end(&mut received)?;
    running.join().map_err(|_| "the filter's thread has failed")??;

    let mut said = Vec::new();
    let mut rest = received.as_slice();
    while let Some((reply, bytes)) = Reply::decode(rest)? {
        match reply {
            Reply::AddHeader { name, value } => {
                said.push(format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
            }
            Reply::ReplyCode(text) => said.push(String::from_utf8_lossy(text).into_owned()),
            Reply::Quarantine { reason } => said.push(format!("held: {}", String::from_utf8_lossy(reason))),
            Reply::Continue | Reply::OptNeg { .. } => {}
            other => said.push(format!("{other:?}")),
        }
        rest = rest.get(bytes..).unwrap_or_default();
    }
    Ok(said)
}

#[test]
fn three_mails() {
    let said = check("lottery").unwrap();
    let want = [
        "X-Filter: banned_word",
        "550 5.7.1 there is a word in it that we do not take",
        "held: marked as suspicious",
    ];
    assert_eq!(said, want);
}

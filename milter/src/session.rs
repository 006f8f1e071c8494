//! The filter's side of one connection to an MTA, without I/O.
//!
//! Bytes go in by [`Session::received`]; [`Session::poll`] says what has happened, one [`Event`] at a time, and the
//! filter speaks by [`Session::answer`], and at the end of a message by [`Session::change`] and
//! [`Session::progress`]; what is to be sent is taken by [`Session::take_output`]. The session negotiates, keeps the
//! macros, holds both sides to the order of things ([`Stage`]), and knows which commands are not answered. It keeps
//! no message: what a filter needs of one it copies out of the events.
//!
//! A connection carries one client of the MTA, and several where the MTA says so ([`Event::NextClient`]), and each
//! client any number of messages. A message may end at any point: by ABORT, by another MAIL, or with the connection.
//!
//! ```
//! use milter_proto::{Event, Session, Step, Verdict, Wanted};
//!
//! let mut session = Session::new(Wanted::default());
//! session.received(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
//! session.received(b"\0\0\0\x0cClocalhost\0U");
//! let Step::Event { event: Event::Connect { host, .. }, .. } = session.poll()? else { panic!() };
//! assert_eq!(host, b"localhost");
//! session.answer(Verdict::Continue)?;
//! assert_eq!(session.take_output(), b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0\x01c");
//! assert!(matches!(session.poll()?, Step::Read));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sources: libmilter's `mfdef.h` for values, its `engine.c` and the API documents that come with Sendmail
//! (`libmilter/docs/*.html`) for what may be said when, and Postfix's `MILTER_README` and `milter8.c` for what the other
//! large MTA makes of it.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::answer::{Change, Verdict};
use crate::command::{Command, Peer};
use crate::flags::{Actions, Steps};
use crate::macros::Macros;
use crate::negotiation::{Agreed, Wanted};
use crate::order::{self, Move, Stage};
use crate::packet;
use crate::reply::Reply;

/// Something the MTA has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A client has connected.
    Connect {
        /// Its name, or its address in square brackets when it has none.
        host: &'a [u8],
        /// Where it connected from.
        peer: Peer<'a>,
    },
    /// HELO or EHLO.
    Helo(
        /// What the client calls itself.
        &'a [u8],
    ),
    /// A message begins.
    Mail {
        /// The envelope sender, mostly in angle brackets.
        sender: &'a [u8],
        /// ESMTP parameters, each `KEYWORD` or `KEYWORD=value`.
        parameters: Vec<&'a [u8]>,
    },
    /// It has a recipient more.
    Rcpt {
        /// The address, mostly in angle brackets.
        recipient: &'a [u8],
        /// ESMTP parameters, each `KEYWORD` or `KEYWORD=value`.
        parameters: Vec<&'a [u8]>,
    },
    /// The client has said DATA.
    Data,
    /// A header field.
    Header {
        /// Its name.
        name: &'a [u8],
        /// Its value, folded as it came; with the white space after the colon only under
        /// [`Steps::HEADER_LEADING_SPACE`].
        value: &'a [u8],
    },
    /// The header has ended.
    Eoh,
    /// A piece of the body.
    Body(&'a [u8]),
    /// The message has ended; now it may be changed.
    End(
        /// The last piece of the body, mostly empty.
        &'a [u8],
    ),
    /// The message is forgotten. Not answered.
    Abort,
    /// An SMTP command that the MTA does not know.
    Unknown(
        /// The whole command line.
        &'a [u8],
    ),
    /// The client has gone, and with it what it had begun; another comes over the same connection. Not answered.
    NextClient,
    /// The client has gone, and the MTA closes. Not answered.
    Quit,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Something has happened.
    Event {
        /// What.
        event: Event<'a>,
        /// What the MTA says beside it.
        macros: &'a Macros,
        /// Whether the MTA waits for an answer. Where it does not, [`Verdict::Continue`] may be said all the same,
        /// and nothing else.
        answered: bool,
    },
    /// The answer to the last event is still to come.
    Answer,
    /// Send the output, and read.
    Read,
    /// Send the output, and close.
    Close,
}

/// What ends a connection: the MTA is not what it should be. Nothing more comes of a session that has said this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It sent what is no packet.
    Packet(packet::Error),
    /// It offered a version older than [`VERSION_MIN`](crate::VERSION_MIN).
    TooOld {
        /// The version.
        version: u32,
    },
    /// It does not allow what the filter cannot do without.
    Lacks {
        /// What is missing.
        actions: Actions,
    },
    /// A command where it may not stand.
    OutOfOrder {
        /// The code of the command.
        command: u8,
        /// Where the session stood.
        stage: Stage,
    },
    /// More bytes of macros than [`MACROS_BYTES_MAX`](crate::MACROS_BYTES_MAX).
    MacrosTooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(error) => error.fmt(f),
            Self::TooOld { version } => {
                write!(f, "the MTA speaks milter version {version}, which is too old")
            }
            Self::Lacks { actions } => {
                write!(f, "the MTA does not allow what must be done (actions {:#x})", actions.bits())
            }
            Self::OutOfOrder { command, stage } => {
                write!(f, "command {:?} out of order, at {stage:?}", char::from(*command))
            }
            Self::MacrosTooLarge => write!(f, "more than {} bytes of macros", crate::MACROS_BYTES_MAX),
        }
    }
}

impl core::error::Error for Error {}

impl From<packet::Error> for Error {
    fn from(error: packet::Error) -> Self {
        Self::Packet(error)
    }
}

/// What a filter may not say here; nothing was sent, and the session stands as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// Nothing waits for an answer.
    NotAsked,
    /// This verdict does not answer this command, or a change comes before the end of the message.
    NotHere,
    /// The MTA has not allowed it.
    NotNegotiated,
    /// It cannot be written as a packet.
    Packet(packet::Error),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("nothing waits for an answer"),
            Self::NotHere => f.write_str("this may not be said here"),
            Self::NotNegotiated => f.write_str("the MTA does not allow it"),
            Self::Packet(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Misuse {}

/// The commands that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Connect,
    Helo,
    Mail,
    Rcpt,
    Data,
    Header,
    Eoh,
    Body,
    End,
    Unknown,
}

impl Asked {
    fn by(command: &Command<'_>) -> Option<Self> {
        Some(match command {
            Command::Connect { .. } => Self::Connect,
            Command::Helo { .. } => Self::Helo,
            Command::Mail { .. } => Self::Mail,
            Command::Rcpt { .. } => Self::Rcpt,
            Command::Data => Self::Data,
            Command::Header { .. } => Self::Header,
            Command::Eoh => Self::Eoh,
            Command::Body(_) => Self::Body,
            Command::BodyEob(_) => Self::End,
            Command::Unknown(_) => Self::Unknown,
            _ => return None,
        })
    }

    /// The flag under which it is not answered; the end of a message always is.
    fn unanswered_under(self) -> Option<Steps> {
        Some(match self {
            Self::Connect => Steps::NO_REPLY_CONNECT,
            Self::Helo => Steps::NO_REPLY_HELO,
            Self::Mail => Steps::NO_REPLY_MAIL,
            Self::Rcpt => Steps::NO_REPLY_RCPT,
            Self::Data => Steps::NO_REPLY_DATA,
            Self::Header => Steps::NO_REPLY_HEADERS,
            Self::Eoh => Steps::NO_REPLY_EOH,
            Self::Body => Steps::NO_REPLY_BODY,
            Self::Unknown => Steps::NO_REPLY_UNKNOWN,
            Self::End => return None,
        })
    }

    /// Whether `verdict` is the last that is said of the message.
    fn settles(self, verdict: Verdict<'_>) -> bool {
        let goes_on = matches!(verdict, Verdict::Continue | Verdict::Skip);
        match self {
            Self::Connect | Self::Helo | Self::Unknown => false,
            Self::End => true,
            Self::Rcpt => {
                !goes_on && !matches!(verdict, Verdict::Reject | Verdict::TempFail | Verdict::Reply(_))
            }
            Self::Mail | Self::Data | Self::Header | Self::Eoh | Self::Body => !goes_on,
        }
    }
}

/// What [`Session::advance`] has come to.
enum Next {
    Event { packet: Range<usize>, answered: bool },
    ForgetFirst,
    Answer,
    Read,
    Close,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Session {
    wanted: Wanted,
    agreed: Option<Agreed>,
    stage: Stage,
    asked: Option<Asked>,
    macros: Macros,
    inbox: Vec<u8>,
    /// Bytes of the inbox that are done with.
    used: usize,
    outbox: Vec<u8>,
    failed: Option<Error>,
}

impl Session {
    /// A connection that an MTA has just opened.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            agreed: None,
            stage: Stage::Start,
            asked: None,
            macros: Macros::default(),
            inbox: Vec::new(),
            used: 0,
            outbox: Vec::new(),
            failed: None,
        }
    }

    /// Takes bytes from the MTA. Whoever reads only where [`Session::poll`] says so never has it keep more than one
    /// packet ([`PACKET_BYTES_MAX`](crate::PACKET_BYTES_MAX)) and what was read at once.
    pub fn received(&mut self, bytes: &[u8]) {
        self.inbox.drain(..self.used);
        self.used = 0;
        self.inbox.extend_from_slice(bytes);
    }

    /// What is to be sent, which is taken away.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.outbox)
    }

    /// What was negotiated; `None` before.
    #[must_use]
    pub fn agreed(&self) -> Option<Agreed> {
        self.agreed
    }

    /// Where the session stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What to do next.
    ///
    /// # Errors
    /// [`Error`], and the same again for ever: close the connection.
    pub fn poll(&mut self) -> Result<Step<'_>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let next = match self.advance() {
            Ok(next) => next,
            Err(error) => {
                self.failed = Some(error);
                return Err(error);
            }
        };
        let macros = &self.macros;
        Ok(match next {
            Next::Read => Step::Read,
            Next::Answer => Step::Answer,
            Next::Close => Step::Close,
            Next::ForgetFirst => Step::Event { event: Event::Abort, macros, answered: false },
            Next::Event { packet, answered } => {
                let packet = self.inbox.get(packet).unwrap_or_default();
                match Command::decode(packet)?.and_then(|(command, _)| event(command)) {
                    Some(event) => Step::Event { event, macros, answered },
                    None => Step::Read,
                }
            }
        })
    }

    /// Goes through the inbox up to the next event.
    fn advance(&mut self) -> Result<Next, Error> {
        loop {
            if self.asked.is_some() {
                return Ok(Next::Answer);
            }
            if self.stage == Stage::Over {
                return Ok(Next::Close);
            }
            let waiting = self.inbox.get(self.used..).unwrap_or_default();
            let Some((command, bytes)) = Command::decode(waiting)? else { return Ok(Next::Read) };
            let steps = self.agreed.map_or(Steps::NONE, |agreed| agreed.steps);
            let before = self.stage;
            match order::follow(before, &command, steps) {
                Move::To(stage) => self.stage = stage,
                Move::ForgetFirst => {
                    self.stage = Stage::Greeted;
                    // The macros that belong to the new message may be here already, and must stay.
                    return Ok(Next::ForgetFirst);
                }
                Move::OutOfOrder => {
                    return Err(Error::OutOfOrder { command: command.code(), stage: before });
                }
            }
            let packet = self.used..self.used + bytes;
            self.used = packet.end;
            match &command {
                Command::OptNeg { version, actions, steps } => {
                    let agreed = self.wanted.agree(*version, *actions, *steps)?;
                    self.wanted.reply(agreed).encode(&mut self.outbox)?;
                    self.agreed = Some(agreed);
                    continue;
                }
                Command::Macro { command, macros } => {
                    self.macros.set(*command, macros)?;
                    continue;
                }
                Command::Abort => self.macros.forget_message(),
                Command::QuitNc => self.macros.forget_all(),
                _ => {}
            }
            if command == Command::Abort && !before.in_message() {
                continue;
            }
            let asked = Asked::by(&command);
            let answered = |asked: &Asked| asked.unanswered_under().is_none_or(|flag| !steps.contains(flag));
            self.asked = asked.filter(answered);
            return Ok(Next::Event { packet, answered: self.asked.is_some() });
        }
    }

    /// Answers the last event.
    ///
    /// # Errors
    /// [`Misuse`]: nothing is sent, and the answer is still owed.
    pub fn answer(&mut self, verdict: Verdict<'_>) -> Result<(), Misuse> {
        let Some(asked) = self.asked else {
            return if verdict == Verdict::Continue { Ok(()) } else { Err(Misuse::NotAsked) };
        };
        let of_connection = matches!(asked, Asked::Connect | Asked::Helo | Asked::Unknown);
        match verdict {
            Verdict::Discard if of_connection => return Err(Misuse::NotHere),
            Verdict::Skip if asked != Asked::Body => return Err(Misuse::NotHere),
            Verdict::Skip if !self.steps_agreed(Steps::SKIP) => return Err(Misuse::NotNegotiated),
            _ => verdict.encode(&mut self.outbox).map_err(Misuse::Packet)?,
        }
        self.asked = None;
        if asked.settles(verdict) {
            self.stage = Stage::Greeted;
            self.macros.forget_message();
        }
        Ok(())
    }

    /// Changes the message whose end was the last event; the answer to it follows.
    ///
    /// # Errors
    /// [`Misuse`]: nothing is sent.
    pub fn change(&mut self, change: Change<'_>) -> Result<(), Misuse> {
        if self.asked != Some(Asked::End) {
            return Err(Misuse::NotHere);
        }
        if !self.agreed.is_some_and(|agreed| agreed.actions.contains(change.needs())) {
            return Err(Misuse::NotNegotiated);
        }
        let before = self.outbox.len();
        change.encode(&mut self.outbox).map_err(|error| {
            self.outbox.truncate(before);
            Misuse::Packet(error)
        })
    }

    /// Says that the answer to the end of a message will take a while yet, which an MTA hears only so long.
    ///
    /// # Errors
    /// [`Misuse::NotHere`] where no end of a message waits for its answer.
    pub fn progress(&mut self) -> Result<(), Misuse> {
        if self.asked != Some(Asked::End) {
            return Err(Misuse::NotHere);
        }
        Reply::Progress.encode(&mut self.outbox).map_err(Misuse::Packet)
    }

    fn steps_agreed(&self, steps: Steps) -> bool {
        self.agreed.is_some_and(|agreed| agreed.steps.contains(steps))
    }
}

/// The event that a command is; negotiation and macros are none.
fn event(command: Command<'_>) -> Option<Event<'_>> {
    Some(match command {
        Command::OptNeg { .. } | Command::Macro { .. } => return None,
        Command::Connect { host, peer } => Event::Connect { host, peer },
        Command::Helo { name } => Event::Helo(name),
        Command::Mail { sender, parameters } => Event::Mail { sender, parameters },
        Command::Rcpt { recipient, parameters } => Event::Rcpt { recipient, parameters },
        Command::Data => Event::Data,
        Command::Header { name, value } => Event::Header { name, value },
        Command::Eoh => Event::Eoh,
        Command::Body(bytes) => Event::Body(bytes),
        Command::BodyEob(bytes) => Event::End(bytes),
        Command::Abort => Event::Abort,
        Command::Quit => Event::Quit,
        Command::QuitNc => Event::NextClient,
        Command::Unknown(line) => Event::Unknown(line),
    })
}

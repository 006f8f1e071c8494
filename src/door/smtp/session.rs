//! One SMTP session as values: bytes in, steps out (RFC 5321 §3, §4). It does no I/O and knows no clock; the
//! driver in `connection` does what each [`Step`] says and brings the answers back.
//!
//! ```text
//!   Idle ──MAIL──► Envelope ──RCPT──► Checking ──verdict──► Envelope
//!    ▲   ◄─RSET, EHLO──┘ └──DATA──► Room ──granted──► Text ──the dot──► Accepting
//!    └──────────────────────────── accepted, or refused ────────────────────┘
//! ```
//!
//! Commands may come in one packet (PIPELINING, RFC 2920): they are answered in order, and the driver writes
//! the replies when the session has nothing left to say. While a verdict is awaited nothing is read, so what
//! a client can make the session keep is one line, one chunk, one message and [`Limits::recipients_max`]
//! recipients.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::auth::{self, Exchange, Secret};
use super::chunks::Chunks;
use super::command::{self, Command};
use super::data::{DataFault, DataReader, Progress};
use super::line::{Line, Lines};
use crate::door::esmtp::parameters::{MailParameters, RcptParameters};
use crate::door::esmtp::reply::Reply;
use crate::door::esmtp::timing::{self, Timing};
use crate::job::{JobId, Options, Recipient, Ret};
use crate::submit::{Refusal, Wanted};

/// What one session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one message.
    pub message_bytes_max: usize,
    /// Recipients of one message; also those that may be refused before a mail is accepted.
    pub recipients_max: usize,
    /// Commands that are no commands, or out of order.
    pub errors_max: usize,
}

/// What the driver is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, now or together with what follows.
    Reply(Reply),
    /// Ask whether this recipient may be faxed, and answer by [`Session::recipient_checked`].
    Check {
        /// The sender; `None` is the null path.
        sender: Option<String>,
        /// The recipient.
        wanted: Wanted,
    },
    /// Ask whether there is room for one more message, and answer by [`Session::room`].
    Room,
    /// Send what is to be sent, make TLS of the connection, and answer by [`Session::secured`]. What the client
    /// sent before the handshake is no part of it.
    StartTls,
    /// Ask whether this signs the client in, and answer by [`Session::signed_in`].
    SignIn(Credentials),
    /// Ask for the SCRAM keys of this name, and answer by [`Session::scram_keys`].
    Keys(String),
    /// Have this mail accepted, and answer by [`Session::accepted`].
    Accept(Box<Mail>),
    /// Send what is to be sent, and read.
    Read,
    /// Send what is to be sent, and close.
    Close,
}

/// A whole mail transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who brought it.
    pub hello: Hello,
    /// From whom and to whom.
    pub envelope: Envelope,
    /// The text as it came, dots taken away.
    pub text: Vec<u8>,
}

/// How the client introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name it gave.
    pub name: String,
    /// Whether it said `EHLO`.
    pub extended: bool,
    /// Whether it said so over TLS.
    pub secured: bool,
    /// Whether it has signed in.
    pub signed_in: bool,
    /// Whether it speaks LMTP.
    pub lmtp: bool,
}

/// What a client shows to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A password, which is to be looked at.
    Password {
        /// Whose.
        name: String,
        /// The password.
        password: Secret,
    },
    /// A proof of the password, which was looked at.
    Proof {
        /// Whose.
        name: String,
        /// Whether it is right.
        right: bool,
    },
}

/// What comes of an attempt to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In.
    Yes,
    /// Name or password is wrong.
    No,
    /// There were too many attempts.
    TooMany,
    /// It cannot be told just now.
    Trouble,
}

/// What a session offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name the server gives itself.
    pub hostname: String,
    /// What one session may use.
    pub limits: Limits,
    /// Whether TLS can be had.
    pub tls: bool,
    /// Whether nothing goes without TLS.
    pub tls_required: bool,
    /// Whether people can sign in, which they can over TLS only.
    pub auth: bool,
    /// Whether nothing goes before somebody has (the submission service, RFC 6409 §4.3).
    pub auth_required: bool,
    /// Whether a fax may be asked to wait (FUTURERELEASE, which RFC 4865 §4.2 has on submission ports only).
    pub holds: bool,
    /// Whether this is LMTP (RFC 2033): `LHLO`, and a reply for each recipient at the end of a message.
    pub lmtp: bool,
}

impl Service {
    /// Plain SMTP.
    #[must_use]
    pub fn plain(hostname: &str, limits: Limits) -> Self {
        Self {
            hostname: hostname.to_owned(),
            limits,
            tls: false,
            tls_required: false,
            auth: false,
            auth_required: false,
            holds: false,
            lmtp: false,
        }
    }
}

/// From whom and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse path; `None` is `<>`.
    pub sender: Option<String>,
    /// RFC 3461 RET.
    pub ret: Option<Ret>,
    /// RFC 3461 ENVID, decoded.
    pub envid: Option<String>,
    /// When the faxes shall go, and before which others.
    pub options: Options,
    /// Whether addresses and header may be international (RFC 6531).
    pub utf8: bool,
    /// The recipients that were let pass.
    pub recipients: Vec<Recipient>,
}

/// Why the driver ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The client said nothing for too long.
    Silence,
    /// The session as a whole took too long.
    TooLong,
    /// The gateway is being shut down.
    Shutdown,
}

#[derive(Debug)]
enum State {
    Idle,
    Envelope(Envelope),
    Checking(Envelope),
    /// For the whole message, or for the chunk that was announced.
    Room(Envelope, Option<(usize, bool)>),
    Text(Envelope, DataReader),
    /// In a chunk.
    Chunk(Envelope, Chunks),
    /// Between two chunks.
    Chunks(Envelope, Chunks),
    /// In a chunk that nobody wants: octets that are left, and the reply at its end.
    Skipping(usize, Reply),
    /// Of a message to so many recipients.
    Accepting(usize),
    Securing,
    /// The client is to answer a challenge.
    Challenged(Exchange),
    /// The driver is to answer a question of the exchange.
    SigningIn(Exchange),
    Closed,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    service: Service,
    secured: bool,
    lines: Lines,
    hello: Option<Hello>,
    /// Whether the client has signed in.
    signed_in: bool,
    /// Attempts to sign in that failed.
    sign_in_failures: usize,
    state: State,
    errors: usize,
    /// Recipients refused since the last mail was accepted.
    refusals: usize,
    /// A priority that was asked for and is not given, and the one that is.
    lowered_to: Option<i8>,
    /// When the client last said something.
    now: Timestamp,
    steps: VecDeque<Step>,
}

impl Session {
    /// A session whose greeting is the first step; `secured` where TLS stands already.
    #[must_use]
    pub fn new(service: Service, secured: bool) -> Self {
        let greeting = format!("{} ESMTP Faxgate", service.hostname);
        let mut session = Self {
            service,
            secured,
            lines: Lines::default(),
            hello: None,
            signed_in: false,
            sign_in_failures: 0,
            state: State::Idle,
            errors: 0,
            refusals: 0,
            lowered_to: None,
            now: Timestamp::UNIX_EPOCH,
            steps: VecDeque::new(),
        };
        session.reply(Reply::plain(220, vec![greeting]));
        session
    }

    /// Takes what the client sent, in answer to [`Step::Read`].
    pub fn receive(&mut self, now: Timestamp, bytes: &[u8]) {
        self.now = now;
        self.lines.push(bytes);
    }

    /// The priority of the mail that is being accepted is not what was asked for (RFC 6710 §4.1).
    pub fn lowered_to(&mut self, priority: i8) {
        self.lowered_to = Some(priority);
    }

    /// Whether the session reads message text, for which other patience applies.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        matches!(self.state, State::Text(..) | State::Chunk(..) | State::Skipping(..))
    }

    /// Whether the session holds message text, or is about to.
    #[must_use]
    pub fn holds_text(&self) -> bool {
        let in_chunks = matches!(self.state, State::Chunk(..) | State::Chunks(..));
        in_chunks || matches!(self.state, State::Text(..) | State::Accepting(_))
    }

    /// Answers [`Step::Check`].
    pub fn recipient_checked(&mut self, verdict: Result<Recipient, Refusal>) {
        let State::Checking(envelope) = &mut self.state else {
            return;
        };
        let mut envelope = std::mem::take(envelope);
        let reply = match verdict {
            Ok(recipient) => {
                let text = format!("will be faxed to {}", recipient.number);
                envelope.recipients.push(recipient);
                Reply::new(250, "2.1.5", text)
            }
            Err(refusal) => {
                self.refusals += 1;
                Reply::from(&refusal)
            }
        };
        self.state = State::Envelope(envelope);
        self.reply(reply);
        if self.refusals >= self.service.limits.recipients_max {
            // Somebody tries numbers out; each try is a line in the log.
            self.close(Reply::new(421, "4.7.0", "too many recipients were refused"));
        }
    }

    /// Answers [`Step::Room`].
    pub fn room(&mut self, granted: bool) {
        let State::Room(envelope, chunk) = &mut self.state else {
            return;
        };
        let (envelope, chunk) = (std::mem::take(envelope), chunk.take());
        if let Some((octets, last)) = chunk {
            let no_room = Reply::new(451, "4.3.2", "too many messages are coming in; please try again later");
            self.state = match granted {
                true => self.chunk(envelope, Chunks::default(), octets, last),
                false => State::Skipping(octets, no_room),
            };
        } else if granted {
            self.state = State::Text(envelope, DataReader::new(self.service.limits.message_bytes_max));
            self.reply(Reply::plain(
                354,
                vec!["send the message, and end it with a dot on a line alone".into()],
            ));
        } else {
            self.state = State::Idle;
            self.reply(Reply::new(451, "4.3.2", "too many messages are coming in; please try again later"));
        }
    }

    /// Answers [`Step::StartTls`]: the handshake is done. The client begins anew, since what it said and heard
    /// before could have been anybody's (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if matches!(self.state, State::Securing) {
            self.secured = true;
            self.hello = None;
            self.signed_in = false;
            self.lines = Lines::default();
            self.state = State::Idle;
        }
    }

    /// Answers [`Step::Accept`].
    pub fn accepted(&mut self, verdict: Result<Vec<JobId>, Refusal>) {
        let State::Accepting(recipients) = self.state else {
            return;
        };
        self.state = State::Idle;
        let lowered_to = self.lowered_to.take();
        let accepted = |names: &[&str]| {
            let text = format!("accepted for faxing as {}", names.join(" "));
            match lowered_to {
                Some(priority) => Reply::new(250, "2.3.6", format!("{priority} is the priority; {text}")),
                None => Reply::new(250, "2.0.0", text),
            }
        };
        match verdict {
            Ok(jobs) => {
                self.refusals = 0;
                let names: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
                if self.service.lmtp && names.len() == recipients {
                    names.iter().for_each(|name| self.reply(accepted(&[name])));
                } else {
                    // By LMTP, too, where one number was named twice.
                    self.reply_for_each(recipients, &accepted(&names));
                }
            }
            Err(refusal) => self.reply_for_each(recipients, &Reply::from(&refusal)),
        }
    }

    /// The end of a message: one reply, or by LMTP one for each recipient that was let pass (RFC 2033 §4.2).
    fn reply_for_each(&mut self, recipients: usize, reply: &Reply) {
        for _ in 0..if self.service.lmtp { recipients } else { 1 } {
            self.reply(reply.clone());
        }
    }

    /// Ends the session from outside. A mail whose fate is being decided must be seen through first: the
    /// driver does not interrupt between [`Step::Accept`] and its answer.
    pub fn interrupt(&mut self, interrupt: Interrupt) {
        let (status, text) = match interrupt {
            Interrupt::Silence => ("4.4.2", "you said nothing for too long"),
            Interrupt::TooLong => ("4.4.2", "this session has taken too long"),
            Interrupt::Shutdown => ("4.3.2", "the gateway is shutting down; please try again later"),
        };
        self.close(Reply::new(421, status, text));
    }

    /// What to do next.
    pub fn poll(&mut self) -> Step {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return step;
            }
            match &mut self.state {
                State::Closed => return Step::Close,
                State::Text(_, reader) => {
                    let bytes = self.lines.take();
                    match reader.push(&bytes) {
                        Progress::More => return Step::Read,
                        Progress::End { used } => {
                            self.lines.push(bytes.get(used..).unwrap_or_default());
                            self.end_of_text();
                        }
                    }
                }
                // The answer to a step is still to come; there is nothing to do but to wait for it.
                State::Checking(_)
                | State::Room(..)
                | State::Accepting(_)
                | State::Securing
                | State::SigningIn(_) => return Step::Read,
                State::Challenged(_) => match self.lines.next_line() {
                    Line::Partial => return Step::Read,
                    line => self.sign_in_line(line),
                },
                State::Chunk(_, chunks) => {
                    let bytes = self.lines.take();
                    let used = chunks.push(&bytes);
                    self.lines.push(bytes.get(used..).unwrap_or_default());
                    match chunks.end() {
                        Some(last) => self.end_of_chunk(last),
                        None => return Step::Read,
                    }
                }
                State::Skipping(left, reply) => {
                    let bytes = self.lines.take();
                    let used = bytes.len().min(*left);
                    self.lines.push(bytes.get(used..).unwrap_or_default());
                    *left -= used;
                    if *left > 0 {
                        return Step::Read;
                    }
                    let reply = reply.clone();
                    self.state = State::Idle;
                    self.reply(reply);
                }
                State::Idle | State::Envelope(_) | State::Chunks(..) => match self.lines.next_line() {
                    Line::Partial => return Step::Read,
                    line => self.line(line),
                },
            }
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.steps.push_back(Step::Reply(reply));
    }

    fn close(&mut self, reply: Reply) {
        self.reply(reply);
        self.state = State::Closed;
    }

    /// Replies to what should not have been said, and ends the session with those who say much of it.
    fn error(&mut self, reply: Reply) {
        self.errors += 1;
        self.reply(reply);
        if self.errors >= self.service.limits.errors_max {
            self.close(Reply::new(421, "4.7.0", "too many errors"));
        }
    }

    fn line(&mut self, line: Line) {
        match line {
            Line::Complete(text) => match command::parse(&text) {
                Ok(command) => self.command(command),
                Err(reply) => self.error(reply),
            },
            Line::TooLong => self.error(Reply::new(500, "5.5.2", "that line is too long")),
            Line::NotText => self.error(Reply::new(500, "5.5.2", "commands are printable text")),
            Line::BadEnding => self.close(Reply::new(500, "5.5.2", "lines must end in CR LF; goodbye")),
            Line::Partial => {}
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Ehlo(_) | Command::Helo(_) if self.service.lmtp => {
                self.error(Reply::new(500, "5.5.1", "this is LMTP; say LHLO"));
            }
            Command::Lhlo(_) if !self.service.lmtp => {
                self.error(Reply::new(502, "5.5.1", "this is SMTP; say EHLO"));
            }
            Command::Ehlo(name) | Command::Lhlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Bdat { octets, last } => self.bdat(octets, last),
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial.as_ref()),
            Command::StartTls => self.start_tls(),
            Command::Mail { sender, parameters } => self.mail(sender, parameters),
            Command::Rcpt { address, parameters } => self.rcpt(address, parameters),
            Command::Data => self.data(),
            Command::Rset => {
                self.state = State::Idle;
                self.reply(Reply::new(250, "2.0.0", "forgotten"));
            }
            Command::Noop => self.reply(Reply::new(250, "2.0.0", "nothing done")),
            // RFC 5321 §3.5.3, §7.3: neither yes nor no, since who may fax where depends on who asks.
            Command::Vrfy => self.reply(Reply::new(252, "2.0.0", "not said here; send, and RCPT will tell")),
            Command::Help => {
                let text = "mail to +12125550123 at a domain of this gateway leaves as a fax";
                self.reply(Reply::new(214, "2.0.0", text));
            }
            Command::Quit => self.close(Reply::new(221, "2.0.0", "goodbye")),
            Command::Alien(text) => self.close(Reply::new(421, "4.7.0", format!("{text}; goodbye"))),
        }
    }

    /// `EHLO` and `HELO`, which also end a transaction (RFC 5321 §4.1.4).
    fn hello(&mut self, name: String, extended: bool) {
        let hello = Hello {
            name,
            extended,
            secured: self.secured,
            signed_in: self.signed_in,
            lmtp: self.service.lmtp,
        };
        let mut lines = vec![format!("{} greets {}", self.service.hostname, hello.name)];
        if hello.extended {
            let size = format!("SIZE {}", self.service.limits.message_bytes_max);
            lines.extend(["PIPELINING", &size, "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"].map(String::from));
            let limits = format!("LIMITS RCPTMAX={}", self.service.limits.recipients_max);
            let by = format!("DELIVERBY {}", timing::BY_SECONDS_MIN);
            lines.extend(["CHUNKING".into(), "SMTPUTF8".into(), limits, by, "MT-PRIORITY".into()]);
            if self.service.holds {
                let (seconds, until) = (timing::HOLD_MAX.as_secs(), timing::hold_max(self.now));
                lines.push(format!("FUTURERELEASE {seconds} {until}"));
            }
            if self.service.tls && !self.secured {
                lines.push("STARTTLS".into());
            }
            if self.service.auth && self.secured {
                lines.push(auth::OFFER.into());
            }
        }
        self.hello = Some(hello);
        self.state = State::Idle;
        self.reply(Reply::plain(250, lines));
    }

    fn start_tls(&mut self) {
        if self.secured {
            return self.error(Reply::new(503, "5.5.1", "this is TLS already"));
        }
        if !self.service.tls {
            return self.error(Reply::new(502, "5.5.1", "STARTTLS is not offered here"));
        }
        if !self.lines.is_empty() {
            // Anybody on the way could have put it there, to be taken for the client's own after the handshake.
            let text = "you did not wait for the reply to STARTTLS; goodbye";
            return self.close(Reply::new(554, "5.5.0", text));
        }
        self.state = State::Securing;
        self.reply(Reply::new(220, "2.0.0", "begin the handshake"));
        self.steps.push_back(Step::StartTls);
    }

    fn mail(&mut self, sender: Option<String>, parameters: MailParameters) {
        if self.hello.is_none() {
            return self.error(Reply::new(503, "5.5.1", "say EHLO first"));
        }
        if self.service.tls_required && !self.secured {
            return self.error(Reply::new(530, "5.7.0", "say STARTTLS first"));
        }
        if self.service.auth_required && !self.signed_in {
            return self.error(Reply::new(530, "5.7.0", "sign in first"));
        }
        if matches!(self.state, State::Envelope(_) | State::Chunks(..)) {
            return self.error(Reply::new(503, "5.5.1", "a mail is already begun; RSET forgets it"));
        }
        let octets_max = self.service.limits.message_bytes_max;
        if parameters.size_octets.is_some_and(|octets| octets > octets_max as u64) {
            return self.reply(too_large(octets_max));
        }
        if let Err(reply) = self.timing(&parameters.timing) {
            return self.reply(reply);
        }
        let options = parameters.timing.options(self.now);
        let MailParameters { ret, envid, utf8, .. } = parameters;
        self.state = State::Envelope(Envelope { sender, ret, envid, options, utf8, recipients: Vec::new() });
        self.reply(Reply::new(250, "2.1.0", "to whom?"));
    }

    fn timing(&self, timing: &Timing) -> Result<(), Reply> {
        if timing.hold.is_some() && !self.service.holds {
            return Err(Reply::new(555, "5.5.4", "HOLDFOR and HOLDUNTIL are offered where people sign in"));
        }
        timing.check(self.now)
    }

    fn rcpt(&mut self, address: String, parameters: RcptParameters) {
        let State::Envelope(envelope) = &mut self.state else {
            return self.error(Reply::new(503, "5.5.1", "say MAIL first"));
        };
        if envelope.recipients.len() >= self.service.limits.recipients_max {
            let text = "that is as many recipients as one message may have; send it again for the others";
            return self.reply(Reply::new(452, "4.5.3", text));
        }
        let envelope = std::mem::take(envelope);
        let RcptParameters { notify, orcpt } = parameters;
        let sender = envelope.sender.clone();
        self.state = State::Checking(envelope);
        self.steps.push_back(Step::Check { sender, wanted: Wanted { address, notify, orcpt } });
    }

    fn data(&mut self) {
        let State::Envelope(envelope) = &mut self.state else {
            return self.error(Reply::new(503, "5.5.1", "say MAIL and RCPT first"));
        };
        if envelope.recipients.is_empty() {
            return self.reply(Reply::new(554, "5.5.1", "there is no recipient that could be faxed"));
        }
        if !self.lines.is_empty() {
            // RFC 2920 §3.1: DATA is the last of a group. What came with it could be text or commands.
            return self.close(Reply::new(554, "5.5.0", "you did not wait for the reply to DATA; goodbye"));
        }
        let envelope = std::mem::take(envelope);
        self.state = State::Room(envelope, None);
        self.steps.push_back(Step::Room);
    }

    /// A chunk is announced. Where it is not wanted it is read to its end all the same: it comes with the command.
    fn bdat(&mut self, octets: usize, last: bool) {
        let octets_max = self.service.limits.message_bytes_max;
        if octets > octets_max {
            return self.close(too_large(octets_max));
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Envelope(envelope) if !envelope.recipients.is_empty() => {
                self.state = State::Room(envelope, Some((octets, last)));
                self.steps.push_back(Step::Room);
            }
            State::Chunks(envelope, chunks) => self.state = self.chunk(envelope, chunks, octets, last),
            State::Envelope(_) => {
                let none = Reply::new(554, "5.5.1", "there is no recipient that could be faxed");
                self.state = State::Skipping(octets, none);
            }
            _ => {
                self.errors += 1;
                self.state = State::Skipping(octets, Reply::new(503, "5.5.1", "say MAIL and RCPT first"));
                if self.errors >= self.service.limits.errors_max {
                    self.close(Reply::new(421, "4.7.0", "too many errors"));
                }
            }
        }
    }

    /// The next chunk of a message, if it fits.
    fn chunk(&self, envelope: Envelope, mut chunks: Chunks, octets: usize, last: bool) -> State {
        let octets_max = self.service.limits.message_bytes_max;
        if chunks.octets() + octets > octets_max {
            return State::Skipping(octets, too_large(octets_max));
        }
        chunks.begin(octets, last);
        State::Chunk(envelope, chunks)
    }

    fn end_of_chunk(&mut self, last: bool) {
        let State::Chunk(envelope, chunks) = std::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        if last {
            return self.whole(envelope, chunks.finish());
        }
        self.reply(Reply::new(250, "2.0.0", format!("{} octets so far", chunks.octets())));
        self.state = State::Chunks(envelope, chunks);
    }

    fn end_of_text(&mut self) {
        let State::Text(envelope, reader) = std::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        self.whole(envelope, reader.finish());
    }

    /// A message is whole, or spoiled.
    fn whole(&mut self, envelope: Envelope, text: Result<Vec<u8>, DataFault>) {
        let Some(hello) = self.hello.clone() else { return };
        let recipients = envelope.recipients.len();
        let spoiled = match text {
            Ok(text) => {
                self.state = State::Accepting(recipients);
                return self.steps.push_back(Step::Accept(Box::new(Mail { hello, envelope, text })));
            }
            Err(DataFault::TooLarge) => too_large(self.service.limits.message_bytes_max),
            Err(DataFault::BareCr | DataFault::BareLf) => {
                Reply::new(554, "5.6.0", "the message has CR or LF alone; every line must end in CR LF")
            }
            Err(DataFault::Nul) => Reply::new(554, "5.6.0", "the message has a NUL character"),
        };
        self.reply_for_each(recipients, &spoiled);
    }
}

fn too_large(octets_max: usize) -> Reply {
    Reply::new(552, "5.3.4", format!("the message is too large; {octets_max} bytes are allowed"))
}

mod sign_in;

#[cfg(test)]
mod tests;

//! What the milter makes of a mail, as values: events in, reactions out. It does no I/O and knows no clock; the driver in
//! `connection` does what each [`Reaction`] says and brings the answers back.
//!
//! ```text
//!   MAIL ──► Draft ──RCPT──► Check ──verdict──► ours, or refused, or somebody else's
//!              │ DATA: nothing of ours → accept, and see no more of it
//!              └ DATA: ours ──► Room ──► header, body ──► end ──► Submit ──► recipients out, X-Fax-Job in
//! ```
//!
//! A reaction to an event that the mail server wants no answer to is [`Verdict::Continue`]; what would have been said
//! there is said at the next one that does.

use std::net::IpAddr;

use milter_proto::{Event, Macros, Peer};

use super::text::Text;
use super::trace::{self, Trace};
use crate::address::{Client, Mailbox};
use crate::door::esmtp::parameters::{MailParameters, RcptParameters};
use crate::door::esmtp::reply::Reply;
use crate::door::esmtp::timing::Timing;
use crate::job::{JobId, Notify, Recipient, Ret};
use crate::submit::{Refusal, Wanted};

/// What one connection may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message with faxes in it.
    pub message_bytes_max: usize,
    /// Fax recipients of one message; also those that may be refused before a mail is accepted.
    pub recipients_max: usize,
    /// Whether a login that the mail server names is proof.
    pub trust_mta_auth: bool,
}

/// What the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Say this.
    Say(Verdict),
    /// Ask whether this recipient is ours and may be faxed, and answer by [`Filter::not_ours`] or
    /// [`Filter::checked`].
    Check {
        /// Who asks.
        client: Client,
        /// The sender; `None` is the null path.
        sender: Option<String>,
        /// The recipient.
        wanted: Wanted,
    },
    /// Ask whether there is room for one more message, and answer by [`Filter::room`].
    Room,
    /// Have this mail accepted, and answer by [`Filter::submitted`].
    Submit(Box<Mail>),
}

/// A word to the mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Continue,
    /// Let it pass, and ask no more about it.
    Accept,
    /// Tell the client that it was accepted, and drop it.
    Discard,
    /// Refuse in these words.
    Refuse(Reply),
}

/// A mail, or that part of it which is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who brought it.
    pub client: Client,
    /// The sender; `None` is the null path.
    pub sender: Option<String>,
    /// Our recipients.
    pub recipients: Vec<Recipient>,
    /// RFC 3461 RET.
    pub ret: Option<Ret>,
    /// RFC 3461 ENVID, decoded.
    pub envid: Option<String>,
    /// When the faxes shall go, and before which others.
    pub timing: Timing,
    /// The way it has come.
    pub trace: Trace,
    /// The message.
    pub text: Vec<u8>,
}

/// What is done to a message at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Recipients to take out, as they were written.
    pub delete: Vec<Vec<u8>>,
    /// How many `X-Fax-Job` fields to take out.
    pub foreign_fields: u32,
    /// Jobs to name in fields of our own.
    pub jobs: Vec<JobId>,
    /// And this to say.
    pub verdict: Verdict,
}

/// A message from MAIL on.
#[derive(Clone, Debug)]
struct Draft {
    client: Client,
    /// `None` where it is no address that reports could go to.
    sender: Option<Option<String>>,
    ret: Option<Ret>,
    envid: Option<String>,
    timing: Timing,
    /// Our recipients: as they were written, and as they will be faxed.
    ours: Vec<(Vec<u8>, Recipient)>,
    /// Recipients that are somebody else's.
    others: usize,
    /// The recipient that is being decided over.
    asked: Vec<u8>,
    text: Option<Text>,
    has_room: bool,
}

/// What is known of one connection.
#[derive(Clone, Debug)]
pub struct Filter {
    limits: Limits,
    stopping: bool,
    client: Option<IpAddr>,
    trace: Trace,
    draft: Option<Draft>,
    /// Recipients refused since the last mail was accepted.
    refusals: usize,
}

impl Filter {
    /// For a new connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, stopping: false, client: None, trace: Trace::default(), draft: None, refusals: 0 }
    }

    /// The gateway is stopping: from now on nothing is taken any more.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether a message is being told that has a recipient of ours.
    #[must_use]
    pub fn has_ours(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| !draft.ours.is_empty())
    }

    /// Whether message text is held, or about to be.
    #[must_use]
    pub fn holds_text(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.text.is_some())
    }

    /// Takes in what the mail server has told. `answered` says whether it waits for an answer.
    pub fn event(&mut self, event: &Event<'_>, macros: &Macros, answered: bool) -> Reaction {
        match event {
            Event::Connect { peer, .. } => self.connect(peer, macros),
            Event::Helo(name) => self.trace.helo = trace::name(name),
            Event::Mail { sender, parameters } => self.mail(sender, parameters, macros),
            Event::Rcpt { recipient, parameters } => return self.rcpt(recipient, parameters),
            Event::Abort => self.draft = None,
            Event::NextClient | Event::Quit => {
                *self = Self { stopping: self.stopping, ..Self::new(self.limits) }
            }
            Event::Unknown(_) => {}
            Event::Data | Event::Header { .. } | Event::Eoh | Event::Body(_) => {
                return self.content(event, answered);
            }
            Event::End(piece) => return self.end(piece, macros),
        }
        Reaction::Say(Verdict::Continue)
    }

    fn connect(&mut self, peer: &Peer<'_>, macros: &Macros) {
        let told = match peer {
            Peer::Inet { address, .. } | Peer::Inet6 { address, .. } => Some(*address),
            Peer::Unknown | Peer::Unix { .. } => macros.get("client_addr"),
        };
        self.client = told.and_then(address);
        self.trace = Trace { helo: "unknown".into(), ..Trace::default() };
        self.trace.peer = match self.client {
            Some(IpAddr::V4(address)) => format!("[{address}]"),
            Some(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            None => "unknown".into(),
        };
    }

    fn mail(&mut self, sender: &[u8], parameters: &[&[u8]], macros: &Macros) {
        let login = macros.get("auth_authen").filter(|login| !login.is_empty() && self.limits.trust_mta_auth);
        let client = match (login, self.client) {
            (Some(login), _) => Client::Login(String::from_utf8_lossy(login).into_owned()),
            (None, Some(address)) => Client::Machine(address),
            (None, None) => Client::Unknown,
        };
        let path = path(sender);
        // A report goes there, so it must be an address throughout.
        let sender = match path.as_str() {
            "" => Some(None),
            path if Mailbox::is_full(path) => Some(Some(path.to_owned())),
            _ => None,
        };
        let mut draft = Draft {
            client,
            sender,
            ret: None,
            envid: None,
            timing: Timing::default(),
            ours: Vec::new(),
            others: 0,
            asked: Vec::new(),
            text: None,
            has_room: false,
        };
        // The mail server has taken them all; what is not for us, or not right, is its affair.
        for parameter in parameters.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()) {
            let parsed = MailParameters::parse(parameter).unwrap_or_default();
            draft.ret = draft.ret.or(parsed.ret);
            draft.envid = draft.envid.or(parsed.envid);
            let timing = &mut draft.timing;
            timing.hold = timing.hold.or(parsed.timing.hold);
            timing.by = timing.by.or(parsed.timing.by);
            timing.priority = timing.priority.or(parsed.timing.priority);
        }
        self.draft = Some(draft);
    }

    fn rcpt(&mut self, recipient: &[u8], parameters: &[&[u8]]) -> Reaction {
        let Some(draft) = &mut self.draft else { return Reaction::Say(Verdict::Continue) };
        draft.asked = recipient.to_vec();
        let (mut notify, mut orcpt): (Option<Notify>, Option<String>) = (None, None);
        for parameter in parameters.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()) {
            let parsed = RcptParameters::parse(parameter).unwrap_or_default();
            notify = notify.or(parsed.notify);
            orcpt = orcpt.or(parsed.orcpt);
        }
        Reaction::Check {
            client: draft.client.clone(),
            sender: draft.sender.clone().flatten(),
            wanted: Wanted { address: path(recipient), notify, orcpt },
        }
    }

    /// Answers [`Reaction::Check`]: the recipient is somebody else's.
    pub fn not_ours(&mut self) -> Verdict {
        if let Some(draft) = &mut self.draft {
            draft.others += 1;
        }
        Verdict::Continue
    }

    /// Answers [`Reaction::Check`]: the recipient is ours, and this was decided over it.
    pub fn checked(&mut self, verdict: Result<Recipient, Refusal>) -> Verdict {
        let Some(draft) = &mut self.draft else { return Verdict::Continue };
        if self.stopping {
            return Verdict::Refuse(stopping());
        }
        if draft.ours.len() >= self.limits.recipients_max {
            let text = "that is as many recipients as one message may have; send it again for the others";
            return Verdict::Refuse(Reply::new(452, "4.5.3", text));
        }
        if draft.sender.is_none() {
            return Verdict::Refuse(Reply::new(553, "5.1.7", "the sender is no mail address"));
        }
        match verdict {
            Ok(recipient) => {
                draft.ours.push((std::mem::take(&mut draft.asked), recipient));
                Verdict::Continue
            }
            Err(refusal) => {
                self.refusals += 1;
                if self.refusals > self.limits.recipients_max {
                    // Somebody tries numbers out; each try is a line in the log.
                    return Verdict::Refuse(Reply::new(421, "4.7.0", "too many recipients were refused"));
                }
                Verdict::Refuse(Reply::from(&refusal))
            }
        }
    }

    /// DATA, and what follows up to the end.
    fn content(&mut self, event: &Event<'_>, answered: bool) -> Reaction {
        let pass = if answered { Verdict::Accept } else { Verdict::Continue };
        if !self.has_ours() {
            if answered {
                self.draft = None;
            }
            return Reaction::Say(pass);
        }
        let Some(draft) = &mut self.draft else { return Reaction::Say(pass) };
        let text = draft.text.get_or_insert_with(|| Text::new(self.limits.message_bytes_max));
        match event {
            Event::Header { name, value } => text.field(name, value),
            Event::Eoh => text.end_header(),
            Event::Body(piece) => text.body(piece),
            _ => {}
        }
        if !answered {
            return Reaction::Say(Verdict::Continue);
        }
        let no = match text.is_too_large() {
            true => Some(too_large(self.limits.message_bytes_max)),
            false => self.stopping.then(stopping),
        };
        match no {
            Some(reply) => {
                self.draft = None;
                Reaction::Say(Verdict::Refuse(reply))
            }
            None if draft.has_room => Reaction::Say(Verdict::Continue),
            None => Reaction::Room,
        }
    }

    /// Answers [`Reaction::Room`].
    pub fn room(&mut self, granted: bool) -> Verdict {
        match &mut self.draft {
            Some(draft) if granted => {
                draft.has_room = true;
                Verdict::Continue
            }
            _ => {
                self.draft = None;
                let text = "too many messages are coming in; please try again later";
                Verdict::Refuse(Reply::new(451, "4.3.2", text))
            }
        }
    }

    fn end(&mut self, piece: &[u8], macros: &Macros) -> Reaction {
        let Some(draft) = self.draft.as_mut().filter(|draft| !draft.ours.is_empty()) else {
            self.draft = None;
            return Reaction::Say(Verdict::Accept);
        };
        let text = draft.text.get_or_insert_with(|| Text::new(self.limits.message_bytes_max));
        text.body(piece);
        let no = match text.is_too_large() {
            true => Some(too_large(self.limits.message_bytes_max)),
            false => self.stopping.then(stopping),
        };
        if let Some(reply) = no {
            self.draft = None;
            return Reaction::Say(Verdict::Refuse(reply));
        }
        let named = |macro_name| macros.get(macro_name).map_or_else(String::new, trace::name);
        Reaction::Submit(Box::new(Mail {
            client: draft.client.clone(),
            sender: draft.sender.clone().flatten(),
            recipients: draft.ours.iter().map(|(_, recipient)| recipient.clone()).collect(),
            ret: draft.ret,
            envid: draft.envid.clone(),
            timing: draft.timing.clone(),
            trace: Trace { host: named("j"), queue_id: named("i"), ..self.trace.clone() },
            text: text.take(),
        }))
    }

    /// Answers [`Reaction::Submit`].
    pub fn submitted(&mut self, verdict: Result<Vec<JobId>, Refusal>) -> Ending {
        let nothing = |verdict| Ending { delete: Vec::new(), foreign_fields: 0, jobs: Vec::new(), verdict };
        let Some(draft) = self.draft.take() else { return nothing(Verdict::Continue) };
        let jobs = match verdict {
            Ok(jobs) => jobs,
            Err(refusal) => return nothing(Verdict::Refuse(Reply::from(&refusal))),
        };
        self.refusals = 0;
        if draft.others == 0 {
            return nothing(Verdict::Discard);
        }
        Ending {
            delete: draft.ours.into_iter().map(|(written, _)| written).collect(),
            foreign_fields: draft.text.map_or(0, |text| text.job_fields()),
            jobs,
            verdict: Verdict::Accept,
        }
    }
}

fn stopping() -> Reply {
    Reply::new(451, "4.3.2", "the gateway is shutting down; please try again later")
}

fn too_large(bytes_max: usize) -> Reply {
    Reply::new(552, "5.3.4", format!("the message is too large; {bytes_max} bytes are allowed"))
}

/// The path between the brackets, its source route taken away (RFC 5321 §4.1.1.3, appendix C); Sendmail leaves the
/// brackets away where its client did.
fn path(written: &[u8]) -> String {
    let text = String::from_utf8_lossy(written);
    let text = text.trim();
    let path = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
    match path.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, path)) => path.to_owned(),
        None => path.to_owned(),
    }
}

/// An address as mail servers write it; Sendmail puts a word before one of IPv6.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.get(..5).filter(|head| head.eq_ignore_ascii_case("IPv6:")).map_or(text, |_| &text[5..]);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;

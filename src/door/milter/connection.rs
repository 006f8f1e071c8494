//! Drives one connection of a mail server: the only part of the door that waits. Every wait has a deadline, but for the
//! store's word on a whole message, which nobody may cut short; while it is out, the mail server is told every now and
//! then that it is still being worked on.

use std::sync::Arc;
use std::time::Duration;

use milter_proto::{Actions, Change, MacroStep, Session, Step, Steps, Wanted};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::config::MilterConfig;
use super::filter::{Ending, Filter, Mail, Reaction, Verdict};
use super::text::JOB_FIELD;
use crate::address::Client;
use crate::address::gstn::without_key;
use crate::clock::Clock;
use crate::job::{Door, JobId, Sender, Submission, SubmissionId};
use crate::submit::{Origin, Refusal, Submit, proof};

/// Bytes read at once; also how far a mail server can get ahead of the session.
const CHUNK_BYTES: usize = 64 * 1024;
/// How long a mail waits for a place: less than the 30 seconds that Postfix waits for an answer.
const ROOM_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a message that has begun may take to be deferred once the gateway is being stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What all connections share.
pub(super) struct Shared {
    pub(super) config: MilterConfig,
    pub(super) submit: Arc<Submit>,
    pub(super) clock: Arc<dyn Clock>,
    /// One permit for each message with faxes that may come in at one time.
    pub(super) transfers: Arc<Semaphore>,
}

/// Why a connection ended before the mail server said goodbye.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// The connection broke, or was silent for too long.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The mail server said what is no milter protocol.
    #[error("{0}")]
    Protocol(#[from] milter_proto::SessionError),
    /// The session and the filter do not agree on what may be said: a fault of ours.
    #[error("cannot say that: {0}")]
    Misuse(#[from] milter_proto::Misuse),
}

/// One mail server's connection.
pub(super) struct Connection<S> {
    shared: Arc<Shared>,
    stream: S,
    session: Session,
    filter: Filter,
    chunk: Vec<u8>,
    transfer: Option<OwnedSemaphorePermit>,
    /// When to close in any case; the gateway is being stopped.
    closes_at: Option<Instant>,
}

/// What is asked of a mail server. Nobody needs an answer where there is nothing to say, so most are left out.
fn wanted() -> Wanted {
    let list = |step, names: &str| (step, names.to_owned());
    Wanted {
        actions: Actions::ADD_HEADERS | Actions::CHANGE_HEADERS | Actions::DELETE_RECIPIENTS,
        actions_wished: Actions::NONE,
        steps: Steps::NO_UNKNOWN
            | Steps::NO_REPLY_CONNECT
            | Steps::NO_REPLY_HELO
            | Steps::NO_REPLY_MAIL
            | Steps::NO_REPLY_HEADERS
            | Steps::NO_REPLY_EOH,
        macro_lists: vec![
            list(MacroStep::Connect, "j {client_addr}"),
            list(MacroStep::Mail, "{auth_authen}"),
            list(MacroStep::Eom, "i"),
        ],
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(shared: Arc<Shared>, stream: S) -> Self {
        let filter = Filter::new(shared.config.limits());
        let session = Session::new(wanted());
        Self { shared, stream, session, filter, chunk: vec![0; CHUNK_BYTES], transfer: None, closes_at: None }
    }

    /// Talks until one side ends it.
    pub(super) async fn run(mut self, mut shutdown: watch::Receiver<bool>) -> Result<(), Lost> {
        loop {
            let reaction = match self.session.poll()? {
                Step::Event { event, macros, answered } => self.filter.event(&event, macros, answered),
                Step::Read => {
                    self.write().await?;
                    if !self.read(&mut shutdown).await? {
                        return Ok(());
                    }
                    continue;
                }
                Step::Close => return Ok(self.write().await?),
                Step::Answer => return Err(milter_proto::Misuse::NotAsked.into()),
            };
            match reaction {
                Reaction::Say(verdict) => self.say(&verdict)?,
                Reaction::Check { client, sender, wanted } => {
                    let verdict = if self.shared.submit.serves(&wanted.address) {
                        let address = without_key(&wanted.address);
                        let verdict = self.shared.submit.recipient(&client, sender.as_deref(), &wanted);
                        if let Err(no) = &verdict {
                            tracing::info!(?client, ?sender, address, cause = no.cause, "recipient refused");
                        }
                        self.filter.checked(verdict)
                    } else {
                        self.filter.not_ours()
                    };
                    self.say(&verdict)?;
                }
                Reaction::Room => {
                    let place = Arc::clone(&self.shared.transfers).acquire_owned();
                    self.transfer = timeout(ROOM_TIMEOUT, place).await.ok().and_then(Result::ok);
                    let verdict = self.filter.room(self.transfer.is_some());
                    self.say(&verdict)?;
                }
                Reaction::Submit(mail) => self.submit(*mail).await?,
            }
            if !self.filter.holds_text() {
                self.transfer = None;
            }
        }
    }

    fn say(&mut self, verdict: &Verdict) -> Result<(), Lost> {
        let words;
        let verdict = match verdict {
            Verdict::Continue => milter_proto::Verdict::Continue,
            Verdict::Accept => milter_proto::Verdict::Accept,
            Verdict::Discard => milter_proto::Verdict::Discard,
            Verdict::Refuse(reply) => {
                words = reply.to_bytes();
                milter_proto::Verdict::Reply(words.trim_ascii_end())
            }
        };
        Ok(self.session.answer(verdict)?)
    }

    /// Has a mail accepted, and does to the message what follows from it.
    async fn submit(&mut self, mail: Mail) -> Result<(), Lost> {
        let verdict = self.accept(mail).await;
        let Ending { delete, foreign_fields, jobs, verdict } = self.filter.submitted(verdict);
        for recipient in &delete {
            self.session.change(Change::DeleteRecipient { recipient })?;
        }
        // The last one first: each that goes moves those behind it.
        for index in (1..=foreign_fields).rev() {
            let name = JOB_FIELD.as_bytes();
            self.session.change(Change::ChangeHeader { index, name, value: b"" })?;
        }
        for job in &jobs {
            let (name, value) = (JOB_FIELD.as_bytes(), job.as_str().as_bytes());
            self.session.change(Change::AddHeader { name, value })?;
        }
        self.say(&verdict)?;
        Ok(self.write().await?)
    }

    async fn accept(&mut self, mail: Mail) -> Result<Vec<JobId>, Refusal> {
        let now = self.shared.clock.now();
        let peer = match &mail.client {
            Client::Machine(peer) => Some(*peer),
            _ => None,
        };
        let origin = Origin { peer, helo: mail.trace.helo.clone() };
        let mut message = mail.trace.line(now).into_bytes();
        message.extend(mail.text);
        let mut options = mail.timing.options(now);
        options.priority = self.shared.submit.priority(&mail.client, options.priority);
        let submission = Submission {
            id: SubmissionId::new(now),
            received: now,
            door: Door::Milter,
            sender: Sender { mailbox: mail.sender, proof: proof(&mail.client) },
            recipients: mail.recipients,
            options,
            ret: mail.ret,
            envid: mail.envid,
        };
        let (sender, submit) = (submission.sender.clone(), Arc::clone(&self.shared.submit));
        let mut accepted = Box::pin(submit.accept_once(submission, message, &origin));
        let verdict = loop {
            tokio::select! {
                verdict = &mut accepted => break verdict,
                () = sleep(self.shared.config.progress_every) => {
                    // A mail server that is gone finds out, by sending again, what came of it.
                    if self.session.progress().is_ok() {
                        let _ = self.write().await;
                    }
                }
            }
        };
        if let Err(no) = &verdict {
            tracing::warn!(
                queue_id = mail.trace.queue_id,
                ?sender,
                cause = no.cause,
                text = no.text,
                "message refused"
            );
        }
        verdict
    }

    /// Sends what has gathered.
    async fn write(&mut self) -> std::io::Result<()> {
        let output = self.session.take_output();
        let sent = timeout(self.shared.config.data_timeout, self.stream.write_all(&output)).await;
        sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
    }

    /// Waits for the mail server, for the stop, or for its patience to end; `false` when there is nothing more to say
    /// to it. Where the gateway stops, only a message that has a fax in it is still answered.
    async fn read(&mut self, shutdown: &mut watch::Receiver<bool>) -> std::io::Result<bool> {
        let config = &self.shared.config;
        let in_content = self.session.stage().in_content();
        let patience = if in_content { config.data_timeout } else { config.idle_timeout };
        if self.closes_at.is_some() && !self.filter.has_ours() {
            return Ok(false);
        }
        let closes_at = self.closes_at;
        let stop = async {
            match closes_at {
                Some(at) => sleep_until(at).await,
                None => shut_down(shutdown).await,
            }
        };
        let got = tokio::select! {
            biased;
            () = stop => None,
            got = timeout(patience, self.stream.read(&mut self.chunk)) => Some(got),
        };
        match got {
            None if closes_at.is_some() => Ok(false),
            None => {
                self.filter.stop();
                self.closes_at = Some(Instant::now() + STOP_GRACE);
                Ok(self.filter.has_ours())
            }
            Some(Err(_)) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut)),
            Some(Ok(read)) => {
                let bytes = read?;
                self.session.received(self.chunk.get(..bytes).unwrap_or_default());
                Ok(bytes > 0)
            }
        }
    }
}

/// Comes back when the gateway is being shut down.
pub(super) async fn shut_down(shutdown: &mut watch::Receiver<bool>) {
    // A sender that is gone can say nothing more; that counts as a shutdown too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

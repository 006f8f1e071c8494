//! Drives one [`Session`] over one connection: the only part of the door that waits. Every wait has a
//! deadline, but for the store's word on a whole message, which nobody may cut short: a mail that might have
//! been accepted must not be answered by a guess.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::config::{Listening, SmtpConfig};
use super::rates::{Rates, What};
use super::server::client_of;
use super::session::{Credentials, Interrupt, Mail, Session, Step, Verdict};
use super::sign_in::SignIn;
use super::tls::{Tls, fingerprint};
use super::trace;
use crate::address::Client;
use crate::address::gstn::without_key;
use crate::clock::Clock;
use crate::job::{Door, JobId, Sender, Submission, SubmissionId};
use crate::submit::{Origin, Reason, Refusal, Submit, proof};

/// Octets read at once; also how far a client can get ahead of the session.
const CHUNK_OCTETS: usize = 16 * 1024;
/// How long a client waits for a place for its message; it has patience for 2 minutes (RFC 5321 §4.5.3.2.4),
/// and a shutdown for less.
const ROOM_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to hear a client out that is being sent away, so that it sees the reply and not a reset.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Shared {
    pub(super) config: SmtpConfig,
    pub(super) submit: Arc<Submit>,
    pub(super) clock: Arc<dyn Clock>,
    /// One permit for each message that may come in at one time.
    pub(super) transfers: Arc<Semaphore>,
    /// Where TLS is offered.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) sign_in: SignIn,
    pub(super) rates: Rates,
}

/// What a connection is made of: a socket, or TLS over one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

/// One client.
pub(super) struct Connection {
    shared: Arc<Shared>,
    stream: Box<dyn Stream>,
    peer: IpAddr,
    /// Who the policy is asked about.
    client: Client,
    session: Session,
    chunk: Vec<u8>,
    transfer: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// A connection that came in there.
    pub(super) fn new(
        shared: Arc<Shared>,
        stream: Box<dyn Stream>,
        peer: IpAddr,
        listening: &Listening,
    ) -> Self {
        let service = shared.config.service(listening, shared.sign_in.is_offered());
        let session = Session::new(service, listening.implicit);
        let (client, chunk) = (Client::Machine(peer), vec![0; CHUNK_OCTETS]);
        Self { shared, stream, peer, client, session, chunk, transfer: None }
    }

    /// Makes TLS of the connection, within its time.
    pub(super) async fn secure(&mut self) -> std::io::Result<()> {
        let Some(tls) = &self.shared.tls else {
            return Err(std::io::ErrorKind::Unsupported.into());
        };
        let plain = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let patience = HANDSHAKE_TIMEOUT.min(self.shared.config.command_timeout);
        let shaken = timeout(patience, tls.acceptor().accept(plain)).await;
        let stream = shaken.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(fingerprint);
        tracing::debug!(peer = %self.peer, version = ?stream.get_ref().1.protocol_version(), ?certificate, "TLS");
        self.client = self.shared.submit.identify(self.peer, certificate.as_deref());
        self.stream = Box::new(stream);
        Ok(())
    }

    /// Talks until one side ends it. An error is one of the connection; the mails that were accepted before
    /// it are safe.
    pub(super) async fn run(mut self, mut shutdown: watch::Receiver<bool>) -> std::io::Result<()> {
        let deadline = Instant::now() + self.shared.config.session_timeout;
        let mut replies = Vec::new();
        loop {
            match self.session.poll() {
                Step::Reply(reply) => replies.extend(reply.to_bytes()),
                Step::Check { sender, wanted } => {
                    let address = without_key(&wanted.address);
                    let verdict = match self.may(What::Recipient) {
                        true => self.shared.submit.recipient(&self.client, sender.as_deref(), &wanted),
                        false => Err(too_often("recipients")),
                    };
                    if let Err(no) = &verdict {
                        tracing::info!(peer = %self.peer, ?sender, address, cause = no.cause, "recipient refused");
                    }
                    self.session.recipient_checked(verdict);
                }
                Step::Room => {
                    let permit =
                        timeout(ROOM_TIMEOUT, Arc::clone(&self.shared.transfers).acquire_owned()).await;
                    self.transfer = permit.ok().and_then(Result::ok);
                    self.session.room(self.transfer.is_some());
                }
                Step::StartTls => {
                    self.write(&mut replies).await?;
                    self.secure().await?;
                    self.session.secured();
                }
                Step::Keys(name) => {
                    let keys = self.shared.sign_in.keys(name).await;
                    self.session.scram_keys(keys);
                }
                Step::SignIn(shown) => {
                    let verdict = self.sign_in(shown).await;
                    self.session.signed_in(verdict);
                }
                Step::Accept(mut mail) => {
                    let asked = mail.envelope.options.priority;
                    let given = self.shared.submit.priority(&self.client, asked);
                    if given != asked {
                        mail.envelope.options.priority = given;
                        self.session.lowered_to(given);
                    }
                    let verdict = match self.may(What::Message) {
                        true => self.accept(*mail).await,
                        false => Err(too_often("messages")),
                    };
                    self.session.accepted(verdict);
                }
                Step::Read => {
                    self.write(&mut replies).await?;
                    if !self.read(deadline, &mut shutdown).await? {
                        return Ok(());
                    }
                }
                Step::Close => {
                    self.write(&mut replies).await?;
                    return self.linger().await;
                }
            }
            if !self.session.holds_text() {
                self.transfer = None;
            }
        }
    }

    /// Whether the client may have one more of these.
    fn may(&self, what: What) -> bool {
        self.shared.rates.take(&self.shared.config, self.peer, what, self.shared.clock.now())
    }

    async fn sign_in(&mut self, shown: Credentials) -> Verdict {
        let (Credentials::Password { name, .. } | Credentials::Proof { name, .. }) = &shown;
        let name = name.clone();
        let client = client_of(self.peer);
        let verdict = self.shared.sign_in.look(client, shown, self.shared.clock.now()).await;
        if verdict == Verdict::Yes {
            self.client = Client::User(name);
        }
        verdict
    }

    async fn accept(&self, mail: Mail) -> Result<Vec<JobId>, Refusal> {
        let (now, submit) = (self.shared.clock.now(), &self.shared.submit);
        let origin = Origin { peer: Some(self.peer), helo: mail.hello.name.clone() };
        let envelope = mail.envelope.clone();
        let mut submission = Submission {
            id: SubmissionId::new(now),
            received: now,
            door: Door::Smtp,
            sender: Sender { mailbox: envelope.sender, proof: proof(&self.client) },
            recipients: envelope.recipients,
            options: envelope.options,
            ret: envelope.ret,
            envid: envelope.envid,
        };
        let once = !submit.must_prove_itself(&submission);
        if once {
            submission.id = submit.name(&submission, &mail.text);
        }
        let line = trace::received(&mail, self.peer, &self.shared.config.hostname, &submission.id, now);
        let mut message = mail.text;
        message.splice(0..0, line.into_bytes());
        let sender = submission.sender.clone();
        let verdict = match once {
            true => submit.accept_once(submission, message, &origin).await,
            false => submit.accept(submission, message, &origin).await,
        };
        if let Err(no) = &verdict {
            tracing::warn!(peer = %self.peer, ?sender, cause = no.cause, text = no.text, "message refused");
        }
        verdict
    }

    /// Sends the replies that have gathered.
    async fn write(&mut self, replies: &mut Vec<u8>) -> std::io::Result<()> {
        if replies.is_empty() {
            return Ok(());
        }
        let all = async {
            self.stream.write_all(replies).await?;
            // TLS keeps a record until it is told.
            self.stream.flush().await
        };
        let sent = timeout(self.shared.config.command_timeout, all).await;
        replies.clear();
        sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
    }

    /// Waits for the client, for the shutdown, or for its patience to end; `false` when the client is gone.
    async fn read(
        &mut self,
        deadline: Instant,
        shutdown: &mut watch::Receiver<bool>,
    ) -> std::io::Result<bool> {
        let config = &self.shared.config;
        let patience = if self.session.reads_text() { config.data_timeout } else { config.command_timeout };
        let got = tokio::select! {
            biased;
            () = shut_down(shutdown) => Err(Interrupt::Shutdown),
            // Before the reading: a client that never pauses would keep the timeout below from looking at the
            // time.
            () = sleep_until(deadline) => Err(Interrupt::TooLong),
            got = timeout(patience, self.stream.read(&mut self.chunk)) => match got {
                Ok(got) => Ok(got?),
                Err(_) => Err(Interrupt::Silence),
            },
        };
        match got {
            Ok(0) => return Ok(false),
            Ok(octets) => {
                let now = self.shared.clock.now();
                self.session.receive(now, self.chunk.get(..octets).unwrap_or_default());
            }
            Err(interrupt) => self.session.interrupt(interrupt),
        }
        Ok(true)
    }

    /// Ends our half and listens for a moment to what is still on its way.
    async fn linger(mut self) -> std::io::Result<()> {
        // With TLS this sends a word of farewell first, which a client that does not read could hold up.
        let _ = timeout(LINGER_TIMEOUT, self.stream.shutdown()).await;
        let heard = async { while self.stream.read(&mut self.chunk).await.is_ok_and(|octets| octets > 0) {} };
        let _ = timeout(LINGER_TIMEOUT, heard).await;
        Ok(())
    }
}

/// A client that sends more than it may.
fn too_often(what: &str) -> Refusal {
    let text = format!("you send more {what} than you may in an hour; please try again later");
    Refusal::new(Reason::Quota, text, "rate")
}

/// Comes back when the gateway is being shut down.
pub(super) async fn shut_down(shutdown: &mut watch::Receiver<bool>) {
    // A sender that is gone can say nothing more; that counts as a shutdown too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

//! The control socket: how `faxgate send` and `faxgate status` talk to the gateway on the same machine.
//!
//! A unix socket below the data directory; whoever may open it (its owner and group) may fax and may see the queue.
//! One request a connection: a line of JSON, for `send` followed by the message; the answer is a line of JSON.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::address::{Client, Mailbox};
use crate::clock::Clock;
use crate::job::{Door, Job, JobId, Notify, Options, Sender, Submission, SubmissionId};
use crate::status::{Overview, Status, StatusError};
use crate::submit::{Origin, Reason, Refusal, Submit, Wanted, proof};

/// The longest request line.
const REQUEST_BYTES_MAX: u64 = 256 * 1024;
/// How long a client may take for its request line: it is one write.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a client may take for all it sends, and we for the answer.
const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(120);
/// Fax numbers in one request, as many as one mail may have by default.
const NUMBERS_MAX: usize = 100;
/// Clients served at a time; more wait.
const CLIENTS_MAX: usize = 32;

/// What a client asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// The gateway at a glance.
    Status,
    /// One job.
    Job {
        /// Which.
        id: JobId,
    },
    /// Fax the message of `message_bytes` bytes that follows.
    Send {
        /// Numbers, as a person writes them.
        to: Vec<String>,
        /// The mailbox for receipts; none, no receipts.
        from: Option<String>,
        /// What was asked for.
        options: Options,
        /// The length of the message.
        message_bytes: u64,
    },
}

/// What the gateway answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// To `Status`.
    Overview(Overview),
    /// To `Job`.
    Job(Box<Job>),
    /// To `Send`: kept, and answered for.
    Accepted(Vec<JobId>),
    /// It cannot be done.
    Refused {
        /// A sentence for the caller.
        text: String,
        /// What kind of refusal.
        why: Why,
    },
}

/// Kinds of refusal, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It would be refused again.
    Failed,
    /// It may work later.
    Later,
    /// The caller may not.
    NotPermitted,
}

/// The path of the socket of a gateway whose data is here.
#[must_use]
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// The listening end.
pub struct Control {
    listener: UnixListener,
    desk: Arc<Desk>,
}

/// What answers requests.
struct Desk {
    submit: Arc<Submit>,
    status: Status,
    clock: Arc<dyn Clock>,
    message_bytes_max: u64,
}

impl Control {
    /// Opens the socket; one that a dead gateway left is replaced. The store's lock keeps a second live one away.
    ///
    /// # Errors
    /// What the file system says.
    pub fn bind(
        data_dir: &Path,
        submit: Arc<Submit>,
        status: Status,
        clock: Arc<dyn Clock>,
        message_bytes_max: u64,
    ) -> std::io::Result<Self> {
        let path = socket_path(data_dir);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660))?;
        Ok(Self { listener, desk: Arc::new(Desk { submit, status, clock, message_bytes_max }) })
    }

    /// Serves until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        while !*stop.borrow() {
            let next = tokio::select! {
                // Whoever could say stop is gone: stop.
                changed = stop.changed() => if changed.is_err() { return } else { continue },
                next = self.next_client(&places) => next,
            };
            let (place, stream) = match next {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let desk = Arc::clone(&self.desk);
            tokio::spawn(async move {
                let served = tokio::time::timeout(EXCHANGE_TIME_MAX, desk.serve(stream)).await;
                if !matches!(served, Ok(Ok(()))) {
                    tracing::debug!("a client of the control socket went away");
                }
                drop(place);
            });
        }
    }

    /// The next client, as soon as there is a place for it.
    async fn next_client(
        &self,
        places: &Arc<Semaphore>,
    ) -> std::io::Result<(OwnedSemaphorePermit, UnixStream)> {
        let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, _) = self.listener.accept().await?;
        Ok((place, stream))
    }
}

impl Desk {
    async fn serve(&self, stream: UnixStream) -> std::io::Result<()> {
        let uid = stream.peer_cred()?.uid();
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        let mut head = (&mut reader).take(REQUEST_BYTES_MAX);
        tokio::time::timeout(REQUEST_TIME_MAX, head.read_until(b'\n', &mut line)).await??;
        let response = match serde_json::from_slice(&line) {
            Ok(request) => self.answer(request, uid, &mut reader).await,
            Err(_) if line.len() as u64 == REQUEST_BYTES_MAX => {
                refused(Why::Failed, format!("the request is longer than {REQUEST_BYTES_MAX} bytes"))
            }
            Err(error) => refused(Why::Failed, format!("the request is not understood: {error}")),
        };
        let mut answer = serde_json::to_vec(&response)?;
        answer.push(b'\n');
        writer.write_all(&answer).await?;
        writer.shutdown().await?;
        // A client that is still sending would find the connection broken, and not read why it was refused.
        tokio::io::copy(&mut reader, &mut tokio::io::sink()).await.map(|_| ())
    }

    async fn answer(&self, request: Request, uid: u32, body: &mut (impl AsyncRead + Unpin)) -> Response {
        match request {
            Request::Status => match self.status.overview().await {
                Ok(overview) => Response::Overview(overview),
                Err(error) => status_refusal(&error),
            },
            Request::Job { id } => match self.status.job(&id).await {
                Ok(job) => Response::Job(Box::new(job)),
                Err(error) => status_refusal(&error),
            },
            Request::Send { to, from, options, message_bytes } => {
                if message_bytes > self.message_bytes_max {
                    let text = format!("the files are over the limit of {} bytes", self.message_bytes_max);
                    return refused(Why::Failed, text);
                }
                let mut message = Vec::new();
                let read = body.take(message_bytes).read_to_end(&mut message).await;
                if read.is_err() || message.len() as u64 != message_bytes {
                    return refused(Why::Later, "the message did not arrive whole".into());
                }
                let client = Client::LocalUser(format!("uid {uid}"));
                self.send(&client, &to, from, options, message).await
            }
        }
    }

    async fn send(
        &self,
        client: &Client,
        to: &[String],
        from: Option<String>,
        options: Options,
        message: Vec<u8>,
    ) -> Response {
        if to.len() > NUMBERS_MAX {
            return refused(Why::Failed, format!("more than {NUMBERS_MAX} fax numbers at once"));
        }
        if let Some(from) = from.as_deref().filter(|from| !Mailbox::is_full(from)) {
            return refused(Why::Failed, format!("{from:?} is no mail address for the receipt"));
        }
        if !options.billing.as_deref().is_none_or(Options::is_billing_code) {
            return refused(Why::Failed, "the billing code is too long, or not printable".into());
        }
        let priority = self.submit.priority(client, options.priority);
        let options = Options { priority, ..options };
        // Whoever sits at this machine and names no mailbox is no bounce: he reads the queue instead.
        let sender = from.as_deref().unwrap_or("local user");
        let wanted = |to: &String| Wanted {
            address: to.clone(),
            notify: Some(if from.is_some() { Notify::DEFAULT } else { Notify::NEVER }),
            orcpt: None,
        };
        let recipients = to.iter().map(|to| self.submit.by_number(client, Some(sender), &wanted(to)));
        let recipients = match recipients.collect::<Result<Vec<_>, Refusal>>() {
            Ok(recipients) => recipients,
            Err(refusal) => return refusal_response(&refusal),
        };
        let now = self.clock.now();
        let submission = Submission {
            id: SubmissionId::new(now),
            received: now,
            door: Door::Cli,
            sender: Sender { mailbox: from, proof: proof(client) },
            recipients,
            options,
            ret: None,
            envid: None,
        };
        match self.submit.accept(submission, message, &Origin::default()).await {
            Ok(jobs) => Response::Accepted(jobs),
            Err(refusal) => refusal_response(&refusal),
        }
    }
}

fn refused(why: Why, text: String) -> Response {
    Response::Refused { text, why }
}

fn status_refusal(error: &StatusError) -> Response {
    match error {
        StatusError::NotFound(_) => refused(Why::Failed, error.to_string()),
        StatusError::Failed(cause) => {
            tracing::error!(cause, "control socket");
            refused(Why::Later, "the gateway cannot read its store now".into())
        }
    }
}

fn refusal_response(refusal: &Refusal) -> Response {
    let why = match refusal.reason {
        Reason::Full | Reason::Trouble => Why::Later,
        Reason::NotPermitted => Why::NotPermitted,
        _ => Why::Failed,
    };
    refused(why, refusal.text.clone())
}

/// Asks the gateway whose data is in `data_dir`.
///
/// # Errors
/// Where no gateway answers, or its answer is not understood.
pub async fn ask(data_dir: &Path, request: &Request, message: &[u8]) -> std::io::Result<Response> {
    let mut stream = UnixStream::connect(socket_path(data_dir)).await?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let written = async {
        stream.write_all(&line).await?;
        stream.write_all(message).await
    };
    let written = written.await;
    // A gateway that refuses the request does not read the message: its answer is there all the same.
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    if answer.is_empty() {
        written?;
        read?;
    }
    Ok(serde_json::from_slice(&answer)?)
}

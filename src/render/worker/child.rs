//! The gateway's side of one worker.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::super::Rendered;
use super::super::error::{Failure, RenderError};
use super::super::office::Converter;
use super::super::options::Limits;
use super::WorkersConfig;
use super::wire::{self, Order, Ready, Reply, Setup};
use crate::clock::Stopwatch;

/// This program, also where its file has been replaced or is gone.
const PROGRAM: &str = "/proc/self/exe";
/// The longest that a worker takes to start, or to read a message.
const START_MAX: Duration = Duration::from_secs(30);
/// Steps that a worker tells of a part, at most.
const STEPS_PER_PART_MAX: u64 = 4;
/// What is kept of its last words.
const LAST_WORDS_MAX: u64 = 2000;

/// A worker that is ready for a message. It ends with this value.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    socket: UnixStream,
    confined: String,
    messages: u32,
    message_max: Duration,
}

/// Why a worker is no more.
#[derive(Debug)]
pub(super) enum Lost {
    /// It could not be started.
    NotStarted { cause: String },
    /// Somebody ended it, or it was gone before.
    Outside { cause: String },
    /// The part that it had in hand ended it.
    Part { name: String, why: Why, cause: String },
}

/// What a part did to its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Memory,
    ProcessorTime,
    Time,
    Other,
}

impl Lost {
    pub(super) fn into_error(self, config: &WorkersConfig) -> RenderError {
        let (name, why, cause) = match self {
            Self::NotStarted { cause } | Self::Outside { cause } => {
                return RenderError::Unavailable { cause };
            }
            Self::Part { name, why, cause } => (name, why, cause),
        };
        tracing::warn!(part = name, ?why, cause, "a worker was ended by what it rendered");
        let reason = match why {
            Why::Memory => format!("it takes more than {} MB of memory to convert", config.memory_mb_max),
            Why::ProcessorTime => {
                format!("one page of it takes longer than {} seconds to convert", config.page_seconds_max)
            }
            Why::Time => format!("it takes longer than {} seconds to convert", config.message_seconds_max),
            Why::Other => "it is damaged, or made to break converters".into(),
        };
        RenderError::part(&name, Failure::caused(reason, cause))
    }
}

impl Child {
    /// Starts a worker and waits until it is shut in.
    pub(super) fn start(config: &WorkersConfig) -> io::Result<Self> {
        let (socket, its_own) = UnixStream::pair()?;
        let its_own = OwnedFd::from(its_own);
        let process = Command::new(PROGRAM)
            .arg0("faxgate")
            .arg("worker")
            .env_clear()
            // The allocator takes a gigabyte at a time otherwise, which the limit would refuse.
            .env("MIMALLOC_ARENA_RESERVE", "32768")
            // What a page has needed is there for the next, and not kept beside it.
            .env("MIMALLOC_ARENA_PURGE_MULT", "1")
            .env("MIMALLOC_PURGE_DELAY", "0")
            .current_dir("/")
            .process_group(0)
            .stdin(its_own.try_clone()?)
            .stdout(its_own)
            .stderr(Stdio::piped())
            .spawn()?;
        let message_max = Duration::from_secs(config.message_seconds_max);
        let mut child = Self { process, socket, confined: String::new(), messages: 0, message_max };
        child.set_up(config).map_err(|error| io::Error::other(child.last_words(&error.to_string()).0))?;
        Ok(child)
    }

    fn set_up(&mut self, config: &WorkersConfig) -> io::Result<()> {
        self.socket.set_read_timeout(Some(START_MAX))?;
        self.socket.set_write_timeout(Some(START_MAX))?;
        wire::write_words(&mut self.socket, &Setup { config: config.clone() })?;
        let Ready { confined } = wire::read_words(&mut self.socket)?;
        self.confined = confined;
        Ok(())
    }

    /// How it is shut in.
    pub(super) fn confined(&self) -> &str {
        &self.confined
    }

    /// How many messages it has been given.
    pub(super) fn messages(&self) -> u32 {
        self.messages
    }

    /// Has a message surveyed or rendered; a survey has no pages.
    pub(super) fn run(
        &mut self,
        order: &Order,
        message: &[u8],
        limits: &Limits,
        office: &dyn Converter,
    ) -> Result<Result<Rendered, RenderError>, Lost> {
        self.messages += 1;
        let mut part = None;
        self.talk(order, message, (limits, office), &mut part).map_err(|error| self.lost(&error, part))
    }

    fn talk(
        &mut self,
        order: &Order,
        message: &[u8],
        (limits, office): (&Limits, &dyn Converter),
        part: &mut Option<String>,
    ) -> io::Result<Result<Rendered, RenderError>> {
        let mut socket =
            TimedSocket { socket: &self.socket, watch: Stopwatch::start(), max: self.message_max };
        wire::write_words(&mut socket, order)?;
        wire::write_message(&mut socket, message)?;
        let pages_max = limits.pages_max as usize;
        let steps_max = u64::from(limits.parts_max).saturating_mul(STEPS_PER_PART_MAX);
        let mut pages = Vec::new();
        let (mut steps, mut documents) = (0, 0);
        let document_max = limits.message_bytes_max.max(limits.unpacked_bytes_max);
        *part = Some("the message".to_owned());
        loop {
            match wire::read_reply(&mut socket)? {
                Reply::Part(_) if steps >= steps_max => return Err(beyond("parts")),
                Reply::Part(name) => {
                    steps += 1;
                    *part = Some(name);
                }
                Reply::Page(_) if pages.len() >= pages_max => return Err(beyond("pages")),
                Reply::Page(page) => pages.push(page),
                Reply::Office(.., bytes) if bytes.len() as u64 > document_max => {
                    return Err(beyond("octets of a document"));
                }
                Reply::Office(..) if documents >= steps_max => return Err(beyond("documents")),
                Reply::Office(format, name, bytes) => {
                    documents += 1;
                    // The document has a limit of its own, and may wait for its turn.
                    let begun = Stopwatch::start();
                    let made = office.to_pdf(format, &name, &bytes);
                    socket.max += begun.elapsed();
                    wire::write_pdf(&mut socket, &made)?;
                }
                Reply::Done(Ok(manifest)) => {
                    return Ok(Ok(Rendered { pages, manifest: manifest.unwrap_or_default() }));
                }
                Reply::Done(Err(error)) => return Ok(Err(error)),
            }
        }
    }

    /// What became of a worker that does not answer any more.
    fn lost(&mut self, error: &io::Error, part: Option<String>) -> Lost {
        let is_late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        let said_wrong = error.kind() == ErrorKind::InvalidData;
        let (cause, status) = self.last_words(&error.to_string());
        let signal = status.and_then(|status| status.signal());
        let why = match signal {
            _ if is_late => Why::Time,
            _ if said_wrong => Why::Other,
            Some(libc::SIGXCPU) => Why::ProcessorTime,
            _ if cause.contains("memory allocation of") => Why::Memory,
            Some(libc::SIGKILL | libc::SIGTERM) | None => return Lost::Outside { cause },
            Some(libc::SIGSYS) => {
                tracing::error!(cause, "a worker tried what it may not");
                Why::Other
            }
            Some(_) => Why::Other,
        };
        match part {
            Some(name) => Lost::Part { name, why, cause },
            None => Lost::Outside { cause },
        }
    }

    /// Ends it, and says what it said last and how it ended where it had already.
    fn last_words(&mut self, error: &str) -> (String, Option<ExitStatus>) {
        // Its side of the socket is closed by its death, a moment before that can be waited for.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let ended = self.ended();
        self.end();
        let mut words = String::new();
        if let Some(stderr) = self.process.stderr.take() {
            let mut bytes = Vec::new();
            let _ = stderr.take(LAST_WORDS_MAX).read_to_end(&mut bytes);
            words = String::from_utf8_lossy(&bytes).trim().to_owned();
        }
        let status = ended.map(|status| status.to_string()).unwrap_or_default();
        (format!("{error}; {status}; {words}"), ended)
    }

    /// How it ended, where it does so in a moment.
    fn ended(&mut self) -> Option<ExitStatus> {
        let process = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty()).ok()?;
        // A process that has ended can be read. Whether it has is asked below, whatever the wait came to.
        let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&DYING_MAX));
        self.process.try_wait().ok().flatten()
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long a worker whose socket is closed may take to be gone.
const DYING_MAX: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

fn beyond(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("more {what} than there may be"))
}

/// The socket, for so long in all.
struct TimedSocket<'s> {
    socket: &'s UnixStream,
    watch: Stopwatch,
    max: Duration,
}

impl TimedSocket<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.max.saturating_sub(self.watch.elapsed());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for TimedSocket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for TimedSocket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

//! One LibreOffice: started ahead, asked once, and gone.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::super::worker::Confine;
use super::folder::{self, Root};
use super::keeper::{OURSELVES, SIGNALLED, Setup};
use super::{Format, OfficeConfig, pipe, profile};
use crate::clock::Stopwatch;

/// The longest that it takes to start.
const START_MAX: Duration = Duration::from_secs(60);
/// How often its socket is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long it may take from its last word to its end.
const DYING_MAX: Duration = Duration::from_secs(1);
/// How long its keeper may take to end it and to clear up.
const END_MAX: Duration = Duration::from_secs(10);
/// Octets of a PDF that it may make; a worker has to hold it.
pub(in super::super) const PDF_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What is kept of its last words.
const LAST_WORDS_MAX: u64 = 2000;
/// The name of every document, since its own is the sender's.
const NAME: &str = "document";
/// It restarts itself once with a new profile (`desktop/source/app/app.cxx`, `EXITHELPER_NORMAL_RESTART`).
const RESTART: i32 = 81;
const RESTARTS_MAX: u32 = 4;
const ARGUMENTS: &[&str] =
    &["--headless", "--norestore", "--nologo", "--nolockcheck", "--nofirststartwizard"];

/// A LibreOffice that waits for its document. It ends with this value.
#[derive(Debug)]
pub(super) struct Resident {
    keeper: Keeper,
    socket: UnixStream,
    folder: PathBuf,
    /// Where the PDF comes. What was opened before any document was read cannot be turned into something else.
    out: OwnedFd,
    confined: String,
}

/// Why there is no PDF.
#[derive(Debug)]
pub(super) enum Lost {
    /// It did not start.
    NotStarted { cause: String },
    /// Somebody ended it, or it was gone before.
    Outside { cause: String },
    /// It made no PDF.
    Unreadable { cause: String },
    /// It took too long.
    Time,
    /// It took too much memory.
    Memory { cause: String },
    /// The PDF is too large.
    TooLarge { bytes_max: u64 },
    /// The document ended it.
    Broken { cause: String },
}

impl Resident {
    /// Starts one and waits until it is ready.
    pub(super) fn start(
        root: &Root,
        program: &Path,
        config: &OfficeConfig,
        confine: Confine,
    ) -> Result<Self, String> {
        let setup = |folder: &Path, last: &str, stays| {
            let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.into()).collect();
            arguments.push(format!("-env:UserInstallation={}", folder::profile_url(folder)));
            arguments.push(last.into());
            let (program, folder) = (program.to_owned(), folder.to_owned());
            Setup { program, arguments, folder, stays, memory_mb_max: config.memory_mb_max, confine }
        };
        let folder = root.folder(|folder| first(&setup(folder, "--terminate_after_init", true)))?;
        Self::start_in(&folder, &setup(&folder, "--writer", false)).inspect_err(|_| folder::clear(&folder))
    }

    fn start_in(folder: &Path, setup: &Setup) -> Result<Self, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let out = openat(CWD, folder.join("out"), flags, Mode::empty()).map_err(|error| error.to_string())?;
        let (mut keeper, confined) = Keeper::start(setup)?;
        let ready = connect(&pipe::socket(&folder::profile_url(folder)), &mut keeper);
        let socket = ready.map_err(|error| keeper.last_words(&error.to_string()).1)?;
        Ok(Self { keeper, socket, folder: folder.to_owned(), out, confined })
    }

    /// How it is shut in.
    pub(super) fn confined(&self) -> &str {
        &self.confined
    }

    /// Makes a PDF of its document, and ends.
    pub(super) fn convert(
        mut self,
        format: Format,
        bytes: &[u8],
        config: &OfficeConfig,
    ) -> Result<Vec<u8>, Lost> {
        let outside = |error: io::Error| Lost::Outside { cause: error.to_string() };
        let document = self.folder.join("in").join(NAME).with_extension(format.extension());
        fs::write(&document, bytes).map_err(outside)?;
        let mut arguments = vec!["--headless".to_owned()];
        if let Some(filter) = format.filter(bytes) {
            arguments.push(format!("--infilter={filter}"));
        }
        let out = self.folder.join("out");
        arguments.extend(["--convert-to".into(), "pdf".into(), "--outdir".into(), out.display().to_string()]);
        arguments.push(document.display().to_string());
        let done = pipe::ask(&mut self.socket, &arguments, Duration::from_secs(config.document_seconds_max));
        match done {
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(Lost::Time),
            Err(error) => Err(self.lost(&error.to_string())),
            Ok(()) => self.pdf(),
        }
    }

    /// What it has made, if that is a file.
    fn pdf(&mut self) -> Result<Vec<u8>, Lost> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&self.out, format!("{NAME}.pdf"), flags, Mode::empty());
        let Ok(file) = opened.map(File::from) else {
            return Err(self.lost("it made no PDF"));
        };
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(Lost::Broken { cause: "what it made is no file".into() });
        }
        let mut pdf = Vec::new();
        let read = file.take(PDF_BYTES_MAX + 1).read_to_end(&mut pdf);
        read.map_err(|error| Lost::Outside { cause: error.to_string() })?;
        match pdf.len() as u64 > PDF_BYTES_MAX {
            true => Err(Lost::TooLarge { bytes_max: PDF_BYTES_MAX }),
            false => Ok(pdf),
        }
    }

    /// What became of one that made no PDF.
    fn lost(&mut self, error: &str) -> Lost {
        let (code, cause) = self.keeper.last_words(error);
        match code {
            _ if cause.contains("bad_alloc") => Lost::Memory { cause },
            Some(0) | None => Lost::Unreadable { cause },
            Some(code) if code == SIGNALLED + libc::SIGKILL || code == SIGNALLED + libc::SIGTERM => {
                Lost::Outside { cause }
            }
            Some(_) => Lost::Broken { cause },
        }
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.keeper.end();
        // It has done so itself, unless somebody ended it.
        folder::clear(&self.folder);
    }
}

/// Lets one start with a new profile, so that later ones need not make it.
fn first(setup: &Setup) -> Result<(), String> {
    profile::write(&folder::profile(&setup.folder)).map_err(|error| error.to_string())?;
    for _ in 0..RESTARTS_MAX {
        let (mut keeper, _) = Keeper::start(setup)?;
        match keeper.wait(START_MAX) {
            Some(RESTART) => {}
            Some(0) => return Ok(()),
            _ => return Err(keeper.last_words("its first start failed").1),
        }
    }
    Err("it wants to be started again and again".into())
}

/// Waits until it listens, and until it is ready.
fn connect(socket: &Path, keeper: &mut Keeper) -> io::Result<UnixStream> {
    let watch = Stopwatch::start();
    loop {
        if let Ok(mut stream) = UnixStream::connect(socket) {
            pipe::ready(&mut stream, START_MAX)?;
            return Ok(stream);
        }
        if watch.elapsed() > START_MAX || keeper.wait(LOOK_EVERY).is_some() {
            return Err(io::Error::other("it did not begin to listen"));
        }
    }
}

/// The process beside it, which ends with this value.
#[derive(Debug)]
struct Keeper {
    process: Child,
}

impl Keeper {
    /// Starts it, and says how LibreOffice is shut in.
    fn start(setup: &Setup) -> Result<(Self, String), String> {
        let setup = serde_json::to_string(setup).map_err(|error| error.to_string())?;
        let process = Command::new(OURSELVES)
            .arg0("faxgate")
            .args(["office", &setup])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut keeper = Self { process };
        let mut walls = String::new();
        if let Some(stdout) = keeper.process.stdout.take() {
            let _ = BufReader::new(stdout.take(LAST_WORDS_MAX)).read_line(&mut walls);
        }
        match walls.trim() {
            "" => Err(keeper.last_words("it cannot be shut in").1),
            walls => Ok((keeper, walls.to_owned())),
        }
    }

    /// Waits for its end, for so long.
    fn wait(&mut self, max: Duration) -> Option<i32> {
        let max = Timespec { tv_sec: max.as_secs().cast_signed(), tv_nsec: max.subsec_nanos().into() };
        if let Ok(process) = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty()) {
            // A process that has ended can be read. Whether it has is asked below, whatever the wait came to.
            let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&max));
        }
        self.process.try_wait().ok().flatten().and_then(|status| status.code())
    }

    /// Ends it, and says how LibreOffice had ended where it had, and what it said last.
    fn last_words(&mut self, error: &str) -> (Option<i32>, String) {
        let code = self.wait(DYING_MAX);
        self.end();
        let mut words = Vec::new();
        if let Some(stderr) = self.process.stderr.take() {
            let _ = stderr.take(LAST_WORDS_MAX).read_to_end(&mut words);
        }
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        let code_said = code.map(|code| format!("; it ended with {code}")).unwrap_or_default();
        (code, format!("{error}{code_said}; {words}"))
    }

    fn end(&mut self) {
        drop(self.process.stdin.take());
        if self.wait(END_MAX).is_none() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

//! The process beside LibreOffice: it starts it, ends it when the gateway lets go of it or is gone, and clears up.
//!
//! `faxgate office` is that process, and `faxgate office --inside` what it starts: that shuts itself in and becomes
//! LibreOffice. Only a process that waits for nothing else can see to it that nothing is left: the gateway may be killed
//! at any moment, and the thread of it that started a process may end long before.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

use super::super::worker::Confine;
use super::{confine, folder};

/// This program, also where its file has been replaced or is gone.
pub(super) const OURSELVES: &str = "/proc/self/exe";
/// What is kept of LibreOffice's last words.
const LAST_WORDS_MAX: u64 = 2000;
/// Added to the number of the signal that ended it, as a shell does.
pub(super) const SIGNALLED: i32 = 128;

/// What is to be started, as an argument in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// The folder that it may write to; it is removed at the end, unless it `stays`.
    pub(super) folder: PathBuf,
    pub(super) stays: bool,
    pub(super) memory_mb_max: u64,
    pub(super) confine: Confine,
}

/// Starts LibreOffice and stays until it ends, or until standard input does; says its last words and how it ended.
///
/// # Errors
/// Where it cannot be started.
pub fn keep(setup: &str) -> io::Result<u8> {
    let Setup { folder, stays, .. } = serde_json::from_str(setup)?;
    let ended = run(setup, &folder);
    match stays && matches!(ended, Ok(Some(_))) {
        true => folder::clear_socket(&folder),
        false => folder::clear(&folder),
    }
    Ok(ended?.unwrap_or(u8::MAX))
}

/// How it ended by itself, if it did.
fn run(setup: &str, folder: &Path) -> io::Result<Option<u8>> {
    let said = folder.join("said");
    let mut child = Command::new(OURSELVES)
        .arg0("faxgate")
        .args(["office", "--inside", setup])
        .env_clear()
        // The allocator takes a gigabyte at a time otherwise, which the limit would refuse.
        .env("MIMALLOC_ARENA_RESERVE", "32768")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stderr(File::create(&said)?)
        .spawn()?;
    let pid = Pid::from_child(&child);
    let its_end = pidfd_open(pid, PidfdFlags::empty())?;
    let gateway = io::stdin();
    // The gateway says nothing here: what can be read is the end.
    let mut ends = [PollFd::new(&its_end, PollFlags::IN), PollFd::new(&gateway, PollFlags::IN)];
    while poll(&mut ends, None).is_err_and(|error| error == rustix::io::Errno::INTR) {}
    let ended = child.try_wait()?;
    let _ = kill_process_group(pid, Signal::KILL);
    let status = child.wait()?;
    let mut words = Vec::new();
    let _ = File::open(&said).and_then(|file| file.take(LAST_WORDS_MAX).read_to_end(&mut words));
    let _ = io::stderr().write_all(&words);
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    Ok(ended.map(|_| code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)))
}

/// Shuts this process in, says how, and becomes LibreOffice.
///
/// # Errors
/// Where it cannot be shut in as it must be, or LibreOffice cannot be started. Otherwise this does not return.
pub fn inside(setup: &str) -> io::Result<()> {
    let setup: Setup = serde_json::from_str(setup)?;
    let walls = confine::confine(&setup)?;
    println!("{walls}");
    io::stdout().flush()?;
    let tmp = setup.folder.join("tmp");
    let error = Command::new(&setup.program)
        .args(&setup.arguments)
        .env_clear()
        .env("HOME", &tmp)
        .env("TMPDIR", &tmp)
        .env("LANG", "C.UTF-8")
        .env("SAL_USE_VCLPLUGIN", "svp")
        // Each of its threads would take address space for a heap of its own.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir(&tmp)
        .stdout(Stdio::null())
        .exec();
    Err(error)
}

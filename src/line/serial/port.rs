//! A serial port: bytes in and out without ever blocking, and the circuits beside them.
//!
//! The settings of the port go through the `serialport` crate. Its `write` waits without end for a port that takes
//! nothing, so the bytes go through a second descriptor of the same device, which does not block: what is to be written
//! is kept here and leaves in small pieces, as the device takes it, while [`Port::wait`] waits for everything at once.
//!
//! A device that has gone (unplugged, or the far end of a pseudo terminal closed) is [`PortError::Gone`] at the next
//! wait. A port is locked as long as it is open, by a UUCP lock file ([`super::lock`]) and by `TIOCEXCL`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fax::at::profile::FlowControl;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{self, ControlModes, OptionalActions};
use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::lock::{Lock, LockError};

/// Bytes that are handed to the device at once.
const WRITE_OCTETS: usize = 512;
/// Bytes that are taken from the device at once.
const READ_OCTETS: usize = 4096;
/// Bytes that may wait to be written: some pages. An engine writes one page at a time.
pub const QUEUED_OCTETS_MAX: usize = 32 << 20;
/// The longest that one wait lasts.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What is wrong with a port.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// There is no such device.
    #[error("there is no device {0}")]
    NoDevice(PathBuf),
    /// It is there, and we may not open it.
    #[error("no permission to open {0}")]
    NotPermitted(PathBuf),
    /// It is something else than a serial port.
    #[error("{0} is not a serial port")]
    NotATerminal(PathBuf),
    /// Another program uses it.
    #[error("{0}")]
    Locked(#[from] LockError),
    /// Another program has it open for itself alone, without a lock file.
    #[error("{0} is used by another program")]
    InUse(PathBuf),
    /// It was there, and is no more.
    #[error("the device has gone")]
    Gone,
    /// Something else.
    #[error("{what}: {cause}")]
    Failed {
        /// What was tried.
        what: String,
        /// Why it did not work.
        cause: std::io::Error,
    },
}

/// How a port is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSettings {
    /// The device.
    pub device: PathBuf,
    /// Bits per second between computer and modem.
    pub baud: u32,
    /// Where lock files are; `None` goes without.
    pub lock_dir: Option<PathBuf>,
}

/// What has happened during a wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Bytes have come; [`Port::take`] has them.
    pub received: bool,
    /// One of the other descriptors can be read.
    pub woken: bool,
}

/// An open port.
#[derive(Debug)]
pub struct Port {
    tty: TTYPort,
    bytes: File,
    out: VecDeque<u8>,
    received: Vec<u8>,
    flow: FlowControl,
    /// Dropped last: the device is closed by then.
    _lock: Option<Lock>,
}

impl Port {
    /// Opens and locks a device, 8 bits, no parity, no flow control, DTR on.
    ///
    /// # Errors
    /// Every [`PortError`] but `Gone`.
    pub fn open(settings: &PortSettings) -> Result<Self, PortError> {
        let PortSettings { device, baud, lock_dir } = settings;
        let kind = std::fs::metadata(device).map_err(|cause| open_error(device, cause))?.file_type();
        if !kind.is_char_device() {
            return Err(PortError::NotATerminal(device.clone()));
        }
        let lock = match lock_dir {
            Some(dir) => Lock::take(dir, device)?,
            None => None,
        };
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits().cast_signed();
        let bytes = File::options().read(true).write(true).custom_flags(flags).open(device);
        let bytes = bytes.map_err(|cause| open_error(device, cause))?;
        if !termios::isatty(&bytes) {
            return Err(PortError::NotATerminal(device.clone()));
        }
        let name = device.to_string_lossy();
        let builder = serialport::new(name, *baud).timeout(Duration::ZERO).dtr_on_open(true);
        let tty = TTYPort::open(&builder).map_err(|error| match error.kind() {
            serialport::ErrorKind::NoDevice => PortError::InUse(device.clone()),
            _ => failed(format!("cannot set up {}", device.display()), error),
        })?;
        let mut port = Self {
            tty,
            bytes,
            out: VecDeque::new(),
            received: Vec::new(),
            flow: FlowControl::None,
            _lock: lock,
        };
        port.hang_up_on_close();
        // What came before the port was set up may be garbled.
        let _ = port.tty.clear(ClearBuffer::Input);
        Ok(port)
    }

    /// DTR goes off when the last descriptor is closed, also when the process dies: the modem then hangs up.
    fn hang_up_on_close(&mut self) {
        if let Ok(mut settings) = termios::tcgetattr(&self.bytes) {
            settings.control_modes |= ControlModes::HUPCL;
            let _ = termios::tcsetattr(&self.bytes, OptionalActions::Now, &settings);
        }
    }

    /// Bytes for the modem, after all that were written before. Where too many wait already, the oldest stay and the
    /// new are dropped: no engine writes so many.
    pub fn write(&mut self, bytes: &[u8]) {
        let room = QUEUED_OCTETS_MAX.saturating_sub(self.out.len());
        self.out.extend(bytes.iter().take(room));
    }

    /// Drops what has not yet left.
    pub fn discard(&mut self) {
        self.out.clear();
        // A device that cannot do it sends what it has.
        let _ = self.tty.clear(ClearBuffer::Output);
    }

    /// Drops what has come and was not taken.
    pub fn discard_received(&mut self) {
        self.received.clear();
        let _ = self.tty.clear(ClearBuffer::Input);
    }

    /// Changes the flow control.
    ///
    /// # Errors
    /// [`PortError::Gone`], [`PortError::Failed`].
    pub fn set_flow(&mut self, flow: FlowControl) -> Result<(), PortError> {
        if flow != self.flow {
            let setting = match flow {
                FlowControl::None => serialport::FlowControl::None,
                FlowControl::XonXoff => serialport::FlowControl::Software,
                FlowControl::RtsCts => serialport::FlowControl::Hardware,
            };
            self.tty.set_flow_control(setting).map_err(|error| failed("flow control".into(), error))?;
            self.flow = flow;
        }
        Ok(())
    }

    /// Changes the bits per second.
    ///
    /// # Errors
    /// [`PortError::Gone`], [`PortError::Failed`].
    pub fn set_baud(&mut self, baud: u32) -> Result<(), PortError> {
        self.tty.set_baud_rate(baud).map_err(|error| failed(format!("{baud} bit/s"), error))
    }

    /// Data terminal ready. A pseudo terminal has no such circuit, and that is no error.
    pub fn set_dtr(&mut self, on: bool) {
        let _ = self.tty.write_data_terminal_ready(on);
    }

    /// Whether the device has circuits beside its data: a pseudo terminal has none.
    pub fn has_circuits(&mut self) -> bool {
        self.tty.read_clear_to_send().is_ok()
    }

    /// Whether everything that was written has left for the device.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.out.is_empty()
    }

    /// What has come.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Waits until bytes come, one of `others` can be read, or `timeout` is over, and writes meanwhile what waits to
    /// be written. Comes back early where there is something to do, and never waits longer than a minute.
    ///
    /// # Errors
    /// [`PortError::Gone`] where the device is no more; [`PortError::Failed`].
    pub fn wait(&mut self, timeout: Duration, others: &[BorrowedFd<'_>]) -> Result<Events, PortError> {
        self.write_some()?;
        let wants = if self.out.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let mut fds = vec![PollFd::from_borrowed_fd(self.bytes.as_fd(), wants)];
        fds.extend(others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        let timeout = timeout.min(WAIT_MAX);
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or_default(),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed_io("poll", error.into())),
        }
        let is_readable = |fd: &PollFd<'_>| fd.revents().intersects(PollFlags::IN | PollFlags::HUP);
        let woken = fds.iter().skip(1).any(is_readable);
        let here = fds.first().map_or(PollFlags::empty(), PollFd::revents);
        if here.intersects(PollFlags::OUT) {
            self.write_some()?;
        }
        let received = here.intersects(PollFlags::IN) && self.read_some()?;
        if !received && here.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(PortError::Gone);
        }
        Ok(Events { received, woken })
    }

    fn write_some(&mut self) -> Result<(), PortError> {
        while !self.out.is_empty() {
            let (piece, _) = self.out.as_slices();
            let piece = piece.get(..WRITE_OCTETS).unwrap_or(piece);
            match self.bytes.write(piece) {
                Ok(0) => return Ok(()),
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if is_not_now(&error) => return Ok(()),
                Err(error) => return Err(failed_io("write", error)),
            }
        }
        Ok(())
    }

    /// Whether anything came.
    fn read_some(&mut self) -> Result<bool, PortError> {
        let mut buffer = [0; READ_OCTETS];
        match self.bytes.read(&mut buffer) {
            Ok(0) => Err(PortError::Gone),
            Ok(read) => {
                self.received.extend_from_slice(&buffer[..read.min(READ_OCTETS)]);
                Ok(true)
            }
            Err(error) if is_not_now(&error) => Ok(false),
            Err(error) => Err(failed_io("read", error)),
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // The kernel would keep a port that is closed open for half a minute to send what a modem does not take.
        self.discard();
    }
}

fn is_not_now(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Errors that say that the device is no more: `EIO` of a terminal that hung up, `ENXIO` and `ENODEV` of one unplugged.
fn is_gone(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let gone = [Errno::IO, Errno::NXIO, Errno::NODEV, Errno::BADF, Errno::PIPE];
    error.raw_os_error().is_some_and(|code| gone.iter().any(|errno| errno.raw_os_error() == code))
}

fn failed_io(what: &str, cause: std::io::Error) -> PortError {
    if is_gone(&cause) { PortError::Gone } else { PortError::Failed { what: what.into(), cause } }
}

fn failed(what: String, error: serialport::Error) -> PortError {
    PortError::Failed { what, cause: error.into() }
}

fn open_error(device: &Path, cause: std::io::Error) -> PortError {
    let device = device.to_owned();
    match cause.kind() {
        ErrorKind::NotFound => PortError::NoDevice(device),
        ErrorKind::PermissionDenied => PortError::NotPermitted(device),
        ErrorKind::ResourceBusy => PortError::InUse(device),
        // A node in /dev whose driver knows no such device.
        _ if is_gone(&cause) => PortError::NoDevice(device),
        _ => PortError::Failed { what: format!("cannot open {}", device.display()), cause },
    }
}

/// Something to be woken by while one waits for a port: an event that stays until it is taken.
#[derive(Debug)]
pub struct Waker(rustix::fd::OwnedFd);

impl Waker {
    /// A waker that has not been rung.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn new() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Wakes whoever waits, now or next time.
    pub fn ring(&self) {
        // It cannot fail but by being rung already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Takes the event, if there is one.
    pub fn hear(&self) -> bool {
        rustix::io::read(&self.0, &mut [0u8; 8]).is_ok()
    }

    /// Waits to be rung; true where it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        let _ = poll(&mut fds, Some(&timeout));
        self.hear()
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::pty::Pty;
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn settings(device: &Path) -> PortSettings {
        PortSettings { device: device.to_owned(), baud: 38_400, lock_dir: None }
    }

    fn read(port: &mut Port, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            assert!(port.wait(SOON, &[]).unwrap().received, "got {} of {count}", all.len());
            all.extend(port.take());
        }
        all
    }

    #[test]
    fn every_byte_passes_as_it_is_in_both_directions() {
        let pty = Pty::open();
        let mut port = Port::open(&settings(pty.device())).unwrap();
        let all: Vec<u8> = (0..=255).collect();
        pty.write(&all);
        assert_eq!(read(&mut port, all.len()), all);
        port.write(&all);
        port.wait(Duration::ZERO, &[]).unwrap();
        assert_eq!(pty.read(all.len()), all);
        assert!(port.is_drained());
    }

    #[test]
    fn a_page_goes_as_the_device_takes_it_and_what_has_not_left_can_be_dropped() {
        let pty = Pty::open();
        let mut port = Port::open(&settings(pty.device())).unwrap();
        let page: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        port.write(&page);
        port.wait(Duration::ZERO, &[]).unwrap();
        assert!(!port.is_drained(), "nobody reads, and the port does not wait for that");
        let mut got = Vec::new();
        while !port.is_drained() {
            port.wait(Duration::from_millis(5), &[]).unwrap();
            got.extend(pty.read_some());
        }
        while let more @ [_, ..] = &pty.read_some()[..] {
            got.extend(more);
        }
        assert_eq!(got, page);
        port.write(&page);
        port.wait(Duration::ZERO, &[]).unwrap();
        port.discard();
        assert!(port.is_drained());
    }

    #[test]
    fn a_waker_ends_a_wait_and_is_heard_once() {
        let pty = Pty::open();
        let mut port = Port::open(&settings(pty.device())).unwrap();
        let waker = Waker::new().unwrap();
        waker.ring();
        waker.ring();
        assert!(port.wait(SOON, &[waker.as_fd()]).unwrap().woken);
        assert!(waker.hear() && !waker.hear());
        assert_eq!(port.wait(Duration::ZERO, &[waker.as_fd()]).unwrap(), Events::default());
        assert!(!waker.wait(Duration::ZERO));
    }

    #[test]
    fn a_device_that_goes_is_seen_while_one_waits_and_when_one_writes() {
        let pty = Pty::open();
        let mut port = Port::open(&settings(pty.device())).unwrap();
        drop(pty);
        assert!(matches!(port.wait(SOON, &[]), Err(PortError::Gone)));
        port.write(b"AT\r");
        assert!(matches!(port.wait(SOON, &[]), Err(PortError::Gone)));
        assert!(matches!(port.set_flow(FlowControl::XonXoff), Err(PortError::Failed { .. })));
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let missing = Port::open(&settings(Path::new("/dev/ttyS-none"))).err();
        assert!(matches!(missing, Some(PortError::NoDevice(_))), "{missing:?}");
        let null = Port::open(&settings(Path::new("/dev/null"))).err();
        assert!(matches!(null, Some(PortError::NotATerminal(_))), "{null:?}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let file = Port::open(&settings(file.path())).err();
        assert!(matches!(file, Some(PortError::NotATerminal(_))), "{file:?}");
        let pty = Pty::open();
        let first = Port::open(&settings(pty.device())).unwrap();
        let second = Port::open(&settings(pty.device())).err();
        assert!(matches!(second, Some(PortError::InUse(_))), "{second:?}");
        drop(first);
        Port::open(&settings(pty.device())).unwrap();
    }

    #[test]
    fn a_pseudo_terminal_has_no_circuits_and_takes_every_flow_control() {
        let pty = Pty::open();
        let mut port = Port::open(&settings(pty.device())).unwrap();
        assert!(!port.has_circuits());
        for flow in [FlowControl::RtsCts, FlowControl::XonXoff, FlowControl::None] {
            port.set_flow(flow).unwrap();
        }
        port.set_dtr(false);
        port.set_baud(115_200).unwrap();
    }
}

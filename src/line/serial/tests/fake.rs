//! A modem for tests: answers every command, dials and answers as it is told, and can be unplugged.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::pty::Pty;
use super::PATIENCE;
use crate::clock::Stopwatch;

#[derive(Default)]
struct State {
    pty: Option<Pty>,
    heard: Vec<String>,
    dialled: String,
    is_silent: bool,
    rings_at: Option<String>,
    refuses: Option<String>,
    befalls: Option<(String, Fate)>,
    /// Its device, to be taken away.
    device: PathBuf,
    line: Vec<u8>,
    /// Nobody answers yet.
    is_dialling: bool,
    ends: bool,
}

/// What becomes of a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is unplugged.
    Unplugged,
    /// It does not answer any more.
    Silent,
}

/// The modem.
pub(super) struct Fake {
    dir: tempfile::TempDir,
    state: Arc<Mutex<State>>,
}

/// Waits for what must come.
pub(super) fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !is_there() {
        assert!(watch.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Fake {
    pub(super) fn new() -> Self {
        let fake = Self { dir: tempfile::tempdir().unwrap(), state: Arc::default() };
        fake.state.lock().unwrap().device = fake.device();
        fake.plug();
        let state = Arc::clone(&fake.state);
        std::thread::spawn(move || {
            while !state.lock().unwrap().ends {
                state.lock().unwrap().work();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        fake
    }

    pub(super) fn device(&self) -> PathBuf {
        self.dir.path().join("modem")
    }

    /// Where its lock files go.
    pub(super) fn folder(&self) -> PathBuf {
        let folder = self.dir.path().join("locks");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(super) fn locks(&self) -> usize {
        std::fs::read_dir(self.folder()).unwrap().count()
    }

    /// A process holds the device.
    pub(super) fn lock_by(&self, pid: u32) {
        let real = std::fs::canonicalize(self.device()).unwrap();
        let name = real.strip_prefix("/dev").unwrap().to_string_lossy().replace('/', "_");
        std::fs::write(self.folder().join(format!("LCK..{name}")), format!("{pid:>10}\n")).unwrap();
    }

    pub(super) fn unlock(&self) {
        for entry in std::fs::read_dir(self.folder()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    pub(super) fn plug(&self) {
        let pty = Pty::open();
        std::os::unix::fs::symlink(pty.device(), self.device()).unwrap();
        self.state.lock().unwrap().pty = Some(pty);
    }

    pub(super) fn unplug(&self) {
        std::fs::remove_file(self.device()).unwrap();
        self.state.lock().unwrap().pty = None;
    }

    /// What comes of the next numbers dialled; nothing where it is empty.
    pub(super) fn dialled(&self, answer: &str) {
        self.state.lock().unwrap().dialled = answer.into();
    }

    pub(super) fn silent(&self, is_silent: bool) {
        self.state.lock().unwrap().is_silent = is_silent;
    }

    /// It rings once when it hears this.
    pub(super) fn rings_at(&self, command: &str) {
        self.state.lock().unwrap().rings_at = Some(command.into());
    }

    pub(super) fn refuses(&self, command: &str) {
        self.state.lock().unwrap().refuses = Some(command.into());
    }

    /// This befalls it the next time that it hears a command that begins so.
    pub(super) fn befalls(&self, fate: Fate, command: &str) {
        self.state.lock().unwrap().befalls = Some((command.into(), fate));
    }

    /// Whether it has.
    pub(super) fn has_befallen(&self) -> bool {
        self.state.lock().unwrap().befalls.is_none()
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        if let Some(pty) = &self.state.lock().unwrap().pty {
            pty.write(bytes);
        }
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.state.lock().unwrap().heard.clone()
    }

    pub(super) fn said(&self, command: &str) -> bool {
        self.heard().iter().any(|line| line == command)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.state.lock().unwrap().ends = true;
    }
}

impl State {
    fn work(&mut self) {
        let Some(pty) = &self.pty else { return };
        for byte in pty.read_for(Duration::ZERO) {
            match byte {
                b'\r' => {
                    let line: String = self.line.drain(..).map(char::from).collect();
                    match self.befalls.take_if(|(command, _)| line.starts_with(command.as_str())) {
                        Some((_, Fate::Unplugged)) => {
                            std::fs::remove_file(&self.device).unwrap();
                            self.pty = None;
                            return;
                        }
                        Some((_, Fate::Silent)) => self.is_silent = true,
                        None => {}
                    }
                    let reply = if self.is_silent { String::new() } else { self.reply(&line) };
                    self.heard.push(line);
                    if let Some(pty) = &self.pty {
                        pty.write(reply.as_bytes());
                    }
                }
                // Any octet ends what it waits for.
                0x18 if self.is_dialling => {
                    self.is_dialling = false;
                    if let Some(pty) = &self.pty {
                        pty.write(b"\r\nNO CARRIER\r\n");
                    }
                }
                0x20..0x7F => self.line.push(byte),
                _ => {}
            }
        }
    }

    fn reply(&mut self, line: &str) -> String {
        let code = |code: &str| format!("\r\n{code}\r\n");
        if self.refuses.as_deref() == Some(line) {
            return code("ERROR");
        }
        let ring = self.rings_at.take_if(|command| command == line).map_or(String::new(), |_| code("RING"));
        let reply = match line {
            "ATI3" => code("CX93001-EIS_V0.2002-V92") + &code("OK"),
            "AT+FCLASS=?" => code("0,1,1.0,2,8") + &code("OK"),
            "ATA" => code("NO CARRIER"),
            _ if line.starts_with("ATD") && self.dialled.is_empty() => {
                self.is_dialling = true;
                String::new()
            }
            _ if line.starts_with("ATD") => code(&self.dialled),
            _ if line.starts_with("AT") => code("OK"),
            _ => String::new(),
        };
        ring + &reply
    }
}

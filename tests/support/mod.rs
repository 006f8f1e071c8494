//! Starts the real program on a folder of its own, talks SMTP to it, and reads what it delivered.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mail_parser::{MessageParser, MimeHeaders};

pub mod efax;
pub mod hylafax;
pub mod modems;

/// How long a story waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a client waits for the first word of a server.
const GREETING_PATIENCE: Duration = Duration::from_secs(20);

/// The program under test.
pub const FAXGATE: &str = env!("CARGO_BIN_EXE_faxgate");

/// A running gateway; killed when dropped.
pub struct Gateway {
    child: Child,
    pub dir: PathBuf,
    pub smtp: SocketAddr,
}

impl Gateway {
    /// Writes `settings` behind the folders and the listener, and starts the gateway.
    pub fn start(dir: &Path, settings: &str) -> Self {
        write_config(dir, settings);
        Self::restart(dir)
    }

    /// Starts the gateway on a folder that has its configuration.
    pub fn restart(dir: &Path) -> Self {
        Self::try_restart(dir, &[]).unwrap_or_else(|log| panic!("the gateway did not start:\n{log}"))
    }

    /// As [`Gateway::restart`], with variables in its environment.
    pub fn restart_with(dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::try_restart(dir, variables).unwrap_or_else(|log| panic!("the gateway did not start:\n{log}"))
    }

    fn try_restart(dir: &Path, variables: &[(&str, &str)]) -> Result<Self, String> {
        let log_path = dir.join("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&log_path).unwrap();
        let before = log.metadata().unwrap().len();
        let mut child = Command::new(FAXGATE)
            .args(["--config".as_ref(), dir.join("faxgate.toml").as_os_str(), "serve".as_ref()])
            .env("RUST_LOG", "info")
            .envs(variables.iter().copied())
            .stderr(Stdio::from(log))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        loop {
            let text = std::fs::read(&log_path).unwrap();
            let text = String::from_utf8_lossy(&text[before as usize..]).into_owned();
            let told = text
                .lines()
                .find_map(|line| line.split_once("SMTP listens on ").map(|(_, rest)| rest.to_owned()));
            if let Some(address) = told {
                return Ok(Self { child, dir: dir.to_owned(), smtp: address.trim().parse().unwrap() });
            }
            if child.try_wait().unwrap().is_some() || begun.elapsed() > PATIENCE {
                let _ = child.kill();
                return Err(text);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to stop, as `systemctl stop` does, and does not wait for it.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Kills it without warning, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command of the program against this gateway.
    pub fn run(&self, args: &[&str]) -> Output {
        let config = self.dir.join("faxgate.toml");
        Command::new(FAXGATE).arg("--config").arg(config).args(args).output().unwrap()
    }

    /// `faxgate status --json`.
    pub fn status(&self) -> serde_json::Value {
        let output = self.run(&["status", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `faxgate status JOB --json`.
    pub fn job(&self, id: &str) -> serde_json::Value {
        let output = self.run(&["status", id, "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every mail delivered to a mailbox so far.
    pub fn mails(&self, mailbox: &str) -> Vec<Vec<u8>> {
        mails(&self.dir, mailbox)
    }

    /// Waits until a mailbox holds `count` mails.
    pub fn wait_for_mails(&self, mailbox: &str, count: usize) -> Vec<Vec<u8>> {
        wait_for(&format!("{count} mails for {mailbox}"), || {
            let mails = self.mails(mailbox);
            (mails.len() >= count).then_some(mails)
        })
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the configuration of a gateway that keeps everything below `dir`.
pub fn write_config(dir: &Path, settings: &str) {
    let (data, mail) = (dir.join("data"), dir.join("mail"));
    // LibreOffice takes seconds of the processor at each start; the stories that are about it say so.
    let office = if settings.contains("[render.office]") { "" } else { "[render.office]\nprogram = \"\"\n" };
    let text = format!(
        "data_dir = {data:?}\ntime_zone = \"UTC\"\nheader_from = \"Test Clinic\"\n\
         [smtp]\nlisten = [\"127.0.0.1:0\"]\nhostname = \"fax.example.com\"\n\
         [address]\ndomains = [\"fax.example.com\"]\n\
         [policy]\nnetworks = [\"127.0.0.0/8\"]\nlocal_users = true\ndestinations = [\"+\"]\n\
         [mailer.maildir]\ndir = {mail:?}\n{office}{settings}"
    );
    std::fs::write(dir.join("faxgate.toml"), text).unwrap();
}

/// Settings for lines that answer, `(name, number)`.
pub fn lines(lines: &[(&str, &str)]) -> String {
    let line = |(name, number): &(&str, &str)| {
        format!("[[line]]\nkind = \"simulated\"\nname = \"{name}\"\nnumber = \"{number}\"\n")
    };
    lines.iter().map(line).collect()
}

/// Every mail in the Maildir of a mailbox.
pub fn mails(dir: &Path, mailbox: &str) -> Vec<Vec<u8>> {
    let folder = dir.join("mail").join(mailbox).join("new");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Waits for what must come.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The attachment of a mail whose media type is this.
pub fn attachment(mail: &[u8], subtype: &str) -> Vec<u8> {
    let message = MessageParser::new().parse(mail).unwrap();
    let part = message.attachments().find(|part| {
        part.content_type().and_then(|kind| kind.subtype()).is_some_and(|s| s.eq_ignore_ascii_case(subtype))
    });
    part.unwrap_or_else(|| panic!("no {subtype} in {}", String::from_utf8_lossy(mail))).contents().to_vec()
}

/// The pages of the TIFF that a received-fax mail carries.
pub fn received_pages(mail: &[u8]) -> Vec<fax::page::Page> {
    tiff_pages(&attachment(mail, "tiff"))
}

/// The pages of a TIFF file.
pub fn tiff_pages(bytes: &[u8]) -> Vec<fax::page::Page> {
    let images = fax::tiff::read(bytes, &fax::tiff::Limits::default()).unwrap();
    images.into_iter().map(|image| image.into_page().unwrap()).collect()
}

/// A bare SMTP client, for tests that must see every reply.
pub struct Smtp {
    stream: BufReader<TcpStream>,
}

impl Smtp {
    /// Connects and greets; `None` where nobody answers.
    pub fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        // A server that is killed as it is connected to leaves a connection of which nobody tells the client.
        stream.set_read_timeout(Some(GREETING_PATIENCE)).ok()?;
        let mut smtp = Self { stream: BufReader::new(stream) };
        smtp.reply().filter(|reply| reply.starts_with("220"))?;
        smtp.stream.get_ref().set_read_timeout(Some(PATIENCE)).ok()?;
        smtp.say("EHLO client.example.com").filter(|reply| reply.starts_with("250"))?;
        Some(smtp)
    }

    /// Sends a command and gives the whole reply; `None` where the connection is gone.
    pub fn say(&mut self, line: &str) -> Option<String> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()?;
        self.reply()
    }

    /// Sends commands in one go (RFC 2920), and gives their replies.
    pub fn pipeline(&mut self, lines: &[&str]) -> Vec<String> {
        self.stream.get_mut().write_all((lines.join("\r\n") + "\r\n").as_bytes()).unwrap();
        lines.iter().map(|_| self.reply().unwrap()).collect()
    }

    fn reply(&mut self) -> Option<String> {
        let mut whole = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            whole.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Some(whole);
            }
        }
    }

    /// Sends one message; gives the last reply, `None` where the connection was lost before it.
    pub fn send(&mut self, from: &str, to: &[String], message: &str) -> Option<String> {
        self.say(&format!("MAIL FROM:<{from}>")).filter(|r| r.starts_with("250"))?;
        for to in to {
            let reply = self.say(&format!("RCPT TO:<{to}>"))?;
            if !reply.starts_with("250") {
                return Some(reply);
            }
        }
        self.say("DATA").filter(|r| r.starts_with("354"))?;
        let body = message.replace("\r\n", "\n").replace('\n', "\r\n").replace("\r\n.", "\r\n..");
        self.say(&format!("{body}\r\n."))
    }
}

//! A milter with everything behind it, and the mail server's side of a connection, which says exactly what it is told to.

use std::sync::Arc;
use std::time::Duration;

use faxgate::address::{AddressConfig, DialPlanConfig, PolicyConfig};
use faxgate::clock::SystemClock;
use faxgate::door::milter::{Listen, MilterConfig, Server};
use faxgate::job::Job;
use faxgate::store::{JobFilter, SledStore, Store, StoreConfig};
use faxgate::submit::{Reason, Refusal, Rules, Submit, SubmitConfig};
use milter_proto::{Actions, Command, Macro, Peer, Reply, Steps, VERSION};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long a survey takes that finds the word `slow`.
pub(crate) const SLOW: Duration = Duration::from_millis(600);

/// A running milter that lets its mail server's clients in 192.0.2.0/24 fax to North America.
pub(crate) struct Milter {
    pub(crate) places: Vec<Listen>,
    pub(crate) store: SledStore,
    pub(crate) submit: Arc<Submit>,
    pub(crate) shutdown: watch::Sender<bool>,
    pub(crate) running: JoinHandle<()>,
    pub(crate) dir: TempDir,
}

impl Milter {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings changed.
    pub(crate) async fn with(change: impl FnOnce(&mut MilterConfig)) -> Self {
        let dir = TempDir::new().unwrap();
        let mut config = MilterConfig {
            listen: vec!["inet:0@127.0.0.1".parse().unwrap(), Listen::Unix(dir.path().join("milter.sock"))],
            ..MilterConfig::default()
        };
        change(&mut config);
        let store = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
        let store = SledStore::open(store).unwrap().0;
        let clock = Arc::new(SystemClock);
        let wake = Arc::new(Notify::new());
        let submit = Submit::new(rules(), Arc::new(survey), Arc::new(store.clone()), clock.clone(), wake);
        let submit = Arc::new(submit);
        let server = Server::bind(config, Arc::clone(&submit), clock).await.unwrap();
        let places = server.places();
        let (shutdown, stop) = watch::channel(false);
        let running = tokio::spawn(server.run(stop));
        Self { places, store, submit, shutdown, running, dir }
    }

    /// All jobs, by number.
    pub(crate) async fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.store.jobs(&JobFilter::default()).await.unwrap();
        jobs.sort_by_key(|job| job.recipient.number.clone());
        jobs
    }

    pub(crate) async fn message(&self, job: &Job) -> String {
        String::from_utf8(self.store.message(&job.submission).await.unwrap()).unwrap()
    }

    /// A bare connection.
    pub(crate) async fn stream(&self) -> TcpStream {
        let Listen::Inet(address) = &self.places[0] else { panic!("{:?}", self.places) };
        TcpStream::connect(address).await.unwrap()
    }

    /// A mail server that has negotiated, for a client of its that may fax.
    pub(crate) async fn server(&self) -> MailServer<TcpStream> {
        let mut server = MailServer::new(self.stream().await);
        server.negotiate(VERSION).await;
        server.client("192.0.2.7").await;
        server
    }

    pub(crate) async fn server_over_unix(&self) -> MailServer<UnixStream> {
        let Listen::Unix(path) = &self.places[1] else { panic!("{:?}", self.places) };
        let mut server = MailServer::new(UnixStream::connect(path).await.unwrap());
        server.negotiate(VERSION).await;
        server.client("192.0.2.7").await;
        server
    }
}

fn rules() -> Rules {
    let addresses =
        AddressConfig { domains: vec!["fax.example.com".into()], postmaster: Some("ops@example.com".into()) };
    let policy = PolicyConfig {
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        destinations: vec!["+1".into()],
        ..PolicyConfig::default()
    };
    Rules::new(addresses, DialPlanConfig::default(), policy, SubmitConfig::default()).unwrap()
}

/// Knows one attachment that cannot become pages, and one that takes its time.
fn survey(message: &[u8]) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(message);
    if text.contains("slow") {
        std::thread::sleep(SLOW);
    }
    match text.contains("contract.xyz") {
        true => {
            Err(Refusal::new(Reason::Unconvertible, "the attachment contract.xyz cannot be faxed", "xyz"))
        }
        false => Ok(()),
    }
}

/// The mail server's side of a connection.
pub(crate) struct MailServer<S> {
    stream: S,
    received: Vec<u8>,
    /// The steps that were agreed on.
    pub(crate) steps: Steps,
}

/// What a milter has said: the code and the first text, such as `y550 5.7.1 no`.
pub(crate) type Said = Vec<String>;

impl<S: AsyncRead + AsyncWrite + Unpin> MailServer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, received: Vec::new(), steps: Steps::NONE }
    }

    pub(crate) async fn negotiate(&mut self, version: u32) {
        let bits = if version < 6 { 0x7f } else { 0x1f_ffff };
        let actions = Actions::from_bits(if version < 6 { 0x3f } else { 0x1ff });
        self.says(&Command::OptNeg { version, actions, steps: Steps::from_bits(bits) }).await;
        let said = self.hears().await.unwrap();
        let [b'O', rest @ ..] = said.as_slice() else { panic!("{said:?}") };
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
        assert_eq!(number(0), version);
        self.steps = Steps::from_bits(number(8));
    }

    pub(crate) async fn client(&mut self, address: &str) {
        self.macros(b'C', &[("j", "mx.example.com")]).await;
        let peer = Peer::Inet { address: address.as_bytes(), port: 4711 };
        self.asks(&Command::Connect { host: b"client.example", peer }).await;
        self.asks(&Command::Helo { name: b"client.example" }).await;
    }

    pub(crate) async fn macros(&mut self, command: u8, pairs: &[(&str, &str)]) {
        let macros = pairs
            .iter()
            .map(|(name, value)| Macro { name: name.as_bytes(), value: value.as_bytes() })
            .collect();
        self.says(&Command::Macro { command, macros }).await;
    }

    /// Sends a command.
    pub(crate) async fn says(&mut self, command: &Command<'_>) {
        let mut packet = Vec::new();
        command.encode(&mut packet).unwrap();
        self.stream.write_all(&packet).await.unwrap();
    }

    /// Sends bytes that need not be a whole packet.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends a command, and hears the answer where there is one.
    pub(crate) async fn asks(&mut self, command: &Command<'_>) -> String {
        self.says(command).await;
        let unanswered = match command.code() {
            b'C' => Steps::NO_REPLY_CONNECT,
            b'H' => Steps::NO_REPLY_HELO,
            b'M' => Steps::NO_REPLY_MAIL,
            b'L' => Steps::NO_REPLY_HEADERS,
            b'N' => Steps::NO_REPLY_EOH,
            _ => Steps::from_bits(1 << 31),
        };
        if self.steps.contains(unanswered) {
            return String::new();
        }
        self.hears().await.map(|said| text(&said)).unwrap_or_default()
    }

    /// The next packet, without its length; `None` when the milter has closed.
    pub(crate) async fn hears(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((_, bytes)) = Reply::decode(&self.received).unwrap() {
                let packet = self.received.drain(..bytes).skip(4).collect();
                return Some(packet);
            }
            if self.stream.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn mail(&mut self, sender: &str) -> String {
        self.asks(&Command::Mail { sender: sender.as_bytes(), parameters: vec![] }).await
    }

    pub(crate) async fn rcpt(&mut self, recipient: &str) -> String {
        self.asks(&Command::Rcpt { recipient: recipient.as_bytes(), parameters: vec![] }).await
    }

    /// The content from DATA on; gives all that is said at the end of the message, or what ended it before.
    pub(crate) async fn content(&mut self, headers: &[(&str, &str)], body: &str) -> Said {
        let said = self.asks(&Command::Data).await;
        if said != "c" {
            return vec![said];
        }
        for (name, value) in headers {
            self.asks(&Command::Header { name: name.as_bytes(), value: value.as_bytes() }).await;
        }
        self.asks(&Command::Eoh).await;
        for piece in body.as_bytes().chunks(60_000) {
            let said = self.asks(&Command::Body(piece)).await;
            if said != "c" {
                return vec![said];
            }
        }
        self.macros(b'E', &[("i", "4FzQ")]).await;
        self.says(&Command::BodyEob(b"")).await;
        self.ending().await
    }

    /// All that is said up to the last word on a message.
    pub(crate) async fn ending(&mut self) -> Said {
        let mut said = Said::new();
        while let Some(packet) = self.hears().await {
            said.push(text(&packet));
            if b"acdrty".contains(&packet[0]) {
                break;
            }
        }
        said
    }
}

/// A packet as text: NULs, and the number that some begin with, are spaces.
fn text(packet: &[u8]) -> String {
    let text: String = packet.iter().map(|byte| if *byte < b' ' { ' ' } else { char::from(*byte) }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

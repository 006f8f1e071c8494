//! A listener with everything behind it, and a client that says exactly what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use faxgate::address::{AddressConfig, DialPlanConfig, PolicyConfig};
use faxgate::clock::SystemClock;
use faxgate::door::smtp::{Server, SmtpConfig};
use faxgate::job::Job;
use faxgate::store::{JobFilter, SledStore, Store, StoreConfig};
use faxgate::submit::{Reason, Refusal, Rules, Submit, SubmitConfig};
use faxgate::users::Users;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// A running listener that lets this machine fax to North America.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) users: Arc<Users>,
    pub(crate) store: SledStore,
    pub(crate) wake: Arc<Notify>,
    pub(crate) shutdown: watch::Sender<bool>,
    pub(crate) running: JoinHandle<()>,
    _dir: TempDir,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings changed.
    pub(crate) async fn with(change: impl FnOnce(&mut SmtpConfig)) -> Self {
        Self::of(change, |_| {}).await
    }

    /// With settings and policy changed.
    pub(crate) async fn of(
        change: impl FnOnce(&mut SmtpConfig),
        change_policy: impl FnOnce(&mut PolicyConfig),
    ) -> Self {
        let mut config = SmtpConfig {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            hostname: "fax.example.com".into(),
            ..SmtpConfig::default()
        };
        change(&mut config);
        let dir = TempDir::new().unwrap();
        let store = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
        let store = SledStore::open(store).unwrap().0;
        let wake = Arc::new(Notify::new());
        let clock = Arc::new(SystemClock);
        let users = Arc::new(Users::at(dir.path().join("users.json")));
        let submit = Submit::new(
            rules(change_policy),
            Arc::new(survey),
            Arc::new(store.clone()),
            clock.clone(),
            wake.clone(),
        );
        let server = Server::bind(config, dir.path(), users.clone(), Arc::new(submit), clock).await.unwrap();
        let addresses = server.local_addrs();
        let address = addresses[0];
        let (shutdown, stop) = watch::channel(false);
        let running = tokio::spawn(server.run(stop));
        Self { address, addresses, users, store, wake, shutdown, running, _dir: dir }
    }

    /// All jobs, by number and address.
    pub(crate) async fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.store.jobs(&JobFilter::default()).await.unwrap();
        jobs.sort_by_key(|job| (job.recipient.number.clone(), job.recipient.address.clone()));
        jobs
    }

    /// The message of a job.
    pub(crate) async fn message(&self, job: &Job) -> String {
        String::from_utf8(self.store.message(&job.submission).await.unwrap()).unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        let mut client = Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()));
        assert_eq!(client.hears().await, "220 fax.example.com ESMTP Faxgate\r\n");
        client
    }

    /// A client that has come as far as the 354.
    pub(crate) async fn client_in_data(&self) -> Client {
        let mut client = self.client().await;
        let talk =
            ["EHLO client.example", "MAIL FROM:<anna@example.com>", "RCPT TO:<+12125550123@fax.example.com>"];
        for line in talk {
            assert!(client.says(&format!("{line}\r\n")).await.starts_with("250"), "{line}");
        }
        assert!(client.says("DATA\r\n").await.starts_with("354"));
        client
    }
}

fn rules(change: impl FnOnce(&mut PolicyConfig)) -> Rules {
    let addresses =
        AddressConfig { domains: vec!["fax.example.com".into()], postmaster: Some("ops@example.com".into()) };
    let plan = DialPlanConfig::default();
    let mut policy = PolicyConfig {
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        senders: vec!["example.com".into()],
        destinations: vec!["+1".into()],
        ..PolicyConfig::default()
    };
    change(&mut policy);
    Rules::new(addresses, plan, policy, SubmitConfig::default()).unwrap()
}

/// Knows one attachment that cannot become pages.
fn survey(message: &[u8]) -> Result<(), Refusal> {
    match String::from_utf8_lossy(message).contains("contract.xyz") {
        true => {
            Err(Refusal::new(Reason::Unconvertible, "the attachment contract.xyz cannot be faxed", "xyz"))
        }
        false => Ok(()),
    }
}

/// One connection, used by hand.
pub(crate) struct Client<S = TcpStream>(pub(crate) BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Sends and hears one reply.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        self.sends(text.as_bytes()).await;
        self.hears().await
    }

    pub(crate) async fn sends(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// One reply, all its lines; empty when the server has closed.
    pub(crate) async fn hears(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            self.0.read_line(&mut reply).await.unwrap();
            if reply.len() == start || reply.as_bytes()[start + 3] == b' ' {
                return reply;
            }
        }
    }

    /// All octets that come until the server closes, which it may do with the door's slam.
    pub(crate) async fn hears_all(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        rest
    }

    /// All that comes until the server closes.
    pub(crate) async fn hears_out(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.unwrap();
        rest
    }
}

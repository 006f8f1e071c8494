//! A real SMTP server on this machine that keeps what it is given, and refuses what its script says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A mail as the server took it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub from: String,
    pub to: String,
    pub data: String,
    /// Whether it came encrypted.
    pub encrypted: bool,
    /// What followed AUTH.
    pub login: String,
}

/// When the server speaks TLS. Its certificate is `tls/server.pem`, signed by `tls/ca.pem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Never,
    Offered,
    AtOnce,
}

#[derive(Default)]
struct Shared {
    /// Replies that stand in for the usual one, each once: the command's first word, or `.` for the data's end.
    script: VecDeque<(&'static str, &'static str)>,
    taken: Vec<Taken>,
}

#[derive(Clone)]
pub struct Sink {
    pub port: u16,
    tls: Tls,
    shared: Arc<Mutex<Shared>>,
}

impl Sink {
    pub async fn start(script: &[(&'static str, &'static str)]) -> Self {
        Self::start_with(Tls::Never, script).await
    }

    pub async fn start_with(tls: Tls, script: &[(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Mutex::new(Shared { script: script.iter().copied().collect(), taken: Vec::new() }));
        let sink = Self { port, tls, shared };
        let server = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        sink
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.shared.lock().unwrap().taken.clone()
    }

    fn reply(&self, verb: &str, usual: &'static str) -> &'static str {
        let mut shared = self.shared.lock().unwrap();
        let is_next = shared.script.front().is_some_and(|(scripted, _)| *scripted == verb);
        let scripted = if is_next { shared.script.pop_front() } else { None };
        scripted.map_or(usual, |(_, reply)| reply)
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        if self.tls != Tls::AtOnce {
            say(&mut stream, self.reply("connect", "220 sink")).await?;
            let offer = match self.tls {
                Tls::Offered => "250-sink\r\n250 STARTTLS",
                _ => "250-sink\r\n250 SIZE",
            };
            if !self.talk(&mut stream, offer, false).await? {
                return Some(());
            }
        }
        let mut stream = BufReader::new(acceptor().accept(stream.into_inner()).await.ok()?);
        if self.tls == Tls::AtOnce {
            say(&mut stream, "220 sink").await?;
        }
        self.talk(&mut stream, "250-sink\r\n250 AUTH PLAIN", true).await?;
        Some(())
    }

    /// Serves one client until it goes, or until TLS begins (then the answer is true).
    async fn talk<S>(&self, stream: &mut BufReader<S>, offer: &'static str, encrypted: bool) -> Option<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut mail = Taken { encrypted, ..Taken::default() };
        loop {
            let line = line(stream).await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let usual = match verb.as_str() {
                "EHLO" => offer,
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                "STARTTLS" => "220 begin",
                "AUTH" => "235 welcome",
                _ => "250 ok",
            };
            let reply = self.reply(&verb, usual);
            match verb.as_str() {
                "MAIL" => mail.from = path(&line),
                "RCPT" => mail.to = path(&line),
                "AUTH" => mail.login = line["AUTH ".len()..].to_owned(),
                _ => {}
            }
            if reply == "hang up" {
                return None;
            }
            say(stream, reply).await?;
            if reply == "220 begin" {
                return Some(true);
            }
            if reply.starts_with("354") {
                mail.data = data(stream).await?;
                self.take(stream, &mail).await?;
            }
        }
    }

    /// Answers the end of the data.
    async fn take(&self, stream: &mut (impl AsyncWriteExt + Unpin), mail: &Taken) -> Option<()> {
        let reply = self.reply(".", "250 taken");
        let word_is_lost = reply == "hang up";
        if reply.starts_with('2') || word_is_lost {
            self.shared.lock().unwrap().taken.push(mail.clone());
        }
        if word_is_lost {
            return None;
        }
        say(stream, reply).await
    }
}

fn acceptor() -> TlsAcceptor {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mailout/tls");
    let certificate = CertificateDer::from_pem_file(format!("{folder}/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{folder}/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), reply: &str) -> Option<()> {
    write.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    write.flush().await.ok()
}

async fn line(lines: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    let read = lines.read_line(&mut line).await.ok()?;
    assert!(read == 0 || line.ends_with("\r\n"), "a bare LF: {line:?}");
    (read > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

async fn data(lines: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut data = String::new();
    loop {
        let line = line(lines).await?;
        if line == "." {
            return Some(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
}

fn path(line: &str) -> String {
    let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    path.map_or_else(|| panic!("no path in {line:?}"), |(path, _)| path.to_owned())
}

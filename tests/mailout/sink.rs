//! A real SMTP server on this machine that keeps what it is given, and refuses what its script says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail as the server took it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub from: String,
    pub to: String,
    pub data: String,
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
    shared: Arc<Mutex<Shared>>,
}

impl Sink {
    pub async fn start(script: &[(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared {
            script: script.iter().copied().collect(),
            taken: Vec::new(),
        }));
        let sink = Self { port, shared };
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
        let is_next = shared
            .script
            .front()
            .is_some_and(|(scripted, _)| *scripted == verb);
        let scripted = if is_next { shared.script.pop_front() } else { None };
        scripted.map_or(usual, |(_, reply)| reply)
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read);
        let mut mail = Taken::default();
        say(&mut write, self.reply("connect", "220 sink")).await?;
        loop {
            let line = line(&mut lines).await?;
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let usual = match verb.as_str() {
                "EHLO" => "250-sink\r\n250 SIZE",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            let reply = self.reply(&verb, usual);
            match verb.as_str() {
                "MAIL" => mail.from = path(&line),
                "RCPT" => mail.to = path(&line),
                _ => {}
            }
            if reply == "hang up" {
                return None;
            }
            say(&mut write, reply).await?;
            if reply.starts_with("354") {
                mail.data = data(&mut lines).await?;
                let reply = self.reply(".", "250 taken");
                if reply.starts_with('2') || reply == "hang up" {
                    self.shared.lock().unwrap().taken.push(mail.clone());
                }
                if reply == "hang up" {
                    return None;
                }
                say(&mut write, reply).await?;
            }
        }
    }
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), reply: &str) -> Option<()> {
    write.write_all(format!("{reply}\r\n").as_bytes()).await.ok()
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
    path.map(|(path, _)| path.to_owned())
        .unwrap_or_else(|| panic!("no path in {line:?}"))
}

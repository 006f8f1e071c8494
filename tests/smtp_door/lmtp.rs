//! LMTP over a port and over a unix socket, and messages in chunks.

use super::clients::run;
use super::support::{Client, Listener};
use faxgate::door::smtp::ListenAddress;
use tokio::io::BufReader;
use tokio::net::{TcpStream, UnixStream};

const ENVELOPE: [&str; 4] = [
    "LHLO client.example",
    "MAIL FROM:<anna@example.com>",
    "RCPT TO:<+12125550123@fax.example.com>",
    "RCPT TO:<+12125550124@fax.example.com>",
];

#[tokio::test]
async fn each_recipient_gets_an_answer_over_a_port_and_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lmtp.sock");
    let listener = Listener::with(|config| {
        let port = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
        config.lmtp = vec![port, ListenAddress::Unix(path.clone())];
    })
    .await;
    let mut over_port = Client(BufReader::new(TcpStream::connect(listener.addresses[1]).await.unwrap()));
    let mut over_socket = Client(BufReader::new(UnixStream::connect(&path).await.unwrap()));
    assert!(over_port.hears().await.starts_with("220"));
    assert!(over_socket.hears().await.starts_with("220"));
    for line in ENVELOPE {
        let line = format!("{line}\r\n");
        assert!(over_port.says(&line).await.starts_with("250"), "{line}");
        assert!(over_socket.says(&line).await.starts_with("250"), "{line}");
    }
    assert!(over_port.says("RCPT TO:<911@fax.example.com>\r\n").await.starts_with("550"));
    assert!(over_port.says("DATA\r\n").await.starts_with("354"));
    // With one answer too few a client would take the farewell for the last recipient's.
    over_port.sends(b"hello\r\n.\r\nQUIT\r\n").await;
    over_socket.sends(b"BDAT 7 LAST\r\nhello\r\nQUIT\r\n").await;
    for said in [over_port.hears_out().await, over_socket.hears_out().await] {
        let codes: Vec<&str> = said.lines().filter_map(|line| line.get(..3)).collect();
        assert_eq!(codes, ["250", "250", "221"], "{said}");
    }
    let jobs = listener.jobs().await;
    assert_eq!(jobs.len(), 4);
    assert!(listener.message(&jobs[0]).await.contains("with LMTP id"));
    listener.shutdown.send(true).unwrap();
    listener.running.await.unwrap();
    assert!(!path.exists(), "the socket goes with the gateway");
}

#[tokio::test]
async fn swaks_delivers_by_lmtp() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lmtp.sock");
    let listener = Listener::with(|config| config.lmtp = vec![ListenAddress::Unix(path.clone())]).await;
    let to = "FAX=+12125550123@fax.example.com,12125550124@fax.example.com";
    let socket = path.to_str().unwrap();
    let arguments = ["--protocol", "LMTP", "--socket", socket, "--from", "anna@example.com", "--to", to];
    let output = run("swaks", "swaks", &arguments, "").await;
    let talk = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && talk.contains("accepted for faxing as"), "{talk}");
    assert_eq!(listener.jobs().await.len(), 2);
}

#[tokio::test]
async fn a_message_in_chunks_is_faxed_as_it_came() {
    let listener = Listener::start().await;
    let mut client = listener.client().await;
    let said = client.says("EHLO client.example\r\n").await;
    assert!(said.contains("250-CHUNKING\r\n") && said.contains("LIMITS RCPTMAX=100\r\n"), "{said}");
    for line in &ENVELOPE[1..] {
        assert!(client.says(&format!("{line}\r\n")).await.starts_with("250"));
    }
    // A large one comes in many packets.
    let lines = "x".repeat(998) + "\r\n";
    let large = lines.repeat(1000);
    client.sends(format!("BDAT {}\r\n", large.len()).as_bytes()).await;
    assert!(client.says(&large).await.starts_with("250 2.0.0 1000000 octets so far"));
    assert!(client.says("BDAT 5 LAST\r\n.\r\n\r\n").await.starts_with("250 2.0.0 accepted"));
    let jobs = listener.jobs().await;
    assert!(listener.message(&jobs[0]).await.ends_with("x\r\n.\r\n\r\n"));
}

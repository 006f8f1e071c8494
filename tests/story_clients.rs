//! Whose connection it is, and how often one may come: the PROXY protocol and the limits on rates, over raw sockets
//! against the real program; and which certificate clients are shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Gateway, lines};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const FAX: &str = "+12125550123@fax.example.com";
const BALANCER: [u8; 4] = [127, 0, 0, 3];
const CLIENT: [u8; 4] = [127, 0, 0, 4];

fn start(smtp: &str) -> (tempfile::TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    support::write_config(dir.path(), &lines(&[("out", "+12125550100")]));
    let file = dir.path().join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("[smtp]\n", &format!("[smtp]\n{smtp}"), 1)).unwrap();
    let gateway = Gateway::restart(dir.path());
    (dir, gateway)
}

async fn connect(to: SocketAddr, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends all, and gives what is said until the server closes.
async fn talk(to: SocketAddr, from: [u8; 4], bytes: &[u8]) -> String {
    let mut stream = connect(to, from).await;
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let all = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    let _ = all.expect("the server closes");
    String::from_utf8_lossy(&said).into_owned()
}

/// A PROXY header of version 2 for a client at this address.
fn proxied(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f".to_vec();
    header.extend(client);
    header.extend([127, 0, 0, 1, 0x30, 0x39, 0, 25]);
    // An extension, which is not looked at.
    header.extend([4, 0, 0]);
    header
}

fn mail() -> Vec<u8> {
    format!("EHLO x\r\nMAIL FROM:<anna@example.com>\r\nRCPT TO:<{FAX}>\r\nQUIT\r\n").into_bytes()
}

#[tokio::test]
async fn a_balancer_says_whose_connection_it_is_and_nobody_else_may() {
    let (_dir, gateway) = start("proxy_networks = [\"127.0.0.3/32\"]\n");
    let to = gateway.smtp;
    let through = |client| [proxied(client), mail()].concat();

    let said = talk(to, BALANCER, &through([127, 0, 0, 8])).await;
    assert!(said.contains("250 2.1.5 will be faxed"), "{said}");
    let said = talk(to, BALANCER, &through([203, 0, 113, 5])).await;
    assert!(said.contains("550 5.7.1 your mail server (203.0.113.5) may not"), "{said}");
    // To see whether we live.
    let local = [b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(), mail()].concat();
    assert!(talk(to, BALANCER, &local).await.contains("250 2.1.5"));

    // A balancer that says nothing, or another protocol, gets no word.
    assert_eq!(talk(to, BALANCER, &mail()).await, "");
    assert_eq!(talk(to, BALANCER, b"PROXY TCP4 203.0.113.5 127.0.0.1 1 25\r\n").await, "");
    let huge = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 5000]].concat();
    assert_eq!(talk(to, BALANCER, &huge).await, "");

    // Elsewhere it is no header: nobody chooses an address of their own.
    let said = talk(to, CLIENT, &through([127, 0, 0, 8])).await;
    assert!(said.contains("\r\n500 ") && !said.contains("250 2.1.5"), "{said}");
}

#[tokio::test]
async fn who_comes_too_often_is_told_to_come_later_and_others_are_served() {
    let limits = "connections_per_minute_max = 5\nmessages_per_hour_max = 2\nrecipients_per_hour_max = 6\n";
    let (_dir, gateway) = start(limits);
    let to = gateway.smtp;
    let mut stream = connect(to, CLIENT).await;
    let message = format!(
        "MAIL FROM:<anna@example.com>\r\nRCPT TO:<{FAX}>\r\nBDAT 21 LAST\r\nSubject: x\r\n\r\nhello\r\n"
    );
    let all = format!("EHLO x\r\n{}", message.repeat(4));
    let recipients =
        format!("MAIL FROM:<anna@example.com>\r\n{}QUIT\r\n", format!("RCPT TO:<{FAX}>\r\n").repeat(4));
    stream.write_all(format!("{all}{recipients}").as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said.matches("250 2.0.0 accepted").count(), 2, "{said}");
    assert_eq!(said.matches("452 4.7.1 you send more messages than you may in an hour").count(), 2, "{said}");
    assert_eq!(said.matches("250 2.1.5 will be faxed").count(), 6, "{said}");
    assert_eq!(
        said.matches("452 4.7.1 you send more recipients than you may in an hour").count(),
        2,
        "{said}"
    );
    for n in 2..=7 {
        let said = talk(to, CLIENT, b"QUIT\r\n").await;
        assert_eq!(said.starts_with("421 4.7.0 you connect too often"), n > 5, "{n}: {said}");
    }
    // Another client, and this machine, are not meant.
    assert!(talk(to, BALANCER, &mail()).await.contains("250 2.1.5"));
    for _ in 0..10 {
        assert!(talk(to, [127, 0, 0, 1], &mail()).await.contains("250 2.1.5"));
    }
}

/// A new certificate and its key; gives the certificate.
fn certify(dir: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["fax.example.com".into()]).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("certificate.pem"), made.cert.pem()).unwrap();
    made.cert.pem().lines().collect()
}

/// The certificate that `openssl s_client` is shown.
fn shown(server: SocketAddr) -> String {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-starttls", "smtp", "-showcerts", "-connect", &server.to_string()]);
    let said = client.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let from_begin = said.lines().skip_while(|line| !line.contains("BEGIN CERTIFICATE"));
    let mut lines: Vec<_> = from_begin.take_while(|line| !line.contains("END CERTIFICATE")).collect();
    lines.push("-----END CERTIFICATE-----");
    lines.concat()
}

#[test]
fn a_new_certificate_is_shown_at_once_when_the_gateway_is_told_so() {
    let files = tempfile::tempdir().unwrap();
    let first = certify(files.path());
    let path = |name: &str| files.path().join(name).display().to_string();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let (_dir, gateway) = start(&format!(
        "tls = {{ certificate = \"{certificate}\", key = \"{key}\", reload_every = \"1h\" }}\n"
    ));
    assert_eq!(shown(gateway.smtp), first);
    let second = certify(files.path());
    assert_eq!(shown(gateway.smtp), first, "nobody has told it yet");
    gateway.signal(rustix::process::Signal::HUP);
    support::wait_for("the new certificate", || (shown(gateway.smtp) == second).then_some(()));
}

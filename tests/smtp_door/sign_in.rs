//! Signing in, over real TLS, by clients of foreign make and by hand; and guessing.

use std::num::NonZeroU32;
use std::time::Duration;

use super::clients::{run, swaks};
use super::support::{Client, Listener};
use super::tls::started;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use faxgate::address::UserRule;
use faxgate::job::Proof;
use ring::{digest, hmac, pbkdf2};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

type TlsClient = Client<TlsStream<TcpStream>>;

/// A gateway where nobody may fax but anna, who signs in at `addresses[1]`, the submission port, or at the relay port.
async fn office(change: impl FnOnce(&mut faxgate::door::smtp::SmtpConfig)) -> Listener {
    let listener = Listener::of(
        |config| {
            config.submission = vec![([127, 0, 0, 1], 0).into()];
            config.auth_delay = Duration::from_millis(100);
            change(config);
        },
        |policy| {
            policy.networks = vec![];
            policy.user = vec![UserRule { name: "anna".into(), ..UserRule::default() }];
        },
    )
    .await;
    listener.users.add("anna", "correct horse").unwrap();
    listener.users.add("bob", "battery staple").unwrap();
    listener
}

/// What swaks says for somebody.
async fn sends(listener: &Listener, port: usize, user: &str, password: &str, how: &str) -> (bool, String) {
    let more = ["--auth", how, "--auth-user", user, "--auth-password", password, "--tls"];
    let envelope = ["--from", "anna@example.com", "--to", "FAX=+12125550123@fax.example.com"];
    swaks(listener.addresses[port], &[&envelope[..], &more].concat()).await
}

#[tokio::test]
async fn swaks_signs_in_and_faxes() {
    let listener = office(|_| {}).await;
    for (port, how) in [(1, "PLAIN"), (1, "LOGIN"), (0, "PLAIN")] {
        let (sent, talk) = sends(&listener, port, "anna", "correct horse", how).await;
        assert!(sent && talk.contains("235 2.7.0") && talk.contains("accepted for faxing"), "{talk}");
    }
    let jobs = listener.jobs().await;
    assert_eq!(jobs.len(), 3);
    assert!(jobs.iter().all(|job| job.sender.proof == Proof::User("anna".into())));
    assert!(listener.message(&jobs[0]).await.contains("with ESMTPSA id"));
    let (sent, talk) = sends(&listener, 1, "bob", "battery staple", "PLAIN").await;
    assert!(!sent && talk.contains("550 5.7.1 bob may not send faxes through this gateway"), "{talk}");
    let (sent, talk) = sends(&listener, 1, "anna", "wrong", "PLAIN").await;
    assert!(!sent && talk.contains("535 5.7.8 name or password is wrong"), "{talk}");
}

#[tokio::test]
async fn nothing_is_signed_in_or_submitted_in_the_clear() {
    let listener = office(|_| {}).await;
    for address in &listener.addresses {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Client(tokio::io::BufReader::new(stream));
        client.hears().await;
        assert!(!client.says("EHLO x\r\n").await.contains("AUTH"));
        let plain = STANDARD.encode("\0anna\0correct horse");
        let said = client.says(&format!("AUTH PLAIN {plain}\r\n")).await;
        assert_eq!(said, "538 5.7.11 say STARTTLS first: nobody signs in without TLS\r\n");
    }
    let stream = TcpStream::connect(listener.addresses[1]).await.unwrap();
    let mut client = Client(tokio::io::BufReader::new(stream));
    client.hears().await;
    client.says("EHLO x\r\n").await;
    let said = client.says("MAIL FROM:<anna@example.com>\r\n").await;
    assert_eq!(said, "530 5.7.0 say STARTTLS first\r\n");
}

const SMTPLIB: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for name, password, code in (("anna", "correct horse", 235), ("anna", "wrong", 535), ("nobody", "x", 535)):
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
        smtp.starttls(context=context)
        try:
            print(code == smtp.login(name, password)[0])
        except smtplib.SMTPAuthenticationError as error:
            print(code == error.smtp_code)
"#;

#[tokio::test]
async fn smtplib_signs_in() {
    let listener = office(|_| {}).await;
    let port = listener.addresses[1].port().to_string();
    let output = run("python3", "python3", &["-", &port], SMTPLIB).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "True\nTrue\nTrue\n", "{output:?}");
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// Signs in by SCRAM-SHA-256 as RFC 5802 has the client do it, and checks the server in its turn.
async fn scram(client: &mut TlsClient, name: &str, password: &str) -> String {
    client.says("EHLO client.example\r\n").await;
    let bare = format!("n={name},r=fyko+d2lbbFgONRv9qkxdawL");
    let said =
        client.says(&format!("AUTH SCRAM-SHA-256 {}\r\n", STANDARD.encode(format!("n,,{bare}")))).await;
    let challenge = String::from_utf8(STANDARD.decode(said[4..].trim()).unwrap()).unwrap();
    let part = |key: &str| challenge.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
    let (nonce, salt, rounds) =
        (part("r="), STANDARD.decode(part("s=")).unwrap(), part("i=").parse().unwrap());
    assert!(nonce.starts_with("fyko+d2lbbFgONRv9qkxdawL") && nonce.len() > 40);
    let mut salted = [0; 32];
    let rounds = NonZeroU32::new(rounds).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
    let client_key = sign(&salted, b"Client Key");
    let stored = digest::digest(&digest::SHA256, &client_key);
    let exchange = format!("{bare},{challenge},c=biws,r={nonce}");
    let signature = sign(stored.as_ref(), exchange.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
    let last = format!("c=biws,r={nonce},p={}", STANDARD.encode(proof));
    let said = client.says(&format!("{}\r\n", STANDARD.encode(last))).await;
    let Some(verifier) = said.strip_prefix("334 ") else { return said };
    let expected = STANDARD.encode(sign(&sign(&salted, b"Server Key"), exchange.as_bytes()));
    assert_eq!(STANDARD.decode(verifier.trim()).unwrap(), format!("v={expected}").into_bytes());
    client.says("\r\n").await
}

#[tokio::test]
async fn scram_proves_both_sides() {
    let listener = office(|_| {}).await;
    let mut client = started(&listener, None).await;
    assert_eq!(scram(&mut client, "anna", "correct horse").await, "235 2.7.0 you are in\r\n");
    assert!(client.says("MAIL FROM:<anna@example.com>\r\n").await.starts_with("250"));
    let said = client.says("RCPT TO:<+12125550123@fax.example.com>\r\n").await;
    assert!(said.starts_with("250"), "{said}");
    for (name, password) in [("anna", "wrong horse"), ("nobody", "correct horse")] {
        let mut client = started(&listener, None).await;
        let said = scram(&mut client, name, password).await;
        assert_eq!(said, "535 5.7.8 name or password is wrong\r\n", "{name}");
        assert!(client.says("MAIL FROM:<anna@example.com>\r\n").await.starts_with("250"));
        let said = client.says("RCPT TO:<+12125550123@fax.example.com>\r\n").await;
        assert!(said.starts_with("550 5.7.1 your mail server (127.0.0.1) may not"), "{said}");
    }
}

#[tokio::test]
async fn guessing_is_slow_and_then_over() {
    let listener = office(|config| config.auth_failures_max = 4).await;
    let guess = format!("AUTH PLAIN {}\r\n", STANDARD.encode("\0anna\0guess me"));
    let began = Instant::now();
    let mut failed = 0;
    let over = loop {
        let mut client = started(&listener, None).await;
        client.says("EHLO x\r\n").await;
        let mut said = client.says(&guess).await;
        while said.starts_with("535") {
            failed += 1;
            said = client.says(&guess).await;
            if said.starts_with("421 4.7.0 too many attempts to sign in have failed\r\n") {
                break;
            }
        }
        if said.contains("please try again later") {
            break said;
        }
    };
    assert_eq!(over, "421 4.7.0 too many attempts to sign in have failed; please try again later\r\n");
    assert_eq!(failed, 4);
    assert!(began.elapsed() >= Duration::from_millis(400), "each was answered late");
    // The right password does not help now, by no mechanism; nor does it tell that it is right.
    let mut client = started(&listener, None).await;
    client.says("EHLO x\r\n").await;
    let right = STANDARD.encode("\0anna\0correct horse");
    assert_eq!(client.says(&format!("AUTH PLAIN {right}\r\n")).await, over);
    assert_eq!(scram(&mut started(&listener, None).await, "anna", "correct horse").await, over);
    // Others who need no password are served meanwhile.
    assert!(listener.client().await.says("EHLO x\r\n").await.starts_with("250"));
}

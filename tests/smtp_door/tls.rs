//! TLS at the door: STARTTLS and TLS from the first octet, certificates of both sides, and what an attacker on
//! the way could try.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::clients::swaks;
use super::support::{Client, Listener};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// A client that takes any certificate and remembers nothing: what it saw is asked of the connection.
#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate and its key, in PEM.
pub(crate) fn pair(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn connector(own: Option<&(String, String)>) -> TlsConnector {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting));
    let config = match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// What shows one certificate and signs with the key of another.
fn stolen(certificate: &str, key: &str) -> TlsConnector {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = default_provider().key_provider.load_private_key(key).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting));
    TlsConnector::from(Arc::new(builder.with_client_cert_resolver(Arc::new(shown))))
}

async fn handshake(stream: TcpStream, own: Option<&(String, String)>) -> Client<TlsStream<TcpStream>> {
    let name = ServerName::try_from("fax.example.com").unwrap();
    Client(BufReader::new(connector(own).connect(name, stream).await.unwrap()))
}

/// A client that has said STARTTLS and shaken hands.
pub(crate) async fn started(
    listener: &Listener,
    own: Option<&(String, String)>,
) -> Client<TlsStream<TcpStream>> {
    let mut client = listener.client().await;
    assert!(client.says("EHLO client.example\r\n").await.contains("STARTTLS\r\n"));
    assert!(client.says("STARTTLS\r\n").await.starts_with("220 2.0.0"));
    handshake(client.0.into_inner(), own).await
}

/// The certificate that the server at this address shows now.
async fn shown(listener: &Listener) -> CertificateDer<'static> {
    let client = started(listener, None).await;
    client.0.get_ref().get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

async fn faxes<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(client: &mut Client<S>) -> String {
    for line in
        ["EHLO client.example", "MAIL FROM:<anna@example.com>", "RCPT TO:<+12125550123@fax.example.com>"]
    {
        let said = client.says(&format!("{line}\r\n")).await;
        if !said.starts_with("250") {
            return said;
        }
    }
    assert!(client.says("DATA\r\n").await.starts_with("354"));
    client.says("Subject: x\r\n\r\nhello\r\n.\r\n").await
}

#[tokio::test]
async fn a_mail_over_starttls_with_a_certificate_of_our_own_making() {
    let listener = Listener::start().await;
    let mut client = started(&listener, None).await;
    assert!(client.says("MAIL FROM:<anna@example.com>\r\n").await.starts_with("503 5.5.1 say EHLO first"));
    assert!(!client.says("EHLO client.example\r\n").await.contains("STARTTLS"));
    assert!(faxes(&mut client).await.starts_with("250 2.0.0 accepted"));
    let jobs = listener.jobs().await;
    assert!(listener.message(&jobs[0]).await.contains("with ESMTPS id"));
    assert!(client.says("QUIT\r\n").await.starts_with("221"));
}

#[tokio::test]
async fn swaks_sends_over_tls_both_ways() {
    let listener = Listener::with(|config| config.listen_tls = vec![([127, 0, 0, 1], 0).into()]).await;
    let envelope = ["--from", "anna@example.com", "--to", "FAX=+12125550123@fax.example.com"];
    for (address, how) in [(listener.addresses[0], "--tls"), (listener.addresses[1], "--tls-on-connect")] {
        let (sent, talk) = swaks(address, &[&envelope[..], &[how]].concat()).await;
        assert!(sent && talk.contains("accepted for faxing as") && talk.contains("TLS started"), "{talk}");
    }
    assert_eq!(listener.jobs().await.len(), 2);
}

#[tokio::test]
async fn what_an_attacker_puts_behind_starttls_is_not_obeyed() {
    let listener = Listener::start().await;
    let mut client = listener.client().await;
    client.sends(b"EHLO x\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<anna@example.com>\r\n").await;
    assert!(client.hears().await.contains("STARTTLS"));
    let refused = "554 5.5.0 you did not wait for the reply to STARTTLS; goodbye\r\n";
    assert_eq!(client.hears_out().await, refused);
    // Commands that come in a packet of their own where the handshake should be are no handshake.
    let mut client = listener.client().await;
    client.says("EHLO x\r\n").await;
    assert!(client.says("STARTTLS\r\n").await.starts_with("220"));
    client.sends(b"MAIL FROM:<anna@example.com>\r\nRCPT TO:<+12125550123@fax.example.com>\r\n").await;
    assert!(!client.hears_all().await.windows(3).any(|w| w == b"250"), "an alert, and the end");
    // One that came before is forgotten with all that was said.
    let mut client = listener.client().await;
    client.says("EHLO x\r\nMAIL FROM:<anna@example.com>\r\n").await;
    client.hears().await;
    assert!(client.says("STARTTLS\r\n").await.starts_with("220"));
    let mut client = handshake(client.0.into_inner(), None).await;
    client.says("EHLO x\r\n").await;
    assert!(client.says("RCPT TO:<+12125550123@fax.example.com>\r\n").await.starts_with("503"));
}

#[tokio::test]
async fn where_tls_is_required_nothing_goes_without() {
    let listener = Listener::with(|config| config.tls.required = true).await;
    let mut client = listener.client().await;
    assert_eq!(faxes(&mut client).await, "530 5.7.0 say STARTTLS first\r\n");
    assert!(faxes(&mut started(&listener, None).await).await.starts_with("250"));
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_does_not_stay() {
    let listener = Listener::with(|config| config.command_timeout = Duration::from_millis(200)).await;
    let mut client = listener.client().await;
    client.says("EHLO x\r\n").await;
    assert!(client.says("STARTTLS\r\n").await.starts_with("220"));
    assert_eq!(client.hears_out().await, "");
}

#[tokio::test]
async fn a_listed_certificate_lets_a_client_in_from_anywhere() {
    let (listed, other) = (pair("mail.example.com"), pair("mail.example.com"));
    let der = CertificateDer::from_pem_slice(listed.0.as_bytes()).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &der);
    let fingerprint: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let listener = Listener::of(
        |config| config.tls.client_certificates = true,
        |policy| {
            policy.networks = vec![];
            policy.certificates = vec![fingerprint.join(":")];
        },
    )
    .await;
    let denied = "550 5.7.1 your mail server (127.0.0.1) may not send faxes through this gateway";
    assert!(faxes(&mut started(&listener, None).await).await.starts_with(denied));
    assert!(faxes(&mut started(&listener, Some(&other)).await).await.starts_with(denied));
    assert!(faxes(&mut started(&listener, Some(&listed)).await).await.starts_with("250"));
    let proof = format!("{:?}", listener.jobs().await[0].sender.proof);
    assert_eq!(proof, format!("Certificate({:?})", fingerprint.concat().to_lowercase()));
    // The certificate alone is worth nothing: who shows it must sign with its key.
    let mut thief = listener.client().await;
    thief.says("EHLO x\r\n").await;
    assert!(thief.says("STARTTLS\r\n").await.starts_with("220"));
    let name = ServerName::try_from("fax.example.com").unwrap();
    if let Ok(stream) = stolen(&listed.0, &other.1).connect(name, thief.0.into_inner()).await {
        // With TLS 1.3 the client is done before the server has looked.
        let mut thief = Client(BufReader::new(stream));
        let _ = thief.0.write_all(b"EHLO x\r\n").await;
        assert_eq!(thief.hears_all().await, b"");
    }
    assert_eq!(listener.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let write = |dir: &Path| {
        let (certificate, key) = pair("fax.example.com");
        std::fs::write(dir.join("c.pem"), &certificate).unwrap();
        std::fs::write(dir.join("k.pem"), key).unwrap();
        CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().into_owned()
    };
    let first = write(dir.path());
    let listener = Listener::with(|config| {
        config.tls.certificate = Some(dir.path().join("c.pem"));
        config.tls.key = Some(dir.path().join("k.pem"));
        config.tls.reload_every = Duration::from_millis(20);
    })
    .await;
    assert_eq!(shown(&listener).await, first);
    let mut talking = started(&listener, None).await;
    let second = write(dir.path());
    let changed = async { while shown(&listener).await != second {} };
    tokio::time::timeout(Duration::from_secs(20), changed).await.unwrap();
    assert!(faxes(&mut talking).await.starts_with("250"), "who is talking goes on");
}

/// `openssl s_client`, as an administrator tries it.
#[tokio::test]
async fn openssl_reaches_the_session_over_starttls() {
    let listener = Listener::start().await;
    let said = openssl(listener.address, &["-starttls", "smtp"]).await;
    assert!(said.contains("TLSv1.3") && said.contains("221 2.0.0"), "{said}");
    let said = openssl(listener.address, &["-starttls", "smtp", "-tls1_2"]).await;
    assert!(said.contains("TLSv1.2") && said.contains("221 2.0.0"), "{said}");
    let said = openssl(listener.address, &["-starttls", "smtp", "-tls1_1"]).await;
    assert!(!said.contains("221 2.0.0"), "{said}");
}

async fn openssl(server: SocketAddr, more: &[&str]) -> String {
    let server = server.to_string();
    let arguments = [&["s_client", "-quiet", "-brief", "-crlf", "-connect", &server], more].concat();
    let output = super::clients::run("openssl", "openssl", &arguments, "QUIT\n").await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text + &String::from_utf8_lossy(&output.stderr)
}

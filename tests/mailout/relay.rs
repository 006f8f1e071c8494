//! Mail to an SMTP server that works, that refuses, and that is not there.

use std::path::PathBuf;
use std::time::Duration;

use faxgate::mailer::relay::{RelayConfig, RelayTls};
use faxgate::mailer::{Mail, Mailer, MailerConfig, MailerError, MailerKind, Relay};
use tokio::net::TcpListener;

use crate::sink::{Sink, Tls};

fn config(port: u16) -> RelayConfig {
    RelayConfig { host: "127.0.0.1".into(), port, timeout: Duration::from_secs(20), ..RelayConfig::default() }
}

fn relay(port: u16) -> Relay {
    Relay::new(&config(port), "gw.example.com").unwrap()
}

fn mail() -> Mail {
    Mail {
        from: None,
        to: "anna@example.com".into(),
        data: b"Subject: x\r\n\r\n.a dot\r\n..\r\nbody\r\n".to_vec(),
        key: "k".into(),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_made() {
    let sink = Sink::start(&[]).await;
    let relay = relay(sink.port);
    relay.send(&mail()).await.unwrap();
    for to in ["fax@localhost", "\"anna b\"@example.com", "anna@[192.0.2.1]", "FAX=+12125550123@example.com"]
    {
        let elsewhere = Mail { to: to.into(), ..mail() };
        relay.send(&elsewhere).await.unwrap_or_else(|error| panic!("{to}: {error}"));
    }
    assert_eq!(sink.taken()[2].to, "\"anna b\"@example.com");
    let from_somebody = Mail { from: Some("fax@example.com".into()), ..mail() };
    relay.send(&from_somebody).await.unwrap();
    let taken = sink.taken();
    assert_eq!(taken.len(), 6);
    assert_eq!((taken[0].from.as_str(), taken[0].to.as_str()), ("", "anna@example.com"));
    assert_eq!(taken[0].data.as_bytes(), mail().data, "dots too");
    assert_eq!(taken[5].from, "fax@example.com");
}

#[tokio::test]
async fn refusals_are_graded_and_the_next_mail_still_goes() {
    for (verb, reply, permanent) in [
        ("connect", "421 too busy", false),
        ("MAIL", "451 greylisted", false),
        ("RCPT", "450 mailbox busy", false),
        ("RCPT", "452 full", false),
        ("RCPT", "550 no such user", true),
        ("RCPT", "553 no such syntax", true),
        ("DATA", "554 no", true),
        (".", "451 later", false),
        (".", "552 too large", true),
        ("MAIL", "530 authentication required", false),
        ("RCPT", "hang up", false),
        ("MAIL", "gibberish", false),
    ] {
        let sink = Sink::start(&[(verb, reply)]).await;
        let relay = relay(sink.port);
        let error = relay.send(&mail()).await.unwrap_err();
        assert_eq!(matches!(error, MailerError::Permanent(_)), permanent, "{verb} {reply}: {error}");
        assert_eq!(sink.taken(), [], "{verb} {reply}");
        relay.send(&mail()).await.unwrap_or_else(|error| panic!("after {verb} {reply}: {error}"));
        assert_eq!(sink.taken().len(), 1, "{verb} {reply}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = relay(port).send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailerError::Temporary(_)), "{error}");

    // It accepts and never greets.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let impatient =
        RelayConfig { timeout: Duration::from_millis(100), ..config(silent.local_addr().unwrap().port()) };
    let relay = Relay::new(&impatient, "gw.example.com").unwrap();
    let error = relay.send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailerError::Temporary(_)), "{error}");
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mailout/tls").join(name)
}

#[tokio::test]
async fn a_login_goes_over_tls_to_a_server_that_proved_itself() {
    let dir = tempfile::tempdir().unwrap();
    let password_file = dir.path().join("password");
    std::fs::write(&password_file, "secret\n").unwrap();
    for (offer, tls) in [(Tls::Offered, RelayTls::Starttls), (Tls::AtOnce, RelayTls::Implicit)] {
        let sink = Sink::start_with(offer, &[]).await;
        let config = RelayConfig {
            tls,
            ca_file: Some(file("ca.pem")),
            user: "fax".into(),
            password_file: Some(password_file.clone()),
            ..config(sink.port)
        };
        Relay::new(&config, "gw.example.com").unwrap().send(&mail()).await.unwrap();
        let taken = sink.taken().remove(0);
        assert!(taken.encrypted, "{tls:?}");
        assert_eq!(taken.login, "PLAIN AGZheABzZWNyZXQ=", "NUL fax NUL secret");

        let stranger = RelayConfig { ca_file: None, ..config };
        let error = Relay::new(&stranger, "gw.example.com").unwrap().send(&mail()).await.unwrap_err();
        assert!(matches!(error, MailerError::Temporary(_)), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert_eq!(sink.taken().len(), 1, "nothing goes to a server that nobody vouches for");
    }
}

#[tokio::test]
async fn a_refused_login_is_worth_another_try() {
    let dir = tempfile::tempdir().unwrap();
    let password_file = dir.path().join("password");
    std::fs::write(&password_file, "old").unwrap();
    let sink = Sink::start_with(Tls::AtOnce, &[("AUTH", "535 5.7.8 wrong password")]).await;
    let config = RelayConfig {
        tls: RelayTls::Implicit,
        ca_file: Some(file("ca.pem")),
        user: "fax".into(),
        password_file: Some(password_file),
        ..config(sink.port)
    };
    let error = Relay::new(&config, "gw.example.com").unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailerError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn opportunity_is_taken_with_any_certificate_and_not_missed_without() {
    for offer in [Tls::Offered, Tls::Never] {
        let sink = Sink::start_with(offer, &[]).await;
        let config = RelayConfig { tls: RelayTls::Opportunistic, ..config(sink.port) };
        Relay::new(&config, "gw.example.com").unwrap().send(&mail()).await.unwrap();
        assert_eq!(sink.taken()[0].encrypted, offer == Tls::Offered);
    }
}

#[tokio::test]
async fn encryption_that_was_asked_for_is_never_left_out() {
    let sink = Sink::start(&[]).await;
    for tls in [RelayTls::Starttls, RelayTls::Implicit] {
        let config = RelayConfig { tls, timeout: Duration::from_secs(2), ..config(sink.port) };
        let relay = Relay::new(&config, "gw.example.com").unwrap();
        let error = relay.send(&mail()).await.unwrap_err();
        assert!(matches!(error, MailerError::Temporary(_)), "{tls:?}: {error}");
    }
    assert_eq!(sink.taken(), []);
}

#[tokio::test]
async fn what_is_no_address_is_refused_for_good_and_reaches_no_server() {
    let sink = Sink::start(&[]).await;
    for to in ["", "anna", "anna@example.com>\r\nRCPT TO:<victim@example.com", "a b@example.com"] {
        let bad = Mail { to: to.into(), ..mail() };
        let error = relay(sink.port).send(&bad).await.unwrap_err();
        assert!(matches!(error, MailerError::Permanent(_)), "{to:?}: {error}");
    }
    assert_eq!(sink.taken(), []);
}

#[test]
fn settings_that_cannot_work_are_told_at_the_start() {
    let mut config = MailerConfig { kind: MailerKind::Relay, ..MailerConfig::default() };
    assert!(config.build("gw").is_ok());
    config.relay.user = "fax".into();
    assert!(config.build("gw").err().unwrap().contains("password_file"));
    config.relay.password_file = Some(PathBuf::from("/does/not/exist"));
    assert!(config.build("gw").err().unwrap().contains("/does/not/exist"));
    config.relay.host = "mail.example.com".into();
    assert!(config.build("gw").err().unwrap().contains("could be read on the way"));
    config.relay.tls = RelayTls::Starttls;
    config.relay.ca_file = Some(file("server.key"));
    assert!(config.build("gw").err().unwrap().contains("no certificate"));
    config.relay.ca_file = None;
    config.relay.user.clear();
    config.relay.timeout = Duration::ZERO;
    assert!(config.build("gw").err().unwrap().contains("timeout"));
    config.kind = MailerKind::Maildir;
    assert!(config.build("gw").is_ok(), "settings of the other way do not matter");
}

//! Talks over the wire, by hand.

use faxgate::job::{Door, Proof};
use milter_proto::{Command, Peer, VERSION};

use super::support::{MailServer, Milter};

const FAX: &str = "<+12125550123@fax.example.com>";

#[tokio::test]
async fn a_fax_alone_is_taken_and_dropped() {
    let milter = Milter::start().await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    assert_eq!(server.rcpt(FAX).await, "c");
    assert_eq!(
        server.content(&[("Subject", "hello\n there"), ("X-Fax-Job", "mine")], "text\r\n").await,
        ["d"]
    );
    let jobs = milter.jobs().await;
    let [job] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!(job.door, Door::Milter);
    assert_eq!(job.sender.proof, Proof::Network("192.0.2.7".into()));
    let message = milter.message(job).await;
    let (trace, text) = message.split_once("Subject:").unwrap();
    let line = "Received: from client.example ([192.0.2.7])\r\n\tby mx.example.com (Faxgate milter) with SMTP id 4FzQ;";
    assert!(trace.starts_with(line) && trace.ends_with("+0000\r\n"), "{trace}");
    assert_eq!(text, " hello\r\n there\r\n\r\ntext\r\n");
}

#[tokio::test]
async fn mixed_mail_goes_on_without_what_is_ours() {
    let milter = Milter::start().await;
    let mut server = milter.server_over_unix().await;
    for round in 0..3 {
        server.mail("<anna@example.com>").await;
        assert_eq!(server.rcpt("<bob@example.com>").await, "c");
        assert_eq!(server.rcpt(FAX).await, "c");
        assert_eq!(server.rcpt("<2125550124@FAX.example.com>").await, "c");
        let headers = [("X-Fax-Job", "foreign"), ("Subject", "x"), ("x-fax-job", "foreign too")];
        let said = server.content(&headers, "text\r\n").await;
        let jobs = milter.jobs().await;
        assert_eq!(jobs.len(), 2 * (round + 1));
        assert_eq!(
            said[..4],
            [
                "-<+12125550123@fax.example.com>",
                "-<2125550124@FAX.example.com>",
                "m X-Fax-Job",
                "m X-Fax-Job"
            ]
        );
        let mut named: Vec<_> =
            said[4..6].iter().map(|field| field.trim_start_matches("hX-Fax-Job ")).collect();
        named.sort_unstable();
        assert!(named.iter().all(|name| jobs.iter().any(|job| job.id.as_str() == *name)), "{said:?}");
        assert_eq!(said[6..], ["a"]);
        // What Postfix says between messages.
        server.says(&Command::Abort).await;
    }
}

#[tokio::test]
async fn who_may_not_and_what_is_no_number_is_refused_in_our_words() {
    let milter = Milter::start().await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    for (recipient, said) in [
        ("<anna@fax.example.com>", "y553 5.1.3 \"anna\" is no fax number"),
        ("<911@fax.example.com>", "y550 5.7.1 911 is, or begins like, an emergency number"),
        ("<100%@fax.example.com>", "y553 5.1.3 \"100%%\" is no fax number"),
        ("<two words@fax.example.com>", "y553 5.1.3 \"two words@fax.example.com\" is no mail address"),
        ("<+4930123456@fax.example.com>", "y550 5.7.1 faxes to +4930123456 are not permitted"),
        ("<postmaster@fax.example.com>", "y550 5.1.1 this gateway only sends faxes"),
        ("<anna@example.org>", "c"),
        ("<postmaster>", "c"),
    ] {
        let got = server.rcpt(recipient).await;
        assert!(got.starts_with(said), "{recipient}: {got}");
    }
    let mut stranger = MailServer::new(milter.stream().await);
    stranger.negotiate(VERSION).await;
    stranger.client("198.51.100.1").await;
    stranger.macros(b'M', &[("{auth_authen}", "ann")]).await;
    stranger.mail("<anna@example.com>").await;
    assert!(stranger.rcpt(FAX).await.starts_with("y550 5.7.1 your mail server (198.51.100.1) may not"));
    assert_eq!(milter.jobs().await, []);
}

#[tokio::test]
async fn a_login_counts_where_it_is_believed() {
    let milter = Milter::with(|config| config.trust_mta_auth = true).await;
    let mut server = MailServer::new(milter.stream().await);
    server.negotiate(VERSION).await;
    server.client("198.51.100.1").await;
    server.macros(b'M', &[("{auth_authen}", "ann")]).await;
    server.mail("<anna@example.com>").await;
    assert_eq!(server.rcpt(FAX).await, "c");
    assert_eq!(server.content(&[], "text").await, ["d"]);
    assert_eq!(milter.jobs().await[0].sender.proof, Proof::Login("ann".into()));
    server.macros(b'M', &[]).await;
    server.mail("<anna@example.com>").await;
    assert!(server.rcpt(FAX).await.starts_with("y550 5.7.1"), "the login was for the last message");
}

#[tokio::test]
async fn an_old_mail_server_is_served_too() {
    let milter = Milter::start().await;
    let mut server = MailServer::new(milter.stream().await);
    server.negotiate(2).await;
    server.client("192.0.2.7").await;
    for (recipient, at_header) in [(FAX, "c"), ("<bob@example.com>", "a")] {
        assert_eq!(server.mail("<anna@example.com>").await, "c");
        assert_eq!(server.rcpt(recipient).await, "c");
        // There is no DATA, and every field is answered.
        assert_eq!(server.asks(&Command::Header { name: b"Subject", value: b"x" }).await, at_header);
        if at_header == "c" {
            assert_eq!(server.asks(&Command::Eoh).await, "c");
            assert_eq!(server.asks(&Command::BodyEob(b"text")).await, "d");
        }
        server.says(&Command::Abort).await;
    }
    assert_eq!(milter.jobs().await.len(), 1);
}

#[tokio::test]
async fn the_same_mail_again_is_one_fax() {
    let milter = Milter::start().await;
    for _ in 0..2 {
        let mut server = milter.server().await;
        server.mail("<anna@example.com>").await;
        server.rcpt(FAX).await;
        assert_eq!(server.content(&[("Message-ID", "<1@example.com>")], "text").await, ["d"]);
        // The mail server dies, and never says goodbye.
    }
    assert_eq!(milter.jobs().await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_faxed_refuses_the_message() {
    let milter = Milter::start().await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    server.rcpt("<bob@example.com>").await;
    server.rcpt(FAX).await;
    let said = server.content(&[], "contract.xyz").await;
    assert_eq!(said, ["y554 5.6.1 the attachment contract.xyz cannot be faxed"]);
    milter.store.close().await.unwrap();
    server.mail("<anna@example.com>").await;
    server.rcpt("<bob@example.com>").await;
    server.rcpt(FAX).await;
    let said = server.content(&[], "text").await;
    assert_eq!(said, ["y451 4.3.0 the gateway cannot keep the message just now; please try again later"]);
}

/// `SMFIC_QUIT_NC`: what was known of the first client does not count for the second.
#[tokio::test]
async fn another_client_over_the_same_connection_begins_anew() {
    let milter = Milter::with(|config| config.trust_mta_auth = true).await;
    let mut server = milter.server().await;
    server.macros(b'M', &[("{auth_authen}", "ann")]).await;
    server.mail("<anna@example.com>").await;
    assert_eq!(server.rcpt(FAX).await, "c");
    assert_eq!(server.asks(&Command::Data).await, "c");
    assert_eq!(server.asks(&Command::Body(b"half a mess")).await, "c");
    server.says(&Command::QuitNc).await;
    // With no macros of its own, which would hide those of the first.
    let peer = Peer::Inet { address: b"198.51.100.1", port: 4711 };
    server.asks(&Command::Connect { host: b"client.example", peer }).await;
    server.asks(&Command::Helo { name: b"client.example" }).await;
    server.mail("<anna@example.com>").await;
    assert!(server.rcpt(FAX).await.starts_with("y550 5.7.1"), "neither address nor login is the second's");
    server.says(&Command::QuitNc).await;
    server.client("192.0.2.7").await;
    server.mail("<anna@example.com>").await;
    assert_eq!(server.rcpt(FAX).await, "c");
    assert_eq!(server.content(&[], "whole").await, ["d"]);
    let jobs = milter.jobs().await;
    let [job] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!(job.sender.proof, Proof::Network("192.0.2.7".into()));
    assert!(milter.message(job).await.ends_with("whole"), "nothing of what broke off");
}

/// Every version from 2 on, and one that is not there yet.
#[tokio::test]
async fn every_version_takes_a_fax() {
    let milter = Milter::start().await;
    for version in 2..=6 {
        let mut server = MailServer::new(milter.stream().await);
        server.negotiate(version).await;
        server.client("192.0.2.7").await;
        assert!(["", "c"].contains(&server.mail("<anna@example.com>").await.as_str()), "version {version}");
        assert_eq!(server.rcpt(FAX).await, "c", "version {version}");
        server.asks(&Command::Header { name: b"Subject", value: b"x" }).await;
        server.asks(&Command::Eoh).await;
        server.says(&Command::BodyEob(format!("version {version}").as_bytes())).await;
        assert_eq!(server.ending().await, ["d"], "version {version}");
    }
    assert_eq!(milter.jobs().await.len(), 5);
}

//! Mail servers that take too much, too long, or say what is no milter protocol; and a gateway that stops.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use faxgate::clock::SystemClock;
use faxgate::door::milter::{Listen, MilterConfig, Server};
use faxgate::store::{JobFilter, Store};
use milter_proto::{Command, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::support::{Milter, SLOW};

const FAX: &str = "<+12125550123@fax.example.com>";
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_hears_that_it_takes_a_while() {
    let milter = Milter::with(|config| config.progress_every = SLOW / 6).await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    server.rcpt(FAX).await;
    // A short plain text would not be waited for.
    let said = server.content(&[("Content-Type", "text/html")], "slow").await;
    assert!(said.len() > 2 && said[..said.len() - 1].iter().all(|word| word == "p"), "{said:?}");
    assert_eq!(said.last().unwrap(), "d");
}

#[tokio::test]
async fn a_large_message_is_refused_before_its_end() {
    let milter = Milter::with(|config| config.message_bytes_max = 65536).await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    server.rcpt(FAX).await;
    let said = server.content(&[], &"x".repeat(200_000)).await;
    assert_eq!(said, ["y552 5.3.4 the message is too large; 65536 bytes are allowed"]);
    // Somebody else's may be as large as it likes.
    server.mail("<anna@example.com>").await;
    server.rcpt("<bob@example.com>").await;
    assert_eq!(server.content(&[], "x").await, ["a"]);
}

#[tokio::test]
async fn a_mail_that_waits_for_a_place_gets_it() {
    let milter = Milter::with(|config| config.transfers_max = 1).await;
    let (mut first, mut second) = (milter.server().await, milter.server().await);
    for server in [&mut first, &mut second] {
        server.mail("<anna@example.com>").await;
        server.rcpt(FAX).await;
    }
    assert_eq!(first.asks(&Command::Data).await, "c");
    second.says(&Command::Data).await;
    assert!(tokio::time::timeout(SHORT, second.hears()).await.is_err(), "there is one place");
    first.says(&Command::Abort).await;
    assert_eq!(second.hears().await.unwrap(), b"c");
}

#[tokio::test]
async fn connections_are_limited_and_places_come_back() {
    let milter = Milter::with(|config| config.sessions_max = 1).await;
    let server = milter.server().await;
    let mut second = milter.stream().await;
    assert_eq!(second.read(&mut [0; 1]).await.unwrap(), 0);
    drop(server);
    // The place is free when the milter has seen the end of the connection, a moment after we have.
    while tokio::time::timeout(SHORT, milter.stream().await.read(&mut [0; 1])).await.is_ok() {}
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let milter = Milter::with(|config| config.idle_timeout = SHORT).await;
    let mut server = milter.server().await;
    assert_eq!(server.hears().await, None);
    let milter = Milter::with(|config| config.data_timeout = SHORT).await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    server.rcpt(FAX).await;
    server.asks(&Command::Data).await;
    assert_eq!(server.hears().await, None);
    assert_eq!(milter.jobs().await, []);
}

#[tokio::test]
async fn garbage_is_not_answered_and_harms_nobody() {
    let milter = Milter::start().await;
    let mut other = milter.server().await;
    let connect = b"\0\0\0\x0cClocalhost\0U";
    for garbage in [
        &b"EHLO client.example\r\nQUIT\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x01Z",
        b"\0\0\0\x0dO\0\0\0\x01\0\0\x01\xff\0\x1f\xff\xff",
        b"\0\0\0\x0dO\0\0\0\x06\0\0\0\x01\0\x1f\xff\xff",
        connect,
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ] {
        let mut stream = milter.stream().await;
        stream.write_all(garbage).await.unwrap();
        let mut said = Vec::new();
        // Closed, or reset with bytes of ours unread.
        let _ = stream.read_to_end(&mut said).await;
        assert_eq!(said, b"", "{garbage:?}");
    }
    other.mail("<anna@example.com>").await;
    assert_eq!(other.rcpt(FAX).await, "c");
}

#[tokio::test]
async fn a_command_out_of_order_ends_the_connection() {
    let milter = Milter::start().await;
    for command in
        [Command::Eoh, Command::BodyEob(b"x"), Command::Connect { host: b"x", peer: Peer::Unknown }]
    {
        let mut server = milter.server().await;
        server.says(&command).await;
        assert_eq!(server.hears().await, None, "{command:?}");
    }
}

#[tokio::test]
async fn a_message_that_breaks_off_is_not_kept() {
    let milter = Milter::start().await;
    let mut server = milter.server().await;
    server.mail("<anna@example.com>").await;
    server.rcpt(FAX).await;
    server.asks(&Command::Data).await;
    server.asks(&Command::Body(b"half a mess")).await;
    drop(server);
    let mut other = milter.server().await;
    other.mail("<anna@example.com>").await;
    other.rcpt("<+12125550124@fax.example.com>").await;
    assert_eq!(other.content(&[], "whole").await, ["d"]);
    assert_eq!(milter.jobs().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_defers_what_has_begun_and_sees_through_what_is_being_kept() {
    let milter = Milter::start().await;
    let mut idle = milter.server().await;
    let mut begun = milter.server().await;
    let mut ending = milter.server().await;
    for server in [&mut begun, &mut ending] {
        server.mail("<anna@example.com>").await;
        assert_eq!(server.rcpt("<bob@example.com>").await, "c");
        assert_eq!(server.rcpt(FAX).await, "c");
    }
    let kept = tokio::spawn(async move { ending.content(&[], "slow").await });
    tokio::time::sleep(SLOW / 3).await;
    milter.shutdown.send(true).unwrap();
    assert_eq!(idle.hears().await, None, "nothing is owed to it");
    assert!(
        begun.rcpt("<+12125550124@fax.example.com>").await.starts_with("y451 4.3.2 the gateway is shutting")
    );
    assert_eq!(begun.rcpt("<carl@example.com>").await, "c");
    assert!(begun.content(&[], "text").await[0].starts_with("y451 4.3.2 the gateway is shutting down"));
    assert_eq!(begun.hears().await, None);
    assert_eq!(kept.await.unwrap().last().unwrap(), "a");
    milter.running.await.unwrap();
    let jobs = milter.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert!(!milter.dir.path().join("milter.sock").exists());
}

/// What a dead gateway left is replaced; what lives, or is no socket, stays.
#[tokio::test]
async fn a_socket_has_one_owner_and_its_mode() {
    let milter = Milter::with(|config| config.socket_mode = "600".into()).await;
    let Listen::Unix(path) = milter.places[1].clone() else { panic!() };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let bind = async |path: &std::path::Path| {
        let config = MilterConfig { listen: vec![Listen::Unix(path.to_owned())], ..MilterConfig::default() };
        Server::bind(config, milter.submit.clone(), Arc::new(SystemClock)).await.map(|server| server.places())
    };
    assert!(bind(&path).await.is_err(), "it is in use");
    let dead = milter.dir.path().join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    assert!(bind(&dead).await.is_ok());
    let file = milter.dir.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    assert!(bind(&file).await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

/// A mail server that dies at any byte of a message leaves nothing behind, and hears nothing that it was not owed.
#[tokio::test]
async fn a_connection_may_end_at_any_byte() {
    let milter = Milter::start().await;
    let mut whole = Vec::new();
    for command in [
        Command::Mail { sender: b"<anna@example.com>", parameters: vec![b"SIZE=100"] },
        Command::Rcpt { recipient: FAX.as_bytes(), parameters: vec![] },
        Command::Data,
        Command::Header { name: b"Subject", value: b"x" },
        Command::Eoh,
        Command::Body(b"text"),
        Command::BodyEob(b""),
    ] {
        command.encode(&mut whole).unwrap();
    }
    for end in 0..whole.len() {
        let mut server = milter.server().await;
        server.raw(&whole[..end]).await;
        drop(server);
    }
    assert_eq!(milter.jobs().await, []);
    let mut server = milter.server().await;
    server.raw(&whole).await;
    let mut said = Vec::new();
    while said.last() != Some(&b"d".to_vec()) {
        said.push(server.hears().await.unwrap());
    }
    assert_eq!(milter.jobs().await.len(), 1, "one byte more, and it is a fax: {said:?}");
}

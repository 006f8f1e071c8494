//! Clients that take too much, or too long.

use std::time::Duration;

use super::support::{Client, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn sessions_of_one_client_are_limited_and_places_come_back() {
    let listener = Listener::with(|config| config.sessions_per_client_max = 2).await;
    let first = listener.client().await;
    let _second = listener.client().await;
    let third = Client(BufReader::new(TcpStream::connect(listener.address).await.unwrap()));
    assert_eq!(third.hears_out().await, "421 4.7.0 too many sessions; please try again later\r\n");
    let mut first = first;
    first.sends(b"QUIT\r\n").await;
    assert_eq!(first.hears_out().await, "221 2.0.0 goodbye\r\n");
    // The place is free when the server has seen the end of the connection, a moment after we have.
    loop {
        let mut next = Client(BufReader::new(TcpStream::connect(listener.address).await.unwrap()));
        if next.hears().await.starts_with("220") {
            return;
        }
    }
}

#[tokio::test]
async fn silence_ends_a_session() {
    let listener = Listener::with(|config| config.command_timeout = SHORT).await;
    let client = listener.client().await;
    assert_eq!(client.hears_out().await, "421 4.4.2 you said nothing for too long\r\n");
}

#[tokio::test]
async fn silence_in_a_message_ends_it() {
    let listener = Listener::with(|config| config.data_timeout = SHORT).await;
    let mut client = listener.client_in_data().await;
    client.sends(b"half a mess").await;
    assert_eq!(client.hears_out().await, "421 4.4.2 you said nothing for too long\r\n");
    assert_eq!(listener.jobs().await, []);
}

/// A client that never pauses, and so never runs into the patience for one command.
#[tokio::test]
async fn a_session_ends_though_its_client_never_pauses() {
    let listener = Listener::with(|config| config.session_timeout = 10 * SHORT).await;
    let stream = listener.client_in_data().await.0.into_inner();
    let (mut input, mut output) = stream.into_split();
    let talking = tokio::spawn(async move { while output.write_all(&[b'x'; 4096]).await.is_ok() {} });
    let mut said = Vec::new();
    // The server hears out what is on its way for a moment, then the connection is reset.
    let _ = input.read_to_end(&mut said).await;
    assert_eq!(String::from_utf8(said).unwrap(), "421 4.4.2 this session has taken too long\r\n");
    talking.await.unwrap();
}

#[tokio::test]
async fn a_large_message_is_refused_when_it_is_declared_and_when_it_comes() {
    let listener = Listener::with(|config| config.message_bytes_max = 65536).await;
    let mut client = listener.client_in_data().await;
    for _ in 0..1000 {
        client.sends(&[b"x".repeat(998).as_slice(), b"\r\n"].concat()).await;
    }
    assert_eq!(client.says(".\r\n").await, "552 5.3.4 the message is too large; 65536 bytes are allowed\r\n");
    assert!(client.says("MAIL FROM:<anna@example.com> SIZE=65537\r\n").await.starts_with("552 5.3.4"));
    assert!(client.says("MAIL FROM:<anna@example.com> SIZE=65536\r\n").await.starts_with("250"));
    assert_eq!(listener.jobs().await, []);
}

/// The longest envelope that the door lets in is one that the store can keep.
#[tokio::test]
async fn a_hundred_recipients_with_all_their_parameters_are_kept() {
    let listener = Listener::start().await;
    let mut client = listener.client().await;
    client.says("EHLO x\r\n").await;
    let envid = "+2B".repeat(33);
    let sender = format!("{}@example.com", "a".repeat(240));
    let said = client.says(&format!("MAIL FROM:<{sender}> RET=FULL ENVID={envid}\r\n")).await;
    assert!(said.starts_with("250"), "{said}");
    for number in 0..100 {
        let address = format!("FAX=+12125550{number:03}/T33S={}", "6".repeat(20));
        let address = format!("{address}/ATTN={}/OFNA={}", "N".repeat(80), "o".repeat(94));
        let orcpt = format!("rfc822;{}", "o".repeat(493));
        let line =
            format!("RCPT TO:<{address}@fax.example.com> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT={orcpt}\r\n");
        let said = client.says(&line).await;
        assert!(said.starts_with("250"), "{said}");
    }
    assert!(client.says("RCPT TO:<15550123@fax.example.com>\r\n").await.starts_with("452 4.5.3"));
    assert!(client.says("DATA\r\n").await.starts_with("354"));
    let said = client.says("hello\r\n.\r\n").await;
    assert!(said.starts_with("250-2.0.0 accepted"), "{said}");
    assert!(said.lines().all(|line| line.len() <= 510), "{said}");
    assert_eq!(listener.jobs().await.len(), 100);
}

#[tokio::test]
async fn a_client_that_waits_for_a_place_gets_it() {
    let listener = Listener::with(|config| config.transfers_max = 1).await;
    let mut first = listener.client_in_data().await;
    let second = tokio::spawn({
        let client = listener.client().await;
        async move {
            let mut client = client;
            let group =
                "EHLO x\r\nMAIL FROM:<anna@example.com>\r\nRCPT TO:<2125550124@fax.example.com>\r\nDATA\r\n";
            client.sends(group.as_bytes()).await;
            for code in ["250", "250", "250", "354"] {
                assert!(client.hears().await.starts_with(code));
            }
            client.says("second\r\n.\r\n").await
        }
    });
    assert!(first.says("first\r\n.\r\n").await.starts_with("250"));
    assert!(second.await.unwrap().starts_with("250"));
    assert_eq!(listener.jobs().await.len(), 2);
}

#[tokio::test]
async fn a_shutdown_is_told_to_every_client() {
    let listener = Listener::start().await;
    let idle = listener.client().await;
    let mut sending = listener.client_in_data().await;
    sending.sends(b"half a mess").await;
    listener.shutdown.send(true).unwrap();
    let goodbye = "421 4.3.2 the gateway is shutting down; please try again later\r\n";
    assert_eq!(idle.hears_out().await, goodbye);
    assert_eq!(sending.hears_out().await, goodbye);
    listener.running.await.unwrap();
    assert!(TcpStream::connect(listener.address).await.is_err());
}

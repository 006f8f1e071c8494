//! Talks over the wire, by hand.

use faxgate::store::Store;

use super::support::Listener;

#[tokio::test]
async fn accepted_means_stored() {
    let listener = Listener::start().await;
    let mut client = listener.client_in_data().await;
    let said = client.says("Subject: hello\r\n\r\n..dots stay\r\n.\r\n").await;
    let jobs = listener.jobs().await;
    let [job] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!(said, format!("250 2.0.0 accepted for faxing as {}\r\n", job.id));
    assert_eq!(job.recipient.number.as_str(), "+12125550123");
    assert_eq!(job.sender.mailbox.as_deref(), Some("anna@example.com"));
    let message = listener.message(job).await;
    let (trace, text) = message.split_once("Subject:").unwrap();
    assert!(
        trace.starts_with("Received: from client.example ([127.0.0.1])\r\n\tby fax.example.com with ESMTP")
    );
    assert!(trace.contains("for <+12125550123@fax.example.com>") && trace.ends_with("+0000\r\n"), "{trace}");
    assert_eq!(text, " hello\r\n\r\n.dots stay\r\n");
    listener.wake.notified().await;
    assert_eq!(client.says("QUIT\r\n").await, "221 2.0.0 goodbye\r\n");
    assert_eq!(client.hears().await, "");
}

#[tokio::test]
async fn every_form_of_a_number_reaches_the_same_machine() {
    let listener = Listener::start().await;
    let mut client = listener.client().await;
    client.says("EHLO x\r\n").await;
    client.says("MAIL FROM:<anna@example.com>\r\n").await;
    for address in ["15550123", "+1-555-0123", "FAX=+15550123", "FAX=+15550123/T33S=6377", "fax=+1.555.0123/"]
    {
        let said = client.says(&format!("RCPT TO:<{address}@fax.example.com>\r\n")).await;
        assert_eq!(said, "250 2.1.5 will be faxed to +15550123\r\n", "{address}");
    }
    assert!(client.says("DATA\r\n").await.starts_with("354"));
    assert!(client.says("hello\r\n.\r\n").await.starts_with("250"));
    let jobs = listener.jobs().await;
    let machines: Vec<_> = jobs.iter().map(|job| job.recipient.subaddress.as_deref()).collect();
    assert_eq!(machines, [None, Some("6377")], "named five times, but two faxes");
}

/// The command behind each false end must be neither run nor answered, and the message not stored.
#[tokio::test]
async fn nothing_is_smuggled() {
    let listener = Listener::start().await;
    for false_end in ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r\r\n", "\r\n.\0\r\n", "\r\0\n.\r\n"] {
        let mut client = listener.client_in_data().await;
        let hidden =
            "MAIL FROM:<evil@example.com>\r\nRCPT TO:<+12125559999@fax.example.com>\r\nDATA\r\nx\r\n.\r\n";
        let said = client.says(&format!("hello{false_end}{hidden}")).await;
        assert!(said.starts_with("554 5.6.0"), "{false_end:?}: {said}");
        assert_eq!(
            client.says("NOOP\r\n").await,
            "250 2.0.0 nothing done\r\n",
            "{false_end:?}: more was said"
        );
    }
    assert_eq!(listener.jobs().await, []);
}

#[tokio::test]
async fn a_message_that_does_not_end_is_not_kept() {
    let listener = Listener::start().await;
    let mut client = listener.client_in_data().await;
    client.sends(b"Subject: half a mess").await;
    drop(client);
    // The door has time for somebody else, and knows of nothing.
    let mut other = listener.client_in_data().await;
    assert!(other.says("whole\r\n.\r\n").await.starts_with("250"));
    assert_eq!(listener.jobs().await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_faxed_is_refused_by_name() {
    let listener = Listener::start().await;
    let mut client = listener.client_in_data().await;
    let said = client.says("Content-Disposition: attachment; filename=contract.xyz\r\n.\r\n").await;
    assert_eq!(said, "554 5.6.1 the attachment contract.xyz cannot be faxed\r\n");
    assert_eq!(listener.jobs().await, []);
}

#[tokio::test]
async fn a_store_that_is_gone_is_try_again_later() {
    let listener = Listener::start().await;
    let mut client = listener.client_in_data().await;
    listener.store.close().await.unwrap();
    let said = client.says("hello\r\n.\r\n").await;
    assert_eq!(said, "451 4.3.0 the gateway cannot keep the message just now; please try again later\r\n");
    assert!(client.says("NOOP\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn many_clients_and_no_message_is_lost_or_doubled() {
    let listener = Listener::with(|config| {
        config.sessions_max = 40;
        config.sessions_per_client_max = 40;
        config.transfers_max = 3;
    })
    .await;
    let mut talks = tokio::task::JoinSet::new();
    for client in 0..30 {
        let mut talk = listener.client().await;
        talks.spawn(async move {
            talk.says("EHLO x\r\n").await;
            for message in 0..4 {
                let to = format!("+1212555{client:02}{message:02}@fax.example.com");
                let group = format!("MAIL FROM:<anna@example.com>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
                assert!(talk.says(&group).await.starts_with("250"));
                assert!(talk.hears().await.starts_with("250"));
                assert!(talk.hears().await.starts_with("354"));
                assert!(talk.says(&format!("{client} {message}\r\n.\r\n")).await.starts_with("250"));
            }
        });
    }
    while let Some(done) = talks.join_next().await {
        done.unwrap();
    }
    let jobs = listener.jobs().await;
    assert_eq!(jobs.len(), 120);
    for job in jobs {
        let number = job.recipient.number.as_str();
        let said =
            format!("{} {}", number[8..10].parse::<u32>().unwrap(), number[10..].parse::<u32>().unwrap());
        let message = listener.store.message(&job.submission).await.unwrap();
        assert!(message.ends_with(format!("\r\n{said}\r\n").as_bytes()));
    }
}

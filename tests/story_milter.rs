//! Mail servers that people have, with Faxgate in them: Debian's Postfix and Sendmail as private instances, each with the
//! recipe of `config/` as it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[path = "support/postfix.rs"]
mod postfix;
#[path = "support/sendmail.rs"]
mod sendmail;
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use postfix::Postfix;
use sendmail::Sendmail;
use support::{Gateway, Smtp, lines, wait_for, write_config};

const MILTER: &str = include_str!("../config/postfix/milter.cf");
const TRANSPORT: &str = include_str!("../config/postfix/transport.cf");

const LINES: [(&str, &str); 4] =
    [("out-1", "+12125550100"), ("out-2", "+12125550101"), ("lab", "+12125550123"), ("ward", "+12125550124")];
const FAX: &str = "+12125550123@fax.example.com";
const BOB: &str = "bob@example.com";
const ANNA: &str = "anna@example.com";

/// Starts a gateway where the recipes look for it.
fn gateway(dir: &Path) -> Gateway {
    let settings =
        "[[received.route]]\nto = [\"in@example.com\"]\n[milter]\nlisten = [\"inet:8898@127.0.0.1\"]\n";
    write_config(dir, &format!("{settings}{}", lines(&LINES)));
    let file = dir.join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("127.0.0.1:0", "127.0.0.1:2525", 1)).unwrap();
    Gateway::restart(dir)
}

fn message(id: &str, more: &str) -> String {
    format!("From: {ANNA}\nSubject: {id}\nMessage-ID: <{id}@example.com>\n{more}\nThis is {id}.\n")
}

fn to(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

fn jobs(gateway: &Gateway) -> Vec<serde_json::Value> {
    gateway.status()["jobs"].as_array().unwrap().clone()
}

/// What is said to a number that is none, and to one that may not be dialled.
fn refusals(smtp: &mut Smtp) -> Vec<String> {
    let mut refusals = vec![smtp.say(&format!("MAIL FROM:<{ANNA}>")).unwrap()];
    for wrong in ["anna", "911", "411", "+1234567890123456", "postmaster", "50%25"] {
        refusals.push(smtp.say(&format!("RCPT TO:<{wrong}@fax.example.com>")).unwrap());
    }
    smtp.say("RSET").unwrap();
    refusals.split_off(1)
}

#[test]
fn postfix_asks_about_each_mail() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), MILTER);
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();

    // A fax alone: nothing of it stays with Postfix.
    let reply = smtp.send(ANNA, &to(&[FAX]), &message("alone", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    gateway.wait_for_mails("in@example.com", 1);
    gateway.wait_for_mails(ANNA, 1);
    assert_eq!(postfix.queued(), 0);

    // A wrong number is refused in our words; the next message on the connection is taken all the same.
    let ours = refusals(&mut Smtp::connect(gateway.smtp).unwrap());
    assert_eq!(refusals(&mut smtp), ours);
    assert!(ours[0].starts_with("553 5.1.3 \"anna\" is no fax number"), "{ours:?}");

    // Mixed, in one go: people get it without a word of the fax but its name.
    let ward = "FAX=+1-212-555-0124/T33S=7@fax.example.com";
    let group = [
        &format!("MAIL FROM:<{ANNA}>")[..],
        &format!("RCPT TO:<{BOB}>"),
        &format!("RCPT TO:<{FAX}>"),
        "RCPT TO:<911@fax.example.com>",
        &format!("RCPT TO:<{ward}>"),
        "DATA",
    ];
    let codes: Vec<String> = smtp.pipeline(&group).iter().map(|reply| reply[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "250", "550", "250", "354"]);
    let text = message("mixed", "X-Fax-Job: foreign\nX-Other: stays\nx-fax-job: foreign too\n")
        .replace('\n', "\r\n");
    let reply = smtp.say(&format!("{text}\r\n.")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let mails = postfix.wait_for_mails("bob", 1);
    let mut named: Vec<&str> = mails[0].lines().filter_map(|line| line.strip_prefix("X-Fax-Job: ")).collect();
    named.sort_unstable();
    let mut mixed: Vec<String> =
        jobs(&gateway)[..2].iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    mixed.sort_unstable();
    assert_eq!(named, mixed);
    assert!(mails[0].contains("X-Other: stays") && !mails[0].contains("foreign"), "{}", mails[0]);
    gateway.wait_for_mails("in@example.com", 3);

    // Somebody else's mail is not ours to look at.
    smtp.send(ANNA, &to(&[BOB]), &message("letter", "X-Fax-Job: a friend's\n")).unwrap();
    let mails = postfix.wait_for_mails("bob", 2);
    assert!(mails.iter().any(|mail| mail.contains("X-Fax-Job: a friend's")));
    wait_for("an empty queue", || (postfix.queued() == 0).then_some(()));
    assert_eq!((jobs(&gateway).len(), postfix.mails("bob").len()), (3, 2));
    assert!(!postfix.log().contains("warning: milter"), "{}", postfix.log());
}

/// What Postfix spoke before version 2.6.
#[test]
fn postfix_may_speak_the_old_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), &format!("{MILTER}\nmilter_protocol = 2\n"));
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();
    for (id, recipients) in [("first", &[BOB, FAX][..]), ("second", &[FAX]), ("third", &[BOB])] {
        let reply = smtp.send(ANNA, &to(recipients), &message(id, "")).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    let mails = postfix.wait_for_mails("bob", 2);
    assert_eq!(mails.iter().filter(|mail| mail.contains("X-Fax-Job: ")).count(), 1);
    assert_eq!(jobs(&gateway).len(), 2);
    assert!(!postfix.log().contains("warning: milter"), "{}", postfix.log());
}

#[test]
fn trouble_defers_the_mail_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), MILTER);
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();
    let both = to(&[BOB, FAX]);

    let (spool, away) = (dir.path().join("data/store/spool"), dir.path().join("away"));
    std::fs::rename(&spool, &away).unwrap();
    let reply = smtp.send(ANNA, &both, &message("held", "")).unwrap();
    let sentence = "451 4.3.0 the gateway cannot keep the message just now; please try again later\r\n";
    assert_eq!(reply, sentence);
    std::fs::rename(&away, &spool).unwrap();
    let reply = smtp.send(ANNA, &both, &message("held", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(postfix.wait_for_mails("bob", 1).len(), 1);
    assert_eq!(jobs(&gateway).len(), 1);

    // The gateway is stopped while a client names its recipients.
    smtp.say(&format!("MAIL FROM:<{ANNA}>")).unwrap();
    for recipient in &both {
        assert!(smtp.say(&format!("RCPT TO:<{recipient}>")).unwrap().starts_with("250"));
    }
    gateway.terminate();
    let reply = wait_for("the stop", || {
        let reply = smtp.say(&format!("RCPT TO:<{FAX}>")).unwrap();
        (!reply.starts_with("250")).then_some(reply)
    });
    assert_eq!(reply, "451 4.3.2 the gateway is shutting down; please try again later\r\n");
    assert!(smtp.say("DATA").unwrap().starts_with("451 4.3.2"));
    // And while it is down, nobody is told anything else.
    drop(gateway);
    let reply = Smtp::connect(postfix.smtp).map(|mut smtp| smtp.say(&format!("MAIL FROM:<{ANNA}>")));
    assert!(reply.is_none_or(|reply| reply.unwrap().starts_with('4')));
    assert_eq!(postfix.mails("bob").len(), 1);
}

const MESSAGES: usize = 30;
const KILLS: usize = 12;

/// What the senders and the killer share.
#[derive(Default)]
struct Stage {
    next: AtomicUsize,
    sent: AtomicUsize,
    deferred: AtomicUsize,
    over: AtomicBool,
}

/// Sends mixed mail, each again and again until it is taken, as a mail server would.
fn send_all(stage: &Stage, server: SocketAddr) {
    loop {
        let number = stage.next.fetch_add(1, Ordering::SeqCst);
        if number >= MESSAGES {
            return;
        }
        let text = message(&format!("mail-{number}"), "");
        let recipients = to(&[BOB, FAX]);
        let taken = || {
            let reply = Smtp::connect(server)?.send(ANNA, &recipients, &text)?;
            assert!(reply.starts_with("250") || reply.starts_with('4'), "{reply}");
            reply.starts_with("250").then_some(())
        };
        while taken().is_none() {
            stage.deferred.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
        }
        stage.sent.fetch_add(1, Ordering::SeqCst);
    }
}

/// The spool files that there are.
fn accepted(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir.join("data/store/spool")) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|kind| kind == "fax")).collect()
}

/// The gateway is killed again and again, mostly in the moment after a fax was kept and before the mail server has heard
/// of it. `mails` waits for what bob gets.
fn kill_and_count(dir: &Path, server: SocketAddr, running: Gateway, mails: &dyn Fn() -> Vec<String>) {
    let running = RwLock::new(Some(running));
    let stage = Stage::default();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3).map(|_| scope.spawn(|| send_all(&stage, server))).collect();
        scope.spawn(|| {
            for kill in 0..KILLS {
                let before = accepted(dir).len();
                let more = || accepted(dir).len() > before || stage.over.load(Ordering::SeqCst);
                while !more() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(Duration::from_millis(kill as u64 % 4));
                let mut running = running.write().unwrap();
                running.take().unwrap().kill();
                *running = Some(Gateway::restart(dir));
            }
        });
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        stage.over.store(true, Ordering::SeqCst);
    });
    assert!(stage.deferred.load(Ordering::SeqCst) > 0, "no kill was felt");
    let texts: Vec<Vec<u8>> = accepted(dir).iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mails = mails();
    for number in 0..MESSAGES {
        let id = format!("<mail-{number}@example.com>");
        let kept =
            texts.iter().filter(|text| text.windows(id.len()).any(|part| part == id.as_bytes())).count();
        assert_eq!(kept, 1, "{id} was submitted {kept} times");
        assert_eq!(mails.iter().filter(|mail| mail.contains(&id)).count(), 1, "{id} for bob");
    }
    assert_eq!((texts.len(), mails.len()), (MESSAGES, MESSAGES));
    let log = running.read().unwrap().as_ref().unwrap().log();
    let known = log.matches("the mail has come again and is known").count();
    println!("{} deferrals, {known} mails known again", stage.deferred.load(Ordering::SeqCst));
}

#[test]
fn a_milter_that_is_killed_loses_nothing_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), MILTER);
    kill_and_count(dir.path(), postfix.smtp, gateway, &|| postfix.wait_for_mails("bob", MESSAGES));
}

#[test]
fn nor_does_it_with_sendmail() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let sendmail = Sendmail::start(dir.path());
    kill_and_count(dir.path(), sendmail.smtp, gateway, &|| sendmail.queue());
}

#[test]
fn postfix_relays_to_us() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), TRANSPORT);
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();
    let recipients = to(&[BOB, FAX, "anna@fax.example.com"]);
    let reply = smtp.send(ANNA, &recipients, &message("relayed", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    gateway.wait_for_mails("in@example.com", 1);
    postfix.wait_for_mails("bob", 1);
    let bounce = postfix.wait_for_mails("anna", 1).remove(0);
    assert!(bounce.contains("553 5.1.3 \"anna\" is no fax number"), "{bounce}");
}

/// What the README says of LMTP.
#[test]
fn postfix_delivers_to_us_by_lmtp() {
    let dir = tempfile::tempdir().unwrap();
    let settings = "[[received.route]]\nto = [\"in@example.com\"]\n";
    write_config(dir.path(), &format!("{settings}{}", lines(&LINES)));
    let file = dir.path().join("faxgate.toml");
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lmtp = format!("[smtp]\nlmtp = [\"{address}\"]");
    std::fs::write(&file, text.replacen("[smtp]", &lmtp, 1)).unwrap();
    let gateway = Gateway::restart(dir.path());
    let recipe = format!(
        "relay_domains = fax.example.com\ntransport_maps = inline:{{ {{ fax.example.com = lmtp:inet:{address} }} }}\n"
    );
    let postfix = Postfix::start(dir.path(), &recipe);
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();
    let recipients = to(&[BOB, FAX, "anna@fax.example.com"]);
    let reply = smtp.send(ANNA, &recipients, &message("delivered", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    gateway.wait_for_mails("in@example.com", 1);
    let bounce = postfix.wait_for_mails("anna", 1).remove(0);
    assert!(bounce.contains("553 5.1.3 \"anna\" is no fax number"), "{bounce}");
}

#[test]
fn sendmail_asks_about_each_mail() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let sendmail = Sendmail::start(dir.path());
    let mut smtp = Smtp::connect(sendmail.smtp).unwrap();

    let reply = smtp.send(ANNA, &to(&[FAX]), &message("alone", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    gateway.wait_for_mails("in@example.com", 1);
    assert_eq!(sendmail.queue(), [""; 0]);

    let ours = refusals(&mut Smtp::connect(gateway.smtp).unwrap());
    // Sendmail puts the recipient before the words of a milter.
    let words = |reply: String| match reply.split_once(" <") {
        Some((codes, rest)) => format!("{codes} {}", rest.split_once(">... ").unwrap().1),
        None => reply,
    };
    assert_eq!(refusals(&mut smtp).into_iter().map(words).collect::<Vec<_>>(), ours);

    let text = message("mixed", "X-Fax-Job: foreign\nX-Other: stays\nx-fax-job: foreign too\n");
    let reply = smtp.send(ANNA, &to(&[BOB, FAX]), &text).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let queue = sendmail.queue();
    let [mail] = queue.as_slice() else { panic!("{queue:?}") };
    let id = jobs(&gateway)[0]["id"].as_str().unwrap().to_owned();
    assert!(mail.contains("bob@example.com") && mail.contains(&format!("X-Fax-Job: {id}")), "{mail}");
    assert!(mail.contains("X-Other: stays") && !mail.contains("foreign") && !mail.contains(FAX), "{mail}");

    // Gone in the middle: deferred; and back again.
    smtp.say(&format!("MAIL FROM:<{ANNA}>")).unwrap();
    assert!(smtp.say(&format!("RCPT TO:<{FAX}>")).unwrap().starts_with("250"));
    gateway.kill();
    let reply = smtp.say("DATA").unwrap();
    assert!(reply.starts_with('4'), "{reply}");
    let gateway = Gateway::restart(dir.path());
    let mut smtp = Smtp::connect(sendmail.smtp).unwrap();
    for _ in 0..2 {
        let reply = smtp.send(ANNA, &to(&[FAX]), &message("again", "")).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    assert_eq!(jobs(&gateway).len(), 3, "the same mail twice is one fax");
}

#[test]
fn sendmail_takes_mail_in_one_go_and_after_another() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let sendmail = Sendmail::start(dir.path());
    let mut smtp = Smtp::connect(sendmail.smtp).unwrap();
    for round in 1..=3 {
        let group = [
            &format!("MAIL FROM:<{ANNA}>")[..],
            &format!("RCPT TO:<{BOB}>"),
            &format!("RCPT TO:<{FAX}>"),
            "RCPT TO:<911@fax.example.com>",
            "RCPT TO:<+12125550124@fax.example.com>",
            "DATA",
        ];
        let codes: Vec<String> = smtp.pipeline(&group).iter().map(|reply| reply[..3].to_owned()).collect();
        assert_eq!(codes, ["250", "250", "250", "550", "250", "354"]);
        let text = message(&format!("round-{round}"), "").replace('\n', "\r\n");
        let reply = smtp.say(&format!("{text}\r\n.")).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        assert_eq!((sendmail.queue().len(), jobs(&gateway).len()), (round, 2 * round));
    }
    for mail in sendmail.queue() {
        assert_eq!(mail.matches("X-Fax-Job: ").count(), 2, "{mail}");
        let to: Vec<&str> = mail.lines().filter(|line| line.starts_with("RP")).collect();
        assert_eq!(to, ["RPFD:<bob@example.com>"], "{mail}");
    }
}

/// What the client asks for beside the fax reaches the milter, and stands in the receipt; `mail` is what it adds to MAIL.
fn is_told_what_was_asked(gateway: &Gateway, server: SocketAddr, mail: &str) -> String {
    let mut smtp = Smtp::connect(server).unwrap();
    let group = [
        &format!("MAIL FROM:<{ANNA}> RET=HDRS ENVID=Q+2B1{mail}")[..],
        &format!("RCPT TO:<{FAX}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;lab+2Bdesk@example.com"),
        "RCPT TO:<+12125550124@fax.example.com> NOTIFY=NEVER",
    ];
    for line in group {
        let reply = smtp.say(line).unwrap();
        assert!(reply.starts_with("250"), "{line}: {reply}");
    }
    assert!(smtp.say("DATA").unwrap().starts_with("354"));
    let text = message("asked", "").replace('\n', "\r\n");
    assert!(smtp.say(&format!("{text}\r\n.")).unwrap().starts_with("250"));
    gateway.wait_for_mails("in@example.com", 2);
    let receipt = String::from_utf8(gateway.wait_for_mails(ANNA, 1).remove(0)).unwrap();
    for field in [
        "Original-Envelope-Id: Q+1\n",
        "Original-Recipient: rfc822;lab+desk@example.com\n",
        &format!("Final-Recipient: rfc822; {FAX}\n"),
        "Action: delivered\n",
    ] {
        assert!(receipt.contains(field), "{field}{receipt}");
    }
    assert_eq!(gateway.mails(ANNA).len(), 1, "of the other nobody wanted to hear");
    receipt
}

#[test]
fn postfix_hands_on_what_the_sender_wants_to_be_told() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let postfix = Postfix::start(dir.path(), MILTER);
    let receipt = is_told_what_was_asked(&gateway, postfix.smtp, "");
    assert!(!receipt.contains("Deliver-By-Date"), "{receipt}");
}

/// Sendmail knows DELIVERBY (RFC 2852) too.
#[test]
fn sendmail_hands_on_when_a_fax_is_too_late() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let sendmail = Sendmail::start(dir.path());
    let offer = Smtp::connect(sendmail.smtp).unwrap().say("EHLO client.example.com").unwrap();
    assert!(offer.contains("DELIVERBY"), "{offer}");
    let receipt = is_told_what_was_asked(&gateway, sendmail.smtp, " BY=3600;R");
    assert!(receipt.contains("Deliver-By-Date: "), "{receipt}");
}

#[test]
fn trouble_defers_the_mail_for_all_at_sendmail_too() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let sendmail = Sendmail::start(dir.path());
    let mut smtp = Smtp::connect(sendmail.smtp).unwrap();
    let both = to(&[BOB, FAX]);

    let (spool, away) = (dir.path().join("data/store/spool"), dir.path().join("away"));
    std::fs::rename(&spool, &away).unwrap();
    let reply = smtp.send(ANNA, &both, &message("held", "")).unwrap();
    let sentence = "451 4.3.0 the gateway cannot keep the message just now; please try again later\r\n";
    assert_eq!(reply, sentence);
    assert_eq!(sendmail.queue(), [""; 0], "bob's part waits with the client too");
    std::fs::rename(&away, &spool).unwrap();
    let reply = smtp.send(ANNA, &both, &message("held", "")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!((sendmail.queue().len(), jobs(&gateway).len()), (1, 1));

    // The gateway is stopped while a client names its recipients.
    smtp.say(&format!("MAIL FROM:<{ANNA}>")).unwrap();
    for recipient in &both {
        assert!(smtp.say(&format!("RCPT TO:<{recipient}>")).unwrap().starts_with("250"));
    }
    gateway.terminate();
    let reply = wait_for("the stop", || {
        let reply = smtp.say(&format!("RCPT TO:<{FAX}>")).unwrap();
        (!reply.starts_with("250")).then_some(reply)
    });
    assert!(reply.contains("451 4.3.2") && reply.contains("the gateway is shutting down"), "{reply}");
    assert!(smtp.say("DATA").unwrap().starts_with('4'));
    drop(gateway);
    let reply = Smtp::connect(sendmail.smtp).map(|mut smtp| smtp.say(&format!("MAIL FROM:<{ANNA}>")));
    assert!(reply.is_none_or(|reply| reply.unwrap().starts_with('4')));
    assert_eq!(sendmail.queue().len(), 1);
}

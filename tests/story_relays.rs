//! Mail servers that relay to Faxgate with the recipes of `config/` as they stand: Postfix by SMTP over TLS and by LMTP,
//! Exim, OpenSMTPD. Each hands on what a sender asks to be told, bounces a bad number with our sentence, and keeps mail
//! while the gateway has no room for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[path = "support/exim.rs"]
mod exim;
#[path = "support/opensmtpd.rs"]
mod opensmtpd;
#[path = "support/postfix.rs"]
mod postfix;
mod support;

use std::net::SocketAddr;
use std::path::Path;

use exim::Exim;
use opensmtpd::OpenSmtpd;
use postfix::Postfix;
use support::{Gateway, Smtp, lines, wait_for, write_config};

const LINES: [(&str, &str); 4] =
    [("out-1", "+12125550100"), ("out-2", "+12125550101"), ("lab", "+12125550123"), ("ward", "+12125550124")];
const FAX: &str = "+12125550123@fax.example.com";
const WARD: &str = "+12125550124@fax.example.com";
const ANNA: &str = "anna@example.com";

/// Starts a gateway where the recipes look for it; `smtp` are more of its settings.
fn gateway(dir: &Path, smtp: &str) -> Gateway {
    let settings = "[[received.route]]\nto = [\"in@example.com\"]\n";
    write_config(dir, &format!("{settings}{}", lines(&LINES)));
    let file = dir.join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text =
        text.replacen("127.0.0.1:0", "127.0.0.1:2525", 1).replacen("[smtp]\n", &format!("[smtp]\n{smtp}"), 1);
    std::fs::write(&file, text).unwrap();
    Gateway::restart(dir)
}

fn message(id: &str) -> String {
    format!("From: {ANNA}\r\nSubject: {id}\r\nMessage-ID: <{id}@example.com>\r\n\r\nThis is {id}.\r\n")
}

fn send(smtp: &mut Smtp, mail: &str, recipients: &[&str], id: &str) {
    let said = smtp.say(&format!("MAIL FROM:<{ANNA}>{mail}")).unwrap();
    assert!(said.starts_with("250"), "{said}");
    for recipient in recipients {
        let said = smtp.say(&format!("RCPT TO:{recipient}")).unwrap();
        assert!(said.starts_with("250"), "{recipient}: {said}");
    }
    smtp.say("DATA").unwrap();
    let said = smtp.say(&format!("{}.", message(id))).unwrap();
    assert!(said.starts_with("250"), "{said}");
}

/// The mail server relays as it should. `boxes` has the mailboxes, `knows_each` says that the server keeps apart what it
/// was asked for two recipients of one mail, `flush` makes the server try again what waits.
fn relays(gateway: &Gateway, server: SocketAddr, boxes: &Postfix, knows_each: bool, flush: &dyn Fn()) {
    let mut smtp = Smtp::connect(server).unwrap();

    // Two faxes in one mail, and what the sender wants to hear of them.
    let dsn = " RET=HDRS ENVID=Q+2B1";
    let fax = format!("<{FAX}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;lab+2Bdesk@example.com");
    if knows_each {
        send(&mut smtp, dsn, &[&fax, &format!("<{WARD}> NOTIFY=NEVER")], "asked");
    } else {
        send(&mut smtp, dsn, &[&fax], "asked");
        send(&mut smtp, dsn, &[&format!("<{WARD}> NOTIFY=FAILURE")], "silent");
    }
    gateway.wait_for_mails("in@example.com", 2);
    let report = gateway.wait_for_mails(ANNA, 1).remove(0);
    let report = String::from_utf8_lossy(&report).into_owned();
    for field in [
        "Original-Envelope-Id: Q+1\n",
        "Original-Recipient: rfc822;lab+desk@example.com\n",
        &format!("Final-Recipient: rfc822; {FAX}\n"),
        "Action: delivered\n",
    ] {
        assert!(report.contains(field), "{field}{report}");
    }
    assert_eq!(gateway.mails(ANNA).len(), 1, "of the other nobody wanted to hear");

    // A number that is none comes back with what the gateway says of it.
    send(&mut smtp, "", &["<anna@fax.example.com>"], "wrong");
    let bounce = boxes.wait_for_mails("anna", 1).remove(0);
    let words = bounce.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("\"anna\" is no fax number; write it like +12125550123"), "{bounce}");

    // While the gateway has no room the mail waits, and is faxed afterwards.
    let (spool, away) = (gateway.dir.join("data/store/spool"), gateway.dir.join("away"));
    std::fs::rename(&spool, &away).unwrap();
    send(&mut smtp, "", &[&format!("<{FAX}>")], "held");
    wait_for("the gateway to say that it has no room", || {
        gateway.log().contains("the gateway cannot keep the message just now").then_some(())
    });
    std::fs::rename(&away, &spool).unwrap();
    flush();
    gateway.wait_for_mails("in@example.com", 3);
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 3);
    assert_eq!(boxes.mails("anna").len(), 1);
}

const LMTP: &str = include_str!("../config/postfix/lmtp.cf");
const TRANSPORT: &str = include_str!("../config/postfix/transport.cf");

#[test]
fn postfix_by_smtp_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), "");
    let recipe = format!("{TRANSPORT}\nsmtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1\n");
    let postfix = Postfix::start(dir.path(), &recipe);
    relays(&gateway, postfix.smtp, &postfix, true, &|| {});
    assert!(postfix.log().contains("TLS connection established to 127.0.0.1"), "{}", postfix.log());
}

fn openssl(args: &[&str]) -> String {
    let output = std::process::Command::new("openssl").args(args).output().expect("this test needs openssl");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A gateway whose certificate Postfix is told to look at, and what that Postfix must be told to believe it.
enum Certificate {
    /// An issued one (by itself, which does for an authority), by the name in it.
    Issued,
    /// The one of the gateway's own making, by its fingerprint.
    OwnMaking,
    /// The one of the gateway's own making, and the fingerprint of another.
    Foreign,
}

fn looks_at_the_certificate(which: &Certificate) {
    let dir = tempfile::tempdir().unwrap();
    let (issued, key) = (dir.path().join("issued.pem"), dir.path().join("key.pem"));
    let paths = [issued.to_str().unwrap(), key.to_str().unwrap()];
    let subject = ["-subj", "/CN=fax.example.com", "-addext", "subjectAltName=DNS:fax.example.com"];
    let made = [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out", paths[0], "-keyout", paths[1],
    ];
    openssl(&[&made[..], &subject].concat());
    let gateway = match which {
        Certificate::Issued => {
            gateway(dir.path(), &format!("tls.certificate = {:?}\ntls.key = {:?}\n", paths[0], paths[1]))
        }
        Certificate::OwnMaking | Certificate::Foreign => gateway(dir.path(), ""),
    };
    let own = gateway.dir.join("data/tls/fax.example.com.self-made.pem");
    let shown = if matches!(which, Certificate::OwnMaking) { own.to_str().unwrap() } else { paths[0] };
    let print = openssl(&["x509", "-in", shown, "-noout", "-fingerprint", "-sha256"]);
    let print = print.trim().rsplit_once('=').unwrap().1.to_owned();
    // As the recipe has it.
    let level = match which {
        Certificate::Issued => "secure match=fax.example.com".to_owned(),
        Certificate::OwnMaking | Certificate::Foreign => format!("fingerprint match={print}"),
    };
    let believes = format!(
        "smtp_tls_policy_maps = inline:{{ {{ [127.0.0.1]:2525 = {level} }} }}\n\
         smtp_tls_fingerprint_digest = sha256\nsmtp_tls_CAfile = {}\n",
        paths[0]
    );
    let postfix = Postfix::start(dir.path(), &format!("{TRANSPORT}\n{believes}smtp_tls_loglevel = 1\n"));
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();
    send(&mut smtp, "", &[&format!("<{FAX}>")], "believed");
    if matches!(which, Certificate::Foreign) {
        wait_for("Postfix to see whom it talks to", || {
            postfix.log().contains("Server certificate not verified").then_some(())
        });
        assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 0);
        assert_eq!(postfix.queued(), 1, "the mail waits");
    } else {
        gateway.wait_for_mails("in@example.com", 1);
        assert!(postfix.log().contains("Verified TLS connection established"), "{}", postfix.log());
    }
}

#[test]
fn postfix_by_smtp_with_a_certificate_that_it_looks_at() {
    for which in [Certificate::Issued, Certificate::OwnMaking, Certificate::Foreign] {
        looks_at_the_certificate(&which);
    }
}

#[test]
fn postfix_by_lmtp() {
    for unix in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("lmtp.sock");
        let place = if unix { format!("unix:{}", socket.display()) } else { "127.0.0.1:2424".into() };
        let gateway = gateway(dir.path(), &format!("lmtp = [{place:?}]\n"));
        let recipe = if unix {
            // Postfix's programs run as the user mail here, which is in that group.
            std::os::unix::fs::chown(&socket, None, Some(8)).unwrap();
            LMTP.replace("inet:127.0.0.1:2424 }", &format!("{place} }}"))
        } else {
            LMTP.to_owned()
        };
        let postfix = Postfix::start(dir.path(), &recipe);
        relays(&gateway, postfix.smtp, &postfix, true, &|| {});
    }
}

#[test]
fn exim_by_smtp_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), "");
    let boxes = Postfix::start(dir.path(), "");
    let (router, transport) =
        (include_str!("../config/exim/router-faxgate"), include_str!("../config/exim/transport-faxgate"));
    let exim = Exim::start(dir.path(), router, transport, boxes.smtp);
    relays(&gateway, exim.smtp, &boxes, true, &|| {});
    assert!(exim.log().contains("X=TLS1"), "{}", exim.log());
}

#[test]
fn opensmtpd_by_smtp_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), "");
    let boxes = Postfix::start(dir.path(), "");
    let recipe = include_str!("../config/opensmtpd/smtpd.conf");
    let opensmtpd = OpenSmtpd::start(dir.path(), recipe, boxes.smtp);
    // OpenSMTPD 6.8 refuses NEVER, and gives all recipients of a mail what the first of them asked for.
    relays(&gateway, opensmtpd.smtp, &boxes, false, &|| opensmtpd.flush());
    assert!(opensmtpd.log().contains("tls ciphers="), "{}", opensmtpd.log());
}

/// What comes of a fax goes back the way it came: the receipt and the received fax stand in Postfix's mailboxes. The mail
/// is a large one.
#[test]
fn receipts_and_received_faxes_leave_through_postfix() {
    let dir = tempfile::tempdir().unwrap();
    let postfix = Postfix::start(dir.path(), TRANSPORT);
    let back = format!(
        "[mailer]\nkind = \"relay\"\n[mailer.relay]\nhost = \"127.0.0.1\"\nport = {}\n",
        postfix.smtp.port()
    );
    let settings = format!("[[received.route]]\nto = [\"in@example.com\"]\n{back}");
    write_config(dir.path(), &format!("{settings}{}", lines(&LINES)));
    let file = dir.path().join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap().replacen("127.0.0.1:0", "127.0.0.1:2525", 1);
    std::fs::write(&file, text).unwrap();
    let gateway = Gateway::restart(dir.path());
    let mut smtp = Smtp::connect(postfix.smtp).unwrap();

    let padding = "<!-- what a word processor writes and nobody sees -->\n".repeat(35_000);
    let large = format!(
        "From: {ANNA}\nSubject: large\nMessage-ID: <large@example.com>\nMIME-Version: 1.0\n\
         Content-Type: text/html\n\n<p>First</p>\n{padding}<p>Last</p>\n"
    );
    assert!(large.len() > 1_500_000);
    let reply = smtp.send(ANNA, &[FAX.to_owned(), WARD.to_owned()], &large).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    for fax in postfix.wait_for_mails("in", 2) {
        assert_eq!(support::received_pages(fax.as_bytes()).len(), 1);
    }
    for receipt in postfix.wait_for_mails("anna", 1) {
        assert!(receipt.contains("Return-Path: <>"), "{receipt}");
        assert!(receipt.contains("multipart/report") && receipt.contains("Action: delivered"), "{receipt}");
    }
    assert_eq!(gateway.mails(ANNA).len(), 0, "nothing is put into folders of ours");
}

//! Clients that others wrote. A test fails, and says so, where the client is not installed.

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use super::support::Listener;
use faxgate::job::Ret;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs a program with this input; without it, the test fails with the name of the Debian package.
pub(crate) async fn run(program: &str, package: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs {program} (Debian package {package}): {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    child.wait_with_output().await.unwrap()
}

/// Whether swaks was content, and all it said. It takes a word that begins with a plus for an option.
pub(crate) async fn swaks(server: SocketAddr, arguments: &[&str]) -> (bool, String) {
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let mut all = vec!["--server", &host, "--port", &port, "--helo", "client.example"];
    all.extend(arguments);
    let output = run("swaks", "swaks", &all, "").await;
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn swaks_sends_a_fax_with_an_attachment() {
    let listener = Listener::start().await;
    let (sent, talk) = swaks(
        listener.address,
        &[
            "--from",
            "anna@example.com",
            "--to",
            "FAX=+12125550123/T33S=6377@fax.example.com",
            "--header",
            "Subject: The plan",
            "--body",
            "See attachment.\n.\nAnd a dot.",
            "--attach-type",
            "text/plain",
            "--attach-name",
            "plan.txt",
            "--attach",
            "first\nsecond",
        ],
    )
    .await;
    assert!(sent && talk.contains("250 2.0.0 accepted for faxing as"), "{talk}");
    let jobs = listener.jobs().await;
    let [job] = jobs.as_slice() else { panic!("{talk}") };
    assert_eq!(job.recipient.subaddress.as_deref(), Some("6377"));
    let message = listener.message(job).await;
    assert!(message.contains("Subject: The plan\r\n") && message.contains("plan.txt"), "{message}");
    assert!(message.contains("\r\n.\r\nAnd a dot."), "{message}");
}

#[tokio::test]
async fn swaks_pipelines() {
    let listener = Listener::start().await;
    let to = "FAX=+12125550123@fax.example.com,12125550124@fax.example.com,anna@fax.example.com";
    let (sent, talk) =
        swaks(listener.address, &["--pipeline", "--from", "anna@example.com", "--to", to]).await;
    assert!(sent && talk.contains("553 5.1.3 \"anna\" is no fax number"), "{talk}");
    let numbers: Vec<String> = listener.jobs().await.iter().map(|j| j.recipient.number.to_string()).collect();
    assert_eq!(numbers, ["+12125550123", "+12125550124"]);
}

#[tokio::test]
async fn swaks_is_told_in_words_why_not() {
    let listener = Listener::start().await;
    for (from, to, reply) in [
        (
            "anna@example.com",
            "FAX=+12125550123@example.org",
            "550 5.7.1 this fax gateway takes no mail for example.org",
        ),
        ("anna@example.com", "911@fax.example.com", "550 5.7.1 911 is, or begins like, an emergency number"),
        (
            "anna@example.com",
            "FAX=+49301234567@fax.example.com",
            "550 5.7.1 faxes to +49301234567 are not permitted",
        ),
        (
            "eve@example.org",
            "FAX=+12125550123@fax.example.com",
            "550 5.7.1 eve@example.org may not send faxes",
        ),
        (
            "<>",
            "FAX=+12125550123@fax.example.com",
            "550 5.7.1 automatic replies and delivery reports are not faxed",
        ),
        ("anna@example.com", "postmaster@fax.example.com", "550 5.1.1 this gateway only sends faxes"),
    ] {
        let (sent, talk) = swaks(listener.address, &["--from", from, "--to", to]).await;
        assert!(!sent && talk.contains(reply), "{to}: {talk}");
    }
    assert_eq!(listener.jobs().await, []);
}

/// What Python's library says for a caller who wants receipts.
const SMTPLIB: &str = r#"
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.ehlo()
    for extension in ("pipelining", "size", "8bitmime", "enhancedstatuscodes", "dsn", "smtputf8"):
        assert smtp.has_extn(extension), extension
    refused = smtp.sendmail(
        "anna@example.com",
        ["+12125550123@fax.example.com"],
        b"From: anna@example.com\r\nSubject: \xc3\xbc\r\n\r\n.hidden\r\nlast line without end",
        mail_options=["RET=HDRS", "ENVID=QQ+2B314"],
        rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Bob+2BFax@Example.COM"],
    )
    assert refused == {}, refused
    print(smtp.verify("anna"))
"#;

#[tokio::test]
async fn smtplib_asks_for_receipts() {
    let listener = Listener::start().await;
    let port = listener.address.port().to_string();
    let output = run("python3", "python3", &["-", &port], SMTPLIB).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("(252,"), "{output:?}");
    let jobs = listener.jobs().await;
    let [job] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!((job.ret, job.envid.as_deref()), (Some(Ret::Headers), Some("QQ+314")));
    assert_eq!(job.recipient.orcpt.as_deref(), Some("rfc822;Bob+Fax@Example.COM"));
    let notify = job.recipient.notify;
    assert!(notify.success && notify.failure && !notify.delay);
    assert!(listener.message(job).await.ends_with("\u{fc}\r\n\r\n.hidden\r\nlast line without end\r\n"));
}

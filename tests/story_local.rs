//! A user of this machine faxes from the command line: what is asked for wrongly is said at once, nothing that a
//! stranger wrote reaches the terminal, and Reply to a received fax faxes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use support::{Gateway, Smtp, lines, wait_for};

const LINES: [(&str, &str); 2] = [("office", "+12125550100"), ("clinic", "+12125550123")];

fn file(gateway: &Gateway, name: &str, bytes: &[u8]) -> PathBuf {
    let path = gateway.dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The exit code and what was said on standard error.
fn ended(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_cannot_be_meant_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &lines(&LINES));
    let letter = file(&gateway, "letter.txt", b"Good morning.\n");
    // Far more than a socket's buffer: the gateway's answer comes while the file is still being written.
    let large = file(&gateway, "large.tif", &vec![0; 50 << 20]);
    let send = |path: &PathBuf, more: &[&str]| {
        let path = path.to_str().unwrap();
        ended(&gateway.run(&[&["send", path, "--to", "+12125550123"], more].concat()))
    };
    for (what, (code, text), expected) in [
        ("header fields", send(&letter, &["--from", "a@example.com>\r\nBcc: b"]), "no mail address"),
        ("escapes", send(&letter, &["--from", "\u{1b}[31ma@example.com"]), "no mail address"),
        ("no domain", send(&letter, &["--from", "anna"]), "no mail address"),
        ("too large", send(&large, &[]), "over the limit of 52428800 bytes"),
    ] {
        assert!(text.contains(expected) && !text.contains('\u{1b}'), "{what}: {text}");
        assert_eq!(code, 1, "{what}: {text}");
    }
    for (option, value) in
        [("--at", "9999-12-30T10:00:00Z"), ("--until", "noon"), ("--priority", "-10"), ("--retries", "x")]
    {
        let (code, text) = send(&letter, &[option, value]);
        assert_eq!((code, text.contains(&format!("{option} cannot be"))), (2, true), "{option}: {text}");
    }
    let (code, text) = send(&letter, &["--at", "+2h", "--until", "+1h"]);
    assert_eq!((code, text.contains("held for longer than it may take")), (2, true), "{text}");
    let numbers: Vec<String> = (1000..1101).map(|n| format!("--to=+1212555{n}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let (code, text) = send(&letter, &numbers);
    assert_eq!((code, text.contains("more than 100")), (1, true), "{text}");
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 0);
}

#[test]
fn clients_that_say_nothing_do_not_keep_others_out_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &lines(&LINES));
    let connect = || UnixStream::connect(dir.path().join("data/control.sock")).unwrap();
    let mut silent: Vec<UnixStream> = (0..40).map(|_| connect()).collect();
    for stream in &mut silent {
        stream.write_all(b"{\"do\"").unwrap();
    }
    let asked = Instant::now();
    assert_eq!(gateway.status()["lines"].as_array().unwrap().len(), 2);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
}

#[test]
fn reply_to_a_received_fax_faxes_back_to_the_line_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let routes = "[[received.route]]\nline = \"clinic\"\nto = [\"clinic@example.com\"]\n\
        [[received.route]]\nline = \"office\"\nto = [\"office@example.com\"]\n";
    let gateway = Gateway::start(dir.path(), &format!("{routes}{}", lines(&LINES)));
    let letter = file(&gateway, "letter.txt", b"How is the patient?\n");
    let sent = gateway.run(&["send", letter.to_str().unwrap(), "--to", "+12125550123"]);
    assert!(sent.status.success(), "{sent:?}");
    let fax = gateway.wait_for_mails("clinic@example.com", 1).remove(0);
    let fax = MessageParser::new().parse(&fax).unwrap();
    let reply_to = fax.reply_to().unwrap().first().unwrap().address().unwrap().to_owned();

    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let reply = "From: clinic@example.com\nSubject: Re: Fax\n\nMuch better, thank you.\n";
    let answer = smtp.send("clinic@example.com", &[reply_to], reply).unwrap();
    assert!(answer.starts_with("250"), "{answer}");
    let back = gateway.wait_for_mails("office@example.com", 1).remove(0);
    assert_eq!(support::received_pages(&back).len(), 1);
    let delivered = wait_for("the receipt", || gateway.mails("clinic@example.com").get(1).cloned());
    assert!(String::from_utf8_lossy(&delivered).contains("was delivered"), "Reply was not faxed");
}

#[test]
fn a_fax_from_the_command_line_can_say_all_that_a_mail_can() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &lines(&LINES));
    let letter = file(&gateway, "letter.txt", b"Good morning.\n");
    let sent = gateway.run(&[
        "send",
        letter.to_str().unwrap(),
        "--to=+12125550123",
        "--at=+2h",
        "--until=+3h",
        "--priority=-9",
        "--billing=4711/b",
        "--retries=1",
    ]);
    assert_eq!(ended(&sent).0, 0, "{sent:?}");
    let options = gateway.job(String::from_utf8(sent.stdout).unwrap().trim())["options"].clone();
    assert_eq!((&options["priority"], &options["tries_max"]), (&(-9).into(), &2.into()), "{options}");
    assert_eq!(options["billing"], "4711/b");
    assert!(options["not_before"].is_string() && options["expires_at"].is_string(), "{options}");
}

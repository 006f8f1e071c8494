//! Where somebody may fax, and how much: what is said to those who may not, over SMTP, and what `faxgate policy` says of
//! it beforehand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use support::{Gateway, Smtp, lines};

const NEAR: &str = "+12125550123";

fn start() -> (tempfile::TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    support::write_config(
        dir.path(),
        &format!(
            "[[received.route]]\nto = [\"in@example.com\"]\n{}",
            lines(&[("out", "+12125550100"), ("lab", NEAR)])
        ),
    );
    let file = dir.path().join("faxgate.toml");
    let policy = "classes = [\"local\", \"national\", \"toll-free\"]\nquota = { faxes_per_day = 2 }\n\
        [[policy.rate]]\nclass = \"international\"\nper_call = \"0.10\"\nper_page = \"0.25\"\n\
        [[policy.group]]\nname = \"travel\"\nmembers = [\"travel.example.com\"]\n\
        classes = [\"national\", \"international\"]\nquota = { cost_per_month = \"0.50\" }\n";
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("[mailer.maildir]", &format!("{policy}[mailer.maildir]"));
    let text = text.replace(
        "[address]\n",
        "[dial_plan]\narea_code = \"212\"\n[address]\npostmaster = \"fax@example.com\"\n",
    );
    std::fs::write(&file, text).unwrap();
    let gateway = Gateway::restart(dir.path());
    (dir, gateway)
}

fn to(number: &str) -> Vec<String> {
    vec![format!("{number}@fax.example.com")]
}

#[test]
fn what_nobody_gave_leave_for_is_refused_in_plain_words() {
    let (_dir, gateway) = start();
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let help = "; if you need it, write to fax@example.com\r\n";
    for (number, said) in [
        (
            "+19005550123",
            "550 5.7.1 +19005550123 is a premium-rate number, and you have no leave for faxes to those",
        ),
        (
            "+18765550123",
            "550 5.7.1 +18765550123 is an international number, and you have no leave for faxes to those",
        ),
        (
            "+442079460123",
            "550 5.7.1 +442079460123 is an international number, and you have no leave for faxes to those",
        ),
        (
            "+870773111632",
            "550 5.7.1 +870773111632 is a satellite number, and you have no leave for faxes to those",
        ),
    ] {
        let reply = smtp.send("anna@example.com", &to(number), "Subject: x\n\nx\n").unwrap();
        assert_eq!(reply, format!("{said}{help}"));
        smtp.say("RSET").unwrap();
    }
    for number in ["911", "+1911", "+112"] {
        let reply = smtp.send("anna@example.com", &to(number), "Subject: x\n\nx\n").unwrap();
        assert!(reply.starts_with("55"), "{number}: {reply}");
        smtp.say("RSET").unwrap();
    }
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 0);

    // The log tells the operator how it came to that.
    let log = gateway.log();
    assert!(log.contains("may fax by the network address 127.0.0.1"), "{log}");
    assert!(
        log.contains("+19005550123 is premium-rate; kinds open by all: local national toll-free"),
        "{log}"
    );
}

#[test]
fn a_quota_holds_whoever_asks_at_once_and_after_a_new_start() {
    let (dir, gateway) = start();
    let address = gateway.smtp;
    let accepted: usize = std::thread::scope(|scope| {
        let one = || {
            let mut smtp = Smtp::connect(address).unwrap();
            let reply = smtp.send("bob@example.com", &to(NEAR), "Subject: x\n\nx\n").unwrap();
            assert!(reply.starts_with("250") || reply.starts_with("452 4.7.1"), "{reply}");
            usize::from(reply.starts_with("250"))
        };
        let all: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(accepted, 2);
    let words = "452 4.7.1 bob@example.com may fax 2 faxes a day, and has; there is room again tomorrow; if you need it, \
                 write to fax@example.com\r\n";
    gateway.kill();
    let gateway = Gateway::restart(dir.path());
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    assert_eq!(smtp.send("bob@example.com", &to(NEAR), "Subject: x\n\nx\n").unwrap(), words);
    smtp.say("RSET").unwrap();
    assert!(smtp.send("carl@example.com", &to(NEAR), "Subject: x\n\nx\n").unwrap().starts_with("250"));

    // Money, of a group together.
    for (sender, code) in [
        ("a@travel.example.com", "250"),
        ("b@travel.example.com", "550 5.7.1 the group travel may fax 0.50 USD a month"),
    ] {
        let reply = smtp.send(sender, &to("+442079460123"), "Subject: x\n\nx\n").unwrap();
        assert!(reply.starts_with(code), "{reply}");
        smtp.say("RSET").unwrap();
    }
}

#[test]
fn the_operator_can_ask_beforehand() {
    let (_dir, gateway) = start();
    let ask = |args: &[&str]| {
        let all: Vec<&str> = ["policy"].iter().chain(args).copied().collect();
        let output = gateway.run(&all);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let (code, said) =
        ask(&["--from", "a@travel.example.com", "--ip", "127.0.0.1", "--to", "011 44 20 7946 0123"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(
            "  +442079460123 is international; kinds open by the group travel: national international"
        ),
        "{said}"
    );
    assert!(said.contains("  quota of the group travel: 0.50 a month"), "{said}");
    assert!(
        said.contains("  cost: 0.35 USD for one page") && said.ends_with("yes, to +442079460123\n"),
        "{said}"
    );
    let (code, said) = ask(&["--from", "anna@example.com", "--ip", "127.0.0.1", "--to", "+19005550123"]);
    assert_eq!(code, 77);
    assert!(
        said.ends_with(
            "no: +19005550123 is a premium-rate number, and you have no leave for faxes to those\n"
        ),
        "{said}"
    );
    let (code, said) = ask(&["--from", "anna@example.com", "--ip", "192.0.2.9", "--to", NEAR]);
    assert!(code == 77 && said.contains("no: your mail server (192.0.2.9) may not"), "{said}");
    let (code, said) = ask(&["--from", "anna@example.com", "--ip", "127.0.0.1", "--to", NEAR, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["may"], &json["class"]), (0, &true.into(), &"local".into()));
}

/// Somebody whose program can sign in nowhere writes a key of theirs into the address.
#[test]
fn a_key_in_the_address_opens_and_is_seen_nowhere() {
    let (dir, gateway) = start();
    gateway.kill();
    let file = dir.path().join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("networks = [\"127.0.0.0/8\"]", "networks = []");
    std::fs::write(
        &file,
        text.replace("[mailer.maildir]", "[[policy.user]]\nname = \"anna\"\n[mailer.maildir]"),
    )
    .unwrap();
    let gateway = Gateway::restart(dir.path());
    let run = |args: &[&str], input: &str| {
        use std::io::Write;
        let mut child = std::process::Command::new(support::FAXGATE)
            .arg("--config")
            .arg(&file)
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["user", "add", "anna"], "correct horse battery\n");
    let first = run(&["user", "key", "anna", "--keep-old", "0s"], "");
    let send = |key: &str| {
        let mut smtp = Smtp::connect(gateway.smtp).unwrap();
        let to = vec![format!("+12125550123/KEY={key}@fax.example.com")];
        smtp.send("anna@example.com", &to, "Subject: x\nTo: <fax>\n\nx\n").unwrap()
    };
    assert!(send(&first).starts_with("250 2.0.0"), "{}", gateway.log());
    assert!(send("aaaaaaaaaaaaaaaaaaaa").starts_with("550 5.7.1 the key in the fax address is nobody's"));
    let second = run(&["user", "key", "anna", "--keep-old", "0s"], "");
    assert!(send(&first).starts_with("550 5.7.1"), "another has taken its place");
    assert!(send(&second).starts_with("250 2.0.0"));
    run(&["user", "revoke-keys", "anna"], "");
    assert!(send(&second).starts_with("550 5.7.1"));

    let report = gateway.wait_for_mails("anna@example.com", 2).remove(0);
    let jobs = gateway.status()["jobs"].as_array().unwrap().clone();
    let job = gateway.job(jobs[0]["id"].as_str().unwrap());
    assert_eq!(job["sender"]["proof"]["key"], "anna", "{job}");
    let seen = [String::from_utf8(report).unwrap(), gateway.log(), job.to_string()];
    for key in [&first, &second] {
        assert!(seen.iter().all(|text| !text.contains(key.as_str())), "{seen:?}");
    }
    let kept = std::process::Command::new("grep")
        .args(["-r", &second])
        .arg(dir.path().join("data"))
        .output()
        .unwrap();
    assert!(kept.stdout.is_empty(), "{kept:?}");
}

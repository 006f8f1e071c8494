//! Who may fax from anywhere: authors whose mails prove that they are theirs, over SMTP and by the milter's door, with
//! real signatures and a name server of our own. A spoofed author, a mail sent on to another number, the same mail again
//! are refused, and nothing of them is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[path = "support/dns.rs"]
mod dns;
mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dns::{Dns, Record};
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use support::{Gateway, Smtp, lines};

const FAX: &str = "+12125550123";
const OTHER: &str = "+12125550124";
const ANN: &str = "ann@example.com";
const FIELDS: [&str; 6] = ["From", "To", "Cc", "Subject", "Date", "Message-ID"];

struct Key {
    pkcs8: Vec<u8>,
}

impl Key {
    fn new() -> Self {
        Self { pkcs8: Ed25519Key::generate_pkcs8().unwrap() }
    }

    fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_maybe_unchecked_der(&self.pkcs8).unwrap()
    }

    fn record(&self) -> String {
        format!("v=DKIM1; k=ed25519; p={}", BASE64_STANDARD.encode(self.key().public_key()))
    }

    fn sign(&self, domain: &str, fields: &[&str], message: &str) -> String {
        let signer = DkimSigner::from_key(self.key()).domain(domain).selector("s1");
        let signer = signer.headers(fields.iter().map(|field| (*field).to_owned()));
        format!("{}{message}", signer.sign(message.as_bytes()).unwrap().to_header())
    }
}

struct Stage {
    gateway: Gateway,
    dns: Dns,
    key: Key,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// A gateway that knows no network, and authors at example.com and one at example.net.
    fn start(more: &str) -> Self {
        let (key, dir) = (Key::new(), tempfile::tempdir().unwrap());
        let dns = Dns::start(&[
            ("s1._domainkey.example.com", &key.record()),
            ("s1._domainkey.mail.example.com", &key.record()),
            ("s1._domainkey.evil.example", &key.record()),
            ("_dmarc.example.com", "v=DMARC1; p=reject; adkim=r; aspf=r"),
            ("_dmarc.strict.example", "v=DMARC1; p=reject; adkim=s"),
            ("s1._domainkey.mail.strict.example", &key.record()),
            ("s1._domainkey.example.net", &key.record()),
            ("example.net", "v=spf1 ip4:127.0.0.1 -all"),
            ("example.org", "v=spf1 -all"),
        ]);
        let settings = format!(
            "[[received.route]]\nto = [\"in@example.com\"]\n[mail_auth]\nservers = [\"{}\"]\ntimeout = \"8s\"\n{more}{}",
            dns.address,
            lines(&[("out", "+12125550100"), ("lab", FAX), ("ward", OTHER)])
        );
        support::write_config(dir.path(), &settings);
        let file = dir.path().join("faxgate.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let authors = ["example.com", "strict.example", "bob@example.net", "example.org"]
            .map(|name| format!("[[policy.author]]\nname = \"{name}\"\n"));
        let text = text
            .replace("networks = [\"127.0.0.0/8\"]", "networks = []")
            .replace("[mailer.maildir]", &format!("{}[mailer.maildir]", authors.concat()));
        std::fs::write(&file, text).unwrap();
        Self { gateway: Gateway::restart(dir.path()), dns, key, _dir: dir }
    }

    fn smtp(&self) -> Smtp {
        Smtp::connect(self.gateway.smtp).unwrap()
    }

    /// Sends a mail from the envelope sender, and gives the last reply.
    fn send(&self, sender: &str, numbers: &[&str], message: &str) -> String {
        let to: Vec<String> = numbers.iter().map(|number| format!("{number}@fax.example.com")).collect();
        self.smtp().send(sender, &to, message).unwrap()
    }

    fn jobs(&self) -> usize {
        self.gateway.status()["jobs"].as_array().unwrap().len()
    }
}

fn now() -> jiff::Timestamp {
    std::time::SystemTime::now().try_into().unwrap()
}

fn message(author: &str, to: &str, id: &str) -> String {
    let date = jiff::fmt::rfc2822::to_string(&now().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    format!(
        "From: {author}\r\nTo: {to}\r\nSubject: {id}\r\nDate: {date}\r\nMessage-ID: <{id}@example.com>\r\n\r\nThis is {id}.\r\n"
    )
}

fn fax(number: &str) -> String {
    format!("<{number}@fax.example.com>")
}

#[test]
fn a_mail_that_proves_its_author_is_faxed_once_and_to_nobody_else() {
    let stage = Stage::start("");
    let sign = |domain: &str, mail: &str| stage.key.sign(domain, &FIELDS, mail);
    let mut jobs = 0;
    let mut check = |what: &str, reply: String, wanted: &str| {
        assert!(reply.starts_with(wanted), "{what}: {reply}\n{}", stage.gateway.log());
        jobs += usize::from(wanted.starts_with("250"));
        assert_eq!(stage.jobs(), jobs, "{what}");
    };

    let good = sign("example.com", &message(ANN, &fax(FAX), "good"));
    check("nobody vouches", stage.send(ANN, &[FAX], &message(ANN, &fax(FAX), "bare")), "550 5.7.1");
    check("signed by the author's domain", stage.send(ANN, &[FAX], &good), "250 2.0.0");
    check("the same again", stage.send(ANN, &[FAX], &good), "550 5.7.1 this very mail was faxed");
    check("to another number", stage.send(ANN, &[OTHER], &good), "550 5.7.1 +12125550124 does not stand");

    let spoofed = sign("evil.example", &message(ANN, &fax(FAX), "spoofed"));
    check("signed by a stranger", stage.send(ANN, &[FAX], &spoofed), "550 5.7.1");
    let reply = stage.send("eve@evil.example", &[FAX], &spoofed);
    check("from a stranger", reply, "550 5.7.1 your mail server (127.0.0.1) may not");
    let stranger = sign("evil.example", &message("eve@evil.example", &fax(FAX), "stranger"));
    check(
        "a listed envelope, another author",
        stage.send(ANN, &[FAX], &stranger),
        "550 5.7.1 eve@evil.example may not",
    );

    let changed = sign("example.com", &message(ANN, &fax(FAX), "changed")).replace("This is", "That was");
    check("a changed body", stage.send(ANN, &[FAX], &changed), "550 5.7.1");
    let bare = stage.key.sign("example.com", &["From", "Subject", "Date"], &message(ANN, &fax(FAX), "no To"));
    let reply = stage.send(ANN, &[FAX], &bare);
    check(
        "To is not signed",
        reply,
        "550 5.7.1 this mail does not prove that it is from ann@example.com: its DKIM",
    );
    let twice = format!("To: {}\r\n{}", fax(OTHER), sign("example.com", &message(ANN, &fax(FAX), "two To")));
    check("a second To", stage.send(ANN, &[OTHER], &twice), "550 5.7.1");
    let authors = format!("{ANN}, bob@example.com");
    let two = sign("example.com", &message(&authors, &fax(FAX), "two authors"));
    check("two authors", stage.send(ANN, &[FAX], &two), "550 5.7.1");

    // Alignment as the records have it: relaxed for one, strict for the other.
    let relaxed = sign("mail.example.com", &message(ANN, &fax(FAX), "relaxed"));
    check("a host of the domain", stage.send(ANN, &[FAX], &relaxed), "250 2.0.0");
    let strict = sign("mail.strict.example", &message("x@strict.example", &fax(FAX), "strict"));
    check("strict alignment", stage.send("x@strict.example", &[FAX], &strict), "550 5.7.1");

    // One address of a domain, and no other. Without a DMARC record a domain signs for itself.
    let bob = sign("example.net", &message("bob@example.net", &fax(FAX), "bob"));
    check("the one that is listed", stage.send("bob@example.net", &[FAX], &bob), "250 2.0.0");
    let carl = sign("example.net", &message("carl@example.net", &fax(FAX), "carl"));
    check("another there", stage.send("carl@example.net", &[FAX], &carl), "550 5.7.1");
    check(
        "another there, spoofed",
        stage.send("bob@example.net", &[FAX], &carl),
        "550 5.7.1 carl@example.net may not",
    );

    // Two numbers that stand in To and Cc.
    let both =
        message(ANN, &fax(FAX), "both").replace("\r\nSubject", &format!("\r\nCc: {}\r\nSubject", fax(OTHER)));
    let reply = stage.send(ANN, &[FAX, OTHER], &sign("example.com", &both));
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(stage.jobs(), 5);

    // SPF alone is no proof here.
    let reply = stage.send("bob@example.net", &[FAX], &message("bob@example.net", &fax(FAX), "spf"));
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
}

#[test]
fn an_old_signature_is_none() {
    let stage = Stage::start("age_max = \"1ms\"\n");
    let old = stage.key.sign("example.com", &FIELDS, &message(ANN, &fax(FAX), "old"));
    // Signatures tell the time in seconds: this one is of the beginning of the present one.
    let reply = stage.send(ANN, &[FAX], &old);
    assert!(reply.starts_with("550 5.7.1") && reply.contains("signed too long ago"), "{reply}");
    assert_eq!(stage.jobs(), 0);
}

#[test]
fn a_dns_that_fails_turns_nobody_away_for_good() {
    let stage = Stage::start("");
    let from = "x@strict.example";
    stage.dns.set("s1._domainkey.strict.example", Record::Failure);
    let dark = stage.key.sign("strict.example", &FIELDS, &message(from, &fax(FAX), "dark"));
    let reply = stage.send(from, &[FAX], &dark);
    assert!(reply.starts_with("451 4.3.0 it cannot be told just now who wrote this mail"), "{reply}");
    assert_eq!(stage.jobs(), 0);
    stage.dns.set("s1._domainkey.strict.example", Record::Text(stage.key.record()));
    assert!(stage.send(from, &[FAX], &dark).starts_with("250"), "{}", stage.gateway.log());
}

#[test]
fn what_was_faxed_is_known_after_a_new_start() {
    let stage = Stage::start("");
    let good = stage.key.sign("example.com", &FIELDS, &message(ANN, &fax(FAX), "good"));
    assert!(stage.send(ANN, &[FAX], &good).starts_with("250"));
    let Stage { gateway, dns, key, _dir } = stage;
    gateway.kill();
    let stage = Stage { gateway: Gateway::restart(_dir.path()), dns, key, _dir };
    let reply = stage.send(ANN, &[FAX], &good);
    assert!(reply.starts_with("550 5.7.1 this very mail was faxed"), "{reply}");
}

#[test]
fn spf_is_proof_where_the_operator_says_so() {
    let stage = Stage::start("spf_is_enough = true\n");
    let send = |author: &str, id: &str| stage.send(author, &[FAX], &message(author, &fax(FAX), id));
    assert!(send("bob@example.net", "pass").starts_with("250"), "{}", stage.gateway.log());
    assert!(send("x@example.org", "fail").starts_with("550 5.7.1"));
    assert!(send(ANN, "none").starts_with("550 5.7.1"));
    assert_eq!(stage.jobs(), 1);
}

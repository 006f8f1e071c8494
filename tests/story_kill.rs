//! The gateway is killed fifty times while a hundred messages are taken. What was answered with 250 is faxed once, or
//! its sender is told what is in doubt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use fax::page::Page;
use faxgate::config::Config;
use faxgate::queue::look::{self, Look};
use faxgate::render::header;
use faxgate::render::{InProcess, Language, Renderer};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_parser::MessageParser;
use support::{Gateway, Smtp, lines, mails, received_pages, write_config};

const MESSAGES: usize = 100;
const KILLS: usize = 50;
const SENDERS: usize = 4;
/// The longest that the gateway lives between two kills.
const LIFE_MILLIS_MAX: u64 = 150;
const SEED: u64 = 20_261_123;

const LINES: [(&str, &str); 6] = [
    ("out-1", "+12125550100"),
    ("out-2", "+12125550101"),
    ("in-1", "+12125550201"),
    ("in-2", "+12125550202"),
    ("in-3", "+12125550203"),
    ("in-4", "+12125550204"),
];

const SETTINGS: &str = "[retry]\nbusy = { tries = 1000, delay = \"20ms\" }\nprotocol = { tries = 1000, delay = \"20ms\" }\n\
    line_trouble = { tries = 1000, delay = \"20ms\" }\n\
    [[received.route]]\nto = [\"in@example.com\"]\n";

/// One try to hand a message over: what it said, and whether it was answered with 250.
struct Try {
    token: String,
    answered: bool,
}

fn message(token: &str) -> String {
    // Every third fax has two pages.
    let more = if token.len().is_multiple_of(3) {
        format!("One line more of {token}.\n").repeat(70)
    } else {
        String::new()
    };
    format!(
        "From: anna@example.com\nSubject: {token}\nMessage-ID: <{token}@example.com>\n\nMessage {token}.\n{more}"
    )
}

/// What the senders and the killer share.
struct Stage {
    address: RwLock<SocketAddr>,
    next: AtomicUsize,
    kills: AtomicUsize,
    tries: Mutex<Vec<Try>>,
}

/// Keeps handing messages over, a few between one kill and the next, again and again where the connection is lost, each time under a new name.
fn send_all(stage: &Stage) {
    loop {
        let number = stage.next.fetch_add(1, Ordering::SeqCst);
        if number >= MESSAGES {
            return;
        }
        while number > stage.kills.load(Ordering::SeqCst) * MESSAGES / KILLS + SENDERS {
            std::thread::sleep(Duration::from_millis(1));
        }
        for attempt in 0.. {
            assert!(attempt < 10_000, "message {number} is never taken");
            let server = *stage.address.read().unwrap();
            let Some(mut smtp) = Smtp::connect(server) else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            let token = format!("message-{number}-try-{attempt}");
            let to = format!("+1212555020{}@fax.example.com", number % 4 + 1);
            let reply = smtp.send("anna@example.com", &[to], &message(&token));
            let answered = reply.as_ref().is_some_and(|reply| reply.starts_with("250"));
            stage.tries.lock().unwrap().push(Try { token, answered });
            if answered {
                break;
            }
        }
    }
}

/// A page without its header line.
fn content(page: &Page, strip_rows: u32) -> Vec<u8> {
    page.bits()[strip_rows as usize * page.stride()..].to_vec()
}

/// The pages of a message as they are faxed, without header lines; and how high those are.
fn expected_pages(dir: &Path, token: &str) -> (Vec<Vec<u8>>, u32) {
    let config = Config::load(&dir.join("faxgate.toml")).unwrap();
    let message = message(token).replace('\n', "\r\n");
    let task = Look::default().task(message.as_bytes(), &config.render);
    let rendered = InProcess.message(message.as_bytes(), &task).unwrap();
    let line = look::header_line(Timestamp::UNIX_EPOCH, &TimeZone::UTC, "", None, 1, Language::En);
    let strip = header::stamp(&rendered.pages[0], &line).rows() - rendered.pages[0].rows();
    (rendered.pages.iter().map(|page| content(page, 0)).collect(), strip)
}

/// Kills the gateway again and again while messages come in, then lets it finish.
fn storm(dir: &Path) -> (Vec<Try>, Gateway) {
    write_config(dir, &format!("{SETTINGS}{}", lines(&LINES)));
    let gateway = Gateway::restart(dir);
    let stage = Stage {
        address: RwLock::new(gateway.smtp),
        next: AtomicUsize::new(0),
        kills: AtomicUsize::new(0),
        tries: Mutex::new(Vec::new()),
    };
    let mut gateway = Some(gateway);
    let mut random = fastrand::Rng::with_seed(SEED);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| send_all(&stage));
        }
        for _ in 0..KILLS {
            std::thread::sleep(Duration::from_millis(random.u64(0..LIFE_MILLIS_MAX)));
            gateway.take().unwrap().kill();
            let restarted = Gateway::restart(dir);
            *stage.address.write().unwrap() = restarted.smtp;
            stage.kills.fetch_add(1, Ordering::SeqCst);
            gateway = Some(restarted);
        }
    });
    (stage.tries.into_inner().unwrap(), gateway.unwrap())
}

/// What the mailboxes hold in the end.
struct Delivered {
    /// How often each page came, by its content.
    pages: HashMap<Vec<u8>, usize>,
    /// The reports, by the message's name: its machine-readable action and its text.
    reports: HashMap<String, Vec<(bool, String)>>,
}

fn read_mailboxes(dir: &Path, strip_rows: u32) -> Delivered {
    let mut pages = HashMap::new();
    for mail in mails(dir, "in@example.com") {
        for page in received_pages(&mail) {
            *pages.entry(content(&page, strip_rows)).or_default() += 1;
        }
    }
    let mut reports: HashMap<String, Vec<(bool, String)>> = HashMap::new();
    for mail in mails(dir, "anna@example.com") {
        let parsed = MessageParser::new().parse(&mail).unwrap();
        let subject = parsed.subject().unwrap().to_owned();
        let token = subject.split(' ').next_back().unwrap().to_owned();
        let delivered = String::from_utf8_lossy(&mail).contains("\nAction: delivered");
        reports.entry(token).or_default().push((delivered, parsed.body_text(0).unwrap().into_owned()));
    }
    Delivered { pages, reports }
}

/// How the messages fared.
#[derive(Debug, Default)]
struct Tally {
    once: usize,
    again: usize,
    in_doubt: usize,
    unanswered: usize,
}

/// A try with the pages that it is faxed as.
struct Expected<'t> {
    attempt: &'t Try,
    pages: Vec<Vec<u8>>,
}

impl Tally {
    /// Counts all tries.
    fn of(expected: &[Expected<'_>], delivered: &Delivered) -> Result<Self, String> {
        let mut tally = Self::default();
        expected.iter().try_for_each(|one| tally.count(one, delivered))?;
        Ok(tally)
    }

    /// Counts one try by what the mailboxes hold; an error says what is missing, or too much.
    fn count(&mut self, expected: &Expected<'_>, delivered: &Delivered) -> Result<(), String> {
        let Expected { attempt: Try { token, answered }, pages } = expected;
        let counts: Vec<usize> = pages.iter().map(|p| delivered.pages.get(p).copied().unwrap_or(0)).collect();
        let all = |wanted: std::ops::RangeInclusive<usize>| counts.iter().all(|count| wanted.contains(count));
        match delivered.reports.get(token).map_or(&[][..], Vec::as_slice) {
            [] if !answered && all(0..=0) => return Ok(()),
            [] => return Err(format!("{token}: no report, and faxed {counts:?}")),
            [(true, _)] if all(1..=1) => self.once += 1,
            [(true, text)] if all(1..=2) && text.contains("Sent again:") => self.again += 1,
            [(false, text)] if all(0..=1) && text.contains("may have arrived") => self.in_doubt += 1,
            // Two kills met this one: a page was sent again, and the last one is in doubt; the report says both.
            [(false, text)]
                if all(0..=2)
                    && text.contains("Sent again:")
                    && text.contains("may have arrived completely") =>
            {
                self.in_doubt += 1;
            }
            reports => return Err(format!("{token}: faxed {counts:?}, and reported so: {reports:#?}")),
        }
        self.unanswered += usize::from(!answered);
        Ok(())
    }
}

#[test]
fn what_was_answered_is_faxed_once_or_said_to_be_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let (tries, _gateway) = storm(dir.path());
    assert_eq!(tries.iter().filter(|attempt| attempt.answered).count(), MESSAGES);
    let (_, strip) = expected_pages(dir.path(), "message-0-try-0");
    let expected = tries.iter().map(|attempt| {
        let (pages, _) = expected_pages(dir.path(), &attempt.token);
        Expected { attempt, pages }
    });
    let expected: Vec<_> = expected.collect();
    // Faxes and mails are still on their way; what is wrong for good stays wrong until patience ends.
    let begun = std::time::Instant::now();
    let tally = loop {
        match Tally::of(&expected, &read_mailboxes(dir.path(), strip)) {
            Ok(tally) => break tally,
            Err(wrong) => assert!(begun.elapsed() < support::PATIENCE, "{wrong}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let Tally { once, again, in_doubt, unanswered } = tally;
    println!(
        "{MESSAGES} messages answered with 250, {KILLS} kills: {once} faxed exactly once, {again} with a page sent \
         again and said so, {in_doubt} reported as in doubt; {unanswered} more were kept without an answer"
    );
}

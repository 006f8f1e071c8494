//! A whole gateway on a bad telephone network, by seed: numbers that are busy, silent or no fax machines, calls that
//! are lost, bits that arrive wrong, and a restart in the middle.
//!
//! Whatever the seed: every fax that was accepted ends once, with one report for each recipient; no page that was
//! confirmed is sent again; no number is dialled that may not be; and nothing is left waiting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faxgate::app::App;
use faxgate::config::Config;
use faxgate::door::control::{Request, Response, Why, ask};
use faxgate::job::{Job, JobId, Options, Outcome};
use faxgate::render::InProcess;
use support::{PATIENCE, mails, received_pages, write_config};

const FAXES: usize = 32;
const OUT: [(&str, &str); 3] =
    [("out-1", "+12125550100"), ("out-2", "+12125550101"), ("out-3", "+12125550102")];
/// A number that would answer and may not be dialled.
const DENIED: &str = "+19005550100";

/// Something by chance.
struct Chance(fastrand::Rng);

impl Chance {
    /// What the calls to a number find: some trouble, and then mostly the line.
    fn answers(&mut self) -> String {
        let mut answers = Vec::new();
        for _ in 0..self.0.usize(0..4) {
            answers.push(match self.0.u8(0..6) {
                0 => "\"busy\"".to_owned(),
                1 => "\"no-answer\"".to_owned(),
                2 => "\"voice\"".to_owned(),
                _ => format!("{{ drop-after = \"{}s\" }}", self.0.u8(3..45)),
            });
        }
        answers.push(if self.0.u8(0..8) == 0 { "\"voice\"" } else { "\"line\"" }.to_owned());
        answers.join(", ")
    }

    fn settings(&mut self, seed: u64, numbers: &[String]) -> String {
        let rule = |tries| format!("{{ tries = {tries}, delay = \"10ms\" }}");
        let mut text = format!(
            "[retry]\nbusy = {0}\nno_answer = {0}\nno_fax = {1}\nprotocol = {0}\nline_trouble = {0}\n\
             [[received.route]]\ncalled = \"{DENIED}\"\nto = [\"denied@example.com\"]\n\
             [[received.route]]\nto = [\"in@example.com\"]\n\
             [simulation]\nseed = {seed}\nbit_errors_per_million = {2}\n",
            rule(50),
            rule(4),
            self.0.u32(0..60),
        );
        for number in numbers {
            let answers = self.answers();
            text += &format!("[[simulation.number]]\nnumber = \"{number}\"\nanswers = [{answers}]\n");
        }
        let incoming = numbers.iter().map(|number| (number.trim_start_matches('+'), number.as_str()));
        let lines: Vec<_> = OUT.into_iter().chain(incoming).chain([("denied", DENIED)]).collect();
        // The numbers that are dialled shall not be busy dialling themselves.
        let dials = |name: &str| format!("dial = {}\n", name.starts_with("out"));
        text + &lines.iter().map(|line| support::lines(&[*line]) + &dials(line.0)).collect::<String>()
    }
}

async fn start(dir: &Path) -> App {
    let mut config = Config::load(&dir.join("faxgate.toml")).unwrap();
    config.policy.destinations_denied = vec!["+1900".into()];
    App::start(config, Arc::new(InProcess)).await.unwrap()
}

async fn fax(dir: &Path, to: Vec<String>, number: usize, pages: usize) -> Response {
    let more = "One line more.\r\n".repeat(70 * (pages - 1));
    let message = format!("Subject: fax {number}\r\n\r\nFax {number}.\r\n{more}");
    let request = Request::Send {
        to,
        from: Some(format!("sender-{number}@example.com")),
        options: Options::default(),
        message_bytes: message.len() as u64,
    };
    ask(&dir.join("data"), &request, message.as_bytes()).await.unwrap()
}

/// The jobs, as soon as all are at their end.
async fn all_done(app: &App, ids: &[JobId]) -> Vec<Job> {
    let begun = Instant::now();
    loop {
        let mut jobs = Vec::new();
        for id in ids {
            jobs.push(app.status.job(id).await.unwrap());
        }
        let open: Vec<_> = jobs.iter().filter(|job| job.outcome().is_none()).collect();
        if open.is_empty() {
            return jobs;
        }
        assert!(begun.elapsed() < PATIENCE, "the queue does not drain: {open:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn simulate(seed: u64) {
    let mut chance = Chance(fastrand::Rng::with_seed(seed));
    let dir = tempfile::tempdir().unwrap();
    let numbers: Vec<String> = (0..12).map(|n| format!("+121255502{n:02}")).collect();
    write_config(dir.path(), &chance.settings(seed, &numbers));
    let mut app = start(dir.path()).await;
    let mut senders = BTreeMap::new();
    let mut ids = Vec::new();
    let mut denied = 0;
    for number in 0..FAXES {
        if number == FAXES / 2 {
            app.stop().await;
            app = start(dir.path()).await;
        }
        let count = chance.0.usize(1..4);
        let mut to: Vec<String> = numbers.clone();
        chance.0.shuffle(&mut to);
        to.truncate(count);
        if chance.0.u8(0..6) == 0 {
            to.push(DENIED.to_owned());
        }
        let may = !to.contains(&DENIED.to_owned());
        match fax(dir.path(), to, number, chance.0.usize(1..4)).await {
            Response::Accepted(jobs) => {
                assert!(may && jobs.len() == count);
                senders.insert(format!("sender-{number}@example.com"), count);
                ids.extend(jobs);
            }
            Response::Refused { why, .. } => {
                assert!(!may && why == Why::NotPermitted);
                denied += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    let jobs = all_done(&app, &ids).await;
    for (sender, count) in &senders {
        let begun = Instant::now();
        while mails(dir.path(), sender).len() < *count {
            assert!(begun.elapsed() < PATIENCE, "{sender} is not told");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    app.stop().await;
    for (sender, count) in &senders {
        assert_eq!(mails(dir.path(), sender).len(), *count, "{sender}: one report for each recipient");
    }
    let told = check_pages(dir.path(), &jobs);
    assert!(mails(dir.path(), "denied@example.com").is_empty(), "a number was dialled that may not be");
    println!("seed {seed}: {} faxes to {} recipients, {denied} denied; {told}", senders.len(), jobs.len());
}

/// Pages that arrived, against what the jobs know.
fn check_pages(dir: &Path, jobs: &[Job]) -> String {
    let arrived: usize = mails(dir, "in@example.com").iter().map(|mail| received_pages(mail).len()).sum();
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut confirmed, mut in_doubt) = (0, 0);
    for job in jobs {
        let outcome = job.outcome().unwrap();
        *words.entry(outcome.word()).or_default() += 1;
        if *outcome == Outcome::Delivered {
            assert_eq!(job.progress.confirmed, job.progress.pages, "{job:?}");
        }
        if usize::try_from(job.calls).unwrap() == job.attempts.len() {
            let in_calls: u32 = job.attempts.iter().map(|attempt| attempt.pages_confirmed).sum();
            assert_eq!(in_calls, job.progress.confirmed, "a confirmed page was sent again: {job:?}");
        }
        confirmed += job.progress.confirmed as usize;
        in_doubt += job.sent_again.len() + usize::from(*outcome == Outcome::Unconfirmed);
    }
    assert!(
        (confirmed..=confirmed + in_doubt).contains(&arrived),
        "{arrived} pages arrived, {confirmed} were confirmed, {in_doubt} in doubt"
    );
    let calls: u32 = jobs.iter().map(|job| job.calls).sum();
    format!("{calls} calls, {words:?}, {confirmed} pages confirmed, {arrived} arrived")
}

#[tokio::test(flavor = "multi_thread")]
async fn any_weather_on_the_line_ends_every_fax_once() {
    for seed in [1, 2] {
        simulate(seed).await;
    }
}

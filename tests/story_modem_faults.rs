//! What goes wrong on real lines, with the gateway on soft modems: each has its outcome and its retry, the next call goes
//! on at the first page that was not confirmed, and the line is always back on hook.
//!
//! Over audio, hurried as in `story_modem_hylafax.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fax::page::{Page, Resolution};
use fax_peers::exchange::{Answer, Exchange, Fault};
use fax_peers::t31::Caller;
use support::modems::{difference, got, pace, terminal, top_of, write_tiff};
use support::{Gateway, Smtp, modems, received_pages, wait_for};

const OURS: &str = "12125550101";
const FAX: &str = "12125550200";

/// Everything is tried again soon, and twice at most.
const RETRY: &str = "[retry]\nbusy = { tries = 2, delay = \"1s\" }\nno_answer = { tries = 1, delay = \"1s\" }\n\
    no_fax = { tries = 2, delay = \"1s\" }\nprotocol = { tries = 3, delay = \"1s\" }\n\
    line_taken = { tries = 5, delay = \"1s\" }\nline_trouble = { tries = 20, delay = \"2s\" }\n";

struct Bench {
    dir: tempfile::TempDir,
    exchange: Exchange,
    gateway: Gateway,
}

impl Bench {
    /// A gateway with lines at these numbers, and a fax machine.
    fn start(lines: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let exchange = Exchange::start(dir.path(), pace()).unwrap();
        let more = "answer_wait = \"15s\"\n";
        let settings = lines.iter().map(|number| {
            let device = exchange.plug(number).unwrap();
            exchange.trace(number);
            modems::line(&device, number, more)
        });
        let settings: String = settings.collect();
        let folder = dir.path().to_owned();
        exchange.with(|office| {
            office.put_answer(FAX, terminal(&folder, None));
            office.traits(FAX).rings = 0;
        });
        let settings = format!("{RETRY}{}{settings}", modems::ROUTE);
        let gateway = Gateway::start(dir.path(), &settings);
        Self { dir, exchange, gateway }
    }

    /// Hands in a document; gives the job's name.
    fn fax(&self, to: &str, tiff: &Path) -> String {
        let sent = self.gateway.run(&["send", tiff.to_str().unwrap(), "--to", &format!("+{to}")]);
        assert!(sent.status.success(), "{sent:?}");
        String::from_utf8_lossy(&sent.stdout).lines().next().unwrap().to_owned()
    }

    fn tiff(&self, pages: &[Page]) -> PathBuf {
        let path = self.dir.path().join("document.tif");
        write_tiff(&path, pages);
        path
    }

    /// Waits until a job is done; gives how its calls ended.
    fn ends(&self, job: &str) -> Vec<String> {
        let job = wait_for(&format!("job {job} to be done: {}", self.exchange.with(|o| o.history())), || {
            let job = self.gateway.job(job);
            (!job["state"]["outcome"].is_null()).then_some(job)
        });
        let attempts = job["attempts"].as_array().unwrap().iter();
        attempts.map(|attempt| attempt["outcome"]["is"].as_str().unwrap().to_owned()).collect()
    }

    /// What the fax machine got in its so-manyth call.
    fn got(&self, call: u32) -> Vec<Page> {
        wait_for("the fax machine to have its pages", || {
            let is_over = self.exchange.with(|office| !office.is_active());
            is_over.then(|| got(self.dir.path(), FAX, call))
        })
    }

    fn traced(&self) -> String {
        format!(
            "{}\n{}\n{}",
            self.gateway.log(),
            self.exchange.traced(OURS),
            self.exchange.with(|office| office.history())
        )
    }

    fn all_on_hook(&self, lines: &[&str]) {
        wait_for("all lines to be on hook", || {
            lines.iter().all(|line| self.exchange.is_on_hook(line)).then_some(())
        });
    }
}

/// Pages that take some seconds each.
fn four_pages() -> Vec<Page> {
    let corpus = fax_peers::corpus::pages(Resolution::R204x196);
    (0..4).map(|n| top_of(&corpus[n].page, 300)).collect()
}

/// The pages that came are these, below the header line.
fn assert_pages(sent: &[Page], came: &[Page], bench: &Bench) {
    let on_top = came.first().map_or(0, Page::rows) - sent[0].rows();
    assert_eq!(difference(sent, came, on_top, 0), None, "{}", bench.traced());
}

#[test]
fn numbers_where_no_fax_machine_answers() {
    let lines = [OURS, "12125550102", "12125550103", "12125550104", "12125550105"];
    let bench = Bench::start(&lines);
    let tiff = bench.tiff(&[modems::short_page(1)]);
    let number = |n: u32| format!("1212555030{n}");
    bench.exchange.with(|office| {
        office.put_busy(&number(0));
        office.put_ringing(&number(1));
        office.put_answer(&number(2), Answer::Voice { for_ms: 6000 });
        office.put_answer(&number(3), Answer::Silence);
        office.put_answer(&number(4), Answer::DataModem);
        office.traits(&number(1)).rings_max = 2;
        (2..5).for_each(|n| office.traits(&number(n)).rings = 0);
    });
    let jobs: Vec<String> = (0..6).map(|n| bench.fax(&number(n), &tiff)).collect();
    let expected: [&[&str]; 6] = [
        &["busy", "busy"],
        &["no-answer"],
        &["not-reached", "not-reached"],
        &["not-reached", "not-reached"],
        &["not-reached", "not-reached"],
        &["not-reached", "not-reached"],
    ];
    for (job, expected) in jobs.iter().zip(expected) {
        assert_eq!(bench.ends(job), expected, "{}", bench.traced());
    }
    bench.all_on_hook(&lines);
}

#[test]
fn a_line_without_a_dial_tone_is_tried_until_it_has_one() {
    let bench = Bench::start(&[OURS]);
    let tiff = bench.tiff(&[modems::short_page(1)]);
    bench.exchange.with(|office| office.traits(OURS).has_dial_tone = false);
    let job = bench.fax(FAX, &tiff);
    wait_for("a call without a dial tone", || {
        bench.exchange.with(|office| office.history().contains("no dial tone")).then_some(())
    });
    bench.exchange.with(|office| office.traits(OURS).has_dial_tone = true);
    let ends = bench.ends(&job);
    assert_eq!(ends.last().unwrap(), "delivered", "{}", bench.traced());
    assert!(ends[..ends.len() - 1].iter().all(|end| end == "line-trouble"), "{ends:?}");
    bench.all_on_hook(&[OURS]);
}

#[test]
fn a_call_lost_in_page_two_of_four_goes_on_there() {
    let bench = Bench::start(&[OURS]);
    let pages = four_pages();
    let tiff = bench.tiff(&pages);
    for (calls, fault) in
        [(1, Fault::Drop { carriers: 3, ms: 1500 }), (3, Fault::Dead { carriers: 3, ms: 1500 })]
    {
        bench.exchange.with(|office| office.befall(OURS, [fault.clone()]));
        let job = bench.fax(FAX, &tiff);
        assert_eq!(bench.ends(&job), ["interrupted", "delivered"], "{fault:?} {}", bench.traced());
        assert_pages(&pages[1..], &bench.got(calls + 1), &bench);
        assert!(bench.got(calls).len() <= 2, "{}", bench.traced());
    }
    bench.all_on_hook(&[OURS]);
}

#[test]
fn noise_costs_time_and_no_page() {
    let bench = Bench::start(&[OURS]);
    let pages = four_pages();
    let tiff = bench.tiff(&pages[..2]);
    let faults = [1, 2].map(|seed| Fault::Noise(-38.0, seed));
    bench.exchange.with(|office| office.befall(OURS, faults));
    for call in 1..=2 {
        let job = bench.fax(FAX, &tiff);
        assert_eq!(bench.ends(&job), ["delivered"], "{}", bench.traced());
        assert_pages(&pages[..2], &bench.got(call), &bench);
    }
    bench.all_on_hook(&[OURS]);
}

#[test]
fn a_call_that_comes_in_as_we_dial_is_taken_and_ours_follows() {
    let bench = Bench::start(&[OURS]);
    let pages = [modems::short_page(1)];
    let tiff = bench.tiff(&pages);
    let theirs = bench.dir.path().join("theirs.tif");
    write_tiff(&theirs, &[modems::short_page(2)]);
    wait_for("the modem to be ready", || bench.gateway.log().contains("line is in order").then_some(()));
    let caller = Caller { number: Some("2125550177".into()), ..Caller::default() };
    let who = terminal(bench.dir.path(), Some(&theirs));
    bench.exchange.with(|office| office.call_in_when_it_writes(OURS, b"AT+FCLASS", caller, who));
    let job = bench.fax(FAX, &tiff);
    let ends = bench.ends(&job);
    assert_eq!(ends.last().unwrap(), "delivered", "{}", bench.traced());
    assert!(ends[..ends.len() - 1].iter().all(|end| end == "line-taken"), "{ends:?} {}", bench.traced());
    assert_pages(&pages, &bench.got(1), &bench);
    let mails = bench.gateway.wait_for_mails("inbox@example.com", 1);
    assert_eq!(difference(&[modems::short_page(2)], &received_pages(&mails[0]), 0, 0), None);
    bench.all_on_hook(&[OURS]);
}

#[test]
fn a_fax_that_is_lost_while_it_comes_in_is_mailed_as_far_as_it_came() {
    let bench = Bench::start(&[OURS]);
    let theirs = bench.dir.path().join("theirs.tif");
    let pages = four_pages();
    write_tiff(&theirs, &pages);
    wait_for("the modem to be ready", || bench.gateway.log().contains("line is in order").then_some(()));
    bench.exchange.with(|office| office.befall(OURS, [Fault::Drop { carriers: 3, ms: 1500 }]));
    for (call, expected) in [(1, 1), (2, 4)] {
        let who = terminal(bench.dir.path(), Some(&theirs));
        bench.exchange.with(|office| office.call_in(OURS, Caller::default(), who));
        let mails = bench.gateway.wait_for_mails("inbox@example.com", call);
        let came = received_pages(mails.iter().max_by_key(|mail| mail.len()).unwrap());
        assert_eq!(difference(&pages[..expected], &came, 0, 0), None, "{}", bench.traced());
        bench.all_on_hook(&[OURS]);
    }
}

#[test]
fn a_modem_that_is_unplugged_in_a_call_and_comes_back() {
    let bench = Bench::start(&[OURS]);
    let pages = four_pages();
    let tiff = bench.tiff(&pages);
    let job = bench.fax(FAX, &tiff);
    wait_for("the second page", || {
        bench.exchange.with(|office| office.modem(OURS).is_some_and(|m| m.carriers() >= 3)).then_some(())
    });
    bench.exchange.unplug(OURS);
    std::thread::sleep(Duration::from_secs(10));
    bench.exchange.plug(OURS).unwrap();
    let ends = bench.ends(&job);
    assert_eq!(ends.last().unwrap(), "delivered", "{ends:?} {}", bench.traced());
    assert!(ends.len() >= 2, "{ends:?}");
    assert_pages(&pages[1..], &bench.got(2), &bench);
    bench.all_on_hook(&[OURS]);
    // The gateway is the same that was started, and takes mail.
    assert!(Smtp::connect(bench.gateway.smtp).is_some());
    assert_eq!(bench.gateway.log().matches("SMTP listens on").count(), 1);
}

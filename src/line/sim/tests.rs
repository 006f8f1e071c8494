//! What callers find in the simulated network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fax::page::Resolution;
use fax::session::{Outcome, Quality, Report};
use tokio::sync::Notify;

use super::*;
use crate::line::virtual_modem::nothing;

const HERE: &str = "+12125550100";
const THERE: &str = "+12125550200";
const DEAF: &str = "+12125550201";

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// A document of blank pages, and the marks that it got. `panics` falls over when its page is wanted.
#[derive(Default)]
struct Document {
    marks: Vec<(u32, PageMark)>,
    panics: bool,
}

impl Sending for Document {
    fn page(&mut self, _index: u32) -> Option<Page> {
        assert!(!self.panics, "told to fall over");
        Some(Page::white(1728, 200, Resolution::R204x98))
    }

    fn mark(&mut self, index: u32, mark: PageMark) -> bool {
        self.marks.push((index, mark));
        true
    }
}

/// What came in: the ends of calls, with their pages.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Call>>>);

/// Who called, how many pages came, and how it ended.
type Call = (Option<Number>, u32, Outcome);

struct Incoming(Inbox, Option<Number>, u32);

impl Answering for Inbox {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        assert_eq!((ringing.line.as_str(), ringing.called.clone()), ("there", Some(number(THERE))));
        Some(Box::new(Incoming(self.clone(), ringing.caller.clone(), 0)))
    }
}

impl Receiving for Incoming {
    fn page(&mut self, _index: u32, _page: &Page, _quality: &Quality) -> bool {
        self.2 += 1;
        true
    }

    fn end(self: Box<Self>, report: &Report) {
        self.0.0.lock().unwrap().push((self.1, self.2, report.outcome));
    }
}

struct Bench {
    lines: Vec<Arc<dyn Line>>,
    inbox: Inbox,
    wake: Arc<Notify>,
}

fn network(answers: &[Answer], bit_errors_per_million: u32) -> Bench {
    let line = |name: &str, number_text: &str, dial, answer| SimLineConfig {
        name: name.into(),
        number: number(number_text),
        station_id: None,
        virtual_modem: None,
        dial,
        answer,
    };
    let lines =
        [line("here", HERE, true, true), line("there", THERE, true, true), line("deaf", DEAF, false, false)];
    let number = SimulatedNumber { number: number(THERE), answers: answers.to_vec() };
    let config =
        SimulationConfig { number: vec![number], bit_errors_per_million, ..SimulationConfig::default() };
    let (inbox, wake) = (Inbox::default(), Arc::new(Notify::new()));
    let lines = Exchange::build(config, &lines, Arc::new(inbox.clone()), &nothing(), &wake).unwrap();
    Bench { lines, inbox, wake }
}

impl Bench {
    fn dial(&self, to: &str, document: &mut Document) -> CallEnd {
        let _held = self.lines[0].seat().take().unwrap();
        self.lines[0].call(&Dial::new(number(to), 2), document)
    }

    fn outcome(&self, to: &str) -> Outcome {
        self.dial(to, &mut Document::default()).report.outcome
    }
}

#[test]
fn a_fax_arrives_and_both_ends_say_so() {
    let network = network(&[], 0);
    let mut document = Document::default();
    let end = network.dial(THERE, &mut document);
    assert_eq!(end.report.outcome, Outcome::Delivered);
    assert_eq!(end.report.remote_id.as_deref(), Some(THERE));
    let (doubt, sure) = (PageMark::Unconfirmed, PageMark::Confirmed);
    assert_eq!(document.marks, [(0, doubt), (0, sure), (1, doubt), (1, sure)], "in doubt before it is sure");
    assert_eq!(*network.inbox.0.lock().unwrap(), [(Some(number(HERE)), 2, Outcome::Received)]);
}

#[test]
fn a_script_says_what_each_call_finds_and_its_last_answer_stays() {
    let network = network(&[Answer::Busy, Answer::Voice, Answer::NoAnswer, Answer::Line], 0);
    let found: Vec<_> = (0..5).map(|_| network.outcome(THERE)).collect();
    assert!(matches!(found[1], Outcome::NoDis | Outcome::NoFaxTone), "{:?}", found[1]);
    assert_eq!((found[0], found[2]), (Outcome::Busy, Outcome::NoAnswer));
    assert_eq!(found[3..], [Outcome::Delivered; 2]);
}

#[test]
fn a_call_can_be_dropped_in_the_middle() {
    let network = network(&[Answer::DropAfter(Duration::from_secs(16)), Answer::Line], 0);
    let end = network.dial(THERE, &mut Document::default());
    assert_ne!(end.report.outcome, Outcome::Delivered);
    assert!(!network.inbox.0.lock().unwrap()[0].2.is_success(), "the far end knows it too");
    assert_eq!(network.outcome(THERE), Outcome::Delivered);
}

#[test]
fn nobody_answers_at_an_unknown_number_or_a_line_that_does_not() {
    let network = network(&[], 0);
    assert_eq!(network.outcome("+12125559999"), Outcome::NoAnswer);
    assert_eq!(network.outcome(DEAF), Outcome::NoAnswer);
}

#[test]
fn a_line_in_a_call_is_busy_to_others_and_to_itself() {
    let network = network(&[], 0);
    assert_eq!(network.outcome(HERE), Outcome::Busy);
    let held = network.lines[1].seat().take().unwrap();
    assert_eq!(network.outcome(THERE), Outcome::Busy);
    drop(held);
    assert_eq!(network.outcome(THERE), Outcome::Delivered);
}

#[tokio::test]
async fn both_seats_are_free_after_a_call_and_after_a_panic() {
    let network = network(&[], 0);
    let call = std::panic::AssertUnwindSafe(|| {
        network.dial(THERE, &mut Document { panics: true, ..Document::default() })
    });
    assert!(std::panic::catch_unwind(call).is_err());
    assert!(network.lines.iter().all(|line| !line.seat().is_taken()));
    network.wake.notified().await;
    assert_eq!(network.outcome(THERE), Outcome::Delivered);
    assert!(network.lines.iter().all(|line| !line.seat().is_taken()));
}

#[test]
fn the_same_seed_gives_the_same_calls_and_no_call_is_like_the_one_before() {
    let traces = |network: Bench| -> Vec<String> {
        (0..3).map(|_| network.dial(THERE, &mut Document::default()).trace).collect()
    };
    let first = traces(network(&[], 300));
    assert_eq!(first, traces(network(&[], 300)));
    assert!(first[0] != first[1] || first[1] != first[2], "a bad call would be as bad at each try");
}

#[test]
fn lines_that_cannot_be_are_named() {
    let build = |lines: &[SimLineConfig]| {
        let inbox = Arc::new(Inbox::default());
        let wake = Arc::new(Notify::new());
        Exchange::build(SimulationConfig::default(), lines, inbox, &nothing(), &wake).err().unwrap()
    };
    let line = SimLineConfig {
        name: "a".into(),
        number: number(HERE),
        station_id: None,
        dial: true,
        answer: true,
        virtual_modem: None,
    };
    assert!(build(&[line.clone(), line.clone()]).contains(HERE));
    let long = "a name that is much too long".to_owned();
    assert!(build(&[SimLineConfig { station_id: Some(long), ..line }]).contains("line a"));
}

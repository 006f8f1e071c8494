//! Any events in any order: an engine never panics, never waits for ever, and always ends with one report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::carrier::{Command, HangUp, Signal};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::PageMark;
use fax_proto::t4::{self, Coding, EncodeOptions};
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::{Fcf, Frame, Side};
use fax_proto::t30::{Engine, Input, Output};
use fax_proto::time::{Duration, Time};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;

const PAGES: u32 = 3;
/// Wake-ups after the last event within which a call must be over: an hour of three-second tries.
const WAKES_MAX: usize = 5000;

/// What may come next.
#[derive(Clone, Debug)]
enum Event {
    Signal(Signal),
    /// A whole burst of V.21 frames.
    Burst(Vec<Vec<u8>>),
    /// A whole image.
    Image(Vec<u8>),
    /// What a far end that means well would do next.
    Likely,
    Wake,
    Page(u32),
    NoPage(u32),
    MarkKept(bool),
    PageKept(bool),
    Wait(u64),
    Cancel,
}

/// A frame that is likely to mean something: known FCFs with arbitrary fields.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let fcfs = prop::sample::select(vec![
        0x80u8, 0x40, 0x20, 0x82, 0x42, 0x84, 0x44, 0x8E, 0x4E, 0x2E, 0x3E, 0x8C, 0xCC, 0x4C, 0xAC, 0x2C,
        0xFA, 0x1A, 0x12, 0xC4, 0xBE, 0xBC, 0xEC, 0x6E, 0xCE, 0x1C, 0x06, 0x86, 0x81, 0x00, 0x77,
    ]);
    let fifs = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        Just(Capability::FULL.to_fif()),
        Just(vec![0x00, 0x46, 0x00]),
        Just(vec![0x2F, 0, 0, 0]),
        prop::collection::vec(any::<u8>(), 32..33),
    ];
    (fcfs, any::<bool>(), fifs).prop_map(|(fcf, last, fif)| {
        let mut octets = vec![0xFF, if last { 0x13 } else { 0x03 }, fcf];
        octets.extend(fif);
        octets
    })
}

fn event() -> impl Strategy<Value = Event> {
    let signal = prop_oneof![
        8 => Just(Signal::Sent),
        3 => Just(Signal::CarrierUp),
        3 => Just(Signal::CarrierLost),
        1 => Just(Signal::TrainingFailed),
        1 => Just(Signal::Connected),
        3 => (frame(), any::<bool>()).prop_map(|(octets, fcs_ok)| Signal::Frame { octets, fcs_ok }),
        2 => prop::collection::vec(any::<u8>(), 0..600).prop_map(Signal::Data),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|octets| Signal::Frame { octets, fcs_ok: true }),
    ];
    prop_oneof![
        60 => Just(Event::Likely),
        20 => signal.prop_map(Event::Signal),
        12 => prop::collection::vec(frame(), 1..4).prop_map(Event::Burst),
        3 => prop_oneof![Just(vec![0u8; 2700]), prop::collection::vec(any::<u8>(), 0..3000)].prop_map(Event::Image),
        6 => Just(Event::Wake),
        2 => (0..PAGES + 2).prop_map(Event::Page),
        1 => (0..PAGES + 2).prop_map(Event::NoPage),
        3 => any::<bool>().prop_map(Event::MarkKept),
        3 => any::<bool>().prop_map(Event::PageKept),
        2 => (0u64..20_000).prop_map(Event::Wait),
        1 => Just(Event::Signal(Signal::HungUp(HangUp::Remote))),
        1 => Just(Event::Cancel),
    ]
}

fn text(n: u32) -> Page {
    support::page(u64::from(n), 30, Resolution::R204x196)
}

/// The page as a sender without ECM has it on the line.
fn image(n: u32) -> Vec<u8> {
    let mut data = t4::encode(&text(n), &EncodeOptions::line(Coding::Mh, Resolution::R204x196));
    t4::reverse_bits(&mut data);
    data
}

/// An engine whose outputs are watched.
struct Watched {
    engine: Engine,
    now: Time,
    ended: bool,
    marks: Vec<PageMark>,
    /// Unconfirmed, and the driver has said that it is kept.
    kept: Vec<bool>,
    /// What the engine has told the line last, and the last frame that it sent.
    command: Option<Command>,
    said: Option<Fcf>,
    /// What the driver is to do.
    asked: Option<Input>,
    confirmed: u32,
    received: u32,
}

impl Watched {
    fn input(&mut self, input: Input) {
        if let Input::MarkKept(true) = input {
            let kept = self.marks.iter().map(|mark| *mark == PageMark::Unconfirmed);
            self.kept = kept.collect();
        }
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll() {
            assert!(!self.ended, "nothing comes after the end");
            match output {
                Output::Mark { page, mark } => {
                    let at = page as usize;
                    if mark == PageMark::Confirmed {
                        assert_eq!(self.marks[at], PageMark::Unconfirmed, "confirmed only after unconfirmed");
                        assert!(self.kept[at], "confirmed only after the mark was kept");
                    }
                    self.marks[at] = mark;
                    self.kept[at] = false;
                    self.confirmed += u32::from(mark == PageMark::Confirmed);
                    if mark == PageMark::Unconfirmed {
                        self.asked = Some(Input::MarkKept(true));
                    }
                }
                Output::Ended(_) => self.ended = true,
                Output::Command(command) => {
                    if let Command::SendFrames(frames) = &command {
                        self.said =
                            frames.last().and_then(|octets| Frame::parse(octets)).map(|frame| frame.fcf);
                    }
                    self.command = Some(command);
                }
                Output::NeedPage(n) => self.asked = Some(Input::Page(n, text(n))),
                Output::PageReceived(page) => {
                    assert_eq!(page.index, self.received, "each page once, in order");
                    self.asked = Some(Input::PageKept(true));
                }
            }
        }
    }

    /// Does what is asked, ends what is being sent, or replies.
    fn likely(&mut self) {
        if let Some(input) = self.asked.take() {
            self.received += u32::from(matches!(input, Input::PageKept(true)));
            return self.input(input);
        }
        let reply = |fcf, fif| Event::Burst(vec![Frame::with_fif(fcf, fif).to_octets(Side::Receiver)]);
        let event = match (&self.command, self.said) {
            (Some(Command::Call), _) => reply(Fcf::Dis, Capability::FULL.to_fif()),
            (Some(Command::ListenTcf(_)), _) => Event::Image(vec![0; 2700]),
            (Some(Command::ListenImage { .. }), _) => Event::Image(image(0)),
            (Some(Command::ListenFrames), said) => match said {
                Some(Fcf::Dcs) => reply(Fcf::Cfr, vec![]),
                Some(Fcf::Mps | Fcf::Eom | Fcf::Eop | Fcf::Pps | Fcf::Rr) => reply(Fcf::Mcf, vec![]),
                Some(Fcf::Ctc) => reply(Fcf::Ctr, vec![]),
                Some(Fcf::Eor) => reply(Fcf::Err, vec![]),
                Some(Fcf::Dis | Fcf::Ftt | Fcf::Rtn | Fcf::Rtp) => reply(Fcf::Dcs, vec![0x00, 0x46, 0x00]),
                Some(Fcf::Cfr) => reply(Fcf::Mps, vec![]),
                Some(Fcf::Mcf) => reply(Fcf::Eop, vec![]),
                _ => Event::Wake,
            },
            _ => Event::Signal(Signal::Sent),
        };
        self.event(event);
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Likely => self.likely(),
            Event::Signal(signal) => self.input(Input::Signal(signal)),
            Event::Burst(frames) => {
                self.input(Input::Signal(Signal::CarrierUp));
                frames
                    .into_iter()
                    .for_each(|octets| self.input(Input::Signal(Signal::Frame { octets, fcs_ok: true })));
                self.input(Input::Signal(Signal::CarrierLost));
                // Whatever is said in reply goes out.
                (0..4).for_each(|_| self.input(Input::Signal(Signal::Sent)));
            }
            Event::Image(data) => {
                self.input(Input::Signal(Signal::CarrierUp));
                self.input(Input::Signal(Signal::Data(data)));
                self.input(Input::Signal(Signal::CarrierLost));
                (0..4).for_each(|_| self.input(Input::Signal(Signal::Sent)));
            }
            Event::Wake => self.wake(),
            Event::Page(n) => {
                self.input(Input::Page(n, support::page(u64::from(n), 30, Resolution::R204x98)))
            }
            Event::NoPage(n) => self.input(Input::NoPage(n)),
            Event::MarkKept(kept) => self.input(Input::MarkKept(kept)),
            Event::PageKept(kept) => self.input(Input::PageKept(kept)),
            Event::Wait(millis) => self.now = self.now + Duration::from_millis(millis),
            Event::Cancel => self.input(Input::Cancel),
        }
    }

    fn wake(&mut self) {
        if let Some(deadline) = self.engine.deadline() {
            self.now = self.now.max(deadline);
        }
        self.input(Input::Tick);
    }
}

/// Runs the events, and then time; returns how many pages were confirmed or stored.
fn run(engine: Engine, events: Vec<Event>) -> u32 {
    let mut watched = Watched {
        engine,
        now: Time::ZERO,
        ended: false,
        marks: vec![PageMark::NotSent; PAGES as usize],
        kept: vec![false; PAGES as usize],
        command: None,
        said: None,
        asked: None,
        confirmed: 0,
        received: 0,
    };
    watched.input(Input::Tick);
    for event in events {
        watched.event(event);
        assert_eq!(
            watched.ended,
            watched.engine.deadline().is_none(),
            "a call that is not over has a deadline"
        );
    }
    for _ in 0..WAKES_MAX {
        if watched.ended {
            return watched.confirmed.max(watched.received);
        }
        watched.wake();
    }
    panic!("the call does not end");
}

/// Runs many calls, and sees to it that they are not all over before anything has happened.
fn survive(engine: impl Fn(bool) -> Engine) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let pages = Cell::new(0);
    let events = (prop::collection::vec(event(), 0..120), any::<bool>());
    let result = runner.run(&events, |(events, ecm)| {
        pages.set(pages.get() + run(engine(ecm), events));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} pages in 3000 calls", pages.get());
    assert!(pages.get() > 100);
}

#[test]
fn a_sender_survives_anything() {
    survive(|ecm| {
        let mut config = support::sender_config(PAGES);
        config.allowed = Capability { ecm, ..Capability::FULL };
        Engine::sender(config)
    });
}

#[test]
fn a_receiver_survives_anything() {
    survive(|ecm| {
        let mut config = support::receiver_config();
        config.capability = Capability { ecm, ..Capability::FULL };
        Engine::receiver(config)
    });
}

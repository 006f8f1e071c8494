//! One engine under any events: what it does is watched, and what it asks for can be done, or not.
//! `chaos.rs` draws the events at random, the fuzzer reads them from its input.

#[path = "../support/mod.rs"]
pub(crate) mod support;

use fax_proto::carrier::{Command, Signal};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::PageMark;
use fax_proto::t4::{self, Coding, EncodeOptions};
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::{Fcf, Frame, Side};
use fax_proto::t30::{Engine, Input, Offer, Output, PollerConfig, ReceiverConfig, SenderConfig};
use fax_proto::time::{Duration, Time};

/// Pages that a sender has.
pub(crate) const PAGES: u32 = 3;
/// Wake-ups after the last event within which a call must be over: an hour of three-second tries.
const WAKES_MAX: usize = 5000;

/// What may come next.
#[derive(Clone, Debug)]
pub(crate) enum Event {
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

/// What an engine is in a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Sender,
    Receiver,
    /// Calls to fetch pages.
    Poller,
    /// Is called, and has pages to be fetched.
    Station,
    /// Sends, and fetches pages afterwards.
    SenderThenPoller,
}

impl Role {
    pub(crate) fn engine(self, allowed: Capability) -> Engine {
        let sender = SenderConfig { allowed, ..support::sender_config(PAGES) };
        let receiver = ReceiverConfig { capability: allowed, ..support::receiver_config() };
        let poller =
            PollerConfig { receiver: receiver.clone(), ..PollerConfig::new(sender.local_id.clone()) };
        match self {
            Self::Sender => Engine::sender(sender),
            Self::Receiver => Engine::receiver(receiver),
            Self::Poller => Engine::poller(poller),
            Self::Station => {
                let offer = Offer { document: sender, subaddress: None, password: None };
                Engine::receiver(ReceiverConfig { offer: Some(offer), ..receiver })
            }
            Self::SenderThenPoller => {
                Engine::sender(SenderConfig { then_poll: Some(Box::new(poller)), ..sender })
            }
        }
    }
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
    said: Option<Frame>,
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
                Output::Identified(_) => {}
                Output::Command(command) => {
                    if let Command::SendFrames(frames) = &command {
                        self.said = frames.last().and_then(|octets| Frame::parse(octets));
                    }
                    self.command = Some(command);
                }
                Output::NeedPage(n) => self.asked = Some(Input::Page(n, text(n))),
                Output::PageReceived(page) => {
                    assert_eq!(page.index, self.received, "each page once, in order");
                    self.received += 1;
                    self.asked = Some(Input::PageKept(true));
                }
            }
        }
    }

    /// Does what is asked, ends what is being sent, or replies.
    fn likely(&mut self) {
        if let Some(input) = self.asked.take() {
            return self.input(input);
        }
        let reply = |fcf, fif| Event::Burst(vec![Frame::with_fif(fcf, fif).to_octets(Side::Answerer)]);
        let can = Capability { has_document: true, ..Capability::FULL }.to_fif();
        let said = self.said.as_ref();
        let event = match (&self.command, said.map(|frame| frame.fcf)) {
            (Some(Command::Call), _) => reply(Fcf::Dis, can),
            (Some(Command::ListenTcf(_)), _) => Event::Image(vec![0; 2700]),
            (Some(Command::ListenImage { .. }), _) => Event::Image(image(0)),
            (Some(Command::ListenFrames), fcf) => match fcf {
                Some(Fcf::Dcs) => reply(Fcf::Cfr, vec![]),
                Some(Fcf::Mps | Fcf::Eom | Fcf::Eop | Fcf::Pps | Fcf::Rr) => reply(Fcf::Mcf, vec![]),
                Some(Fcf::Ctc) => reply(Fcf::Ctr, vec![]),
                Some(Fcf::Eor) => reply(Fcf::Err, vec![]),
                Some(Fcf::Dis) if said.is_some_and(|dis| Capability::parse(&dis.fif).has_document) => {
                    reply(Fcf::Dtc, can)
                }
                Some(Fcf::Dis | Fcf::Dtc | Fcf::Ftt | Fcf::Rtn | Fcf::Rtp) => {
                    reply(Fcf::Dcs, vec![0x00, 0x46, 0x00])
                }
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

/// Runs the events, and then time; returns how many pages were confirmed or handed out.
pub(crate) fn run(engine: Engine, events: impl IntoIterator<Item = Event>) -> u32 {
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

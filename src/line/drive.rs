//! The T.30 engine as a [`Terminal`]: it asks the flow for pages, has marks and pages written down, and keeps the trace.
//!
//! [`Desk`] is what any session needs of us, our engine's or that of a modem which does T.30 itself: it does what an
//! [`Output`] asks of [`Sending`] or [`Receiving`] and gives the [`Input`] that answers it. The flow works on the disk,
//! which takes time; [`FaxTerminal`] therefore tells its engine the answer at the next tick, with the time it then is,
//! and wants that tick at once.

use std::collections::VecDeque;

use fax::carrier::{Command, HangUp, Signal};
use fax::session::{LocalFailure, Outcome, PageMark, Report};
use fax::sim::record::Recorder;
use fax::t30::memory::Memory;
use fax::t30::{Engine, Input, Output, ReceiverConfig, SenderConfig};
use fax::time::Time;

use super::terminal::{Request, Terminal};
use super::{CallEnd, Receiving, Sending};

/// The flow behind a session.
enum Side<'a> {
    Sends(&'a mut dyn Sending),
    Receives(Box<dyn Receiving>),
}

/// What the desk made of an output.
#[derive(Debug)]
pub enum Handled {
    /// For the line.
    Command(Command),
    /// The answer, to be told the session with the time it is when it is told.
    Answer(Input),
    /// Nothing follows from it.
    Noted,
    /// The session is over.
    Ended,
}

/// The flow, the trace and the report of one call.
pub struct Desk<'a> {
    side: Side<'a>,
    recorder: Recorder,
    report: Option<Report>,
}

impl<'a> Desk<'a> {
    /// For a call that sends.
    #[must_use]
    pub fn sending(sending: &'a mut dyn Sending) -> Self {
        Self::new(Side::Sends(sending))
    }

    /// For a call that receives.
    #[must_use]
    pub fn receiving(receiving: Box<dyn Receiving>) -> Self {
        Self::new(Side::Receives(receiving))
    }

    fn new(side: Side<'a>) -> Self {
        Self { side, recorder: Recorder::new(), report: None }
    }

    /// The trace.
    pub fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.report.is_some()
    }

    /// Does what the session asks of the flow. Comes back when it is done, which may take as long as the disk does.
    pub fn handle(&mut self, now: Time, output: Output) -> Handled {
        match output {
            Output::Command(command) => {
                self.recorder.command(now, &command);
                Handled::Command(command)
            }
            Output::NeedPage(index) => Handled::Answer(self.page(index)),
            Output::Mark { page, mark } => {
                let is_kept = self.mark(page, mark);
                let is_asked = mark == PageMark::Unconfirmed;
                if is_asked { Handled::Answer(Input::MarkKept(is_kept)) } else { Handled::Noted }
            }
            Output::Identified(_) => Handled::Noted,
            Output::PageReceived(page) => {
                self.recorder.page(now, &page);
                let is_kept = match &mut self.side {
                    Side::Receives(receiving) => receiving.page(page.index, &page.page, &page.quality),
                    Side::Sends(_) => false,
                };
                Handled::Answer(Input::PageKept(is_kept))
            }
            Output::Ended(report) => {
                self.recorder.ended(now, &report);
                self.report = Some(report);
                Handled::Ended
            }
        }
    }

    fn page(&mut self, index: u32) -> Input {
        let page = match &mut self.side {
            Side::Sends(sending) => sending.page(index),
            Side::Receives(_) => None,
        };
        page.map_or(Input::NoPage(index), |page| Input::Page(index, page))
    }

    fn mark(&mut self, page: u32, mark: PageMark) -> bool {
        match &mut self.side {
            Side::Sends(sending) => sending.mark(page, mark),
            Side::Receives(_) => false,
        }
    }

    /// Closes the call: tells who receives, and gives the report with the trace. A session that never ended has lost
    /// its line.
    #[must_use]
    pub fn close(mut self) -> CallEnd {
        let report = self.report.take().unwrap_or_else(lost);
        if let Side::Receives(receiving) = self.side {
            receiving.end(&report);
        }
        CallEnd { report, trace: self.recorder.take() }
    }
}

/// The report of a call whose line failed before anything was known of it.
fn lost() -> Report {
    Report {
        outcome: Outcome::Local(LocalFailure::Line),
        marks: Vec::new(),
        remote_id: None,
        subaddress: None,
        negotiated: None,
        memory: Memory::default(),
    }
}

/// Our T.30 engine, with the flow behind it.
pub struct FaxTerminal<'a> {
    engine: Engine,
    desk: Desk<'a>,
    /// What the flow said, to be told at the next tick.
    answers: VecDeque<Input>,
    now: Time,
}

impl<'a> FaxTerminal<'a> {
    /// A call that sends.
    #[must_use]
    pub fn sending(config: SenderConfig, sending: &'a mut dyn Sending) -> Self {
        Self::new(Engine::sender(config), Desk::sending(sending))
    }

    /// A call that receives.
    #[must_use]
    pub fn receiving(config: ReceiverConfig, receiving: Box<dyn Receiving>) -> Self {
        Self::new(Engine::receiver(config), Desk::receiving(receiving))
    }

    fn new(engine: Engine, desk: Desk<'a>) -> Self {
        Self { engine, desk, answers: VecDeque::new(), now: Time::ZERO }
    }

    /// How the call went. Called once the line is on hook again; an engine that has not ended by then has lost its
    /// line, and says what became of the pages.
    #[must_use]
    pub fn end(mut self) -> CallEnd {
        if !self.desk.is_over() {
            self.signal(self.now, Signal::HungUp(HangUp::LineFault));
            while self.poll().is_some() || !self.answers.is_empty() {
                self.tick(self.now);
            }
        }
        self.desk.close()
    }

    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
    }
}

impl Terminal for FaxTerminal<'_> {
    fn signal(&mut self, now: Time, signal: Signal) {
        self.advance(now);
        if !self.desk.is_over() {
            self.desk.recorder().signal(self.now, &signal);
            self.engine.handle(self.now, Input::Signal(signal));
        }
    }

    fn tick(&mut self, now: Time) {
        self.advance(now);
        while let Some(answer) = self.answers.pop_front() {
            self.engine.handle(self.now, answer);
        }
        if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.engine.handle(self.now, Input::Tick);
        }
    }

    fn poll(&mut self) -> Option<Request> {
        while let Some(output) = self.engine.poll() {
            match self.desk.handle(self.now, output) {
                Handled::Command(command) => return Some(Request::Command(command)),
                Handled::Answer(answer) => self.answers.push_back(answer),
                Handled::Noted => {}
                Handled::Ended => return Some(Request::Over),
            }
        }
        None
    }

    fn deadline(&self) -> Option<Time> {
        if self.answers.is_empty() { self.engine.deadline() } else { Some(self.now) }
    }

    fn cancel(&mut self, now: Time) {
        self.advance(now);
        if !self.desk.is_over() {
            self.engine.handle(self.now, Input::Cancel);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use fax::page::{Page, Resolution};
    use fax::session::Quality;
    use fax::t30::frame::StationId;

    use super::*;

    struct Sends {
        pages: Vec<Page>,
        marks: Vec<(u32, PageMark)>,
    }

    impl Sending for Sends {
        fn page(&mut self, index: u32) -> Option<Page> {
            self.pages.get(index as usize).cloned()
        }
        fn mark(&mut self, index: u32, mark: PageMark) -> bool {
            self.marks.push((index, mark));
            true
        }
    }

    #[derive(Clone, Default)]
    struct Receives(Arc<Mutex<(Vec<Page>, Option<Report>)>>);

    impl Receiving for Receives {
        fn page(&mut self, _index: u32, page: &Page, _quality: &Quality) -> bool {
            self.0.lock().unwrap().0.push(page.clone());
            true
        }
        fn end(self: Box<Self>, report: &Report) {
            self.0.lock().unwrap().1 = Some(report.clone());
        }
    }

    /// One end on a perfect line without delay: what it sends is heard as soon as it was all sent.
    struct End<'a> {
        terminal: FaxTerminal<'a>,
        sends: Option<(Time, Command)>,
        listens: bool,
        is_over: bool,
    }

    impl<'a> End<'a> {
        fn new(terminal: FaxTerminal<'a>) -> Self {
            Self { terminal, sends: None, listens: false, is_over: false }
        }

        fn pump(&mut self, now: Time) {
            while let Some(request) = self.terminal.poll() {
                match request {
                    Request::Over => self.is_over = true,
                    Request::Piece(piece) => panic!("our engine sends images whole: {piece:?}"),
                    Request::Command(command) => {
                        self.listens = is_listening(&command);
                        self.sends = Some((now + time_of(&command), command)).filter(|_| !self.listens);
                    }
                }
            }
        }

        fn next(&self) -> Option<Time> {
            let sent = self.sends.as_ref().map(|(at, _)| *at);
            [sent, self.terminal.deadline()].into_iter().flatten().min().filter(|_| !self.is_over)
        }

        fn hear(&mut self, now: Time, command: &Command) {
            if self.listens {
                for signal in heard(command) {
                    self.terminal.signal(now, signal);
                }
            }
        }
    }

    fn is_listening(command: &Command) -> bool {
        use Command::{Call, ListenFrames, ListenImage, ListenTcf};
        matches!(command, Call | ListenFrames | ListenTcf(_) | ListenImage { .. })
    }

    fn time_of(command: &Command) -> Duration {
        match command {
            Command::SendTcf(_) => Duration::from_millis(1500),
            Command::Silence(time) => *time,
            _ => Duration::from_secs(1),
        }
    }

    fn heard(command: &Command) -> Vec<Signal> {
        use fax::carrier::Image;
        let frames = |frames: &[Vec<u8>]| {
            frames.iter().map(|octets| Signal::Frame { octets: octets.clone(), fcs_ok: true }).collect()
        };
        let content: Vec<Signal> = match command {
            Command::SendFrames(sent) | Command::SendImage { image: Image::Frames(sent), .. } => frames(sent),
            Command::SendImage { image: Image::Bits(bits), .. } => vec![Signal::Data(bits.clone())],
            Command::SendTcf(speed) => vec![Signal::Data(vec![0; speed.bit_rate() as usize * 3 / 16])],
            Command::HangUp => return vec![Signal::HungUp(HangUp::Remote)],
            _ => return Vec::new(),
        };
        [vec![Signal::CarrierUp], content, vec![Signal::CarrierLost]].concat()
    }

    /// Runs the call until `until`, or to its end.
    fn run<'a>(caller: &mut End<'a>, answerer: &mut End<'a>, until: Time) {
        let mut now = Time::ZERO;
        loop {
            caller.pump(now);
            answerer.pump(now);
            let Some(next) = [caller.next(), answerer.next()].into_iter().flatten().min() else { return };
            now = now.max(next);
            if now > until {
                return;
            }
            let (mut here, mut there) = (&mut *caller, &mut *answerer);
            for _ in 0..2 {
                if let Some((_, command)) = here.sends.take_if(|(at, _)| *at <= now) {
                    there.hear(now, &command);
                    here.terminal.signal(now, Signal::Sent);
                }
                here.terminal.tick(now);
                std::mem::swap(&mut here, &mut there);
            }
        }
    }

    fn pages() -> Vec<Page> {
        vec![Page::white(1728, 100, Resolution::R204x98), Page::white(1728, 50, Resolution::R204x98)]
    }

    fn far<'a>(receives: &Receives) -> FaxTerminal<'a> {
        FaxTerminal::receiving(ReceiverConfig::new(StationId::default()), Box::new(receives.clone()))
    }

    #[test]
    fn pages_go_from_one_flow_to_the_other_and_marks_are_kept() {
        let mut sends = Sends { pages: pages(), marks: Vec::new() };
        let receives = Receives::default();
        let config = SenderConfig::new(StationId::new("+1 212").unwrap(), 2);
        let mut caller = End::new(FaxTerminal::sending(config, &mut sends));
        let mut answerer = End::new(far(&receives));
        run(&mut caller, &mut answerer, Time(u64::MAX));
        let (sent, received) = (caller.terminal.end(), answerer.terminal.end());
        assert_eq!(sent.report.outcome, Outcome::Delivered, "{}", sent.trace);
        assert_eq!(received.report.remote_id.as_deref(), Some("+1 212"));
        assert!(sent.trace.contains("→ DCS") && received.trace.contains("← DCS"), "{}", sent.trace);
        let received = receives.0.lock().unwrap();
        assert_eq!((&received.0, received.1.as_ref().unwrap().outcome), (&pages(), Outcome::Received));
        let of_a_page = [PageMark::Unconfirmed, PageMark::Confirmed];
        let marks = [0, 1].into_iter().flat_map(|page| of_a_page.map(|mark| (page, mark)));
        assert!(marks.eq(sends.marks.iter().copied()), "{:?}", sends.marks);
    }

    #[test]
    fn a_call_whose_driver_walks_away_still_says_what_became_of_each_page() {
        let mut sends = Sends { pages: pages(), marks: Vec::new() };
        let receives = Receives::default();
        let config = SenderConfig::new(StationId::default(), 2);
        let mut caller = End::new(FaxTerminal::sending(config, &mut sends));
        let mut answerer = End::new(far(&receives));
        run(&mut caller, &mut answerer, Time(7_000_000));
        let (sent, _) = (caller.terminal.end(), answerer.terminal.end());
        assert_eq!(sent.report.marks.len(), 2, "{}", sent.trace);
        assert!(!sent.report.outcome.is_success());
        assert!(receives.0.lock().unwrap().1.is_some(), "the flow is told the end");
    }

    #[test]
    fn a_call_that_is_cancelled_says_good_bye() {
        let mut sends = Sends { pages: pages(), marks: Vec::new() };
        let config = SenderConfig::new(StationId::default(), 2);
        let mut terminal = FaxTerminal::sending(config, &mut sends);
        while terminal.poll().is_some() {}
        terminal.tick(Time(1));
        terminal.cancel(Time(2_000_000));
        let mut requests = Vec::new();
        for second in 2..20 {
            requests.extend(std::iter::from_fn(|| terminal.poll()));
            terminal.signal(Time(second * 1_000_000), Signal::Sent);
            terminal.tick(Time(second * 1_000_000));
        }
        assert!(requests.contains(&Request::Command(Command::HangUp)), "{requests:?}");
        assert_eq!(requests.last(), Some(&Request::Over));
        assert_eq!(terminal.end().report.outcome, Outcome::Cancelled);
    }

    #[test]
    fn the_answer_of_a_slow_flow_is_told_at_once_and_with_the_time_it_is_then() {
        let mut sends = Sends { pages: pages(), marks: Vec::new() };
        let config = SenderConfig::new(StationId::default(), 2);
        let mut terminal = FaxTerminal::sending(config, &mut sends);
        while terminal.poll().is_some() {}
        assert_eq!(terminal.deadline(), Some(Time::ZERO), "the page has been asked for");
        terminal.tick(Time(3_000_000));
        assert!(terminal.deadline().unwrap() > Time(3_000_000));
    }
}

//! A session at its desk: a driver that remembers, the test modem behind a port, and a virtual clock.
#![allow(dead_code, reason = "each test file uses a part")]

#[path = "../support/mod.rs"]
pub(crate) mod support;

use fax_peers::class2_modem::office::{Callee, FarConfig, FarRole, Office};
use fax_peers::class2_modem::{Config, Quirks};
use fax_proto::at::Output;
use fax_proto::at::class2::{Session, SessionConfig};
use fax_proto::at::profile::{Class, Profile};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::{PageMark, Report};
use fax_proto::sim::air::Hooks;
use fax_proto::t30::{Input, Output as Tell, ReceiverConfig, SenderConfig};
use fax_proto::time::{Duration, Time};
pub(crate) use support::Store;
use support::{page, receiver_config};

/// The classes that a modem may have.
pub(crate) const CLASSES: [Class; 3] = [Class::Two, Class::TwoPointZero, Class::TwoPointOne];

/// No call lasts longer.
const CALL_TIME_MAX: Duration = Duration::from_secs(2 * 3600);

/// What came of a call.
pub(crate) struct Done {
    pub report: Report,
    pub store: Store,
    pub office: Office,
    /// All that was written to the modem before the data of a page, and after.
    pub commands: Vec<String>,
    pub ended: Time,
    /// The modem was made to hang up by DTR.
    pub dtr_dropped: bool,
}

impl Done {
    /// The pages that the far end has.
    pub(crate) fn far_pages(&self) -> Vec<Page> {
        let calls = self.office.seen.iter();
        calls.flat_map(|seen| seen.received.iter().map(|received| received.page.clone())).collect()
    }
}

pub(crate) fn profile(class: Class) -> Profile {
    Profile { class, ecm: true, ..Profile::default() }
}

pub(crate) fn modem(quirks: Quirks) -> Config {
    Config { quirks, ..Config::default() }
}

/// A document of pages that all differ, of some hundred rows.
pub(crate) fn document(pages: u32, resolution: Resolution) -> Vec<Page> {
    (0..pages).map(|index| page(u64::from(index), 200 + 30 * index, resolution)).collect()
}

/// A far end that receives and behaves.
pub(crate) fn far_receiver() -> FarConfig {
    FarConfig::new(FarRole::Receive(receiver_config()))
}

/// Sends pages to a far end.
pub(crate) fn send(
    sender: SenderConfig,
    profile: Profile,
    store: Store,
    modem: Config,
    callee: Callee,
) -> Done {
    let session = Session::sender(sender, SessionConfig { profile, dial: "5550123".into() });
    let office = Office::new(modem, move |_| callee.clone());
    run(session, office, store, |_, _| {})
}

/// Receives from a far end that calls.
pub(crate) fn receive(
    receiver: ReceiverConfig,
    profile: Profile,
    store: Store,
    modem: Config,
    far: FarConfig,
) -> Done {
    let session = Session::receiver(receiver, SessionConfig { profile, dial: String::new() });
    let mut office = Office::new(modem, |_| Callee::Busy);
    office.call_in(Time::ZERO, far);
    office.read();
    run(session, office, store, |_, _| {})
}

/// Runs a session to its end. `meddle` may do something at any time.
pub(crate) fn run(
    session: Session,
    office: Office,
    store: Store,
    mut meddle: impl FnMut(Time, &mut Session),
) -> Done {
    let mut desk = Desk { session, office, store, report: None, commands: Vec::new(), dtr_dropped: false };
    let mut now = Time::ZERO;
    desk.session.handle(now, Input::Tick);
    loop {
        desk.pump(now);
        meddle(now, &mut desk.session);
        desk.pump(now);
        let deadlines = [desk.session.deadline(), desk.office.deadline()];
        let Some(next) = deadlines.into_iter().flatten().min() else { break };
        if desk.session.is_idle() && desk.office.is_quiet() {
            break;
        }
        now = next.max(now);
        assert!(now.since(Time::ZERO) < CALL_TIME_MAX, "the call does not end: {:?}", desk.session);
        desk.office.run(now);
        desk.pump(now);
        if desk.session.deadline().is_some_and(|at| at <= now) {
            desk.session.handle(now, Input::Tick);
        }
    }
    assert!(desk.session.is_idle() && desk.session.deadline().is_none() && desk.session.poll().is_none());
    let report = desk.report.unwrap_or_else(|| panic!("no report"));
    let Desk { store, office, commands, dtr_dropped, .. } = desk;
    Done { report, store, office, commands, ended: now, dtr_dropped }
}

struct Desk {
    session: Session,
    office: Office,
    store: Store,
    report: Option<Report>,
    commands: Vec<String>,
    dtr_dropped: bool,
}

impl Desk {
    fn pump(&mut self, now: Time) {
        loop {
            let bytes = self.office.read();
            if !bytes.is_empty() {
                self.session.received(now, &bytes);
            }
            let Some(output) = self.session.poll() else { break };
            assert!(self.report.is_none(), "nothing comes after the end");
            match output {
                Output::Write(bytes) => {
                    if let Ok(text) = String::from_utf8(bytes.clone())
                        && text.starts_with("AT")
                    {
                        self.commands.push(text.trim_end().to_string());
                    }
                    self.office.write(now, &bytes);
                }
                Output::Dtr(false) => {
                    self.dtr_dropped = true;
                    self.office.drop_dtr(now);
                }
                Output::Discard | Output::Flow(_) | Output::Dtr(true) => {}
                Output::Tell(tell) => self.told(now, tell),
            }
        }
    }

    fn told(&mut self, now: Time, tell: Tell) {
        match tell {
            Tell::Command(command) => panic!("a session has no line: {command:?}"),
            Tell::NeedPage(index) => {
                let page = self.store.page(index);
                let answer = page.map_or(Input::NoPage(index), |page| Input::Page(index, page));
                self.session.handle(now, answer);
            }
            Tell::Mark { page, mark } => {
                let is_kept = self.store.mark(page, mark);
                if mark == PageMark::Unconfirmed {
                    self.session.handle(now, Input::MarkKept(is_kept));
                }
            }
            Tell::Identified(remote) => self.store.identified(&remote),
            Tell::PageReceived(page) => {
                let is_kept = self.store.received(page);
                self.session.handle(now, Input::PageKept(is_kept));
            }
            Tell::Ended(report) => self.report = Some(report),
        }
    }
}

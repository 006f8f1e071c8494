//! How long a faultless call takes beyond what its bits and T.30's handshakes demand, phase by phase, on the virtual clock.
//!
//! Demanded are, at the nominal times of the Recommendation: CED, a second of flags before V.21 frames and their bits at
//! 300 bit/s, 75 ms between two signals, the training sequences, 1.5 s of training check, and the bits of the pages as ECM
//! has them on the line, with flags, addresses, FCS and stuffing. Not demanded, and so counted as spent in vain: the delay
//! of the line, longer gaps, and every wait.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;
mod support;

use fax_proto::carrier::{Command, Image, Modulation, Speed, Training};
use fax_proto::hdlc::Encoder;
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::session::{Outcome, PageMark, ReceivedPage};
use fax_proto::sim::air::{AirConfig, Hooks, Party, run};
use fax_proto::t30::capability::{Capability, FrameSize};
use fax_proto::t30::frame::{Fcf, Frame};
use fax_proto::t30::timers::{GAP, PREAMBLE, TCF, V21_BIT_RATE};
use fax_proto::t30::{Engine, SenderConfig};
use fax_proto::time::{Duration, Time};
use pages::{Row, draw};
use support::{Store, receiver_config, sender_config};

/// What a call may take beyond what is demanded, in percent.
const OVERHEAD_PERCENT_MAX: f64 = 8.0;
/// CED (2.6 s to 4 s) with the silences before and after it.
const CED: Duration = Duration::from_millis(3275);

/// A driver that writes down what its engine does.
#[derive(Default)]
struct Watched {
    store: Store,
    commands: Vec<(Time, Command)>,
}

impl Hooks for Watched {
    fn page(&mut self, index: u32) -> Option<Page> {
        self.store.page(index)
    }

    fn mark(&mut self, page: u32, mark: PageMark) -> bool {
        self.store.mark(page, mark)
    }

    fn received(&mut self, page: ReceivedPage) -> bool {
        self.store.received(page)
    }

    fn commanded(&mut self, now: Time, command: &Command) {
        self.commands.push((now, command.clone()));
    }
}

/// The phases of T.30, by what the sender does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// From the answer to DIS.
    CallSetUp,
    /// From DIS to CFR.
    Negotiation,
    Image,
    /// From the end of an image to its confirmation.
    PostMessage,
    /// DCN.
    Release,
}

const PHASES: [Phase; 5] =
    [Phase::CallSetUp, Phase::Negotiation, Phase::Image, Phase::PostMessage, Phase::Release];

#[derive(Clone, Copy, Default)]
struct Cost {
    spent: Duration,
    demanded: Duration,
}

impl Cost {
    fn percent_over(self) -> f64 {
        (self.spent.as_secs_f64() / self.demanded.as_secs_f64() - 1.0) * 100.0
    }
}

/// What T.30 demands for this command, with the gap before it.
fn demanded(command: &Command) -> Duration {
    match command {
        Command::Answer => CED,
        Command::SendFrames(frames) => GAP + PREAMBLE + time_of(bits_of(frames, 0), V21_BIT_RATE as u32),
        Command::SendTcf(speed) => GAP + training(*speed, Training::Long) + TCF,
        Command::SendImage { speed, training: length, image } => {
            let bits = match image {
                Image::Bits(data) => data.len() * 8,
                Image::Frames(frames) => bits_of(frames, 1),
            };
            GAP + training(*speed, *length) + time_of(bits, speed.bit_rate())
        }
        _ => Duration::ZERO,
    }
}

fn bits_of(frames: &[Vec<u8>], flags: usize) -> usize {
    let mut encoder = Encoder::new();
    encoder.flags(flags);
    frames.iter().for_each(|frame| encoder.frame(frame));
    encoder.finish().len() * 8
}

fn time_of(bits: usize, bit_rate: u32) -> Duration {
    Duration::from_secs_f64(bits as f64 / f64::from(bit_rate))
}

/// ITU-T V.17 table 3, V.29 clause 8.
fn training(speed: Speed, length: Training) -> Duration {
    match (speed.modulation(), length) {
        (Modulation::V17, Training::Long) => Duration::from_millis(1393),
        (Modulation::V17, Training::Short) => Duration::from_millis(142),
        (Modulation::V29, _) => Duration::from_millis(253),
        (Modulation::V27ter, _) => Duration::from_millis(708),
    }
}

/// The phase that a command begins, at the gap before it; `None` where it goes on with the present one.
fn phase_of(command: &Command) -> Option<Phase> {
    let frames = match command {
        Command::Answer => return Some(Phase::CallSetUp),
        Command::SendImage { .. } => return Some(Phase::Image),
        Command::SendFrames(frames) => frames,
        _ => return None,
    };
    match Frame::parse(frames.last()?)?.fcf {
        Fcf::Dis | Fcf::Dcs => Some(Phase::Negotiation),
        Fcf::Pps | Fcf::Mps | Fcf::Eop | Fcf::Eom => Some(Phase::PostMessage),
        Fcf::Dcn => Some(Phase::Release),
        _ => None,
    }
}

/// The costs of a call between the two, phase by phase.
fn costs(sender: SenderConfig, pages: &[Page]) -> (Vec<(Phase, Cost)>, Cost) {
    let mut caller = Watched { store: Store::with(pages.to_vec()), ..Watched::default() };
    let mut answerer = Watched::default();
    let (mut calls, mut answers) = (Engine::sender(sender), Engine::receiver(receiver_config()));
    let record = run(
        Party { engine: &mut calls, hooks: &mut caller },
        Party { engine: &mut answers, hooks: &mut answerer },
        &AirConfig::default(),
        &mut |_| {},
    );
    assert_eq!(record.caller.report.outcome, Outcome::Delivered, "{}", record.caller.trace);
    let received: Vec<Page> = answerer.store.received.into_iter().map(|received| received.page).collect();
    assert_eq!(received, pages);
    let mut commands = caller.commands;
    commands.extend(answerer.commands);
    commands.sort_by_key(|(at, _)| *at);
    let mut table: Vec<(Phase, Cost)> = PHASES.into_iter().map(|phase| (phase, Cost::default())).collect();
    let mut all = Cost::default();
    let (mut phase, mut since) = (None, Time::ZERO);
    let mut silent_since = None;
    for (at, command) in &commands {
        // A phase begins with the silence before its first signal.
        let begins = silent_since.take().unwrap_or(*at);
        if let Command::Silence(_) = command {
            silent_since = Some(*at);
        }
        if let Some(next) = phase_of(command) {
            spend(&mut table, phase, begins.since(since));
            (phase, since) = (Some(next), begins);
        }
        if let Some((_, cost)) = table.iter_mut().find(|(of, _)| Some(*of) == phase) {
            cost.demanded += demanded(command);
        }
    }
    spend(&mut table, phase, record.ended.since(since));
    table.iter().for_each(|(_, cost)| {
        all.spent += cost.spent;
        all.demanded += cost.demanded;
    });
    (table, all)
}

fn spend(table: &mut [(Phase, Cost)], phase: Option<Phase>, time: Duration) {
    if let Some((_, cost)) = table.iter_mut().find(|(of, _)| Some(*of) == phase) {
        cost.spent += time;
    }
}

/// A page of a letter in fine resolution: lines of something like writing between white, within margins.
fn letter(seed: u64) -> Page {
    const ROWS: u32 = 2200;
    let rows: Vec<Row> = (0..ROWS)
        .map(|y| match (y, y % 40) {
            (0..120 | 2080.., _) | (_, 28..) => Row::White,
            (_, 0) => Row::Runs(seed * 10_000 + u64::from(y)),
            _ => Row::Follows(seed * 10_000 + u64::from(y)),
        })
        .collect();
    draw(Resolution::R204x196.width(PaperWidth::A4), Resolution::R204x196, &rows)
}

fn print(what: &str, table: &[(Phase, Cost)], all: Cost) {
    let line = |name: String, cost: Cost| {
        let (spent, demanded) = (cost.spent.as_secs_f64(), cost.demanded.as_secs_f64());
        println!(
            "{name:<14}{spent:>10.2} s{demanded:>10.2} s{:>10.2} s{:>8.1} %",
            spent - demanded,
            cost.percent_over()
        );
    };
    println!("{what}\n{:<14}{:>12}{:>12}{:>12}{:>10}", "phase", "spent", "demanded", "in vain", "over");
    table.iter().for_each(|(phase, cost)| line(format!("{phase:?}"), *cost));
    line("all".into(), all);
}

#[test]
fn a_faultless_call_takes_little_more_than_it_must() {
    let letters: Vec<Page> = (0..3).map(letter).collect();
    let (table, all) = costs(sender_config(3), &letters);
    print("three letters, ECM 256, 14400 bit/s", &table, all);
    assert!(all.percent_over() <= OVERHEAD_PERCENT_MAX, "{:.1} %", all.percent_over());

    // The less there is to send, the more the handshakes weigh.
    let notes: Vec<Page> = (0..3).map(|n| support::page(n, 400, Resolution::R204x98)).collect();
    for (what, ecm) in
        [("three short notes, ECM 256, 14400 bit/s", true), ("three short notes, no ECM", false)]
    {
        let mut sender = sender_config(3);
        sender.allowed = Capability { ecm, ..Capability::FULL };
        sender.frame_size = FrameSize::Octets256;
        let (table, all) = costs(sender, &notes);
        print(what, &table, all);
        assert!(all.percent_over() <= OVERHEAD_PERCENT_MAX, "{:.1} %", all.percent_over());
    }
}

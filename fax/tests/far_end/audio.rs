//! Our engine over spandsp's modems on one side, spandsp's fax terminal on the other, and a telephone line between.

use super::seat::Seat;
use super::{CALL_TIME_MAX, Case, Outcome, PARTING_MAX, Way};
use fax_peers::spandsp_modem::AudioCarrier;
use fax_peers::spandsp_t30::AudioTerminal;
use fax_proto::carrier::{HangUp, Signal};
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;

/// Audio goes in blocks of 20 ms.
const BLOCK_SAMPLES: usize = 160;
const BLOCK_TIME: Duration = Duration::from_millis(20);
/// From one end to the other: 60 ms.
const DELAY_BLOCKS: usize = 3;

/// Runs a call.
pub(crate) fn audio_call(case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = AudioTerminal::new(&case.theirs(folder.path()));
    let (mut seat, mut carrier) = (Seat::new(case, case.document()), AudioCarrier::new());
    let silence = VecDeque::from(vec![vec![0i16; BLOCK_SAMPLES]; DELAY_BLOCKS]);
    let (mut to_us, mut to_them) = (silence.clone(), silence);
    let (mut now, mut ours_done, mut theirs_done) = (Time::ZERO, None, None);
    loop {
        pump(&mut seat, &mut carrier, now);
        carrier.hear(&to_us.pop_front().unwrap());
        pump(&mut seat, &mut carrier, now);
        to_them.push_back(carrier.say(BLOCK_SAMPLES));
        terminal.hear(to_them.pop_front().unwrap());
        to_us.push_back(terminal.say(BLOCK_SAMPLES));
        now = now + BLOCK_TIME;
        if seat.is_over() {
            ours_done.get_or_insert(now);
        }
        if terminal.result().is_some() {
            theirs_done.get_or_insert(now);
        }
        match (ours_done, theirs_done) {
            (Some(_), Some(_)) => break,
            (Some(at), None) if now.since(at) > PARTING_MAX => break,
            (None, Some(at)) if now.since(at) > Duration::from_millis(500) => {
                seat.signal(now, Signal::HungUp(HangUp::Remote));
            }
            _ => {}
        }
        assert!(now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end");
    }
    let (result, terms) = (terminal.result(), terminal.terms());
    drop(terminal);
    let (report, trace, received) = seat.close();
    let received = match case.way {
        Way::Send => Case::received_by_them(folder.path()),
        Way::Receive => received,
    };
    Outcome { report, trace, theirs: result, terms, received, ended: now }
}

fn pump(seat: &mut Seat, carrier: &mut AudioCarrier, now: Time) {
    seat.tick(now);
    loop {
        seat.commands(now).into_iter().for_each(|command| carrier.command(command));
        let Some(signal) = carrier.poll() else { break };
        seat.signal(now, signal);
    }
}

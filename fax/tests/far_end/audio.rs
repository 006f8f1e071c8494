//! Our engine over spandsp's modems on one side, spandsp's fax terminal on the other, and a telephone line between.

use super::seat::{Closed, Seat};
use super::{CALL_TIME_MAX, Case, Outcome, PARTING_MAX};
use fax_peers::audio::{BLOCK_SAMPLES, Config, Line};
use fax_peers::spandsp_modem::AudioCarrier;
use fax_peers::spandsp_t30::AudioTerminal;
use fax_proto::carrier::{HangUp, Signal};
use fax_proto::time::{Duration, Time};

const BLOCK_TIME: Duration = Duration::from_millis(fax_peers::audio::BLOCK_MS);

/// Runs a call.
pub(crate) fn audio_call(case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = AudioTerminal::new(&case.theirs(folder.path()));
    let (mut seat, mut carrier) = (Seat::new(case, case.document()), AudioCarrier::new());
    let mut line = Line::new(&Config { noise: case.twist.noise, ..Config::default() });
    let mut to_us = vec![0; BLOCK_SAMPLES];
    let (mut now, mut ours_done, mut theirs_done) = (Time::ZERO, None, None);
    loop {
        pump(&mut seat, &mut carrier, now);
        carrier.hear(&to_us);
        pump(&mut seat, &mut carrier, now);
        let to_them;
        (to_us, to_them) = line.pass(carrier.say(BLOCK_SAMPLES), terminal.say(BLOCK_SAMPLES));
        terminal.hear(to_them);
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
    let (result, terms, heard) = (terminal.result(), terminal.terms(), terminal.heard());
    drop(terminal);
    let Closed { report, trace, received } = seat.close();
    let received = match case.way.they_send() {
        false => Case::received_by_them(folder.path()),
        true => received,
    };
    Outcome { report, trace, theirs: result, terms, heard, received, ended: now }
}

fn pump(seat: &mut Seat, carrier: &mut AudioCarrier, now: Time) {
    seat.tick(now);
    loop {
        seat.commands(now).into_iter().for_each(|command| carrier.command(command));
        let Some(signal) = carrier.poll() else { break };
        seat.signal(now, signal);
    }
}

//! Our engine over spandsp's modems on one side, spandsp's fax terminal on the other, and a telephone line between.

use super::seat::{Closed, Seat};
use super::{CALL_TIME_MAX, Case, Outcome, PARTING_MAX};
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
    let mut noise = case.twist.noise.map(|(level, seed)| Noise::new(level, seed));
    let silence = VecDeque::from(vec![vec![0i16; BLOCK_SAMPLES]; DELAY_BLOCKS]);
    let (mut to_us, mut to_them) = (silence.clone(), silence);
    let (mut now, mut ours_done, mut theirs_done) = (Time::ZERO, None, None);
    loop {
        pump(&mut seat, &mut carrier, now);
        carrier.hear(&to_us.pop_front().unwrap());
        pump(&mut seat, &mut carrier, now);
        let mut on_line = |mut amp: Vec<i16>| {
            noise.iter_mut().for_each(|noise| noise.add(&mut amp));
            amp
        };
        to_them.push_back(on_line(carrier.say(BLOCK_SAMPLES)));
        terminal.hear(to_them.pop_front().unwrap());
        to_us.push_back(on_line(terminal.say(BLOCK_SAMPLES)));
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

/// A sine of full scale (ITU-T G.711, mu-law).
const FULL_SCALE_DBM0: f64 = 3.17;

/// White noise under every signal. Silence stays silent: spandsp's modems take noise above -45 dBm0 for a carrier that
/// never goes, and nothing would come of that but silence.
struct Noise {
    /// Root mean square, in samples.
    rms: f64,
    random: u64,
}

impl Noise {
    fn new(level_dbm0: f64, seed: u64) -> Self {
        let full_scale_rms = 32_767.0 / std::f64::consts::SQRT_2;
        Self { rms: full_scale_rms * 10f64.powf((level_dbm0 - FULL_SCALE_DBM0) / 20.0), random: seed }
    }

    fn add(&mut self, amp: &mut [i16]) {
        if amp.iter().all(|sample| *sample == 0) {
            return;
        }
        for sample in amp {
            // Twelve numbers between -1/2 and 1/2 have a variance of 1.
            let sum: f64 = (0..12).map(|_| self.uniform()).sum();
            *sample = sample.saturating_add((sum * self.rms).round() as i16);
        }
    }

    fn uniform(&mut self) -> f64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.random >> 33) as u32) / f64::from(1u32 << 31) - 0.5
    }
}

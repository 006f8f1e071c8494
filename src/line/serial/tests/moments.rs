//! The worst moments: a modem that is unplugged or falls silent, and a gateway that stops, in each state of a line. Some of
//! it waits for what a modem that answers nothing may take (slow, up to a minute).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fake::{Fake, Fate, wait_for};
use super::*;

/// How long a line may take to give up a modem that answers nothing and to be ready again.
const AGES: Duration = Duration::from_secs(75);

/// Waits until the line has lost its modem and has it again.
fn lost_and_found(bench: &Bench, fake: &Fake, fate: Fate) {
    wait_for("what befalls the modem", || fake.has_befallen());
    let watch = crate::clock::Stopwatch::start();
    while !matches!(bench.line.condition(), Condition::OutOfOrder { .. }) {
        assert!(watch.elapsed() < AGES, "the line does not notice");
        std::thread::sleep(Duration::from_millis(20));
    }
    match fate {
        Fate::Unplugged => fake.plug(),
        Fate::Silent => fake.silent(false),
    }
    let watch = crate::clock::Stopwatch::start();
    while bench.line.condition() != Condition::Ready {
        assert!(watch.elapsed() < AGES, "the line does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
    wait_for("a free seat", || !bench.line.seat().is_taken());
    fake.dialled("BUSY");
    assert_eq!(bench.call().outcome, Outcome::Busy);
}

#[test]
fn unplugged_while_it_is_set_up() {
    for command in ["ATZ", "AT+FMM?", "AT+FCLASS=1"] {
        let fake = Fake::new();
        fake.befalls(Fate::Unplugged, command);
        let bench = bench(&fake, Flow::Takes, |_| {});
        lost_and_found(&bench, &fake, Fate::Unplugged);
    }
}

#[test]
fn unplugged_at_each_step_of_a_call_that_goes_out() {
    for command in ["AT+FCLASS=1", "ATS7", "ATDT", "ATH0"] {
        let fake = Fake::new();
        let bench = Bench::ready(&fake);
        fake.dialled("BUSY");
        fake.befalls(Fate::Unplugged, command);
        let outcome = bench.call().outcome;
        let expected = if command == "ATH0" { Outcome::Busy } else { Outcome::Local(LocalFailure::Line) };
        assert_eq!(outcome, expected, "{command}");
        lost_and_found(&bench, &fake, Fate::Unplugged);
    }
}

#[test]
fn unplugged_at_each_step_of_a_call_that_comes_in() {
    for command in ["AT+FCLASS=1", "ATA", "ATH0"] {
        let fake = Fake::new();
        let bench = Bench::ready(&fake);
        fake.befalls(Fate::Unplugged, command);
        fake.write(b"\r\nRING\r\n");
        lost_and_found(&bench, &fake, Fate::Unplugged);
        assert_eq!(bench.desk.ended.load(Ordering::SeqCst), 1, "the flow is told the end ({command})");
    }
}

#[test]
fn silent_from_a_step_of_a_call_on() {
    std::thread::scope(|scope| {
        for command in ["AT+FCLASS=1", "ATDT", "ATH0"] {
            scope.spawn(move || {
                let fake = Fake::new();
                let bench = bench(&fake, Flow::Takes, |config| {
                    config.answer_wait = Duration::from_secs(15);
                });
                bench.wait_until_ready();
                fake.dialled("BUSY");
                fake.befalls(Fate::Silent, command);
                assert!(!bench.call().outcome.is_success());
                lost_and_found(&bench, &fake, Fate::Silent);
            });
        }
    });
}

#[test]
fn a_gateway_that_stops_has_its_line_on_hook_soon_whatever_it_does() {
    let stopped = |bench: &Bench, fake: &Fake, most: Duration, what: &str| {
        let watch = crate::clock::Stopwatch::start();
        bench.line.stop();
        assert!(watch.elapsed() < most, "{what}: {:?}", watch.elapsed());
        assert_eq!(fake.locks(), 0, "{what}: the port is closed");
        assert!(!bench.line.seat().is_taken(), "{what}");
    };
    let soon = Duration::from_secs(2);

    let fake = Fake::new();
    stopped(&Bench::ready(&fake), &fake, soon, "idle");

    let fake = Fake::new();
    fake.befalls(Fate::Silent, "ATZ");
    let bench_ = bench(&fake, Flow::Takes, |_| {});
    wait_for("the reset", || fake.has_befallen());
    stopped(&bench_, &fake, soon, "being set up");

    let fake = Fake::new();
    let bench_ = bench(&fake, Flow::Takes, |config| config.rings = 5);
    bench_.wait_until_ready();
    fake.write(b"\r\nRING\r\n");
    wait_for("the ring", || bench_.line.seat().is_answering());
    stopped(&bench_, &fake, soon, "ringing");

    let fake = Fake::new();
    let bench_ = Bench::ready(&fake);
    fake.befalls(Fate::Silent, "ATA");
    fake.write(b"\r\nRING\r\n");
    wait_for("the call", || fake.has_befallen());
    stopped(&bench_, &fake, AGES, "answering, and the modem is silent");
    assert_eq!(bench_.desk.ended.load(Ordering::SeqCst), 1, "the flow is told the end");

    let fake = Fake::new();
    fake.unplug();
    let bench_ = bench(&fake, Flow::Takes, |_| {});
    bench_.wait_until_out_of_order();
    stopped(&bench_, &fake, soon, "out of order");
}

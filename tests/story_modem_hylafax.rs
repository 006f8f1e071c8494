//! HylaFAX on soft modems.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use fax_peers::exchange::{Exchange, Pace};
use support::hylafax::HylaFax;
use support::modems::{difference, document, duration, next_ended, pages_of, write_tiff};

#[test]
fn hylafax_to_hylafax() {
    let dir = tempfile::tempdir().unwrap();
    let pace = if std::env::var_os("HURRIED").is_some() { Pace::Hurried } else { Pace::Real };
    let exchange = Exchange::start(dir.path(), pace).unwrap();
    let [one, two] = ["101", "102"].map(|number| HylaFax::start(&exchange.plug(number).unwrap(), number));
    let (pages, tiff) = (document(), dir.path().join("document.tif"));
    write_tiff(&tiff, &pages);
    for ecm in [true, false] {
        let begun = std::time::Instant::now();
        assert_eq!(one.send("102", &tiff, ecm), "done", "{}", one.sessions());
        let received = two.wait_for_received(1).pop().unwrap();
        println!("ecm {ecm} {:?} answer to end {:?}", begun.elapsed(), duration(&next_ended(&exchange)));
        assert_eq!(received.1, "");
        println!("{:?}", difference(&pages, &pages_of([&*received.0]), 0, 1));
        one.wait_until_idle();
        two.wait_until_idle();
    }
}

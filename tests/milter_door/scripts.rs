//! `miltertest` (Debian package miltertest, from the OpenDKIM project) plays scripts in Lua: every command, aborts, and
//! several messages on one connection. A test fails, and says so, where it is not installed.

use faxgate::door::milter::Listen;
use tokio::process::Command;

use super::support::Milter;

/// Plays a script against a milter; gives the number of jobs that came of it.
async fn play(script: &str) -> usize {
    let milter = Milter::start().await;
    let Listen::Inet(address) = &milter.places[0] else { panic!() };
    let Listen::Unix(path) = &milter.places[1] else { panic!() };
    for place in [format!("inet:{}@127.0.0.1", address.port()), format!("local:{}", path.display())] {
        let file = format!("{}/tests/milter_door/scripts/{script}.lua", env!("CARGO_MANIFEST_DIR"));
        let output = Command::new("miltertest")
            .args(["-s", &file, "-D", &format!("place={place}")])
            .output()
            .await
            .unwrap_or_else(|error| {
                panic!("this test needs miltertest (Debian package miltertest): {error}")
            });
        assert!(output.status.success(), "{script} at {place}: {output:?}");
    }
    milter.jobs().await.len()
}

#[tokio::test]
async fn every_command() {
    assert_eq!(play("commands").await, 2 * 3);
}

#[tokio::test]
async fn aborts_at_every_point() {
    assert_eq!(play("aborts").await, 2);
}

#[tokio::test]
async fn refusals() {
    assert_eq!(play("refusals").await, 0);
}

#[tokio::test]
async fn every_version_and_words_that_nobody_knows() {
    assert_eq!(play("negotiation").await, 2 * 7);
}

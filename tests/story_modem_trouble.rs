//! An operator looks at lines whose modems are not there: `faxgate check` and `faxgate status` say so, and a fax that waits
//! leaves as soon as the modem is plugged in. The daemon is never started again.
//!
//! Slow: a call over two soft modems, hurried where only data flow.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::Path;

use fax_peers::exchange::{Exchange, Pace};
use support::{Gateway, Smtp, received_pages, wait_for};

fn settings(dir: &Path) -> String {
    let line = |name: &str, number: &str, more: &str| {
        let device = dir.join(format!("modem{number}"));
        format!(
            "[[line]]\nkind = \"modem\"\nname = \"{name}\"\nnumber = \"+{number}\"\ndevice = {device:?}\n\
             lock_dir = {dir:?}\n{more}\n"
        )
    };
    line("out", "12125550100", "answer = \"never\"") + &line("in", "12125550101", "dial = false")
}

fn trouble(gateway: &Gateway, line: usize) -> Option<String> {
    gateway.status()["lines"][line]["trouble"].as_str().map(str::to_owned)
}

#[test]
fn modems_that_are_not_there_are_named_and_a_fax_waits_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path(), Pace::Hurried).unwrap();
    let gateway = Gateway::start(dir.path(), &settings(dir.path()));

    let checked = gateway.run(&["check"]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    println!("{checked}");
    assert!(checked.contains("line out: modem at ") && checked.contains("number +12125550100"), "{checked}");
    assert!(checked.contains("modem12125550100 now; the line waits for it"), "{checked}");
    let missing =
        wait_for("a line out of order", || trouble(&gateway, 0).filter(|t| t.contains("no device")));
    assert!(missing.starts_with("out of order: there is no device"), "{missing}");
    let shown = String::from_utf8(gateway.run(&["status"]).stdout).unwrap();
    println!("{shown}");
    assert!(shown.contains("out of order: there is no device"), "{shown}");

    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let mail = "From: anna@example.com\nTo: +12125550101@fax.example.com\nSubject: waits\n\nHello\n";
    let sent = smtp.send("anna@example.com", &["+12125550101@fax.example.com".to_owned()], mail).unwrap();
    assert!(sent.starts_with("250"), "{sent}");

    let path = exchange.plug("12125550101").unwrap();
    exchange.plug("12125550100").unwrap();
    let receipts = gateway.wait_for_mails("anna@example.com", 1);
    let receipt = String::from_utf8_lossy(&receipts[0]).into_owned();
    assert!(receipt.to_lowercase().contains("delivered"), "{receipt}");
    let job = &gateway.status()["jobs"][0];
    assert_eq!(job["calls"], 1, "no call was spent on a line that was out of order: {job}");
    let received = gateway.wait_for_mails("postmaster@fax.example.com", 1);
    assert_eq!(received_pages(&received[0]).len(), 1);
    assert_eq!((trouble(&gateway, 0), trouble(&gateway, 1)), (None, None));

    let output = std::process::Command::new(support::FAXGATE).arg("modem").arg(&path).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{complained}");
    assert_eq!(output.status.code(), Some(75), "the gateway has it");
    // Both have the same user, so that it is seen.
    assert!(complained.contains("(faxgate)") && complained.contains("the gateway itself"), "{complained}");
}

//! What a mail itself asks for is obeyed where its sender may, said in the receipt, and refused where it is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use support::{Gateway, Smtp, lines};

const NUMBER: &str = "+12125550123";

fn start(policy: &str) -> (tempfile::TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    let route = "[[received.route]]\nto = [\"in@example.com\"]\n";
    support::write_config(
        dir.path(),
        &format!("{route}{}", lines(&[("out", "+12125550100"), ("lab", NUMBER)])),
    );
    let file = dir.path().join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[mailer.maildir]", &format!("{policy}[mailer.maildir]"))).unwrap();
    let gateway = Gateway::restart(dir.path());
    (dir, gateway)
}

fn send(gateway: &Gateway, sender: &str, header: &str) -> String {
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let to = [format!("{NUMBER}@fax.example.com")];
    smtp.send(sender, &to, &format!("{header}\n\nhello\n")).unwrap()
}

#[test]
fn a_tag_before_the_subject_is_obeyed_and_not_shown() {
    let (_dir, gateway) = start("options_from_networks = true\n");
    let tag = "Subject: [fax: standard, no cover, bill 4711, until +3h] Figures";
    assert!(send(&gateway, "anna@example.com", tag).starts_with("250"), "{}", gateway.log());
    let report = String::from_utf8(gateway.wait_for_mails("anna@example.com", 1).remove(0)).unwrap();
    assert!(
        report.contains("delivered: Figures\n") && !report.contains("] Figures\n    Handed in"),
        "{report}"
    );
    assert!(report.contains("    Billed to:    4711\n") && report.contains("    Not after:    "), "{report}");
    assert!(report.contains("204x98"), "{report}");

    // Held: it is there, and not dialled.
    assert!(send(&gateway, "bob@example.com", "X-Fax-At: +2h\nX-Fax-Priority: low").starts_with("250"));
    let jobs = gateway.status()["jobs"].as_array().unwrap().clone();
    let held = gateway.job(jobs[0]["id"].as_str().unwrap());
    assert_eq!((held["calls"].as_u64(), held["options"]["priority"].as_i64()), (Some(0), Some(-4)), "{held}");
    assert!(held["options"]["not_before"].is_string(), "{held}");

    let said = send(&gateway, "carl@example.com", "Subject: [fax: at noon] x");
    assert!(
        said.starts_with("554 5.6.0 at in the subject cannot be \"noon\"; it is a time: 18:00"),
        "{said}"
    );
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn an_address_asks_for_its_own_fax_alone() {
    let (_dir, gateway) = start("options_from_networks = true\n");
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let to = ["/RES=standard/BILL=4711/COVER=no", "9/AT=+2h"];
    let to = to.map(|elements| format!("{NUMBER}{elements}@fax.example.com"));
    let said =
        smtp.send("anna@example.com", &to, "Subject: Figures\nX-Fax-Billing: 1000\n\nhello\n").unwrap();
    assert!(said.starts_with("250"), "{said}");
    let jobs = gateway.status()["jobs"].as_array().unwrap().clone();
    let of = |number: &str| {
        let job = jobs.iter().find(|job| job["recipient"]["number"] == number);
        gateway.job(job.unwrap_or_else(|| panic!("{jobs:?}"))["id"].as_str().unwrap())["options"].clone()
    };
    let (first, second) = (of(NUMBER), of(&format!("{NUMBER}9")));
    assert_eq!(
        (&first["resolution"], &first["cover"], &first["billing"]),
        (&"standard".into(), &false.into(), &"4711".into())
    );
    assert_eq!(
        (&first["not_before"], &second["resolution"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert!(second["not_before"].is_string() && second["billing"] == "1000", "{second}");

    let to = [format!("{NUMBER}/RES=300dpi@fax.example.com")];
    let said = smtp.send("anna@example.com", &to, "Subject: x\n\nhello\n").unwrap();
    assert!(said.contains("/RES= in the fax address cannot be \"300dpi\""), "{said:?}");
}

#[test]
fn whoever_the_network_vouches_for_is_not_obeyed_unless_it_is_said() {
    let (_dir, gateway) = start("");
    let tag = "Subject: [fax: standard, at +2h] Figures\nX-Fax-Resolution: 300dpi";
    assert!(send(&gateway, "anna@example.com", tag).starts_with("250"));
    let report = String::from_utf8(gateway.wait_for_mails("anna@example.com", 1).remove(0)).unwrap();
    // The subject shows that it was not.
    assert!(report.contains("[fax: standard, at +2h] Figures") && report.contains("204x196"), "{report}");
}

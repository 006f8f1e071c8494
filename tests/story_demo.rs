//! A newcomer runs `faxgate demo`, and looks whether it told the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::process::Command;

use support::{FAXGATE, tiff_pages};

#[test]
fn the_demonstration_faxes_what_render_shows() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Command::new(FAXGATE).args(["demo", "--dir"]).arg(dir.path()).output().unwrap();
    let (shown, said) = (String::from_utf8_lossy(&demo.stdout), String::from_utf8_lossy(&demo.stderr));
    assert!(demo.status.success(), "{shown}\n{said}");
    for step in ["Gateway", "Mail", "Pages", "Call", "Receipt", "Fax", "Compared"] {
        assert!(shown.contains(&format!("  {step:<9} ")), "{step} is not shown:\n{shown}");
    }
    assert_eq!(said, "", "a pipe gets no progress bar and no warning");

    // What the demonstration says of itself is checked from outside: the job's own record gives the time.
    let status = job_record(dir.path());
    let started = status["attempts"][0]["started"].as_str().unwrap();
    let rendered = dir.path().join("again.tiff");
    let render = Command::new(FAXGATE)
        .arg("--config")
        .arg(dir.path().join("faxgate.toml"))
        .arg("render")
        .arg(dir.path().join("message.eml"))
        .args(["--to", "+12125550123", "--time", started, "-o"])
        .arg(&rendered)
        .output()
        .unwrap();
    assert!(render.status.success(), "{}", String::from_utf8_lossy(&render.stderr));
    let expected = tiff_pages(&std::fs::read(&rendered).unwrap());
    let received = tiff_pages(&std::fs::read(dir.path().join("received.tif")).unwrap());
    assert!(expected.len() >= 4, "cover, text, PDF and photo make at least four pages");
    assert_eq!(expected.len(), received.len());
    for (n, (expected, received)) in expected.iter().zip(&received).enumerate() {
        assert!(expected == received, "page {} differs", n + 1);
    }
}

/// The only job of the demonstration's gateway, asked of a gateway started on the same folder.
fn job_record(dir: &std::path::Path) -> serde_json::Value {
    let gateway = support::Gateway::restart(dir);
    let status = gateway.status();
    assert_eq!(status["jobs"].as_array().unwrap().len(), 1, "{status}");
    status["jobs"][0].clone()
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), "x").unwrap();
    let demo = Command::new(FAXGATE).args(["demo", "--dir"]).arg(dir.path()).output().unwrap();
    assert_eq!(demo.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&demo.stderr).contains("is not empty"));
}

//! `faxgate user`, as an administrator types it.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn user(config: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faxgate"))
        .arg("--config")
        .arg(config)
        .arg("user")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing may be gone before it is told.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn people_are_added_listed_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("faxgate.toml");
    std::fs::write(&config, format!("data_dir = {:?}\n", dir.path())).unwrap();
    let done = |arguments: &[&str], input: &str| {
        let output = user(&config, arguments, input);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let fails = |arguments: &[&str], input: &str, code: i32, why: &str| {
        let output = user(&config, arguments, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && said.contains(why), "{arguments:?}: {said}");
    };
    assert_eq!(done(&["list"], ""), "");
    done(&["add", "bob"], "correct horse\n");
    done(&["add", "Anna"], "correct horse\r\n");
    assert_eq!(done(&["list"], ""), "anna\nbob\n");
    assert_eq!(done(&["list", "--json"], ""), "[\"anna\",\"bob\"]\n");
    fails(&["add", "anna"], "correct horse\n", 1, "there is a user anna already");
    fails(&["add", "carl"], "short\n", 2, "at least 8 characters");
    fails(&["add", "c d"], "correct horse\n", 2, "is no name");
    fails(&["add"], "", 2, "NAME");
    done(&["passwd", "anna"], "battery staple\n");
    fails(&["passwd", "eve"], "correct horse\n", 1, "there is no user eve");
    done(&["remove", "bob"], "");
    fails(&["remove", "bob"], "", 1, "there is no user bob");
    let users = faxgate::users::Users::at(dir.path().join("users.json"));
    assert!(users.verify("anna", "battery staple").unwrap());
    assert!(!users.verify("anna", "correct horse").unwrap());
}

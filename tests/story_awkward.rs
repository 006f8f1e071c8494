//! What people really mail (`awkward/make.py`): every part of every message has the fate that it should have, nothing is
//! fetched from anywhere, and what is made to break converters is stopped by a limit that is named while the
//! gateway serves others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::{Gateway, write_config};

/// The longest that a bomb may take, and the most memory that a process may take for it, in kB. The limits are those of
/// a release build; a debug build on a busy machine gets three times as long.
const BOMB_MAX: Duration = Duration::from_secs(30);
const BOMB_KB_MAX: u64 = 512 * 1024;
const TIME: &str = "2026-12-01T08:00:00Z";

fn messages(dir: &Path) -> Vec<PathBuf> {
    let made = Command::new("python3").arg("tests/awkward/make.py").arg(dir).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    paths.sort();
    assert!(paths.len() >= 60, "{}", paths.len());
    paths
}

/// A command where there is no network at all; every try to connect stands in the file `calls`.
fn watched(calls: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rn", "strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"]).arg(calls);
    command
}

fn render(message: &Path, calls: &Path) -> Output {
    watched(calls)
        .args(["/usr/bin/time", "-f", "peak %M"])
        .args([env!("CARGO_BIN_EXE_faxgate"), "render", "--no-cover", "--time", TIME, "--manifest"])
        .arg(message)
        .arg("-o")
        .arg(message.with_extension("tiff"))
        .output()
        .unwrap()
}

/// What is wrong with what became of a message.
fn faults(message: &Path) -> Vec<String> {
    let calls = message.with_extension("calls");
    let begun = Instant::now();
    let output = render(message, &calls);
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let want = fs::read_to_string(message.with_extension("want")).unwrap();
    let mut faults = Vec::new();
    if let Some(refusal) = want.trim_end().strip_prefix("refused:") {
        if output.status.code() != Some(1) || !said.contains(refusal.trim()) {
            faults.push(format!("wanted {want:?}, and it said {said:?}"));
        }
    } else {
        let manifest = String::from_utf8_lossy(&output.stdout).into_owned();
        faults.extend(differences(&manifest, &want).map(|fault| format!("{fault}; it said {said:?}")));
        faults.extend(twin(message, &want));
    }
    let reached = fs::read_to_string(&calls).expect("strace has written what it saw");
    if reached.contains("AF_INET") {
        faults.push(format!("something was looked for on the network: {reached}"));
    }
    let peak = said.rsplit("peak ").next().and_then(|peak| peak.trim().parse::<u64>().ok()).unwrap();
    if peak > BOMB_KB_MAX || took > BOMB_MAX {
        faults.push(format!("it took {took:?} and {peak} kB"));
    }
    let name = message.file_stem().unwrap().to_string_lossy();
    if name.starts_with("bomb-") {
        println!("{name}: {took:.1?}, {peak} kB");
    }
    faults.into_iter().map(|fault| format!("{name}: {fault}")).collect()
}

/// Parts and notes against the lines that were wanted.
fn differences(manifest: &str, want: &str) -> Option<String> {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(manifest) else {
        return Some(format!("wanted {want:?}, and there is no manifest"));
    };
    let part = |part: &serde_json::Value| {
        format!("{}: {}", part["name"].as_str().unwrap(), part["fate"]["is"].as_str().unwrap())
    };
    let got: Vec<_> = manifest["parts"].as_array().unwrap().iter().map(part).collect();
    let wanted: Vec<_> =
        want.lines().filter(|line| !line.starts_with("note: ") && !line.starts_with("says: ")).collect();
    let notes = manifest["notes"].to_string();
    let unsaid =
        want.lines().filter_map(|line| line.strip_prefix("note: ")).find(|note| !notes.contains(note));
    let noted = want.contains("note: ")
        || manifest["notes"].as_array().unwrap().is_empty()
        || !want.contains("says: ");
    (got != wanted || unsaid.is_some() || !noted)
        .then(|| format!("wanted {wanted:?}, got {got:?} and {notes}"))
}

/// A text in an old charset must look like the same text in UTF-8, dot for dot.
fn twin(message: &Path, want: &str) -> Option<String> {
    let text = want.lines().find_map(|line| line.strip_prefix("says: "))?;
    let original = fs::read_to_string(message).unwrap();
    let head = original.split("\r\n\r\n").next().unwrap();
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("content-t"));
    let twin = message.with_extension("twin.eml");
    let head = kept.collect::<Vec<_>>().join("\r\n");
    fs::write(&twin, format!("{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n")).unwrap();
    render(&twin, &message.with_extension("calls"));
    let pages = |path: &Path| fs::read(path.with_extension("tiff")).unwrap();
    (pages(message) != pages(&twin)).then(|| format!("it does not look like {text:?}"))
}

#[test]
fn every_part_of_every_message_has_its_fate() {
    let dir = tempfile::tempdir().unwrap();
    let messages = messages(dir.path());
    let (some, others) = messages.split_at(messages.len() / 2);
    let faults = std::thread::scope(|scope| {
        let some = scope.spawn(|| some.iter().flat_map(|message| faults(message)).collect::<Vec<_>>());
        let others: Vec<_> = others.iter().flat_map(|message| faults(message)).collect();
        [some.join().unwrap(), others].concat()
    });
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), messages.len(), faults.join("\n"));
}

/// What would be seen if something were fetched: the check above can fail.
#[test]
fn a_try_to_connect_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let calls = dir.path().join("calls");
    let fetch = "import socket; socket.create_connection(('192.0.2.1', 80), 5)";
    let mut watched = watched(&calls);
    assert!(
        !watched.args(["python3", "-c", fetch]).output().unwrap().status.success(),
        "there is no network"
    );
    assert!(fs::read_to_string(&calls).unwrap().contains("AF_INET"));
}

#[test]
fn the_gateway_serves_others_while_it_is_bombed() {
    let dir = tempfile::tempdir().unwrap();
    let mail = tempfile::tempdir().unwrap();
    let bombs = messages(mail.path());
    let is_bomb = |path: &&PathBuf| path.file_stem().unwrap().to_string_lossy().starts_with("bomb-");
    let bombs: Vec<_> = bombs.iter().filter(is_bomb).collect();
    write_config(dir.path(), "");
    let gateway = Gateway::restart(dir.path());
    let pid = gateway.id();
    let answers = std::thread::scope(|scope| {
        let throwing = scope.spawn(|| bombs.iter().map(|bomb| send(&gateway, bomb)).collect::<Vec<_>>());
        let mut served = 0;
        while !throwing.is_finished() || served < 3 {
            let plain = mail.path().join("plain.eml");
            let (answer, took) = send(&gateway, &plain);
            assert!(answer.starts_with("250 "), "{answer}");
            assert!(took < Duration::from_secs(5), "a plain text took {took:?}");
            served += 1;
        }
        throwing.join().unwrap()
    });
    for (bomb, (answer, took)) in bombs.iter().zip(answers) {
        let decided = answer.starts_with('5') || answer.starts_with("250 ");
        assert!(decided && took < BOMB_MAX, "{}: {took:?} {answer}", bomb.display());
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the gateway still runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak < BOMB_KB_MAX, "the gateway itself took {peak} kB");
}

#[test]
fn a_worker_that_somebody_kills_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let message = dir.path().join("html.eml");
    fs::write(&message, "Subject: x\nContent-Type: text/html\n\n<p>Hello\n").unwrap();
    write_config(dir.path(), "");
    let gateway = Gateway::restart(dir.path());
    for _ in 0..3 {
        assert!(send(&gateway, &message).0.starts_with("250 "));
        let workers = children(gateway.id());
        assert!(!workers.is_empty());
        for worker in workers {
            let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
            assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "{status}");
            assert!(Command::new("kill").args(["-9", &worker.to_string()]).status().unwrap().success());
        }
    }
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok();
    let of_threads = fs::read_dir(format!("/proc/{parent}/task")).unwrap().flat_map(|task| {
        let listed = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        listed.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()
    });
    assert!(children.is_some(), "the kernel lists children");
    of_threads.collect()
}

/// What was said when a message was sent, and how long that took.
fn send(gateway: &Gateway, message: &Path) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = BufReader::new(TcpStream::connect(gateway.smtp).unwrap());
    stream.get_ref().set_read_timeout(Some(BOMB_MAX)).unwrap();
    let mut said = String::new();
    stream.read_line(&mut said).unwrap();
    let recipient = "RCPT TO:<+12125550123@fax.example.com>\r\n";
    for command in ["HELO bench.example.com\r\n", "MAIL FROM:<anna@example.com>\r\n", recipient, "DATA\r\n"] {
        stream.get_mut().write_all(command.as_bytes()).unwrap();
        stream.read_line(&mut said).unwrap();
    }
    assert!(said.contains("354 "), "{said}");
    let text = fs::read(message).unwrap();
    let mut wire = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        wire.extend(line.starts_with(b".").then_some(b'.'));
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    stream.get_mut().write_all(&wire).unwrap();
    said.clear();
    stream.read_line(&mut said).unwrap();
    (said, begun.elapsed())
}

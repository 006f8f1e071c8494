//! What the kernel is asked to do before an answer, seen with strace. sled's own flush never fsyncs, so this
//! must be seen, not believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::child::{self, Acknowledged, SEQUENCE};
use super::kill;

const CALLS: &str = "trace=fsync,fdatasync,sync_file_range,rename,renameat,renameat2,write";

fn strace(dir: &Path, mode: &str, more: &[&str]) -> (Vec<String>, Vec<String>) {
    let trace = dir.join("trace");
    let mut wrapper = vec!["strace", "-f", "-y", "-s", "200", "-e", CALLS, "-o", trace.to_str().unwrap()];
    wrapper.extend(more);
    let lines = child::output(child::start(dir, mode, &wrapper));
    (lines, completed(&std::fs::read_to_string(trace).unwrap()))
}

/// The calls in the order in which they were completed: strace cuts in two what overlaps with others.
fn completed(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (process, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if let Some(beginning) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(process, beginning);
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(process).unwrap_or_default()));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

fn want(call: &str, path: String) -> [String; 2] {
    [call.to_owned(), path]
}

/// Asserts that calls which contain these words, and succeeded, follow one another.
fn in_order(calls: &[String], wanted: &[[String; 2]]) {
    let mut rest = calls.iter();
    for [call, path] in wanted {
        let found = rest.any(|line| line.starts_with(call) && line.contains(path) && line.ends_with("= 0"));
        assert!(found, "no {call} of {path}, in this order, before the answer: {calls:#?}");
    }
}

/// Asserts that a file is written, and only when the journal has been synced.
fn assert_written_after(calls: &[String], path: &str) {
    let synced = calls.iter().position(|call| call.starts_with("fdatasync(") && call.contains(".journal>"));
    let written = calls.iter().position(|call| call.starts_with("write(") && call.contains(path));
    assert!(synced < written, "{path} is written before it is in the journal: {calls:#?}");
}

#[test]
fn an_answer_comes_after_the_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (_, calls) = strace(dir.path(), "sequence", &[]);
    let (spool, journal) = ("/store/spool>".to_owned(), ".journal>".to_owned());
    let mut answered = BTreeSet::new();
    let mut since = 0;
    for (number, call) in calls.iter().enumerate() {
        let mut acknowledged = Acknowledged::default();
        if !call.starts_with("write(1<") || !acknowledged.read(call.split("\\n").next().unwrap_or_default()) {
            continue;
        }
        let (_, (id, version)) = acknowledged.jobs.pop_first().unwrap();
        let before = &calls[since..number];
        if version > 0 {
            in_order(before, &[want("fdatasync(", journal.clone())]);
            assert_written_after(before, &format!("/store/spool/{id}.log>"));
        } else if !answered.insert(id.clone()) {
            // The other jobs of a submission are answered for with the first.
        } else if child::is_large(&id) {
            let message = want("fsync(", format!("/store/spool/{id}.tmp>"));
            let named = want("rename", format!("{id}.fax"));
            in_order(before, &[message, named, want("fsync(", spool.clone())]);
        } else {
            in_order(before, &[want("fdatasync(", journal.clone())]);
            assert_written_after(before, &format!("/store/spool/{id}.fax>"));
        }
        since = number;
    }
    assert_eq!(answered.len(), SEQUENCE);
}

#[test]
fn a_blob_is_answered_for_after_the_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (_, calls) = strace(dir.path(), "blobs", &[]);
    let mut since = 0;
    for (number, key) in child::BLOBS.iter().enumerate() {
        let answer = format!("put {key}");
        let is_answer = |call: &String| call.starts_with("write(1<") && call.contains(&answer);
        let end = since + calls[since..].iter().position(is_answer).unwrap();
        let written = want("fsync(", format!("/blobs/_new/{number}>"));
        let named = want("rename", (*key).to_owned());
        let listed = want("fsync(", "/blobs/received/x>".to_owned());
        in_order(&calls[since..end], &[written, named, listed]);
        if number == 0 {
            let parents = ["/blobs>", "/blobs/received>"].map(|path| want("fsync(", path.to_owned()));
            in_order(&calls[since..end], &parents);
        }
        since = end + 1;
    }
}

/// Every sync fails once, in its turn: the caller is told where it matters, nothing is half, and the store goes on.
#[test]
fn each_sync_may_fail_once() {
    // strace counts for each thread. The first fsyncs belong to opening the store, which fails as a whole; then come
    // those of large messages.
    let opening = syncs_of_opening();
    let turns = [("fsync", opening + 1..=opening + 7), ("fdatasync", 1..=20), ("sync_file_range", 1..=2)];
    let mut failed = 0;
    for (call, turns) in turns {
        for turn in turns {
            let dir = tempfile::tempdir().unwrap();
            child::output(child::start(dir.path(), "sequence", &[]));
            let inject = format!("inject={call}:error=EIO:when={turn}");
            let (lines, calls) = strace(dir.path(), "sequence", &["-e", &inject]);
            let mut acknowledged = Acknowledged::default();
            let answers = lines.iter().filter(|line| acknowledged.read(line)).count();
            assert_eq!(answers, SEQUENCE * child::JOBS * 2, "{lines:#?}");
            assert!(calls.iter().any(|line| line.contains("(INJECTED)")), "{call} {turn}");
            let told = lines.iter().any(|line| line.contains("err "));
            // A failed sync of the journal is made good, and needs to be told to nobody; that of a large message is.
            assert!(told || call != "fsync", "{call} {turn} came through to nobody");
            failed += usize::from(told);
            let report = kill::check(dir.path(), &acknowledged, &mut BTreeMap::new());
            assert_eq!((report.damaged, report.torn), (vec![], vec![]), "{call} {turn}");
        }
    }
    assert!(failed > 4, "only {failed} of the faults came through to a caller");
}

/// The fsyncs that opening a store makes which is there already.
fn syncs_of_opening() -> usize {
    let dir = tempfile::tempdir().unwrap();
    child::output(child::start(dir.path(), "sequence", &[]));
    let (_, calls) = strace(dir.path(), "sequence", &[]);
    let opening = calls.iter().take_while(|call| !call.contains(".tmp>") && !call.contains(".journal>"));
    opening.filter(|call| call.starts_with("fsync(")).count()
}

//! A disk that is full: the caller is told, nothing is half, and the store goes on when there is room again.

use std::collections::BTreeMap;
use std::path::Path;

use super::child::{self, Acknowledged};
use super::kill;

/// Fills the store under `wrapper`, and gives what was acknowledged and what was said of the others.
fn fill(dir: &Path, wrapper: &[&str]) -> (Acknowledged, Vec<String>) {
    let lines = child::output(child::start(dir, "fill", wrapper));
    let mut acknowledged = Acknowledged::default();
    lines.iter().for_each(|line| _ = acknowledged.read(line));
    (acknowledged, lines.into_iter().filter(|line| line.contains("err ")).collect())
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    // The shell counts in blocks of 512 bytes: 1.5 MB, which the index reaches, and a message does not.
    let limit = ["sh", "-c", "trap '' XFSZ; ulimit -f 3000; exec \"$@\"", "sh"];
    let (acknowledged, refused) = fill(dir.path(), &limit);
    assert!(refused.len() >= 20 && acknowledged.jobs.len() > 20, "{refused:?}, {}", acknowledged.jobs.len());
    let report = kill::check(dir.path(), &acknowledged, &mut BTreeMap::new());
    assert_eq!(report.damaged, Vec::<String>::new());
}

/// On a file system of its own of 8 MB, half of it a file that is taken away when the store is full.
#[test]
fn a_full_disk_is_an_error_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=8m tmpfs '{0}' && head -c 4000000 /dev/zero > '{0}/{1}' && \"$@\" && cp -a '{0}/.' '{2}'",
        dir.path().display(),
        child::BALLAST,
        kept.path().display(),
    );
    let (acknowledged, refused) = fill(dir.path(), &["unshare", "-rm", "sh", "-c", &script, "sh"]);
    assert!(refused.len() >= 20 && acknowledged.jobs.len() > 20, "{refused:?}, {}", acknowledged.jobs.len());
    let full = refused.iter().filter(|line| line.contains("the disk is full"));
    assert!(full.count() > 0, "a sender is told to come again when there is room: {refused:?}");
    let report = kill::check(kept.path(), &acknowledged, &mut BTreeMap::new());
    assert_eq!(report.damaged, Vec::<String>::new());
    assert_eq!(report.leftovers, 0, "refused messages are taken away at once");
    let set_aside = names(&kept.path().join("store"));
    assert_eq!(set_aside, ["index", "journal", "lock", "spool"], "a full disk is no damage");
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

//! What a crash, a torn write and a failing disk leave of the journal, and what the next start makes of it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use super::*;

struct Place {
    _dir: tempfile::TempDir,
    files: PathBuf,
    journal: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (files, journal) = (dir.path().join("files"), dir.path().join("journal"));
        fs::create_dir(&files).unwrap();
        Self { _dir: dir, files, journal }
    }

    fn open(&self) -> (Journal, usize) {
        Journal::open(self.journal.clone(), &self.files).unwrap()
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.files.join(name)).ok()
    }

    fn segments(&self) -> Vec<PathBuf> {
        segment::list(&self.journal).unwrap().0
    }
}

#[test]
fn what_a_crash_kept_from_the_files_is_written_at_the_next_start() {
    let place = Place::new();
    fs::write(place.files.join("a.log"), "one\n").unwrap();
    fs::write(place.files.join("gone.fax"), "message").unwrap();
    let (mut journal, restored) = place.open();
    assert_eq!(restored, 0);
    journal.commit(&[Patch::write("a.log", 4, b"two\n"), Patch::write("b.fax", 0, b"a message")]).unwrap();
    journal.commit(&[Patch::write("a.log", 8, b"three\n"), Patch::cut("gone.fax", 0)]).unwrap();
    journal
        .commit(&[Patch::cut("a.log", 8), Patch::write("c.log", 0, b"x"), Patch::cut("c.log", 0)])
        .unwrap();
    drop(journal);
    // The power went: one file has its name and zeros.
    fs::write(place.files.join("b.fax"), [0; 9]).unwrap();

    let (mut journal, restored) = place.open();
    assert_eq!(restored, 3);
    assert_eq!(place.file("a.log").unwrap(), "one\ntwo\n");
    assert_eq!(place.file("b.fax").unwrap(), "a message");
    assert_eq!((place.file("gone.fax"), place.file("c.log")), (None, None));
    assert_eq!(place.segments(), Vec::<PathBuf>::new(), "all is in the files");
    journal.commit(&[Patch::write("a.log", 8, b"four\n")]).unwrap();
    drop(journal);
    place.open();
    assert_eq!(place.file("a.log").unwrap(), "one\ntwo\nfour\n");
}

#[test]
fn a_torn_end_is_no_record_wherever_it_is_torn() {
    let place = Place::new();
    let (mut journal, _) = place.open();
    journal.commit(&[Patch::write("a.log", 0, b"kept\n")]).unwrap();
    let kept = journal.segment.as_ref().unwrap().end;
    journal.commit(&[Patch::write("a.log", 5, b"not answered\n")]).unwrap();
    let end = journal.segment.as_ref().unwrap().end;
    drop(journal);
    let [segment] = &place.segments()[..] else { panic!("one segment") };
    let whole = fs::read(segment).unwrap();
    for torn in kept..end {
        let mut bytes = whole.clone();
        bytes[usize::try_from(torn).unwrap()..].fill(0);
        fs::write(segment, &bytes).unwrap();
        place.open();
        assert_eq!(place.file("a.log").unwrap(), "kept\n", "torn at {torn}");
    }
    fs::write(segment, &whole).unwrap();
    place.open();
    assert_eq!(place.file("a.log").unwrap(), "kept\nnot answered\n");
}

#[test]
fn a_full_segment_is_settled_and_the_next_one_begun() {
    let place = Place::new();
    let (mut journal, _) = place.open();
    let bytes = vec![b'x'; 1 << 20];
    for number in 0..40 {
        let name = format!("{number}.fax");
        journal.commit(&[Patch::write(name.as_str(), 0, &bytes)]).unwrap();
        fs::write(place.files.join(name), &bytes).unwrap();
    }
    assert!(journal.number >= 3 && place.segments().len() <= 2, "{:?}", place.segments());
    journal.settle().unwrap();
    assert_eq!(place.segments(), Vec::<PathBuf>::new());
    drop(journal);
    assert_eq!(place.open().1, 0);
}

#[test]
fn what_the_disk_did_not_take_is_written_again_from_the_journal() {
    let place = Place::new();
    let (mut journal, _) = place.open();
    journal.commit(&[Patch::write("a.fax", 0, b"first"), Patch::write("b.log", 0, b"one\n")]).unwrap();
    let Segment { path, end, .. } = journal.segment.take().unwrap();
    // The kernel dropped these pages when it could not write them; meanwhile the next segment was begun.
    fs::write(place.files.join("a.fax"), "").unwrap();
    journal.commit(&[Patch::write("b.log", 4, b"two\n")]).unwrap();
    let fails = std::thread::spawn(|| Err(StoreError::Failed("Input/output error".into())));
    while !fails.is_finished() {
        std::thread::yield_now();
    }
    journal.settling = Some(Settling { path, end, thread: Some(fails) });

    journal.commit(&[Patch::write("c.fax", 0, b"third")]).unwrap();
    assert_eq!(place.file("a.fax").unwrap(), "first");
    assert_eq!(place.file("b.log").unwrap(), "one\ntwo\n");
    assert_eq!(place.file("c.fax"), None, "its own group writes it");
    assert_eq!(place.segments().len(), 1);
}

#[test]
fn a_journal_that_cannot_be_settled_takes_nothing() {
    let place = Place::new();
    let (mut journal, _) = place.open();
    journal.commit(&[Patch::write("a.fax", 0, b"first")]).unwrap();
    let Segment { path, end, .. } = journal.segment.take().unwrap();
    journal.settling = Some(Settling { path, end, thread: None });
    // No file can be written where a folder is.
    fs::create_dir(place.files.join("a.tmp")).unwrap();
    for _ in 0..2 {
        assert!(journal.commit(&[Patch::write("b.fax", 0, b"second")]).is_err());
    }
    fs::remove_dir(place.files.join("a.tmp")).unwrap();
    journal.commit(&[Patch::write("b.fax", 0, b"second")]).unwrap();
    assert_eq!(place.file("a.fax").unwrap(), "first");
}

#[test]
fn a_name_from_elsewhere_is_not_followed() {
    let place = Place::new();
    let (mut journal, _) = place.open();
    journal.commit(&[Patch::write("../outside", 0, b"x"), Patch::write("a.fax", 0, b"inside")]).unwrap();
    drop(journal);
    assert_eq!(place.open().1, 1);
    assert!(!place.files.join("../outside").exists());
}

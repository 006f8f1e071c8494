//! Giving space back. sled never does it by itself: a queue of 9 kB was seen to take up 500 MB after 67,000
//! jobs. So an index that has grown is copied into a new one, which takes its place.
//!
//! A crash between the two renames leaves no index; the next start makes one from the spool.

use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::index::{Change, Index, IndexError};
use crate::store::files::{failed, remove_dir_if_there, sync_dir};
use crate::store::{StoreConfig, StoreError};

/// Below this size an index is left as it is.
const GROWN_BYTES_MIN: u64 = 64 << 20;
/// An index is copied when it is so many times as large as after the last copy.
const GROWTH: u64 = 4;
/// Records that are copied at once.
const COPIED_AT_ONCE: usize = 1000;

/// Whether an index of `size` bytes is to be copied; `after_last` is its size after the last copy, or 0.
pub(super) fn has_grown(size: u64, after_last: u64) -> bool {
    size > GROWN_BYTES_MIN && size > after_last.saturating_mul(GROWTH)
}

/// Copies the index into a new one and opens that.
pub(super) fn compact(index: Index, config: &StoreConfig) -> Result<Index, IndexError> {
    let (dir, path) = (&config.dir, &config.dir.join("index"));
    remove_leftovers(dir).map_err(IndexError::from_spool)?;
    let [new, old] = leftovers(dir);
    let fresh = Index::open(&new, config)?;
    copy(&index, &fresh)?;
    fresh.close()?;
    index.close()?;
    let replace = || -> Result<(), StoreError> {
        fs::rename(path, &old).map_err(|e| failed("rename", path, &e))?;
        fs::rename(&new, path).map_err(|e| failed("rename", &new, &e))?;
        sync_dir(dir)?;
        remove_leftovers(dir)
    };
    replace().map_err(IndexError::from_spool)?;
    Index::open(path, config)
}

/// Takes away what a crash left of copying.
pub(super) fn remove_leftovers(dir: &Path) -> Result<(), StoreError> {
    leftovers(dir).iter().try_for_each(|path| remove_dir_if_there(path))
}

fn leftovers(dir: &Path) -> [PathBuf; 2] {
    [dir.join("index.new"), dir.join("index.old")]
}

fn copy(from: &Index, to: &Index) -> Result<(), IndexError> {
    let mut start = Bound::Unbounded;
    loop {
        let mut records: Vec<Change> = Vec::with_capacity(COPIED_AT_ONCE);
        from.scan((start, Bound::Unbounded), |key, value| {
            records.push((key.to_vec(), Some(value.to_vec())));
            records.len() < COPIED_AT_ONCE
        })?;
        let Some((last, _)) = records.last() else {
            return Ok(());
        };
        start = Bound::Excluded(last.clone());
        to.apply(records)?;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::index::RECORD_BYTES_MAX;
    use super::*;

    fn records(index: &Index) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut records = Vec::new();
        let visit = |key: &[u8], value: &[u8]| {
            records.push((key.to_vec(), value.to_vec()));
            true
        };
        index.scan(.., visit).unwrap();
        records
    }

    #[test]
    fn only_what_has_grown_is_copied() {
        assert!(!has_grown(GROWN_BYTES_MIN, 0));
        assert!(has_grown(GROWN_BYTES_MIN + 1, 0));
        assert!(!has_grown(200 << 20, 100 << 20));
        assert!(has_grown(401 << 20, 100 << 20));
    }

    #[test]
    fn a_copy_holds_the_same_in_less_space() {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig { dir: dir.path().to_owned(), ..StoreConfig::default() };
        let index = Index::open(&dir.path().join("index"), &config).unwrap();
        let key = |number: u32| number.to_be_bytes().to_vec();
        for round in 0..10u8 {
            index.apply((0..2500).map(|number| (key(number), Some(vec![round; 500])))).unwrap();
            let gone = (0..2500).filter(|number| number % 2 == 0);
            index.apply(gone.map(|number| (key(number), None))).unwrap();
        }
        let before = (records(&index), index.size().unwrap());
        fs::create_dir(dir.path().join("index.old")).unwrap();
        let index = compact(index, &config).unwrap();
        assert_eq!(records(&index), before.0);
        assert_eq!(before.0.len(), 1250);
        assert!(index.size().unwrap() * 2 < before.1, "{} of {}", index.size().unwrap(), before.1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn the_largest_records_stay_out_of_the_files_that_sled_never_syncs() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index"), &StoreConfig::default()).unwrap();
        for number in 0..400u32 {
            // Noise, out of order, written twice: leaves split, merge and are replaced as a whole.
            let key = number.wrapping_mul(0x9e37_79b9).to_be_bytes().to_vec();
            for _ in 0..2 {
                let value: Vec<u8> = (0..RECORD_BYTES_MAX).map(|_| fastrand::u8(..)).collect();
                index.apply([(key.clone(), Some(value))]).unwrap();
            }
        }
        let blobs = fs::read_dir(dir.path().join("index/blobs")).unwrap().count();
        assert_eq!(blobs, 0);
    }
}

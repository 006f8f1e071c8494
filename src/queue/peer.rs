//! What is remembered of a far end from call to call: which speeds and modes failed with it, and what worked.
//!
//! It is a hint that saves seconds, not a truth: it stands in a blob of its own a number, is forgotten after a while
//! ([`Memory::still_known`]), and where it cannot be read or written the call is made as if nothing were known.

use fax::t30::memory::{Memory, WallTime};
use jiff::Timestamp;

use crate::address::Number;
use crate::blob::{BlobError, Blobs};

/// The folder of all memories.
const FOLDER: &str = "peers/";

/// The time of a call, as the memory counts it.
#[must_use]
pub fn wall_time(at: Timestamp) -> WallTime {
    WallTime(u64::try_from(at.as_second()).unwrap_or(0))
}

/// What is known of the machine at `number`.
pub(super) async fn recall(blobs: &dyn Blobs, number: &Number) -> Memory {
    let text = match blobs.get(&key(number)).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(BlobError::NotFound(_)) => return Memory::default(),
        Err(error) => {
            tracing::warn!(%number, %error, "what is known of a number cannot be read");
            return Memory::default();
        }
    };
    text.trim().parse().unwrap_or_else(|error| {
        tracing::warn!(%number, %error, text, "what is known of a number is not understood, and left aside");
        Memory::default()
    })
}

/// Keeps what a call has taught.
pub(super) async fn remember(blobs: &dyn Blobs, number: &Number, memory: &Memory) {
    if *memory == Memory::default() {
        return;
    }
    if let Err(error) = blobs.put(&key(number), memory.to_string().as_bytes()).await {
        tracing::warn!(%number, %error, "what a call has taught cannot be kept");
    }
}

/// Forgets the numbers of which nothing newer than `before` is known.
///
/// # Errors
/// Where the blobs cannot be listed, read or deleted.
pub async fn forget(blobs: &dyn Blobs, before: Timestamp) -> Result<(), BlobError> {
    let before = wall_time(before);
    for key in blobs.list(FOLDER).await? {
        let text = String::from_utf8_lossy(&blobs.get(&key).await?).into_owned();
        let is_old = text.trim().parse().is_ok_and(|memory| newest(&memory) < Some(before));
        if is_old {
            blobs.delete(&key).await?;
        }
    }
    Ok(())
}

/// When something was learned last.
fn newest(memory: &Memory) -> Option<WallTime> {
    let speeds = [memory.speed_max, memory.worked].map(|entry| entry.map(|(_, since)| since));
    [memory.no_v17, memory.no_ecm, memory.no_mmr].into_iter().chain(speeds).flatten().max()
}

fn key(number: &Number) -> String {
    format!("{FOLDER}{}", number.as_str().trim_start_matches('+'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::blob::FsBlobs;

    #[tokio::test]
    async fn what_a_call_taught_is_there_for_the_next_and_goes_when_it_is_old() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = FsBlobs::open(dir.path().join("blobs")).unwrap();
        let number = Number::parse("+12125550123").unwrap();
        assert_eq!(recall(&blobs, &number).await, Memory::default());
        let learned: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let memory = Memory { no_v17: Some(wall_time(learned)), ..Memory::default() };
        remember(&blobs, &number, &memory).await;
        assert_eq!(recall(&blobs, &number).await, memory);
        forget(&blobs, learned).await.unwrap();
        assert_eq!(recall(&blobs, &number).await, memory, "it is not older than that");
        forget(&blobs, "2026-11-23T10:00:01Z".parse().unwrap()).await.unwrap();
        assert_eq!(recall(&blobs, &number).await, Memory::default());
    }

    #[tokio::test]
    async fn what_is_not_understood_is_as_if_nothing_were_known() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = FsBlobs::open(dir.path().join("blobs")).unwrap();
        let number = Number::parse("+12125550123").unwrap();
        blobs.put(&key(&number), b"no telephone since ever").await.unwrap();
        assert_eq!(recall(&blobs, &number).await, Memory::default());
        remember(&blobs, &number, &Memory::default()).await;
        assert_eq!(
            blobs.get(&key(&number)).await.unwrap(),
            b"no telephone since ever",
            "nothing was learned"
        );
    }
}

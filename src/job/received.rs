//! A fax that came in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::FaxId;
use crate::address::Number;

/// A fax that came in. Its pages are kept as blobs (see [`ReceivedFax::page_key`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedFax {
    /// Its name.
    pub id: FaxId,
    /// The line that answered.
    pub line: String,
    /// The number that was called, where the line knows it.
    pub called: Option<Number>,
    /// The number that called, where the line knows it.
    pub caller: Option<Number>,
    /// What the sending machine calls itself (TSI), as it sent it.
    pub remote_id: Option<String>,
    /// The subaddress that it sent to (SUB): digits, `#`, `*` and spaces, as it sent it.
    #[serde(default)]
    pub subaddress: Option<String>,
    /// When the call was answered.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How many pages were confirmed to the sender.
    pub pages: u32,
    /// Whether the sender came to its end (EOP confirmed, or DCN after it).
    pub complete: bool,
    /// How it went, in an engineer's words: `V.17 14400, ECM, MMR`.
    pub mode: Option<String>,
}

impl ReceivedFax {
    /// The blob that holds page `page` (from 1) of the fax `id`: a TIFF-F file of one page.
    #[must_use]
    pub fn page_key(id: &FaxId, page: u32) -> String {
        format!("{}{page:04}.tiff", Self::folder_of(id))
    }

    /// Where the blobs of the fax `id` are.
    #[must_use]
    pub fn folder_of(id: &FaxId) -> String {
        format!("received/{id}/")
    }
}

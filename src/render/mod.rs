//! From a message to fax pages.
//!
//! SEAM: `survey` says before a message is accepted what in it cannot be converted; `message` makes the
//! pages (without header line) and the manifest, in which every part of the message has its fate; the header line goes
//! on top of each page at the moment of the call (`header`).

use serde::{Deserialize, Serialize};

/// What became of a part of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Fate {
    /// It became these pages (from 1, the cover page counted, both ends included).
    Pages {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// It is shown within a page that another part made.
    Embedded {
        /// Which page.
        page: u32,
    },
    /// It was left out, for a reason that the sender is told.
    LeftOut {
        /// Why, as a clause: `the same text is faxed from the plain version`.
        reason: String,
    },
    /// It could not be converted; the whole message is then refused or reported (RFC 3965 §2.2.4).
    Failed {
        /// Why, as a clause: `the PDF is encrypted`.
        reason: String,
    },
}

/// One part of a message and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its file name, or what it is: `message text`.
    pub name: String,
    /// Its media type: `application/pdf`.
    pub media_type: String,
    /// What became of it.
    pub fate: Fate,
}

/// Every part of a message and its fate, in the order of the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The parts.
    pub parts: Vec<Part>,
    /// How many pages there are, the cover page counted.
    pub pages: u32,
}

//! What the answering side of a line hands its pages to.
//!
//! [`Intake::begin`] writes down that a call is being answered; [`Intake::page`] returns when the page would
//! survive a power cut, and only then may the sender be told that it arrived (MCF); [`Intake::end`] keeps the
//! fax together with the mails that it is owed, in one transaction.
//!
//! A call has its note (`received/<id>/call.json`) from `begin` until its fax is kept. [`Intake::recover`],
//! called at start before any line answers, turns each note that is left over into a fax that is not complete:
//! a page once confirmed is never lost. One gateway process works on one blob folder.

use std::collections::BTreeSet;
use std::sync::Arc;

use fax::page::Page;
use fax::t4::Coding;
use fax::tiff::{Info, Profile, WriteError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ReceivedConfig, mailboxes};
use crate::address::Number;
use crate::blob::{BlobError, Blobs};
use crate::job::{About, FaxId, Notice, ReceivedFax};
use crate::store::{Store, StoreError};

/// The most pages of a fax. Its mail needs all of them in memory: 240 MB of A4 in fine resolution.
pub const PAGES_MAX: u32 = 500;

const FOLDER: &str = "received/";
const NOTE: &str = "call.json";

/// Why a call, a page or a fax could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The blob store failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fax is too long.
    #[error("page {0} is beyond the limit of {PAGES_MAX}")]
    TooManyPages(u32),
    /// The page has a size that no fax has.
    #[error("the page cannot be kept as TIFF: {0}")]
    Page(WriteError),
    /// The note on the call could not be written as text.
    #[error("the note on the call: {0}")]
    Note(#[from] serde_json::Error),
}

/// What is known of a call when it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    line: String,
    called: Option<Number>,
    caller: Option<Number>,
    started: Timestamp,
}

/// Takes in faxes.
pub struct Intake {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    config: ReceivedConfig,
    postmaster: String,
}

impl Intake {
    /// An intake that keeps pages in `blobs` and faxes in `store`. Faxes that no route fits are for `postmaster`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        config: ReceivedConfig,
        postmaster: String,
    ) -> Self {
        Self { store, blobs, config, postmaster }
    }

    /// A call is being answered. The name that it gets is the fax's.
    ///
    /// # Errors
    /// [`IntakeError`]: the call should not be answered, since its pages could not be kept.
    pub async fn begin(
        &self,
        line: &str,
        called: Option<Number>,
        caller: Option<Number>,
        now: Timestamp,
    ) -> Result<FaxId, IntakeError> {
        let id = FaxId::new(now);
        let note = Note { line: line.to_owned(), called, caller, started: now };
        self.blobs.put(&note_key(&id), &serde_json::to_vec(&note)?).await?;
        Ok(id)
    }

    /// Keeps page `n` (from 1). When this returns, the page may be confirmed to the sender.
    ///
    /// # Errors
    /// [`IntakeError`]: the page must not be confirmed.
    pub async fn page(&self, id: &FaxId, n: u32, page: &Page) -> Result<(), IntakeError> {
        if n > PAGES_MAX {
            return Err(IntakeError::TooManyPages(n));
        }
        let profile = Profile::F { coding: Coding::Mmr };
        let file = fax::tiff::write(std::slice::from_ref(page), profile, &Info::default());
        let file = file.map_err(IntakeError::Page)?;
        Ok(self.blobs.put(&ReceivedFax::page_key(id, n), &file).await?)
    }

    /// The call is over: keeps the fax and the mails that it is owed. A call without a page leaves nothing.
    ///
    /// # Errors
    /// [`IntakeError`]: the fax is not lost; [`Intake::recover`] finds it at the next start.
    pub async fn end(&self, fax: &ReceivedFax) -> Result<(), IntakeError> {
        if fax.pages == 0 {
            tracing::info!(fax = %fax.id, line = %fax.line, remote_id = ?fax.remote_id, "a call brought no page");
        } else {
            let notices = self.notices(fax);
            self.store.keep_received(fax, &notices).await?;
            tracing::info!(
                fax = %fax.id, line = %fax.line, pages = fax.pages, complete = fax.complete,
                mailboxes = notices.len(), "a fax was received"
            );
        }
        Ok(self.blobs.delete(&note_key(&fax.id)).await?)
    }

    fn notices(&self, fax: &ReceivedFax) -> Vec<Notice> {
        mailboxes(fax, &self.config, &self.postmaster)
            .into_iter()
            .map(|to| Notice::new(About::Received(fax.id.clone()), to, fax.ended))
            .collect()
    }

    /// Keeps what calls left behind that an earlier process did not see to their end, and says how many faxes
    /// that were. To be called before any line answers.
    ///
    /// # Errors
    /// [`IntakeError`]: call it again; what was kept already is not kept twice.
    pub async fn recover(&self, now: Timestamp) -> Result<usize, IntakeError> {
        let keys = self.blobs.list(FOLDER).await?;
        let mut recovered = 0;
        for id in open_calls(&keys) {
            match self.store.received(&id).await {
                // The fax was kept, and only its note was left.
                Ok(_) => self.blobs.delete(&note_key(&id)).await?,
                Err(StoreError::NotFound(_)) => {
                    let fax = self.broken_off(&id, pages_of(&keys, &id), now).await?;
                    tracing::warn!(fax = %id, pages = fax.pages, "a call was broken off by the end of the gateway");
                    self.end(&fax).await?;
                    recovered += usize::from(fax.pages > 0);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(recovered)
    }

    async fn broken_off(&self, id: &FaxId, pages: u32, now: Timestamp) -> Result<ReceivedFax, IntakeError> {
        let bytes = self.blobs.get(&note_key(id)).await?;
        // Even where the note cannot be read, the pages go to somebody.
        let note = serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::error!(fax = %id, %error, "the note on a call cannot be read");
            Note { line: "unknown".into(), called: None, caller: None, started: now }
        });
        Ok(ReceivedFax {
            id: id.clone(),
            line: note.line,
            called: note.called,
            caller: note.caller,
            remote_id: None,
            subaddress: None,
            started: note.started,
            ended: now,
            pages,
            complete: false,
            mode: None,
        })
    }
}

fn note_key(id: &FaxId) -> String {
    format!("{FOLDER}{id}/{NOTE}")
}

/// The calls that have a note, in the order in which they began.
fn open_calls(keys: &[String]) -> BTreeSet<FaxId> {
    let id_of = |key: &String| FaxId::parse(key.strip_prefix(FOLDER)?.strip_suffix(NOTE)?.strip_suffix('/')?);
    keys.iter().filter_map(id_of).collect()
}

/// The number of the last page of a fax that is kept.
fn pages_of(keys: &[String], id: &FaxId) -> u32 {
    let of_this = |page: &u32| keys.binary_search(&ReceivedFax::page_key(id, *page)).is_ok();
    (1..=PAGES_MAX).rev().find(of_this).unwrap_or(0)
}

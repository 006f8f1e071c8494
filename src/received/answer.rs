//! The answering side of a line, as the line sees it: each call becomes a fax in the [`Intake`].

use std::sync::Arc;

use fax::page::Page;
use fax::session::{Quality, Report};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Intake;
use crate::clock::Clock;
use crate::job::{FaxId, ReceivedFax};
use crate::line::{self, Answering, Receiving, Ringing};

/// Answers every call that comes, as long as its pages can be kept.
#[derive(Clone)]
pub struct Answerer {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    mail_wake: Arc<Notify>,
}

impl Answerer {
    /// Hands what lines receive to `intake`. Lines call from threads of their own; `runtime` does the waiting.
    /// `mail_wake` hints that a received fax is to be mailed.
    #[must_use]
    pub fn new(intake: Arc<Intake>, clock: Arc<dyn Clock>, runtime: Handle, mail_wake: Arc<Notify>) -> Self {
        Self { intake, clock, runtime, mail_wake }
    }
}

impl Answering for Answerer {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        let started = self.clock.now();
        let Ringing { line, called, caller } = ringing.clone();
        let begun = self.runtime.block_on(self.intake.begin(&line, called, caller, started));
        let id = begun
            .inspect_err(|error| tracing::error!(line, %error, "a call is not answered: nothing can be kept"))
            .ok()?;
        Some(Box::new(Call { answerer: self.clone(), ringing: ringing.clone(), id, started, pages: 0 }))
    }
}

/// One call being answered.
struct Call {
    answerer: Answerer,
    ringing: Ringing,
    id: FaxId,
    started: Timestamp,
    pages: u32,
}

impl Receiving for Call {
    fn page(&mut self, index: u32, page: &Page, quality: &Quality) -> bool {
        let Answerer { intake, runtime, .. } = &self.answerer;
        if quality.rows_bad > 0 {
            tracing::warn!(fax = %self.id, page = index + 1, bad_rows = quality.rows_bad, "damaged rows");
        }
        let kept = runtime.block_on(intake.page(&self.id, index + 1, page));
        match &kept {
            Ok(()) => self.pages = self.pages.max(index + 1),
            Err(error) => {
                tracing::error!(fax = %self.id, %error, "a page cannot be kept, and is not confirmed")
            }
        }
        kept.is_ok()
    }

    fn end(self: Box<Self>, report: &Report) {
        let Self { answerer, ringing, id, started, pages } = *self;
        let fax = ReceivedFax {
            id,
            line: ringing.line,
            called: ringing.called,
            caller: ringing.caller,
            remote_id: report.remote_id.clone(),
            started,
            ended: answerer.clock.now(),
            // A page that was kept is delivered, even if the line was lost before its confirmation went out.
            pages,
            complete: report.outcome.is_success(),
            mode: line::outcome::mode(report),
        };
        if let Err(error) = answerer.runtime.block_on(answerer.intake.end(&fax)) {
            tracing::error!(fax = %fax.id, %error, "a received fax waits for the next start to be delivered");
        }
        answerer.mail_wake.notify_one();
    }
}

//! The worker's side: shut in, then one message after the other until the gateway is gone.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};

use super::super::error::RenderError;
use super::super::watch::Watch;
use super::super::{Manifest, Rendered, survey_watched};
use super::confine::{self, Allowance};
use super::wire::{self, Order, Ready, Reply, Setup};

/// Works until `from` ends, which it does when the gateway stops.
///
/// # Errors
/// Where this process cannot be shut in as it must be, or the gateway is gone in the middle of a message.
pub fn serve(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    // What a decoder says when it panics goes to the gateway as the cause of the part's failure.
    std::panic::set_hook(Box::new(|_| {}));
    let Setup { config } = wire::read_words(from)?;
    let confined = confine::confine(&config)?;
    let allowance = Allowance::new(config.page_seconds_max);
    wire::write_words(to, &Ready { confined })?;
    loop {
        allowance.renew();
        let order: Order = match wire::read_words(from) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            order => order?,
        };
        let message = wire::read_message(from)?;
        work(&order, &message, &allowance, to)?;
    }
}

fn work(order: &Order, message: &[u8], allowance: &Allowance, to: &mut impl Write) -> io::Result<()> {
    let steps = Steps { allowance, to: RefCell::new(to), broken: Cell::new(None) };
    let done = match order {
        Order::Survey { limits } => survey_watched(message, limits, &steps).map(|()| None),
        Order::Message { task } => task.run(message, &steps).map(Some),
    };
    let Steps { to, broken, .. } = steps;
    if let Some(error) = broken.into_inner() {
        return Err(error);
    }
    finish(done, to.into_inner())
}

fn finish(done: Result<Option<Rendered>, RenderError>, to: &mut impl Write) -> io::Result<()> {
    let end: Result<Option<Manifest>, RenderError> = match done {
        Ok(Some(Rendered { pages, manifest })) => {
            pages.into_iter().try_for_each(|page| wire::write_reply(to, &Reply::Page(page)))?;
            Ok(Some(manifest))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    wire::write_reply(to, &Reply::Done(end))
}

/// Tells the gateway which part is in hand, and renews what may be computed for the next page.
struct Steps<'s, W> {
    allowance: &'s Allowance,
    to: RefCell<W>,
    broken: Cell<Option<io::Error>>,
}

impl<W: Write> Watch for Steps<'_, W> {
    fn part(&self, name: &str) {
        self.allowance.renew();
        if let Err(error) = wire::write_reply(&mut *self.to.borrow_mut(), &Reply::Part(name.to_owned())) {
            self.broken.set(Some(error));
        }
    }

    fn page(&self) {
        self.allowance.renew();
    }
}

//! The worker's side: shut in, then one message after the other until the gateway is gone.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};

use super::super::error::RenderError;
use super::super::office::{Converter, Format};
use super::super::watch::{Desk, Watch};
use super::super::{Manifest, Rendered, survey_at};
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
        work(&order, &message, &allowance, from, to)?;
    }
}

fn work(
    order: &Order,
    message: &[u8],
    allowance: &Allowance,
    from: &mut impl Read,
    to: &mut impl Write,
) -> io::Result<()> {
    let (Order::Survey { office, .. } | Order::Message { office, .. }) = order;
    let gateway = RefCell::new((from, to));
    let steps = Steps { allowance, office: *office, gateway: &gateway, broken: Cell::new(None) };
    let desk = Desk { watch: &steps, office: &steps };
    let done = match order {
        Order::Survey { limits, .. } => survey_at(message, limits, desk).map(|()| None),
        Order::Message { task, .. } => task.run(message, desk).map(Some),
    };
    if let Some(error) = steps.broken.into_inner() {
        return Err(error);
    }
    finish(done, gateway.into_inner().1)
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

/// Tells the gateway which part is in hand, renews what may be computed for the next page, and asks it for what only a
/// program of others can do.
struct Steps<'s, R, W> {
    allowance: &'s Allowance,
    office: bool,
    gateway: &'s RefCell<(R, W)>,
    broken: Cell<Option<io::Error>>,
}

impl<R, W: Write> Watch for Steps<'_, R, W> {
    fn part(&self, name: &str) {
        self.allowance.renew();
        if let Err(error) = wire::write_reply(&mut self.gateway.borrow_mut().1, &Reply::Part(name.to_owned()))
        {
            self.broken.set(Some(error));
        }
    }

    fn page(&self) {
        self.allowance.renew();
    }
}

impl<R: Read, W: Write> Converter for Steps<'_, R, W> {
    fn is_there(&self) -> bool {
        self.office
    }

    fn to_pdf(&self, format: Format, name: &str, bytes: &[u8]) -> Result<Vec<u8>, RenderError> {
        let (from, to) = &mut *self.gateway.borrow_mut();
        let ask = Reply::Office(format, name.to_owned(), bytes.to_vec());
        let answer = wire::write_reply(to, &ask).and_then(|()| wire::read_pdf(from));
        self.allowance.renew();
        answer.unwrap_or_else(|error| {
            let cause = error.to_string();
            self.broken.set(Some(error));
            Err(RenderError::Unavailable { cause })
        })
    }
}

//! The mail that brings a received fax.
//!
//! - `Reply-To` is the sender's number at the fax domain (RFC 4160 §4.2.2, RFC 3192), so Reply faxes back.
//!   `From` stays a mailbox that a person reads: RFC 4160 §4.2.3 would have the fax address there too, but then
//!   every vacation notice would be faxed.
//! - The reverse path is that mailbox and not null: RFC 5321 §4.5.5 keeps the null path for notifications, and
//!   RFC 3965 §2.3.1 wants a path for return notices. A fax that a mail server further on cannot deliver comes
//!   back to a person instead of being lost.
//! - `Auto-Submitted: auto-generated`, since no mail is answered (RFC 3834 §5.2); `Message-Context: fax-message`
//!   (RFC 3458 §6.2).
//! - TIFF-F travels as `image/tiff; application=faxbw` (RFC 2306 §4.1).

use std::fmt::Write as _;

use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;

use super::{Files, ReceivedConfig};
use crate::address::Number;
use crate::job::{Notice, ReceivedFax};
use crate::mailer::compose::{self, Heading};
use crate::mailer::words::{self, one_line, wrap};
use crate::mailer::{Identity, Mail};

const TEXT: &str = include_str!("../../templates/received.txt");

/// How much of the sending machine's name is shown; T.30 gives it 20 characters.
const NAME_CHARS_MAX: usize = 40;

/// Reads a station ID as a telephone number, where it is a plausible one.
pub type NumberOf = dyn Fn(&str) -> Option<Number> + Send + Sync;

/// What the mails of received faxes need to know beside the fax.
#[derive(Clone, Copy)]
pub struct ReceivedContext<'a> {
    /// Who the gateway is.
    pub identity: &'a Identity,
    /// How these mails look.
    pub config: &'a ReceivedConfig,
    /// The domain of fax addresses: `fax.example.com`.
    pub fax_domain: &'a str,
    /// The number that a station ID (TSI) stands for, by the dial plan; `None` where it is no plausible number.
    pub number_of: &'a NumberOf,
    /// The mailboxes that should have got this mail, where the postmaster gets it in their place.
    pub instead_of: &'a [String],
}

/// The number that a reply is faxed to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ReplyNumber {
    /// The network named it.
    Caller(Number),
    /// The sending machine named it.
    StationId(Number),
    /// Nobody did.
    Unknown,
}

/// The mail that brings a fax to one mailbox.
#[must_use]
pub fn mail(notice: &Notice, fax: &ReceivedFax, files: &Files, ctx: &ReceivedContext<'_>) -> Mail {
    let from = match ctx.config.from.as_str() {
        "" => ctx.identity.postmaster.as_str(),
        from => from,
    };
    let reply = reply_number(fax, ctx);
    let from_name = format!("Fax {}", sender(fax).as_deref().unwrap_or("gateway"));
    let heading = Heading {
        notice: &notice.id,
        from_name: &from_name,
        from,
        to: &notice.to,
        subject: &title(fax),
        date: fax.ended,
        auto_submitted: "auto-generated",
    };
    let mut head = compose::begin(&heading, ctx.identity).header("Message-Context", Raw::new("fax-message"));
    if let ReplyNumber::Caller(number) | ReplyNumber::StationId(number) = &reply {
        let address = format!("FAX={number}@{}", ctx.fax_domain);
        head = head.reply_to(compose::address(Some(words::number(number)), &address));
    }
    let carried = Carried::new(files, ctx.config.attached_bytes_max);
    let mut parts = vec![compose::text(text(fax, files, &carried, &reply, ctx))];
    let name = file_name(fax, ctx);
    if let Some(pdf) = carried.pdf {
        let kind = ContentType::new("application/pdf");
        parts.push(compose::attachment(kind, &format!("{name}.pdf"), pdf.to_vec()));
    }
    if let Some(tiff) = carried.tiff {
        let kind = ContentType::new("image/tiff").attribute("application", "faxbw");
        parts.push(compose::attachment(kind, &format!("{name}.tif"), tiff.to_vec()));
    }
    Mail {
        from: Some(from.to_owned()),
        to: notice.to.clone(),
        data: compose::finish(head, ContentType::new("multipart/mixed"), parts, &notice.id),
        key: notice.id.to_string(),
    }
}

/// The files that go with the mail.
struct Carried<'a> {
    pdf: Option<&'a [u8]>,
    tiff: Option<&'a [u8]>,
    /// Whether a file was left out for its size.
    too_large: bool,
}

impl<'a> Carried<'a> {
    fn new(files: &'a Files, bytes_max: usize) -> Self {
        let mut left = bytes_max;
        let mut too_large = false;
        let mut fit = |file: &'a Option<Vec<u8>>| {
            let file = file.as_deref()?;
            let rest = left.checked_sub(file.len());
            too_large |= rest.is_none();
            left = rest?;
            Some(file)
        };
        let (pdf, tiff) = (fit(&files.pdf), fit(&files.tiff));
        Self { pdf, tiff, too_large }
    }
}

fn reply_number(fax: &ReceivedFax, ctx: &ReceivedContext<'_>) -> ReplyNumber {
    if let Some(caller) = &fax.caller {
        return ReplyNumber::Caller(caller.clone());
    }
    let by_name = fax.remote_id.as_deref().and_then(ctx.number_of);
    by_name.map_or(ReplyNumber::Unknown, ReplyNumber::StationId)
}

/// What the sending machine calls itself, where it does.
fn station_id(fax: &ReceivedFax) -> Option<String> {
    let name = one_line(fax.remote_id.as_deref()?, NAME_CHARS_MAX);
    (!name.is_empty()).then_some(name)
}

/// The sender in a few words: the number, else the name of its machine.
fn sender(fax: &ReceivedFax) -> Option<String> {
    fax.caller.as_ref().map(words::number).or_else(|| station_id(fax))
}

/// What a mail list and a file's properties show: `Fax from +1 212 555 0123 (2 pages)`.
#[must_use]
pub fn title(fax: &ReceivedFax) -> String {
    let sender = sender(fax);
    let sender = sender.as_deref().unwrap_or("an unknown number");
    let incomplete = if fax.complete { "" } else { ", incomplete" };
    format!("Fax from {sender} ({}{incomplete})", words::pages(fax.pages))
}

/// `fax-2026-11-23-1004-12125550123`: sorts by time in a folder, and says from whom.
fn file_name(fax: &ReceivedFax, ctx: &ReceivedContext<'_>) -> String {
    let local = fax.started.to_zoned(ctx.identity.zone.clone());
    let mut name = format!("fax-{}", local.strftime("%Y-%m-%d-%H%M"));
    if let Some(caller) = &fax.caller {
        // Writing to a String cannot fail.
        let _ = write!(name, "-{}", caller.digits());
    }
    name
}

fn text(
    fax: &ReceivedFax,
    files: &Files,
    carried: &Carried<'_>,
    reply: &ReplyNumber,
    ctx: &ReceivedContext<'_>,
) -> String {
    let lines = facts(fax, ctx)
        .iter()
        .map(|(name, value)| wrap(&format!("    {:<14}", format!("{name}:")), value))
        .collect::<Vec<_>>();
    words::fill(
        TEXT,
        &[
            ("facts", &lines.join("\n")),
            ("redirected", &wrap("", &redirected(ctx))),
            ("incomplete", &wrap("", &incomplete(fax))),
            ("missing", &wrap("", &missing(files))),
            ("files", &wrap("", attached(carried))),
            ("reply", &wrap("", &reply_hint(reply))),
            ("fax", fax.id.as_str()),
        ],
    )
}

fn facts(fax: &ReceivedFax, ctx: &ReceivedContext<'_>) -> Vec<(&'static str, String)> {
    let from = fax.caller.as_ref().map_or_else(|| "not known".to_owned(), words::number);
    let mut facts = vec![("From", from)];
    facts.extend(station_id(fax).map(|name| ("Calls itself", format!("\"{name}\""))));
    facts.extend(fax.called.as_ref().map(|called| ("To", words::number(called))));
    facts.extend(fax.subaddress.as_ref().map(|digits| ("Subaddress", one_line(digits, NAME_CHARS_MAX))));
    facts.push(("Received", words::when(fax.started, &ctx.identity.zone)));
    let state = if fax.complete { "complete" } else { "not complete" };
    facts.push(("Pages", format!("{}, {state}", fax.pages)));
    facts
}

fn redirected(ctx: &ReceivedContext<'_>) -> String {
    if ctx.instead_of.is_empty() {
        return String::new();
    }
    format!(
        "You get this fax as the postmaster. It was for {}, and could not be delivered there.",
        words::list(ctx.instead_of)
    )
}

fn incomplete(fax: &ReceivedFax) -> String {
    if fax.complete {
        return String::new();
    }
    format!(
        "The call broke off after page {}, before the sending machine had finished. There may have been more \
         pages: please ask the sender.",
        fax.pages
    )
}

fn missing(files: &Files) -> String {
    let numbers: Vec<String> = files.missing.iter().map(u32::to_string).collect();
    let (pages, them) = match numbers.len() {
        0 => return String::new(),
        1 => ("Page", "it"),
        _ => ("Pages", "them"),
    };
    format!(
        "{pages} {} arrived, but the gateway's disk has lost {them}. Please ask the sender to send the fax again.",
        words::list(&numbers)
    )
}

fn attached(carried: &Carried<'_>) -> &'static str {
    match (carried.pdf, carried.tiff, carried.too_large) {
        (Some(_), Some(_), _) => {
            "The fax is attached twice: as a PDF to read and print, and as a TIFF file for archives and fax \
             programs."
        }
        (Some(_), None, false) => "The fax is attached as a PDF.",
        (Some(_), None, true) => {
            "The fax is attached as a PDF. The TIFF file would have made this mail too large."
        }
        (None, Some(_), _) => "The fax is attached as a TIFF file.",
        (None, None, true) => {
            "The fax is too large for a mail and is not attached. Please ask the postmaster to take it from the \
             gateway, under the name below."
        }
        (None, None, false) => "",
    }
}

fn reply_hint(reply: &ReplyNumber) -> String {
    match reply {
        ReplyNumber::Caller(number) => format!(
            "To answer by fax, press Reply: what you write and attach is faxed to {}.",
            words::unbroken(&words::number(number))
        ),
        ReplyNumber::StationId(number) => format!(
            "To answer by fax, press Reply: what you write and attach is faxed to {}. Please check this number \
             first: only the sending machine gave it, the telephone network did not.",
            words::unbroken(&words::number(number))
        ),
        ReplyNumber::Unknown => {
            "Replying to this mail does not fax back, because the sender's number is not known.".into()
        }
    }
}

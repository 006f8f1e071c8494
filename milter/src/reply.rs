//! What the filter answers (`SMFIR_…`).
//!
//! A verdict answers one command. The changes to a message ([`Reply::AddHeader`] to [`Reply::Quarantine`]) are sent
//! at its end only, before the verdict on [`Command::BodyEob`](crate::Command::BodyEob), and only those that were
//! negotiated as [`Actions`].

use alloc::vec::Vec;

use crate::flags::{Actions, Steps};
use crate::packet::{self, Error, Fields, TEXTS_MAX, Writer};

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// `O`: what the filter takes of the MTA's offer.
    OptNeg {
        /// The protocol version to speak: the lower one of the two.
        version: u32,
        /// What it will do.
        actions: Actions,
        /// What the MTA shall leave out.
        steps: Steps,
        /// The macros it wants, under [`Actions::SET_MACRO_LISTS`].
        macro_lists: Vec<MacroList<'a>>,
    },
    /// `a`: accept the rest of this message (or, before one, of this session) without asking further.
    Accept,
    /// `c`: go on.
    Continue,
    /// `d`: tell the client it was accepted, and drop the message.
    Discard,
    /// `r`: refuse for good, with the MTA's own words.
    Reject,
    /// `t`: refuse for now, with the MTA's own words.
    TempFail,
    /// `y`: refuse with these words.
    ReplyCode(
        /// An SMTP reply: a code from 400 to 599, mostly an enhanced code (RFC 3463), and text; the lines of a longer
        /// one are parted by CRLF and each has the code.
        &'a [u8],
    ),
    /// `s`: no more of this kind (of body, or of header fields); only under [`Steps::SKIP`].
    Skip,
    /// `p`: still at it, wait on; sent at the end of a message while it works.
    Progress,
    /// `f`: close the connection to the client (`SMFIR_CONN_FAIL`).
    ConnFail,
    /// `4`: answer 421 and close the connection to the client.
    Shutdown,
    /// `h`: put a header field at the end of the header.
    AddHeader {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// `i`: put a header field at a place.
    InsertHeader {
        /// How many fields stand before it.
        index: u32,
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// `m`: change a header field, or delete it by an empty value.
    ChangeHeader {
        /// Which of those with this name, from 1.
        index: u32,
        /// Its name.
        name: &'a [u8],
        /// Its new value.
        value: &'a [u8],
    },
    /// `e`: change the envelope sender.
    ChangeFrom {
        /// The new one.
        sender: &'a [u8],
        /// ESMTP parameters, parted by spaces.
        parameters: Option<&'a [u8]>,
    },
    /// `+`: add a recipient.
    AddRcpt {
        /// Its address.
        recipient: &'a [u8],
    },
    /// `2`: add a recipient with parameters (`SMFIR_ADDRCPT_PAR`).
    AddRcptPar {
        /// Its address.
        recipient: &'a [u8],
        /// ESMTP parameters, parted by spaces.
        parameters: Option<&'a [u8]>,
    },
    /// `-`: remove a recipient.
    DelRcpt {
        /// Its address, written as the MTA sent it.
        recipient: &'a [u8],
    },
    /// `b`: a piece of the body that takes the place of the whole old one.
    ReplaceBody(&'a [u8]),
    /// `q`: hold the message back.
    Quarantine {
        /// Why, for the postmaster.
        reason: &'a [u8],
    },
}

/// The macros a filter wants to see at one step of a session (`smfi_setsymlist`; on the wire at the end of the filter's
/// OPTNEG).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacroList<'a> {
    /// The step.
    pub step: MacroStep,
    /// Names, parted by spaces: `{rcpt_addr} {auth_authen} i`.
    pub names: &'a [u8],
}

/// The steps of a session at which macros are sent (`SMFIM_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacroStep {
    /// With CONNECT.
    Connect,
    /// With HELO.
    Helo,
    /// With MAIL.
    Mail,
    /// With RCPT.
    Rcpt,
    /// With DATA.
    Data,
    /// With the end of the message.
    Eom,
    /// With the end of the header.
    Eoh,
}

/// The steps by their number on the wire.
const MACRO_STEPS: [MacroStep; 7] = [
    MacroStep::Connect,
    MacroStep::Helo,
    MacroStep::Mail,
    MacroStep::Rcpt,
    MacroStep::Data,
    MacroStep::Eom,
    MacroStep::Eoh,
];

impl MacroStep {
    fn from_number(number: u32) -> Result<Self, Error> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        MACRO_STEPS.get(index).copied().ok_or(Error::UnknownStep(number))
    }

    fn number(self) -> u32 {
        self as u32
    }
}

impl<'a> Reply<'a> {
    /// The first reply in `received`, and how many bytes it took; `None` when it is not there as a whole yet.
    ///
    /// # Errors
    /// When these bytes are no reply of protocol version 6, or one past a limit.
    pub fn decode(received: &'a [u8]) -> Result<Option<(Self, usize)>, Error> {
        let Some((code, fields, consumed)) = packet::split(received)? else {
            return Ok(None);
        };
        Ok(Some((Self::from_fields(code, fields)?, consumed)))
    }

    fn from_fields(code: u8, mut fields: Fields<'a>) -> Result<Self, Error> {
        Ok(match code {
            b'O' => Self::OptNeg {
                version: fields.number32()?,
                actions: Actions::from_bits(fields.number32()?),
                steps: Steps::from_bits(fields.number32()?),
                macro_lists: macro_lists(fields)?,
            },
            b'a' => Self::Accept,
            b'c' => Self::Continue,
            b'd' => Self::Discard,
            b'r' => Self::Reject,
            b't' => Self::TempFail,
            b'y' => Self::ReplyCode(checked_reply(fields.text()?)?),
            b's' => Self::Skip,
            b'p' => Self::Progress,
            b'f' => Self::ConnFail,
            b'4' => Self::Shutdown,
            b'b' => Self::ReplaceBody(fields.bytes()),
            _ => return Self::change_from_fields(code, fields),
        })
    }

    /// The changes whose data begins with text.
    fn change_from_fields(code: u8, mut fields: Fields<'a>) -> Result<Self, Error> {
        Ok(match code {
            b'h' => Self::AddHeader { name: fields.text()?, value: fields.text()? },
            b'i' => {
                Self::InsertHeader { index: fields.number32()?, name: fields.text()?, value: fields.text()? }
            }
            b'm' => {
                Self::ChangeHeader { index: fields.number32()?, name: fields.text()?, value: fields.text()? }
            }
            b'e' => Self::ChangeFrom { sender: fields.text()?, parameters: optional_text(fields)? },
            b'+' => Self::AddRcpt { recipient: fields.text()? },
            b'2' => Self::AddRcptPar { recipient: fields.text()?, parameters: optional_text(fields)? },
            b'-' => Self::DelRcpt { recipient: fields.text()? },
            b'q' => Self::Quarantine { reason: fields.text()? },
            _ => return Err(Error::UnknownCode(code)),
        })
    }

    /// The byte that says which reply it is.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::OptNeg { .. } => b'O',
            Self::Accept => b'a',
            Self::Continue => b'c',
            Self::Discard => b'd',
            Self::Reject => b'r',
            Self::TempFail => b't',
            Self::ReplyCode(_) => b'y',
            Self::Skip => b's',
            Self::Progress => b'p',
            Self::ConnFail => b'f',
            Self::Shutdown => b'4',
            Self::AddHeader { .. } => b'h',
            Self::InsertHeader { .. } => b'i',
            Self::ChangeHeader { .. } => b'm',
            Self::ChangeFrom { .. } => b'e',
            Self::AddRcpt { .. } => b'+',
            Self::AddRcptPar { .. } => b'2',
            Self::DelRcpt { .. } => b'-',
            Self::ReplaceBody(_) => b'b',
            Self::Quarantine { .. } => b'q',
        }
    }

    /// Appends the reply's packet to `out`.
    ///
    /// # Errors
    /// When a text has a NUL in it, an SMTP reply has no proper code, or a limit is passed; `out` is then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        packet::append(out, self.code(), |writer| self.write(writer))
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        match self {
            Self::OptNeg { version, actions, steps, macro_lists } => {
                writer.number32(*version);
                writer.number32(actions.bits());
                writer.number32(steps.bits());
                write_macro_lists(writer, macro_lists)?;
            }
            Self::ReplyCode(text) => writer.text(checked_reply(text)?)?,
            Self::AddHeader { name, value } => {
                writer.text(name)?;
                writer.text(value)?;
            }
            Self::InsertHeader { index, name, value } | Self::ChangeHeader { index, name, value } => {
                writer.number32(*index);
                writer.text(name)?;
                writer.text(value)?;
            }
            Self::ChangeFrom { sender: address, parameters }
            | Self::AddRcptPar { recipient: address, parameters } => {
                writer.text(address)?;
                parameters.map_or(Ok(()), |text| writer.text(text))?;
            }
            Self::AddRcpt { recipient: text }
            | Self::DelRcpt { recipient: text }
            | Self::Quarantine { reason: text } => writer.text(text)?,
            Self::ReplaceBody(bytes) => writer.bytes(bytes),
            Self::Accept
            | Self::Continue
            | Self::Discard
            | Self::Reject
            | Self::TempFail
            | Self::Skip
            | Self::Progress
            | Self::ConnFail
            | Self::Shutdown => {}
        }
        Ok(())
    }
}

fn optional_text(mut fields: Fields<'_>) -> Result<Option<&[u8]>, Error> {
    if fields.is_empty() { Ok(None) } else { fields.text().map(Some) }
}

fn macro_lists(mut fields: Fields<'_>) -> Result<Vec<MacroList<'_>>, Error> {
    let mut lists = Vec::new();
    while !fields.is_empty() {
        if lists.len() == TEXTS_MAX {
            return Err(Error::TooManyTexts);
        }
        lists.push(MacroList { step: MacroStep::from_number(fields.number32()?)?, names: fields.text()? });
    }
    Ok(lists)
}

fn write_macro_lists(writer: &mut Writer<'_>, lists: &[MacroList<'_>]) -> Result<(), Error> {
    if lists.len() > TEXTS_MAX {
        return Err(Error::TooManyTexts);
    }
    for list in lists {
        writer.number32(list.step.number());
        writer.text(list.names)?;
    }
    Ok(())
}

/// The reply itself, when it begins with a code that refuses. An MTA takes any other for a fault of the filter, and
/// one that says 250 would accept what was meant to be refused.
fn checked_reply(text: &[u8]) -> Result<&[u8], Error> {
    match text {
        [b'4' | b'5', tens, ones, b' ' | b'-', ..] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
            Ok(text)
        }
        _ => Err(Error::BadReplyCode),
    }
}

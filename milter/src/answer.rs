//! What a filter says: a verdict on each command, and the changes it makes to a message at its end.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::BODY_CHUNK_BYTES_MAX;
use crate::flags::Actions;
use crate::packet;
use crate::reply::Reply;

/// A verdict on one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Go on.
    Continue,
    /// At CONNECT and HELO: the whole session passes. Else: the rest of this message does.
    Accept,
    /// At CONNECT and HELO: the session is refused; at RCPT: this recipient is; else: the message is.
    Reject,
    /// The same for now: the client may try again.
    TempFail,
    /// The client is told that its message was accepted, and it is dropped; not at CONNECT and HELO.
    Discard,
    /// Refuse as [`Verdict::Reject`] or [`Verdict::TempFail`] do, with these words: a code from 400 to 599, an enhanced
    /// code (RFC 3463; Postfix takes no reply without one) and text. The lines of a longer one are parted by CRLF, and
    /// each has the codes. After 421 the MTA closes the connection to the client.
    Reply(&'a [u8]),
    /// No more of this kind: of body, where it was negotiated ([`Steps::SKIP`](crate::Steps::SKIP)).
    Skip,
    /// Answer 421 and close the connection to the client (`SMFIR_SHUTDOWN`).
    Shutdown,
    /// Close the connection to the client without a word (`SMFIR_CONN_FAIL`).
    ConnectionFailure,
}

/// A change to a message, at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Put a header field at the end of the header. Lines of a folded value are parted by LF.
    AddHeader {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// Put a header field at a place.
    InsertHeader {
        /// How many fields stand before it.
        index: u32,
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// Change a header field, or take it away by an empty value.
    ChangeHeader {
        /// Which of those with this name, from 1. Whoever takes several away begins with the last.
        index: u32,
        /// Its name.
        name: &'a [u8],
        /// Its new value.
        value: &'a [u8],
    },
    /// Change the envelope sender.
    ChangeFrom {
        /// The new one, in angle brackets.
        sender: &'a [u8],
        /// ESMTP parameters, parted by spaces.
        parameters: Option<&'a [u8]>,
    },
    /// Add a recipient.
    AddRecipient {
        /// Its address, in angle brackets.
        recipient: &'a [u8],
        /// ESMTP parameters, parted by spaces.
        parameters: Option<&'a [u8]>,
    },
    /// Remove a recipient.
    DeleteRecipient {
        /// Its address, exactly as RCPT had it.
        recipient: &'a [u8],
    },
    /// Put this in the place of the body; several follow one another. It may be of any length.
    ReplaceBody(&'a [u8]),
    /// Hold the message back.
    Quarantine {
        /// Why, for the postmaster.
        reason: &'a [u8],
    },
}

impl<'a> Verdict<'a> {
    /// Appends the packet. Sendmail uses the words of a reply as a format, so each `%` in them is doubled; MTAs
    /// that do not take it apart again.
    pub(crate) fn encode(self, out: &mut Vec<u8>) -> Result<(), packet::Error> {
        let doubled;
        let reply = match self {
            Self::Continue => Reply::Continue,
            Self::Accept => Reply::Accept,
            Self::Reject => Reply::Reject,
            Self::TempFail => Reply::TempFail,
            Self::Discard => Reply::Discard,
            Self::Skip => Reply::Skip,
            Self::Shutdown => Reply::Shutdown,
            Self::ConnectionFailure => Reply::ConnFail,
            Self::Reply(words) => {
                doubled = double_percents(words);
                Reply::ReplyCode(&doubled)
            }
        };
        reply.encode(out)
    }
}

fn double_percents(words: &[u8]) -> Cow<'_, [u8]> {
    if !words.contains(&b'%') {
        return Cow::Borrowed(words);
    }
    let pair = |byte: &u8| if *byte == b'%' { &b"%%"[..] } else { core::slice::from_ref(byte) }.to_vec();
    Cow::Owned(words.iter().flat_map(pair).collect())
}

impl<'a> Change<'a> {
    /// What must have been negotiated for it.
    #[must_use]
    pub fn needs(&self) -> Actions {
        match self {
            Self::AddHeader { .. } | Self::InsertHeader { .. } => Actions::ADD_HEADERS,
            Self::ChangeHeader { .. } => Actions::CHANGE_HEADERS,
            Self::ChangeFrom { .. } => Actions::CHANGE_FROM,
            Self::AddRecipient { parameters: None, .. } => Actions::ADD_RECIPIENTS,
            Self::AddRecipient { parameters: Some(_), .. } => Actions::ADD_RECIPIENTS_WITH_PARAMETERS,
            Self::DeleteRecipient { .. } => Actions::DELETE_RECIPIENTS,
            Self::ReplaceBody(_) => Actions::CHANGE_BODY,
            Self::Quarantine { .. } => Actions::QUARANTINE,
        }
    }

    /// Appends the packet, or packets.
    pub(crate) fn encode(self, out: &mut Vec<u8>) -> Result<(), packet::Error> {
        let reply = match self {
            Self::AddHeader { name, value } => Reply::AddHeader { name, value },
            Self::InsertHeader { index, name, value } => Reply::InsertHeader { index, name, value },
            Self::ChangeHeader { index, name, value } => Reply::ChangeHeader { index, name, value },
            Self::ChangeFrom { sender, parameters } => Reply::ChangeFrom { sender, parameters },
            Self::AddRecipient { recipient, parameters: None } => Reply::AddRcpt { recipient },
            Self::AddRecipient { recipient, parameters } => Reply::AddRcptPar { recipient, parameters },
            Self::DeleteRecipient { recipient } => Reply::DelRcpt { recipient },
            Self::Quarantine { reason } => Reply::Quarantine { reason },
            Self::ReplaceBody(body) if body.len() > BODY_CHUNK_BYTES_MAX => {
                let mut pieces = body.chunks(BODY_CHUNK_BYTES_MAX);
                return pieces.try_for_each(|piece| Reply::ReplaceBody(piece).encode(out));
            }
            Self::ReplaceBody(body) => Reply::ReplaceBody(body),
        };
        reply.encode(out)
    }
}

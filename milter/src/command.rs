//! What the MTA tells the filter (`SMFIC_…`).
//!
//! Values are the bytes of the SMTP session as they are, borrowed from the buffer: addresses with their angle brackets,
//! header values with their line breaks, names in any character set or none.

use alloc::vec::Vec;

use crate::flags::{Actions, Steps};
use crate::packet::{self, Error, Fields, Writer};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `O`: what the MTA offers; the first packet of a connection.
    OptNeg {
        /// The MTA's protocol version.
        version: u32,
        /// What the filter would be allowed to do.
        actions: Actions,
        /// What the MTA is able to leave out.
        steps: Steps,
    },
    /// `D`: the macros for the command that comes next.
    Macro {
        /// The code of that command.
        command: u8,
        /// What the MTA defines.
        macros: Vec<Macro<'a>>,
    },
    /// `C`: an SMTP client has connected.
    Connect {
        /// Its name, or its address in square brackets when it has none.
        host: &'a [u8],
        /// Where it connected from.
        peer: Peer<'a>,
    },
    /// `H`: HELO or EHLO.
    Helo {
        /// What the client calls itself.
        name: &'a [u8],
    },
    /// `M`: MAIL FROM, a message begins.
    Mail {
        /// The envelope sender.
        sender: &'a [u8],
        /// ESMTP parameters, each `KEYWORD` or `KEYWORD=value`.
        parameters: Vec<&'a [u8]>,
    },
    /// `R`: RCPT TO.
    Rcpt {
        /// One envelope recipient.
        recipient: &'a [u8],
        /// ESMTP parameters, each `KEYWORD` or `KEYWORD=value`.
        parameters: Vec<&'a [u8]>,
    },
    /// `T`: DATA.
    Data,
    /// `L`: one header field.
    Header {
        /// Its name.
        name: &'a [u8],
        /// Its value, folded as it came; with the white space after the colon only under
        /// [`Steps::HEADER_LEADING_SPACE`].
        value: &'a [u8],
    },
    /// `N`: the header has ended.
    Eoh,
    /// `B`: a piece of the body.
    Body(&'a [u8]),
    /// `E`: the message has ended.
    BodyEob(
        /// The last piece of the body, mostly empty.
        &'a [u8],
    ),
    /// `A`: forget this message; the connection stays.
    Abort,
    /// `Q`: the SMTP session has ended, and the connection to the filter with it.
    Quit,
    /// `K`: the SMTP session has ended, the next one comes over the same connection (`SMFIC_QUIT_NC`).
    QuitNc,
    /// `U`: an SMTP command that the MTA does not know.
    Unknown(
        /// The whole command line.
        &'a [u8],
    ),
}

/// A macro of the MTA, such as `i`, the queue identifier, or `{auth_authen}`, who has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Macro<'a> {
    /// Its name; one of more than a letter stands in braces.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// Where an SMTP client has connected from (`SMFIA_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer<'a> {
    /// The MTA does not know, or does not say.
    Unknown,
    /// A local socket.
    Unix {
        /// Its path.
        path: &'a [u8],
    },
    /// Over IPv4.
    Inet {
        /// The address as text, as the MTA writes it.
        address: &'a [u8],
        /// The TCP port of the client; 0 when the MTA does not say.
        port: u16,
    },
    /// Over IPv6.
    Inet6 {
        /// The address as text, as the MTA writes it.
        address: &'a [u8],
        /// The TCP port of the client; 0 when the MTA does not say.
        port: u16,
    },
}

impl<'a> Command<'a> {
    /// The first command in `received`, and how many bytes it took; `None` when it is not there as a whole yet.
    ///
    /// # Errors
    /// When these bytes are no command of protocol version 6, or one past a limit.
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
            },
            b'D' => Self::Macro { command: fields.byte()?, macros: macros(&fields.texts()?)? },
            b'C' => Self::Connect { host: fields.text()?, peer: Peer::from_fields(fields)? },
            b'H' => Self::Helo { name: fields.text()? },
            b'M' => Self::Mail { sender: fields.text()?, parameters: fields.texts()? },
            b'R' => Self::Rcpt { recipient: fields.text()?, parameters: fields.texts()? },
            b'T' => Self::Data,
            b'L' => Self::Header { name: fields.text()?, value: fields.text()? },
            b'N' => Self::Eoh,
            b'B' => Self::Body(fields.bytes()),
            b'E' => Self::BodyEob(fields.bytes()),
            b'A' => Self::Abort,
            b'Q' => Self::Quit,
            b'K' => Self::QuitNc,
            b'U' => Self::Unknown(fields.text()?),
            _ => return Err(Error::UnknownCode(code)),
        })
    }

    /// The byte that says which command it is.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::OptNeg { .. } => b'O',
            Self::Macro { .. } => b'D',
            Self::Connect { .. } => b'C',
            Self::Helo { .. } => b'H',
            Self::Mail { .. } => b'M',
            Self::Rcpt { .. } => b'R',
            Self::Data => b'T',
            Self::Header { .. } => b'L',
            Self::Eoh => b'N',
            Self::Body(_) => b'B',
            Self::BodyEob(_) => b'E',
            Self::Abort => b'A',
            Self::Quit => b'Q',
            Self::QuitNc => b'K',
            Self::Unknown(_) => b'U',
        }
    }

    /// Appends the command's packet to `out`.
    ///
    /// # Errors
    /// When a text has a NUL in it, or a limit is passed; `out` is then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        packet::append(out, self.code(), |writer| self.write(writer))
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        match self {
            Self::OptNeg { version, actions, steps } => {
                writer.number32(*version);
                writer.number32(actions.bits());
                writer.number32(steps.bits());
            }
            Self::Macro { command, macros } => {
                writer.bytes(&[*command]);
                let texts: Vec<&[u8]> = macros.iter().flat_map(|each| [each.name, each.value]).collect();
                writer.texts(&texts)?;
            }
            Self::Connect { host, peer } => {
                writer.text(host)?;
                peer.write(writer)?;
            }
            Self::Helo { name: text } | Self::Unknown(text) => writer.text(text)?,
            Self::Mail { sender: address, parameters } | Self::Rcpt { recipient: address, parameters } => {
                writer.text(address)?;
                writer.texts(parameters)?;
            }
            Self::Header { name, value } => {
                writer.text(name)?;
                writer.text(value)?;
            }
            Self::Body(bytes) | Self::BodyEob(bytes) => writer.bytes(bytes),
            Self::Data | Self::Eoh | Self::Abort | Self::Quit | Self::QuitNc => {}
        }
        Ok(())
    }
}

impl<'a> Peer<'a> {
    fn from_fields(mut fields: Fields<'a>) -> Result<Self, Error> {
        let family = fields.byte()?;
        if family == b'U' {
            return Ok(Self::Unknown);
        }
        let port = fields.number16()?;
        let address = fields.text()?;
        match family {
            b'L' => Ok(Self::Unix { path: address }),
            b'4' => Ok(Self::Inet { address, port }),
            b'6' => Ok(Self::Inet6 { address, port }),
            _ => Err(Error::UnknownFamily(family)),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        let (family, port, address) = match *self {
            Self::Unknown => {
                writer.bytes(b"U");
                return Ok(());
            }
            // A local socket has no port, and the field stays.
            Self::Unix { path } => (b'L', 0, path),
            Self::Inet { address, port } => (b'4', port, address),
            Self::Inet6 { address, port } => (b'6', port, address),
        };
        writer.bytes(&[family]);
        writer.number16(port);
        writer.text(address)
    }
}

/// Macros, from texts that are names and values in turn.
fn macros<'a>(texts: &[&'a [u8]]) -> Result<Vec<Macro<'a>>, Error> {
    let (pairs, odd) = texts.as_chunks();
    if !odd.is_empty() {
        return Err(Error::MacroWithoutValue);
    }
    Ok(pairs.iter().map(|&[name, value]| Macro { name, value }).collect())
}

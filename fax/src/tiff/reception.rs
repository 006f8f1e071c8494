//! What a file says of how its pages were received: the quality fields of RFC 3949 clause 4.3.3, and the private fields
//! that libtiff has for HylaFAX.

use super::directory::Directory;
use super::error::TiffError;
use super::tag;
use alloc::boxed::Box;
use alloc::string::String;

/// How a page was received. Everything is optional; RFC 3949 has only the quality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// BadFaxLines, CleanFaxData and ConsecutiveBadFaxLines; not for pages received with error correction.
    pub quality: Option<Quality>,
    /// FaxRecvParams: the parameters of the session, in HylaFAX's encoding.
    pub parameters: Option<u32>,
    /// FaxSubAddress: what the sender gave as SUB.
    pub subaddress: Option<String>,
    /// FaxRecvTime: how long the page took, in seconds.
    pub seconds: Option<u32>,
    /// FaxDcs: the DCS in hexadecimal.
    pub dcs: Option<String>,
}

/// How many rows of a page came in damaged, where they were not corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Rows with a wrong number of pixels.
    pub bad_rows: u32,
    /// The longest sequence of them.
    pub bad_run_rows: u32,
    /// What became of them.
    pub clean: Option<Clean>,
}

/// Whether damaged rows are in the data: CleanFaxData.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clean {
    /// There were none.
    Clean,
    /// They are not: others stand in their place.
    Regenerated,
    /// They are.
    Unclean,
}

impl Reception {
    /// From the fields of a directory; what makes no sense is left out, and `None` where nothing is left.
    pub(super) fn of(directory: &Directory<'_>) -> Result<Option<Box<Self>>, TiffError> {
        let number = |tag| directory.number(tag).unwrap_or(None);
        let text = |tag| Ok(directory.field(tag)?.and_then(|field| field.text()));
        let clean = number(tag::CLEAN_FAX_DATA).and_then(Clean::new);
        let bad_rows = number(tag::BAD_FAX_LINES);
        let reception = Self {
            quality: (bad_rows.is_some() || clean.is_some()).then(|| Quality {
                bad_rows: bad_rows.unwrap_or(0),
                bad_run_rows: number(tag::CONSECUTIVE_BAD_FAX_LINES).unwrap_or(0),
                clean,
            }),
            parameters: number(tag::FAX_RECV_PARAMS),
            subaddress: text(tag::FAX_SUB_ADDRESS)?,
            seconds: number(tag::FAX_RECV_TIME),
            dcs: text(tag::FAX_DCS)?,
        };
        Ok((reception != Self::default()).then(|| Box::new(reception)))
    }
}

impl Clean {
    fn new(value: u32) -> Option<Self> {
        [Self::Clean, Self::Regenerated, Self::Unclean].get(value as usize).copied()
    }

    /// The field's value.
    pub(super) fn value(self) -> u16 {
        match self {
            Self::Clean => 0,
            Self::Regenerated => 1,
            Self::Unclean => 2,
        }
    }
}

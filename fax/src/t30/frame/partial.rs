//! The fields of PPS and EOR: a second FCF and, for PPS, three counters (ITU-T T.30 Annex A.4.3).

use super::{Fcf, Frame};

/// What a partial page signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialPage {
    /// What follows: `Null` (more blocks of this page), `Mps`, `Eom` or `Eop`, or their PRI- forms.
    pub then: Fcf,
    /// Page number of the call, modulo 256.
    pub page: u8,
    /// Block number within the page, modulo 256.
    pub block: u8,
    /// Frames sent in this burst, 1 to 256.
    pub frames: u16,
}

impl PartialPage {
    /// Reads a PPS information field.
    #[must_use]
    pub fn parse(fif: &[u8]) -> Option<Self> {
        let [then, page, block, count, ..] = *fif else {
            return None;
        };
        Some(Self { then: Fcf::second(then), page, block, frames: u16::from(count) + 1 })
    }

    /// The PPS frame.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        let count = u8::try_from(self.frames.saturating_sub(1)).unwrap_or(u8::MAX);
        Frame::with_fif(Fcf::Pps, alloc::vec![self.then.octet(), self.page, self.block, count])
    }
}

/// The EOR frame.
#[must_use]
pub fn end_of_retransmission(then: Fcf) -> Frame {
    Frame::with_fif(Fcf::Eor, alloc::vec![then.octet()])
}

/// The second FCF of an EOR.
#[must_use]
pub fn parse_end_of_retransmission(fif: &[u8]) -> Option<Fcf> {
    fif.first().map(|octet| Fcf::second(*octet))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Side;
    use super::*;

    #[test]
    fn a_partial_page_signal_counts_frames_less_one() {
        let pps = PartialPage { then: Fcf::Eop, page: 2, block: 1, frames: 256 };
        let frame = pps.to_frame();
        assert_eq!(frame.to_octets(Side::Caller), [0xFF, 0x13, 0xBF, 0x2F, 2, 1, 0xFF]);
        assert_eq!(PartialPage::parse(&frame.fif), Some(pps));
        assert_eq!(PartialPage::parse(&[0, 0, 0]), None);
        assert_eq!(end_of_retransmission(Fcf::Null).fif, [0]);
        assert_eq!(parse_end_of_retransmission(&[0x2F]), Some(Fcf::Eop));
    }

    /// Both FCFs have the X bit of the station; NULL has none.
    #[test]
    fn a_station_that_was_polled_leaves_x_out_of_both() {
        let pps = |then| PartialPage { then, page: 0, block: 0, frames: 1 }.to_frame();
        assert_eq!(pps(Fcf::Mps).to_octets(Side::Answerer), [0xFF, 0x13, 0xBE, 0x4E, 0, 0, 0]);
        assert_eq!(pps(Fcf::Null).to_octets(Side::Caller), [0xFF, 0x13, 0xBF, 0x00, 0, 0, 0]);
        assert_eq!(end_of_retransmission(Fcf::Eop).to_octets(Side::Caller), [0xFF, 0x13, 0xCF, 0x2F]);
        // A NULL with X counts as one.
        assert_eq!(PartialPage::parse(&[1, 0, 0, 0]).unwrap().then, Fcf::Null);
    }

    /// As a maker's service manual prints them: sixteen frames, of which 4 to 7 are asked for again.
    #[test]
    fn a_partial_page_of_the_field_reads_as_its_maker_says() {
        let pps = Frame::parse(&[0xFF, 0x13, 0xBF, 0x4F, 0x00, 0x00, 0x0F]).unwrap();
        let expected = PartialPage { then: Fcf::Mps, page: 0, block: 0, frames: 16 };
        assert_eq!((pps.fcf, PartialPage::parse(&pps.fif)), (Fcf::Pps, Some(expected)));
    }
}

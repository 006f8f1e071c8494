//! T.30 frames: address, control, facsimile control field (FCF) and information field (FIF).
//!
//! ITU-T T.30 clause 5.3 and Annex A. Octets are written as T.31 writes them, the least significant bit first on the
//! line, so that the FCF `X011 0001` (MCF) is `0x8C` with the X bit in bit 0. X is 1 in frames of the station that
//! received a DIS, which is the one that called, whoever sends the pages. In the first identification (`X000 ....`) it
//! tells DTC, CIG, NSC, PWD and SEP from DIS, CSI and NSF; in all other frames it is ignored when reading.
//!
//! Reading never fails loudly: what is no T.30 frame is `None`, and an unknown FCF is kept as [`Fcf::Other`].

mod identity;
mod partial;

pub(crate) use identity::forwards;
pub use identity::{BadDigits, BadStationId, Digits, STATION_ID_CHARS, StationId};
pub use partial::{PartialPage, end_of_retransmission, parse_end_of_retransmission};

use alloc::vec::Vec;
use core::fmt;

/// The address octet of every T.30 frame.
const ADDRESS: u8 = 0xFF;
/// The control octet of a frame that another follows.
const CONTROL_MORE: u8 = 0x03;
/// The control octet of the last frame of a command or reply.
const CONTROL_FINAL: u8 = 0x13;
/// The X bit within an FCF as written here.
const X_BIT: u8 = 0x01;
/// The longest frame that is looked at, in octets (a 256-octet FCD has 260).
pub const FRAME_OCTETS_MAX: usize = 300;
/// The bits of an FCF that are 0 in the first identification, where X is no matter of who speaks.
const PHASE_BITS: u8 = 0x0E;

macro_rules! fcf {
    ($($(#[$doc:meta])* $name:ident = $value:literal $text:literal,)*) => {
        /// A facsimile control field (T.30 clause 5.3.6.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fcf {
            $($(#[$doc])* $name,)*
            /// An FCF that this engine does not know; it is not answered.
            Other(u8),
        }

        impl Fcf {
            fn from_octet(octet: u8) -> Self {
                let has_fixed_x = octet & PHASE_BITS == 0;
                match if has_fixed_x { octet } else { octet & !X_BIT } {
                    $($value => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            fn octet(self) -> u8 {
                match self {
                    $(Self::$name => $value,)*
                    Self::Other(octet) => octet,
                }
            }
        }

        impl fmt::Display for Fcf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Other(octet) => write!(f, "FCF {octet:#04X}"),
                }
            }
        }
    };
}

fcf! {
    /// Digital identification signal: what the answering station can do.
    Dis = 0x80 "DIS",
    /// Called subscriber identification.
    Csi = 0x40 "CSI",
    /// Non-standard facilities of the answering station.
    Nsf = 0x20 "NSF",
    /// Digital transmit command: the caller wants to be sent something (polling), and this is what it can do.
    Dtc = 0x81 "DTC",
    /// Calling subscriber identification, of a caller that polls.
    Cig = 0x41 "CIG",
    /// Non-standard facilities command.
    Nsc = 0x21 "NSC",
    /// Password for polling.
    Pwd = 0xC1 "PWD",
    /// Selective polling: which document is wanted.
    Sep = 0xA1 "SEP",
    /// Digital command signal: how the pages will be sent.
    Dcs = 0x82 "DCS",
    /// Transmitting subscriber identification.
    Tsi = 0x42 "TSI",
    /// Non-standard set-up.
    Nss = 0x22 "NSS",
    /// Subaddress.
    Sub = 0xC2 "SUB",
    /// Sender identification; in the edition of 1993 the password for sending, and that is what it is used for.
    Sid = 0xA2 "SID",
    /// Confirmation to receive.
    Cfr = 0x84 "CFR",
    /// Failure to train.
    Ftt = 0x44 "FTT",
    /// End of message: back to phase B.
    Eom = 0x8E "EOM",
    /// Multipage signal: another page of the same kind follows.
    Mps = 0x4E "MPS",
    /// End of procedure: this was the last page.
    Eop = 0x2E "EOP",
    /// EOM, and an operator is wanted.
    PriEom = 0x9E "PRI-EOM",
    /// MPS, and an operator is wanted.
    PriMps = 0x5E "PRI-MPS",
    /// EOP, and an operator is wanted.
    PriEop = 0x3E "PRI-EOP",
    /// Message confirmation.
    Mcf = 0x8C "MCF",
    /// Retrain positive: the page is good, train again.
    Rtp = 0xCC "RTP",
    /// Retrain negative: the page is bad, train again.
    Rtn = 0x4C "RTN",
    /// Procedural interrupt positive: the page is good, an operator is wanted.
    Pip = 0xAC "PIP",
    /// Procedural interrupt negative: the page is bad, an operator is wanted.
    Pin = 0x2C "PIN",
    /// Disconnect.
    Dcn = 0xFA "DCN",
    /// Command repeat: say that again.
    Crp = 0x1A "CRP",
    /// ECM: continue to correct, with a DCS for a new speed.
    Ctc = 0x12 "CTC",
    /// ECM: response to CTC.
    Ctr = 0xC4 "CTR",
    /// ECM: partial page signal.
    Pps = 0xBE "PPS",
    /// ECM: partial page request, with a map of the frames to send again.
    Ppr = 0xBC "PPR",
    /// ECM: receive not ready.
    Rnr = 0xEC "RNR",
    /// ECM: receive ready? Asked after RNR.
    Rr = 0x6E "RR",
    /// ECM: end of retransmission.
    Eor = 0xCE "EOR",
    /// ECM: response to EOR.
    Err = 0x1C "ERR",
    /// ECM: coded image data.
    Fcd = 0x06 "FCD",
    /// ECM: return to control, the end of a partial page.
    Rcp = 0x86 "RCP",
    /// Field not valid: what of the identification is not accepted.
    Fnv = 0xCA "FNV",
    /// The empty second FCF of PPS-NULL and EOR-NULL.
    Null = 0x00 "NULL",
}

impl Fcf {
    /// The second FCF of a PPS or EOR, of which X is ignored.
    fn second(octet: u8) -> Self {
        Self::from_octet(octet & !X_BIT)
    }
}

/// Which station writes a frame, for its X bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The station that called: it received a DIS.
    Caller,
    /// The station that was called: it sent the DIS.
    Answerer,
}

/// One T.30 frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub fcf: Fcf,
    /// The facsimile information field; empty where the FCF has none.
    pub fif: Vec<u8>,
    /// Whether it is the last of its command or reply.
    pub is_final: bool,
}

impl Frame {
    /// A final frame without information.
    #[must_use]
    pub fn new(fcf: Fcf) -> Self {
        Self::with_fif(fcf, Vec::new())
    }

    /// A final frame with an information field.
    #[must_use]
    pub fn with_fif(fcf: Fcf, fif: Vec<u8>) -> Self {
        Self { fcf, fif, is_final: true }
    }

    /// The same frame, announcing that another follows.
    #[must_use]
    pub fn not_final(mut self) -> Self {
        self.is_final = false;
        self
    }

    /// Reads a frame without its FCS; `None` where it is none of T.30's.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let [address, control, fcf, fif @ ..] = octets else {
            return None;
        };
        let is_final = match *control {
            CONTROL_MORE => false,
            CONTROL_FINAL => true,
            _ => return None,
        };
        if *address != ADDRESS || octets.len() > FRAME_OCTETS_MAX {
            return None;
        }
        let mut frame = Self { fcf: Fcf::from_octet(*fcf), fif: fif.to_vec(), is_final };
        if let Some(second) = frame.second_fcf() {
            *second &= !X_BIT;
        }
        Some(frame)
    }

    /// The octets of the frame, without FCS.
    #[must_use]
    pub fn to_octets(&self, side: Side) -> Vec<u8> {
        let control = if self.is_final { CONTROL_FINAL } else { CONTROL_MORE };
        let x = self.x_bit(side);
        let mut frame = self.clone();
        if let Some(second) = frame.second_fcf().filter(|second| **second != Fcf::Null.octet()) {
            *second |= x;
        }
        let mut octets = alloc::vec![ADDRESS, control, self.fcf.octet() | x];
        octets.append(&mut frame.fif);
        octets
    }

    /// The second FCF of a PPS or EOR, which has an X bit too, but for NULL.
    fn second_fcf(&mut self) -> Option<&mut u8> {
        self.fif.first_mut().filter(|_| matches!(self.fcf, Fcf::Pps | Fcf::Eor))
    }

    /// In the first identification X is part of the FCF, and the ECM image frames have none.
    fn x_bit(&self, side: Side) -> u8 {
        let is_fixed = self.fcf.octet() & PHASE_BITS == 0 || matches!(self.fcf, Fcf::Fcd | Fcf::Rcp);
        if side == Side::Caller && !is_fixed { X_BIT } else { 0 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The first identification, with its X.
    const FIRST: &[(Fcf, &str)] = &[
        (Fcf::Dis, "00000001"),
        (Fcf::Csi, "00000010"),
        (Fcf::Nsf, "00000100"),
        (Fcf::Dtc, "10000001"),
        (Fcf::Cig, "10000010"),
        (Fcf::Nsc, "10000100"),
        (Fcf::Pwd, "10000011"),
        (Fcf::Sep, "10000101"),
    ];

    /// The other FCF bits as T.30 table prints them, first bit on the line first, X as 0.
    const TABLE: &[(Fcf, &str)] = &[
        (Fcf::Dcs, "01000001"),
        (Fcf::Tsi, "01000010"),
        (Fcf::Nss, "01000100"),
        (Fcf::Sub, "01000011"),
        (Fcf::Sid, "01000101"),
        (Fcf::Cfr, "00100001"),
        (Fcf::Ftt, "00100010"),
        (Fcf::Eom, "01110001"),
        (Fcf::Mps, "01110010"),
        (Fcf::Eop, "01110100"),
        (Fcf::PriEom, "01111001"),
        (Fcf::PriMps, "01111010"),
        (Fcf::PriEop, "01111100"),
        (Fcf::Mcf, "00110001"),
        (Fcf::Rtp, "00110011"),
        (Fcf::Rtn, "00110010"),
        (Fcf::Pip, "00110101"),
        (Fcf::Pin, "00110100"),
        (Fcf::Dcn, "01011111"),
        (Fcf::Crp, "01011000"),
        (Fcf::Ctc, "01001000"),
        (Fcf::Ctr, "00100011"),
        (Fcf::Pps, "01111101"),
        (Fcf::Ppr, "00111101"),
        (Fcf::Rnr, "00110111"),
        (Fcf::Rr, "01110110"),
        (Fcf::Eor, "01110011"),
        (Fcf::Err, "00111000"),
        (Fcf::Fcd, "01100000"),
        (Fcf::Rcp, "01100001"),
        (Fcf::Fnv, "01010011"),
    ];

    fn octet(bits: &str) -> u8 {
        bits.bytes().enumerate().fold(0u8, |acc, (i, b)| acc | (b - b'0') << i)
    }

    #[test]
    fn every_fcf_is_the_one_of_the_table() {
        for (fcf, bits) in TABLE {
            assert_eq!(fcf.octet(), octet(bits), "{fcf}");
            for x in [0, X_BIT] {
                assert_eq!(Fcf::from_octet(octet(bits) | x), *fcf, "X is ignored in {fcf}");
            }
        }
        for (fcf, bits) in FIRST {
            assert_eq!(fcf.octet(), octet(bits), "{fcf}");
            assert_eq!(Fcf::from_octet(octet(bits)), *fcf);
        }
        // Those that this engine does not know: PSA, and an Internet address.
        assert_eq!(Fcf::from_octet(0x61), Fcf::Other(0x61));
        assert_eq!(Fcf::from_octet(0xE1), Fcf::Other(0xE1));
    }

    #[test]
    fn frames_are_written_with_address_control_and_x() {
        assert_eq!(Frame::new(Fcf::Mcf).to_octets(Side::Answerer), [0xFF, 0x13, 0x8C]);
        assert_eq!(Frame::new(Fcf::Eop).to_octets(Side::Caller), [0xFF, 0x13, 0x2F]);
        assert_eq!(Frame::new(Fcf::Dcn).to_octets(Side::Caller), [0xFF, 0x13, 0xFB]);
        // A station that polls received a DIS too, and confirms pages with X; the one that is polled sends without.
        assert_eq!(Frame::new(Fcf::Mcf).to_octets(Side::Caller), [0xFF, 0x13, 0x8D]);
        assert_eq!(Frame::new(Fcf::Dcs).to_octets(Side::Answerer), [0xFF, 0x13, 0x82]);
        for side in [Side::Caller, Side::Answerer] {
            assert_eq!(Frame::new(Fcf::Dtc).to_octets(side), [0xFF, 0x13, 0x81]);
            assert_eq!(Frame::new(Fcf::Cig).to_octets(side), [0xFF, 0x13, 0x41]);
        }
        let tsi = Frame::with_fif(Fcf::Tsi, alloc::vec![1, 2]).not_final();
        assert_eq!(tsi.to_octets(Side::Caller), [0xFF, 0x03, 0x43, 1, 2]);
        assert_eq!(Frame::parse(&[0xFF, 0x03, 0x43, 1, 2]).unwrap(), tsi);
        let dis = Frame::with_fif(Fcf::Dis, alloc::vec![0]);
        assert_eq!(dis.to_octets(Side::Answerer), [0xFF, 0x13, 0x80, 0]);
        assert_eq!(Frame::parse(&[0xFF, 0x13, 0x81, 0]).unwrap().fcf, Fcf::Dtc);
    }

    #[test]
    fn what_is_no_frame_is_none() {
        for bad in [&[][..], &[0xFF], &[0xFF, 0x13], &[0x7F, 0x13, 0x8C], &[0xFF, 0x23, 0x8C]] {
            assert_eq!(Frame::parse(bad), None);
        }
        assert_eq!(Frame::parse(&alloc::vec![0xFF; 400]), None);
    }
}

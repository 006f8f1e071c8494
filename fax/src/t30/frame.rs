//! T.30 frames: address, control, facsimile control field (FCF) and information field (FIF).
//!
//! ITU-T T.30 clause 5.3 and Annex A. Octets are written as T.31 writes them, the least significant bit first on the
//! line, so that the FCF `X011 0001` (MCF) is `0x8C` with the X bit in bit 0. X is 1 in frames of the station that
//! received a DIS (the sender of the pages); it is ignored when reading.
//!
//! Reading never fails loudly: what is no T.30 frame is `None`, and an unknown FCF is kept as [`Fcf::Other`].

use alloc::string::String;
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
/// Characters in a TSI, CSI or CIG (T.30 clause 5.3.6.2).
pub const STATION_ID_CHARS: usize = 20;

macro_rules! fcf {
    ($($(#[$doc:meta])* $name:ident = $value:literal $text:literal,)*) => {
        /// A facsimile control field, without its X bit (T.30 clause 5.3.6.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fcf {
            $($(#[$doc])* $name,)*
            /// An FCF that this engine does not know; it is not answered.
            Other(u8),
        }

        impl Fcf {
            fn from_octet(octet: u8) -> Self {
                match octet & !X_BIT {
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
    /// Digital command signal: how the pages will be sent.
    Dcs = 0x82 "DCS",
    /// Transmitting subscriber identification.
    Tsi = 0x42 "TSI",
    /// Non-standard set-up.
    Nss = 0x22 "NSS",
    /// Subaddress.
    Sub = 0xC2 "SUB",
    /// Password for sending.
    Pwd = 0xA2 "PWD",
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
    /// Digital transmit command: the far end wants to be sent something (polling).
    Dtc = 0x81 "DTC",
    /// Field not valid.
    Fnv = 0xCA "FNV",
    /// The empty second FCF of PPS-NULL and EOR-NULL.
    Null = 0x00 "NULL",
}

/// Which side writes a frame, for its X bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The station that received a DIS: it sends the pages.
    Sender,
    /// The station that sent the DIS: it receives the pages.
    Receiver,
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
        // DTC, CIG and NSC differ from DIS, CSI and NSF by their X bit alone; DTC is the one that matters here.
        let fcf = if *fcf == 0x81 { Fcf::Dtc } else { Fcf::from_octet(*fcf) };
        Some(Self { fcf, fif: fif.to_vec(), is_final })
    }

    /// The octets of the frame, without FCS.
    #[must_use]
    pub fn to_octets(&self, side: Side) -> Vec<u8> {
        let control = if self.is_final { CONTROL_FINAL } else { CONTROL_MORE };
        let mut octets = alloc::vec![ADDRESS, control, self.fcf.octet() | self.x_bit(side)];
        octets.extend_from_slice(&self.fif);
        octets
    }

    /// Identification frames of the answering station, and the ECM image frames, have no X bit to set.
    fn x_bit(&self, side: Side) -> u8 {
        let fixed = matches!(self.fcf, Fcf::Dis | Fcf::Csi | Fcf::Nsf | Fcf::Dtc | Fcf::Fcd | Fcf::Rcp);
        if side == Side::Sender && !fixed { X_BIT } else { 0 }
    }
}

/// The partial page signal and the end of retransmission carry a second FCF and, for PPS, three counters (A.4.3).
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
        Some(Self { then: Fcf::from_octet(then), page, block, frames: u16::from(count) + 1 })
    }

    /// The PPS frame.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        let count = u8::try_from(self.frames.saturating_sub(1)).unwrap_or(u8::MAX);
        Frame::with_fif(Fcf::Pps, alloc::vec![second_fcf(self.then), self.page, self.block, count])
    }
}

/// The second FCF of PPS and EOR as it goes on the line: its X bit is 1, but for NULL.
fn second_fcf(fcf: Fcf) -> u8 {
    match fcf {
        Fcf::Null => 0,
        other => other.octet() | X_BIT,
    }
}

/// The EOR frame.
#[must_use]
pub fn end_of_retransmission(then: Fcf) -> Frame {
    Frame::with_fif(Fcf::Eor, alloc::vec![second_fcf(then)])
}

/// The second FCF of an EOR.
#[must_use]
pub fn parse_end_of_retransmission(fif: &[u8]) -> Option<Fcf> {
    fif.first().map(|octet| Fcf::from_octet(*octet))
}

/// A station identification: up to 20 printable ASCII characters, usually a telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StationId(String);

/// A station ID that is too long or has characters outside printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadStationId;

impl fmt::Display for BadStationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a station ID has at most {STATION_ID_CHARS} printable ASCII characters")
    }
}

impl core::error::Error for BadStationId {}

impl StationId {
    /// Checks an identification.
    ///
    /// # Errors
    /// More than 20 characters, or one outside printable ASCII.
    pub fn new(text: &str) -> Result<Self, BadStationId> {
        let text = text.trim();
        let printable = text.bytes().all(|b| (0x20..0x7F).contains(&b));
        if text.len() > STATION_ID_CHARS || !printable {
            return Err(BadStationId);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The information field: the last character first, padded with spaces (T.30 clause 5.3.6.2.4).
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        let padding = STATION_ID_CHARS.saturating_sub(self.0.len());
        let mut fif = alloc::vec![b' '; padding];
        fif.extend(self.0.bytes().rev());
        fif
    }

    /// Reads an information field. What a peer puts there beyond printable ASCII is left out.
    #[must_use]
    pub fn from_fif(fif: &[u8]) -> Self {
        let kept = fif.iter().take(STATION_ID_CHARS).rev();
        let text: String = kept.filter(|b| (0x20..0x7F).contains(*b)).map(|b| char::from(*b)).collect();
        Self(text.trim().into())
    }
}

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The FCF bits as T.30 table prints them, first bit on the line first, X as 0.
    const TABLE: &[(Fcf, &str)] = &[
        (Fcf::Dis, "00000001"),
        (Fcf::Csi, "00000010"),
        (Fcf::Nsf, "00000100"),
        (Fcf::Dcs, "01000001"),
        (Fcf::Tsi, "01000010"),
        (Fcf::Nss, "01000100"),
        (Fcf::Sub, "01000011"),
        (Fcf::Pwd, "01000101"),
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
        (Fcf::Null, "00000000"),
    ];

    #[test]
    fn every_fcf_is_the_one_of_the_table() {
        for (fcf, bits) in TABLE {
            let octet = bits.bytes().enumerate().fold(0u8, |acc, (i, b)| acc | (b - b'0') << i);
            assert_eq!(fcf.octet(), octet, "{fcf}");
            assert_eq!(Fcf::from_octet(octet), *fcf);
            assert_eq!(Fcf::from_octet(octet | X_BIT), *fcf, "X is ignored in {fcf}");
        }
    }

    #[test]
    fn frames_are_written_with_address_control_and_x() {
        assert_eq!(Frame::new(Fcf::Mcf).to_octets(Side::Receiver), [0xFF, 0x13, 0x8C]);
        assert_eq!(Frame::new(Fcf::Eop).to_octets(Side::Sender), [0xFF, 0x13, 0x2F]);
        assert_eq!(Frame::new(Fcf::Dcn).to_octets(Side::Sender), [0xFF, 0x13, 0xFB]);
        let tsi = Frame::with_fif(Fcf::Tsi, alloc::vec![1, 2]).not_final();
        assert_eq!(tsi.to_octets(Side::Sender), [0xFF, 0x03, 0x43, 1, 2]);
        assert_eq!(Frame::parse(&[0xFF, 0x03, 0x43, 1, 2]).unwrap(), tsi);
        let dis = Frame::with_fif(Fcf::Dis, alloc::vec![0]);
        assert_eq!(dis.to_octets(Side::Receiver), [0xFF, 0x13, 0x80, 0]);
        assert_eq!(Frame::parse(&[0xFF, 0x13, 0x81, 0]).unwrap().fcf, Fcf::Dtc);
    }

    #[test]
    fn what_is_no_frame_is_none() {
        for bad in [&[][..], &[0xFF], &[0xFF, 0x13], &[0x7F, 0x13, 0x8C], &[0xFF, 0x23, 0x8C]] {
            assert_eq!(Frame::parse(bad), None);
        }
        assert_eq!(Frame::parse(&alloc::vec![0xFF; 400]), None);
    }

    #[test]
    fn a_partial_page_signal_counts_frames_less_one() {
        let pps = PartialPage { then: Fcf::Eop, page: 2, block: 1, frames: 256 };
        let frame = pps.to_frame();
        assert_eq!(frame.to_octets(Side::Sender), [0xFF, 0x13, 0xBF, 0x2F, 2, 1, 0xFF]);
        assert_eq!(PartialPage::parse(&frame.fif), Some(pps));
        assert_eq!(PartialPage::parse(&[0, 0, 0]), None);
        assert_eq!(end_of_retransmission(Fcf::Null).fif, [0]);
        assert_eq!(parse_end_of_retransmission(&[0x2F]), Some(Fcf::Eop));
    }

    /// As a maker's service manual prints them: sixteen frames, of which 4 to 7 are asked for again.
    #[test]
    fn a_partial_page_of_the_field_reads_as_its_maker_says() {
        let pps = Frame::parse(&[0xFF, 0x13, 0xBF, 0x4F, 0x00, 0x00, 0x0F]).unwrap();
        let expected = PartialPage { then: Fcf::Mps, page: 0, block: 0, frames: 16 };
        assert_eq!((pps.fcf, PartialPage::parse(&pps.fif)), (Fcf::Pps, Some(expected)));
    }

    #[test]
    fn a_station_id_goes_backwards() {
        let id = StationId::new("+1 212 555 0123").unwrap();
        let fif = id.to_fif();
        assert_eq!(fif, b"     3210 555 212 1+");
        assert_eq!(StationId::from_fif(&fif), id);
        assert_eq!(StationId::from_fif(&[0x00, 0x1B, b'1', 0xFF, b'2']).as_str(), "21");
        assert_eq!(StationId::new("123456789012345678901"), Err(BadStationId));
        assert_eq!(StationId::new("Ä"), Err(BadStationId));
    }
}

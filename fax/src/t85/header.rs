//! The frame of coded data: the bi-level image header (BIH) and the marker codes (T.82 clause 6.2).

/// Octets of a BIH.
pub(super) const BIH_OCTETS: usize = 20;

/// The octet with which a marker begins.
pub(super) const ESC: u8 = 0xFF;
/// After [`ESC`]: it was an octet of coded data.
pub(super) const STUFF: u8 = 0x00;
/// Ends a stripe; what was learned stays for the next.
pub(super) const SDNORM: u8 = 0x02;
/// Ends a stripe; the next one begins like a page.
pub(super) const SDRST: u8 = 0x03;
/// The sender gives up.
pub(super) const ABORT: u8 = 0x04;
/// The number of rows, four octets.
pub(super) const NEWLEN: u8 = 0x05;
/// The row of the stripe, four octets, from which on the adaptive pixel stands elsewhere, two octets.
pub(super) const ATMOVE: u8 = 0x06;
/// A length, four octets, and as many octets that mean nothing.
pub(super) const COMMENT: u8 = 0x07;

/// YD where the number of rows is not known yet (T.85).
pub(super) const ROWS_UNKNOWN: u32 = u32::MAX;

const LRLTWO: u8 = 0x40;
const VLENGTH: u8 = 0x20;
const TPBON: u8 = 0x08;
const DPON: u8 = 0x04;
const DPPRIV: u8 = 0x02;
const DPLAST: u8 = 0x01;

/// What a BIH of the profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// XD: pixels in a row.
    pub(super) width: u32,
    /// YD: the number of rows, or the most there can be.
    pub(super) rows: u32,
    /// L0: rows in a stripe.
    pub(super) stripe_rows: u32,
    /// LRLTWO.
    pub(super) two_lines: bool,
    /// VLENGTH: a NEWLEN may follow.
    pub(super) variable_length: bool,
    /// TPBON.
    pub(super) typical: bool,
}

impl Header {
    /// Writes it. MX and MY are 0: the adaptive pixel is not moved.
    pub(super) fn to_octets(self) -> [u8; BIH_OCTETS] {
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let mut octets = [0; BIH_OCTETS];
        octets[2] = 1;
        for (at, value) in [(4, self.width), (8, self.rows), (12, self.stripe_rows)] {
            octets[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        octets[19] =
            flag(self.two_lines, LRLTWO) | flag(self.variable_length, VLENGTH) | flag(self.typical, TPBON);
        octets
    }

    /// Reads it; `None` where it is of no image, or of one that has layers or planes.
    ///
    /// Order, MX, MY, and all that speaks of further layers mean nothing here.
    pub(super) fn parse(octets: &[u8; BIH_OCTETS]) -> Option<Self> {
        let [lowest, highest, planes, ..] = *octets;
        let options = octets[19];
        let number = |at: usize| (0..4).fold(0, |value, i| value << 8 | u32::from(octets[at + i]));
        let header = Self {
            width: number(4),
            rows: number(8),
            stripe_rows: number(12),
            two_lines: options & LRLTWO != 0,
            variable_length: options & VLENGTH != 0,
            typical: options & TPBON != 0,
        };
        let table_follows = options & (DPON | DPPRIV | DPLAST) == DPON | DPPRIV;
        let known = (lowest, highest, planes) == (0, 0, 1) && !table_follows;
        (known && header.width > 0 && header.stripe_rows > 0).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        width: 1728,
        rows: 0x0102_0304,
        stripe_rows: 128,
        two_lines: true,
        variable_length: false,
        typical: true,
    };

    #[test]
    fn a_header_survives() {
        for bits in 0..8 {
            let header = Header {
                two_lines: bits & 1 != 0,
                variable_length: bits & 2 != 0,
                typical: bits & 4 != 0,
                ..HEADER
            };
            assert_eq!(Header::parse(&header.to_octets()), Some(header));
        }
        let expected = [0, 0, 1, 0, 0, 0, 6, 0xC0, 1, 2, 3, 4, 0, 0, 0, 128, 0, 0, 0, 0x48];
        assert_eq!(HEADER.to_octets(), expected);
    }

    #[test]
    fn what_is_not_of_the_profile_is_refused() {
        // Layers, planes, no pixels, no rows in a stripe, a table for deterministic prediction.
        for (at, value) in [(0, 1), (1, 1), (2, 0), (2, 2), (19, DPON | DPPRIV)] {
            let mut octets = HEADER.to_octets();
            octets[at] = value;
            assert_eq!(Header::parse(&octets), None, "octet {at}");
        }
        assert_eq!(Header::parse(&Header { width: 0, ..HEADER }.to_octets()), None);
        assert_eq!(Header::parse(&Header { stripe_rows: 0, ..HEADER }.to_octets()), None);
    }
}

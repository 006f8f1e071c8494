//! What the program at the modem and the far end have agreed on, read off the frames that pass.
//!
//! A Class 1 modem need not know T.30; the carrier seam must: it sends and receives a training check, a bit stream and
//! frames by different commands. As a T.38 gateway does (ITU-T T.38 Annex on gateways), the modem reads the DCS that
//! goes by, in whichever direction, and what answers it.

use crate::carrier::ImageKind;
use crate::t30::frame::{Fcf, Frame};
use crate::t30::settings::Settings;

/// What the next signal at high speed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A training check.
    Tcf,
    /// An image.
    Image(ImageKind),
}

/// The one who reads along.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    kind: ImageKind,
    tcf: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { kind: ImageKind::Bits, tcf: false }
    }
}

impl Watch {
    /// A good frame passes, from its address octet on.
    pub(super) fn frame(&mut self, octets: &[u8]) {
        let Some(frame) = Frame::parse(octets) else { return };
        match frame.fcf {
            Fcf::Dcs => {
                // With a reserved speed too, the bit of ECM is where it always is; nothing can come of it, though.
                let ecm = Settings::parse(&frame.fif).is_some_and(|settings| settings.ecm.is_some());
                self.kind = if ecm { ImageKind::Frames } else { ImageKind::Bits };
                self.tcf = true;
            }
            // After FTT there is another DCS before anything is sent.
            Fcf::Cfr | Fcf::Ctr => self.tcf = false,
            _ => {}
        }
    }

    /// What comes next.
    pub(super) fn expected(&self) -> Expected {
        if self.tcf { Expected::Tcf } else { Expected::Image(self.kind) }
    }

    /// A training check was sent whole: whatever is sent next without another DCS is the image, also where the reply
    /// to it was not understood here.
    pub(super) fn tcf_is_over(&mut self) {
        self.tcf = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dcs_says_what_follows() {
        let mut watch = Watch::default();
        assert_eq!(watch.expected(), Expected::Image(ImageKind::Bits));
        // A DCS with ECM, then one without.
        watch.frame(&[0xFF, 0x13, 0x83, 0x00, 0x42, 0xF8, 0x44]);
        assert_eq!(watch.expected(), Expected::Tcf);
        watch.frame(&[0xFF, 0x13, 0x44]);
        assert_eq!(watch.expected(), Expected::Tcf);
        watch.frame(&[0xFF, 0x13, 0x84]);
        assert_eq!(watch.expected(), Expected::Image(ImageKind::Frames));
        watch.frame(&[0xFF, 0x13, 0x83, 0x00, 0x46, 0x00]);
        watch.tcf_is_over();
        assert_eq!(watch.expected(), Expected::Image(ImageKind::Bits));
        watch.frame(&[1, 2]);
        assert_eq!(watch.expected(), Expected::Image(ImageKind::Bits));
    }
}

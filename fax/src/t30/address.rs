//! Beyond the telephone number: subaddress, polling address and password (ITU-T T.30 clauses 5.3.6.1.2, 5.3.6.1.3 and
//! 5.3.6.2.5 to 5.3.6.2.11).
//!
//! They go right before the DCS or DTC, and only to a station whose DIS says that it takes them. Bits of the DCS or DTC
//! say what was sent, so that a station that did not hear it can wait for the command to be repeated. A station that
//! does not accept them says so with FNV, or just with DCN.

use super::bits::{Bits, BitsMut};
use super::capability::Capability;
use super::frame::{Digits, Fcf, Frame, StationId, forwards};
use crate::session::{Incompatibility, Refusal, Remote};
use alloc::vec::Vec;

/// What a caller says beside the number that it dials.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Address {
    /// When sending the subaddress (SUB), when polling the document that is wanted (SEP).
    pub subaddress: Option<Digits>,
    /// The password: SID when sending, PWD when polling.
    pub password: Option<Digits>,
    /// Whether the call is to be given up where the far end does not take them. Otherwise they are left out.
    pub is_required: bool,
}

/// The frames and bits of a command with an address.
#[derive(Debug)]
pub(super) struct Kind {
    command: Fcf,
    id: Fcf,
    subaddress: Fcf,
    password: Fcf,
    /// The bit of the DIS, and of the command, for the subaddress.
    subaddress_bit: usize,
    takes_subaddress: fn(&Capability) -> bool,
    missing: Incompatibility,
}

/// SID, SUB, TSI and DCS.
pub(super) const SENDING: Kind = Kind {
    command: Fcf::Dcs,
    id: Fcf::Tsi,
    subaddress: Fcf::Sub,
    password: Fcf::Sid,
    subaddress_bit: 49,
    takes_subaddress: |remote| remote.subaddress,
    missing: Incompatibility::Subaddress,
};

/// PWD, SEP, CIG and DTC.
pub(super) const POLLING: Kind = Kind {
    command: Fcf::Dtc,
    id: Fcf::Cig,
    subaddress: Fcf::Sep,
    password: Fcf::Pwd,
    subaddress_bit: 47,
    takes_subaddress: |remote| remote.selective_polling,
    missing: Incompatibility::SelectivePolling,
};

/// The bit of a DIS, DCS or DTC for a password.
const PASSWORD_BIT: usize = 50;
/// The bit of a DCS or DTC of a station that understands FNV.
const FNV_BIT: usize = 33;

impl Address {
    /// Whether the far end takes all that it must take.
    pub(super) fn check(&self, kind: &Kind, remote: &Capability) -> Result<(), Incompatibility> {
        if self.is_required && self.subaddress.is_some() && !(kind.takes_subaddress)(remote) {
            return Err(kind.missing);
        }
        if self.is_required && self.password.is_some() && !remote.password {
            return Err(Incompatibility::Password);
        }
        Ok(())
    }

    /// The command with all that goes before it.
    pub(super) fn command(&self, kind: &Kind, remote: &Capability, id: &StationId, fif: &[u8]) -> Vec<Frame> {
        let password = self.password.as_ref().filter(|_| remote.password);
        let subaddress = self.subaddress.as_ref().filter(|_| (kind.takes_subaddress)(remote));
        let mut bits = BitsMut::of(fif);
        bits.set(kind.subaddress_bit, subaddress.is_some());
        bits.set(PASSWORD_BIT, password.is_some());
        bits.set(FNV_BIT, subaddress.is_some() || password.is_some());
        let before = [
            password.map(|digits| Frame::with_fif(kind.password, digits.to_fif())),
            subaddress.map(|digits| Frame::with_fif(kind.subaddress, digits.to_fif())),
        ];
        let command = Frame::with_fif(kind.command, bits.finish());
        before.into_iter().flatten().map(Frame::not_final).chain(identified(kind.id, id, command)).collect()
    }
}

/// A command with the identification of the station before it, where it has one.
pub(super) fn identified(fcf: Fcf, id: &StationId, command: Frame) -> Vec<Frame> {
    match id.as_str() {
        "" => alloc::vec![command],
        _ => alloc::vec![Frame::with_fif(fcf, id.to_fif()).not_final(), command],
    }
}

/// Takes from a burst what the far end says of itself.
pub(super) fn hear(remote: &mut Remote, burst: &[Frame]) {
    for frame in burst {
        let field = match frame.fcf {
            Fcf::Csi | Fcf::Tsi | Fcf::Cig => &mut remote.id,
            Fcf::Sub | Fcf::Sep => &mut remote.subaddress,
            Fcf::Sid | Fcf::Pwd => &mut remote.password,
            _ => continue,
        };
        let text = forwards(&frame.fif);
        if !text.is_empty() {
            *field = Some(text);
        }
    }
}

/// Whether a command says that something was sent before it that was not heard.
pub(super) fn is_missing(kind: &Kind, command: &Frame, remote: &Remote) -> bool {
    let bits = Bits::new(&command.fif);
    bits.get(kind.subaddress_bit) && remote.subaddress.is_none()
        || bits.get(PASSWORD_BIT) && remote.password.is_none()
}

/// Whether what the far end gave is what is demanded; nothing may be demanded.
pub(super) fn is_right(demanded: Option<&Digits>, given: Option<&str>) -> bool {
    demanded.is_none_or(|demanded| given == Some(demanded.as_str()))
}

/// What an FNV does not accept (clause 5.3.6.2.13). A sender gives its password as SID.
#[must_use]
pub fn refusal(fif: &[u8]) -> Refusal {
    match fif.first().map_or(0, |octet| octet & 0x0F).trailing_zeros() {
        0 | 3 => Refusal::Password,
        1 => Refusal::SelectivePolling,
        2 => Refusal::Subaddress,
        _ => Refusal::Identification,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn address(is_required: bool) -> Address {
        let digits = |text| Some(Digits::new(text).unwrap());
        Address { subaddress: digits("42"), password: digits("1#2"), is_required }
    }

    const ALL: Capability = Capability { password: true, selective_polling: true, ..Capability::FULL };
    const NONE: Capability = Capability { subaddress: false, ..Capability::FULL };

    fn names(frames: &[Frame]) -> Vec<Fcf> {
        frames.iter().map(|frame| frame.fcf).collect()
    }

    #[test]
    fn what_the_far_end_takes_goes_before_the_command() {
        let id = StationId::new("7").unwrap();
        let frames = address(false).command(&SENDING, &ALL, &id, &[0, 0x46, 0]);
        assert_eq!(names(&frames), [Fcf::Sid, Fcf::Sub, Fcf::Tsi, Fcf::Dcs]);
        assert_eq!(frames.iter().filter(|frame| frame.is_final).count(), 1);
        // Bits 33, 49 and 50, and the extend bits that they need.
        assert_eq!(frames[3].fif, [0, 0x46, 0x80, 0x80, 0x81, 0x80, 0x03]);
        let frames = address(false).command(&POLLING, &ALL, &id, &[0, 0x46, 0]);
        assert_eq!(names(&frames), [Fcf::Pwd, Fcf::Sep, Fcf::Cig, Fcf::Dtc]);
        assert_eq!(frames[3].fif, [0, 0x46, 0x80, 0x80, 0x81, 0xC0, 0x02]);
    }

    #[test]
    fn what_it_does_not_take_is_left_out_or_ends_the_call() {
        let frames = address(false).command(&SENDING, &NONE, &StationId::default(), &[0, 0x46, 0]);
        assert_eq!((names(&frames), &*frames[0].fif), (alloc::vec![Fcf::Dcs], &[0, 0x46, 0][..]));
        assert_eq!(address(false).check(&SENDING, &NONE), Ok(()));
        assert_eq!(address(true).check(&SENDING, &ALL), Ok(()));
        assert_eq!(address(true).check(&SENDING, &NONE), Err(Incompatibility::Subaddress));
        assert_eq!(address(true).check(&POLLING, &NONE), Err(Incompatibility::SelectivePolling));
        let no_password = Capability { password: false, ..ALL };
        assert_eq!(address(true).check(&SENDING, &no_password), Err(Incompatibility::Password));
        assert_eq!(Address { is_required: true, ..Address::default() }.check(&SENDING, &NONE), Ok(()));
    }

    #[test]
    fn what_was_not_heard_is_missed() {
        let frames = address(false).command(&SENDING, &ALL, &StationId::new("7").unwrap(), &[0, 0x46, 0]);
        let dcs = &frames[3];
        let mut remote = Remote::default();
        hear(&mut remote, &frames[2..]);
        assert!(is_missing(&SENDING, dcs, &remote));
        hear(&mut remote, &frames);
        assert!(!is_missing(&SENDING, dcs, &remote));
        let text = |text: &str| Some(String::from(text));
        assert_eq!(remote, Remote { id: text("7"), subaddress: text("42"), password: text("1#2") });
        // A field of spaces says nothing.
        hear(&mut remote, &[Frame::with_fif(Fcf::Tsi, alloc::vec![b' '; 20])]);
        assert_eq!(remote.id, text("7"));
    }

    #[test]
    fn a_password_is_right_or_wrong() {
        let demanded = Digits::new("12").unwrap();
        assert!(is_right(None, None) && is_right(None, Some("1")) && is_right(Some(&demanded), Some("12")));
        assert!(!is_right(Some(&demanded), None) && !is_right(Some(&demanded), Some("123")));
    }

    #[test]
    fn fnv_names_what_is_refused() {
        for (octet, refused) in [
            (0b0001, Refusal::Password),
            (0b0010, Refusal::SelectivePolling),
            (0b0100, Refusal::Subaddress),
            (0b1000, Refusal::Password),
            (0b0010_0000, Refusal::Identification),
        ] {
            assert_eq!(refusal(&[octet]), refused);
        }
        assert_eq!(refusal(&[]), Refusal::Identification);
    }
}

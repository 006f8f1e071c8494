//! The two sets of flags of option negotiation.
//!
//! In its offer ([`Command::OptNeg`](crate::Command::OptNeg)) the MTA says what it can do, in its answer
//! ([`Reply::OptNeg`](crate::Reply::OptNeg)) the filter says which of that it wants. Bits without a name here are
//! kept as they came, so that an offer can be masked and logged whole.

use core::ops::{BitAnd, BitOr};

/// Makes a set of 32 flags, as one type with named members.
macro_rules! flag_set {
    ($(#[$doc:meta])* $set:ident { $($(#[$flag_doc:meta])* $flag:ident = $bits:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $set(u32);

        impl $set {
            /// No flag at all.
            pub const NONE: Self = Self(0);
            $($(#[$flag_doc])* pub const $flag: Self = Self($bits);)*

            /// The set that these bits stand for; every value is one.
            #[must_use]
            pub const fn from_bits(bits: u32) -> Self {
                Self(bits)
            }

            /// The set as it stands in a packet.
            #[must_use]
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Whether every flag of `other` is in this set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl BitOr for $set {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitAnd for $set {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }
    };
}

flag_set! {
    /// What a filter may do to a message (`SMFIF_…`).
    Actions {
        /// Add and insert header fields (`SMFIF_ADDHDRS`).
        ADD_HEADERS = 0x001;
        /// Replace the body (`SMFIF_CHGBODY`).
        CHANGE_BODY = 0x002;
        /// Add recipients (`SMFIF_ADDRCPT`).
        ADD_RECIPIENTS = 0x004;
        /// Remove recipients (`SMFIF_DELRCPT`).
        DELETE_RECIPIENTS = 0x008;
        /// Change and delete header fields (`SMFIF_CHGHDRS`).
        CHANGE_HEADERS = 0x010;
        /// Quarantine the message (`SMFIF_QUARANTINE`).
        QUARANTINE = 0x020;
        /// Change the envelope sender (`SMFIF_CHGFROM`).
        CHANGE_FROM = 0x040;
        /// Add recipients with ESMTP parameters (`SMFIF_ADDRCPT_PAR`).
        ADD_RECIPIENTS_WITH_PARAMETERS = 0x080;
        /// Say which macros it wants (`SMFIF_SETSYMLIST`), see [`MacroList`](crate::MacroList).
        SET_MACRO_LISTS = 0x100;
    }
}

flag_set! {
    /// Which steps of the session the MTA leaves out, which it sends without waiting for an answer, and other
    /// manners of the protocol (`SMFIP_…`).
    Steps {
        /// The MTA does not send CONNECT (`SMFIP_NOCONNECT`).
        NO_CONNECT = 0x0000_0001;
        /// The MTA does not send HELO (`SMFIP_NOHELO`).
        NO_HELO = 0x0000_0002;
        /// The MTA does not send MAIL (`SMFIP_NOMAIL`).
        NO_MAIL = 0x0000_0004;
        /// The MTA does not send RCPT (`SMFIP_NORCPT`).
        NO_RCPT = 0x0000_0008;
        /// The MTA does not send BODY (`SMFIP_NOBODY`).
        NO_BODY = 0x0000_0010;
        /// The MTA does not send HEADER (`SMFIP_NOHDRS`).
        NO_HEADERS = 0x0000_0020;
        /// The MTA does not send EOH (`SMFIP_NOEOH`).
        NO_EOH = 0x0000_0040;
        /// The filter does not answer HEADER (`SMFIP_NR_HDR`, once `SMFIP_NOHREPL`).
        NO_REPLY_HEADERS = 0x0000_0080;
        /// The MTA does not send UNKNOWN (`SMFIP_NOUNKNOWN`).
        NO_UNKNOWN = 0x0000_0100;
        /// The MTA does not send DATA (`SMFIP_NODATA`).
        NO_DATA = 0x0000_0200;
        /// The MTA understands [`Reply::Skip`](crate::Reply::Skip) (`SMFIP_SKIP`).
        SKIP = 0x0000_0400;
        /// The MTA also sends recipients it has refused itself (`SMFIP_RCPT_REJ`).
        REJECTED_RCPT = 0x0000_0800;
        /// The filter does not answer CONNECT (`SMFIP_NR_CONN`).
        NO_REPLY_CONNECT = 0x0000_1000;
        /// The filter does not answer HELO (`SMFIP_NR_HELO`).
        NO_REPLY_HELO = 0x0000_2000;
        /// The filter does not answer MAIL (`SMFIP_NR_MAIL`).
        NO_REPLY_MAIL = 0x0000_4000;
        /// The filter does not answer RCPT (`SMFIP_NR_RCPT`).
        NO_REPLY_RCPT = 0x0000_8000;
        /// The filter does not answer DATA (`SMFIP_NR_DATA`).
        NO_REPLY_DATA = 0x0001_0000;
        /// The filter does not answer UNKNOWN (`SMFIP_NR_UNKN`).
        NO_REPLY_UNKNOWN = 0x0002_0000;
        /// The filter does not answer EOH (`SMFIP_NR_EOH`).
        NO_REPLY_EOH = 0x0004_0000;
        /// The filter does not answer BODY (`SMFIP_NR_BODY`).
        NO_REPLY_BODY = 0x0008_0000;
        /// Header values keep the white space after the colon, both ways (`SMFIP_HDR_LEADSPC`).
        HEADER_LEADING_SPACE = 0x0010_0000;
        /// Packets carry up to 256 KiB of data (`SMFIP_MDS_256K`).
        DATA_256K = 0x1000_0000;
        /// Packets carry up to 1 MiB of data (`SMFIP_MDS_1M`).
        DATA_1M = 0x2000_0000;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let wanted = Steps::NO_HELO | Steps::SKIP;
        assert_eq!(wanted.bits(), 0x402);
        assert!(wanted.contains(Steps::SKIP));
        assert!(!wanted.contains(Steps::SKIP | Steps::NO_BODY));
        assert!(wanted.contains(Steps::NONE));
    }

    #[test]
    fn an_offer_masks_a_wish() {
        let offer = Actions::from_bits(0x1ff);
        let wish = Actions::DELETE_RECIPIENTS | Actions::from_bits(0x8000);
        assert_eq!(offer & wish, Actions::DELETE_RECIPIENTS);
    }

    #[test]
    fn an_unnamed_bit_is_kept() {
        assert_eq!(Steps::from_bits(0x4000_0000).bits(), 0x4000_0000);
    }

    #[test]
    fn version_6_has_nine_actions_and_no_gap() {
        let all = [
            Actions::ADD_HEADERS,
            Actions::CHANGE_BODY,
            Actions::ADD_RECIPIENTS,
            Actions::DELETE_RECIPIENTS,
            Actions::CHANGE_HEADERS,
            Actions::QUARANTINE,
            Actions::CHANGE_FROM,
            Actions::ADD_RECIPIENTS_WITH_PARAMETERS,
            Actions::SET_MACRO_LISTS,
        ];
        // SMFI_CURR_ACTS of libmilter.
        assert_eq!(all.into_iter().fold(Actions::NONE, BitOr::bitor), Actions::from_bits(0x1ff));
    }
}

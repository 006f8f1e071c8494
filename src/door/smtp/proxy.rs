//! The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt §2.2): a balancer before the listener says whose
//! connection it is. Bytes in, an address out; no I/O.
//!
//! The header is read before anything is said, TLS handshake or greeting. It is taken only from the networks of the
//! settings, and must be there then: nobody else can choose the address that the policy goes by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What every header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, family, and the length of the rest.
pub const FIXED_OCTETS: usize = 16;
/// The longest rest that is read: addresses and what else balancers tell.
const REST_OCTETS_MAX: usize = 4096;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// The balancer's own, to see whether we live (`LOCAL`), or one whose address it cannot tell.
    Own,
    /// That of a client there.
    Of(IpAddr),
}

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It does not begin like one.
    #[error("no PROXY header")]
    Signature,
    /// It is of another version, or knows a command that we do not.
    #[error("a PROXY header of another kind")]
    Version,
    /// It is longer than any should be.
    #[error("a PROXY header that is too long")]
    TooLong,
    /// It has no room for the addresses that it says it has.
    #[error("a PROXY header without its addresses")]
    TooShort,
}

/// How many octets follow the first [`FIXED_OCTETS`].
///
/// # Errors
/// Where these are no header.
pub fn rest_octets(fixed: &[u8; FIXED_OCTETS]) -> Result<usize, ProxyError> {
    let [signature @ .., version, _family, high, low] = fixed;
    if *signature != SIGNATURE {
        return Err(ProxyError::Signature);
    }
    if version >> 4 != 2 || version & 0xF > 1 {
        return Err(ProxyError::Version);
    }
    let octets = usize::from(u16::from_be_bytes([*high, *low]));
    if octets > REST_OCTETS_MAX { Err(ProxyError::TooLong) } else { Ok(octets) }
}

/// Whose connection a header tells of; `rest` is what follows its first octets.
///
/// # Errors
/// Where it lacks the addresses of its family.
pub fn client(fixed: &[u8; FIXED_OCTETS], rest: &[u8]) -> Result<Proxied, ProxyError> {
    let [.., version, family, _, _] = fixed;
    let is_local = version & 0xF == 0;
    // Source address, destination address, two ports; then extensions, which are not looked at.
    match family >> 4 {
        _ if is_local => Ok(Proxied::Own),
        1 => {
            let source: [u8; 4] = first(rest, 12)?;
            Ok(Proxied::Of(IpAddr::V4(Ipv4Addr::from(source))))
        }
        2 => {
            let source: [u8; 16] = first(rest, 36)?;
            Ok(Proxied::Of(IpAddr::V6(Ipv6Addr::from(source)).to_canonical()))
        }
        _ => Ok(Proxied::Own),
    }
}

/// The first octets of a block that must be so long.
fn first<const N: usize>(rest: &[u8], block: usize) -> Result<[u8; N], ProxyError> {
    let whole = rest.get(..block).ok_or(ProxyError::TooShort)?;
    whole.first_chunk::<N>().copied().ok_or(ProxyError::TooShort)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(version: u8, family: u8, rest: &[u8]) -> ([u8; FIXED_OCTETS], Vec<u8>) {
        let length = (rest.len() as u16).to_be_bytes();
        let fixed = [&SIGNATURE[..], &[version, family], &length].concat();
        (fixed.try_into().unwrap(), rest.to_vec())
    }

    fn read(version: u8, family: u8, rest: &[u8]) -> Result<Proxied, ProxyError> {
        let (fixed, rest) = header(version, family, rest);
        assert_eq!(rest_octets(&fixed)?, rest.len());
        client(&fixed, &rest)
    }

    #[test]
    fn a_client_is_told() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 0, 25];
        let ours = Proxied::Of("192.0.2.7".parse().unwrap());
        assert_eq!(read(0x21, 0x11, &four), Ok(ours));
        let with_more = [&four[..], &[4, 0, 3, 1, 2, 3]].concat();
        assert_eq!(read(0x21, 0x11, &with_more), Ok(ours));
        let six =
            ["2001:db8::7", "2001:db8::1"].map(|text| text.parse::<Ipv6Addr>().unwrap().octets()).concat();
        let six = [six, vec![1, 2, 0, 25]].concat();
        assert_eq!(read(0x21, 0x21, &six), Ok(Proxied::Of("2001:db8::7".parse().unwrap())));
        assert_eq!(read(0x20, 0x00, &[]), Ok(Proxied::Own));
        assert_eq!(read(0x20, 0x11, &four), Ok(Proxied::Own), "to see whether we live");
        assert_eq!(read(0x21, 0x00, &[1, 2, 3]), Ok(Proxied::Own));
        assert_eq!(read(0x21, 0x31, &[0; 216]), Ok(Proxied::Own), "a unix socket");
    }

    #[test]
    fn what_is_none_is_refused() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 0, 25];
        assert_eq!(read(0x11, 0x11, &four), Err(ProxyError::Version));
        assert_eq!(read(0x22, 0x11, &four), Err(ProxyError::Version));
        assert_eq!(read(0x21, 0x11, &four[..11]), Err(ProxyError::TooShort));
        assert_eq!(read(0x21, 0x21, &four), Err(ProxyError::TooShort));
        assert_eq!(read(0x21, 0x11, &[0; REST_OCTETS_MAX + 1]), Err(ProxyError::TooLong));
        let hello: [u8; FIXED_OCTETS] = *b"EHLO x.example\r\n";
        assert_eq!(rest_octets(&hello), Err(ProxyError::Signature));
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_answered(fixed: [u8; FIXED_OCTETS], rest: Vec<u8>) {
            let _ = rest_octets(&fixed);
            let _ = client(&fixed, &rest);
            let mut begun = fixed;
            begun[..12].copy_from_slice(&SIGNATURE);
            let _ = rest_octets(&begun);
            let _ = client(&begun, &rest);
        }
    }
}

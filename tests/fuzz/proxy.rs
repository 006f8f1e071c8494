//! The header by which a balancer says whose connection it is.

use faxgate::door::smtp::proxy::{self, FIXED_OCTETS, Proxied};

/// Any octets: a header is read to its end and no further, and an address is one that stands in it.
pub(crate) fn proxy_header(input: &[u8]) {
    let Some((fixed, after)) = input.split_first_chunk::<FIXED_OCTETS>() else { return };
    let Ok(octets) = proxy::rest_octets(fixed) else { return };
    let Some(rest) = after.get(..octets) else { return };
    if let Ok(Proxied::Of(client)) = proxy::client(fixed, rest) {
        let stands_in_it = match client {
            std::net::IpAddr::V4(address) => rest.windows(4).any(|four| four == address.octets()),
            std::net::IpAddr::V6(address) => rest.starts_with(&address.octets()),
        };
        assert!(stands_in_it, "{client}");
    }
}

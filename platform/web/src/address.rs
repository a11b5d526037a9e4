//! The client's address, behind proxies or not.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use serde::{Deserialize, Deserializer};

/// The address that a request came from, proxies that are trusted left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// A block of addresses: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix_bits: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a block of addresses such as 10.0.0.0/8")]
pub struct NetworkError;

impl Network {
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // As 128 bits, shifted so that the prefix is all that is left.
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let rest = 32 - self.prefix_bits;
                u64::from(base.to_bits()) >> rest == u64::from(address.to_bits()) >> rest
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let rest = 128 - self.prefix_bits;
                base.to_bits().checked_shr(rest) == address.to_bits().checked_shr(rest)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (base, prefix) = text.split_once('/').map_or((text, None), |(base, prefix)| (base, Some(prefix)));
        let base: IpAddr = base.parse().map_err(|_| NetworkError)?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| NetworkError))?;
        if prefix_bits > bits { Err(NetworkError) } else { Ok(Self { base, prefix_bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix_bits)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the request really came from: `peer`, unless that is a trusted proxy; then the last address in
/// `X-Forwarded-For` that is not. Whatever stands before that one, the client may have made up.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        client = hop.to_canonical();
    }
    client
}

/// What limits by: an IPv6 customer holds a whole /64, so single addresses of it say nothing.
pub(crate) fn limited_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<_> = trusted.iter().map(|text| network(text)).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_block_holds_its_first_and_last_address_and_no_other() {
        let block = network("10.1.0.0/16");
        for (address, inside) in [("10.1.0.0", true), ("10.1.255.255", true), ("10.2.0.0", false), ("::1", false)] {
            assert_eq!(block.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(network("0.0.0.0/0").contains("203.0.113.9".parse().unwrap()));
        assert!(network("::/0").contains("2001:db8::1".parse().unwrap()));
        assert!(network("2001:db8::/32").contains("2001:db8:ffff::".parse().unwrap()));
        assert!(!network("2001:db8::/32").contains("2001:db9::".parse().unwrap()));
        assert!(network("127.0.0.1").contains("::ffff:127.0.0.1".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host"] {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkError), "{wrong}");
        }
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "198.51.100.1"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["rubbish"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn neighbours_in_an_ipv6_network_are_limited_together() {
        let as_text = |text: &str| limited_as(text.parse().unwrap()).to_string();
        assert_eq!(as_text("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(as_text("198.51.100.1"), "198.51.100.1");
    }
}

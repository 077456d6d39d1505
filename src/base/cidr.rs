//! Networks, as `address/prefix` (RFC 4632, RFC 4291).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that begin with the same bits; a single address is a network, too. An IPv4 network that is written as
/// a part of IPv6 (`::ffff:192.0.2.0/120`) is the IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why something is no network. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CidrError {
    /// Not an IP address.
    Address,
    /// Not a number up to 32, or 128 for IPv6.
    Prefix,
    /// Bits behind the prefix are set: what was meant is this network, or the address alone.
    HostBits(Cidr),
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CidrError::Address => f.write_str("it is not an IP address"),
            CidrError::Prefix => f.write_str("the number behind the slash must be at most 32, for IPv6 128"),
            CidrError::HostBits(network) => write!(f, "the network that it is in begins at {}", network.network),
        }
    }
}

impl std::error::Error for CidrError {}

impl Cidr {
    /// Parses `192.0.2.0/24`, `2001:db8::/32`, or a single address.
    pub fn parse(text: &str) -> Result<Cidr, CidrError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| CidrError::Address)?;
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| CidrError::Prefix),
            Some(_) => Err(CidrError::Prefix),
            None => Ok(bits(address)),
        }?;
        let cidr = Cidr::new(address, prefix).ok_or(CidrError::Prefix)?;
        let is_start = Cidr::new(address, bits(address)).is_some_and(|start| start.network == cidr.network);
        if is_start { Ok(cidr) } else { Err(CidrError::HostBits(cidr)) }
    }

    /// The network of this many bits that the address is in; `None` if it has not that many.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Cidr> {
        let (address, prefix) = match (address.to_canonical(), address) {
            (v4 @ IpAddr::V4(_), IpAddr::V6(_)) if (96..=128).contains(&prefix) => (v4, prefix - 96),
            _ => (address, prefix),
        };
        let behind = u32::from(bits(address).checked_sub(prefix)?);
        let network = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(behind).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Some(Cidr { network, prefix })
    }

    /// Its first address.
    pub fn start(&self) -> IpAddr {
        self.network
    }

    /// Whether an address lies in it. An IPv4 address may be written as a part of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        Cidr::new(address.to_canonical(), self.prefix).is_some_and(|around| around == *self)
    }
}

/// As it is parsed; a single address has no prefix.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.network) {
            self.network.fmt(f)
        } else {
            write!(f, "{}/{}", self.network, self.prefix)
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

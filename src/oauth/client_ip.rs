//! Who is calling: the address of a downstream that may stand behind proxies.
//!
//! ```text
//! peer ── not trusted ──────────────────────────────▶ the peer; headers are whatever it likes
//!   └──── trusted ──▶ headers ── none ──────────────▶ the peer
//!                        ├── clientIPHeader ────────▶ what that one says
//!                        ├── chains: the rightmost hop that is not trusted ──┐
//!                        └── single values ──────────────────────────────────┴▶ every one of them
//! ```
//!
//! A proxy appends to a chain or replaces a single value; what stands to the left, and every header that it does not
//! know, was sent by whoever wanted it to be there. We cannot tell which header the proxy in front of us sets, so each
//! of them counts as a candidate, and all of them must be allowed: who forges one more candidate gains nothing. For the
//! same reason, whatever cannot be read is nobody, who is not allowed.

mod chain;

use std::net::IpAddr;

use crate::base::cidr::Cidr;
use crate::config::oauth::{ClientIpHeader, Forwarding};
pub use chain::{Hop, forwarded, x_forwarded_for};

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Every address that it may have, each once; never empty. `None`: something that is no address.
    candidates: Vec<Option<IpAddr>>,
}

impl Caller {
    /// Finds out. `values` are those of all header lines with a name, in order.
    pub fn new<'a, V>(peer: IpAddr, values: impl Fn(&'static str) -> V, forwarding: &Forwarding) -> Caller
    where
        V: Iterator<Item = &'a [u8]>,
    {
        let peer = peer.to_canonical();
        let is_trusted = |address: IpAddr| forwarding.trusts(address);
        let mut candidates: Vec<Option<IpAddr>> = Vec::new();
        let named = forwarding.header.as_slice();
        let headers = if named.is_empty() { &ClientIpHeader::ALL } else { named };
        for header in headers.iter().filter(|_| is_trusted(peer)) {
            let values = values(header.name());
            match header {
                ClientIpHeader::XForwardedFor => candidates.extend(chain::origin(x_forwarded_for(values), is_trusted)),
                ClientIpHeader::Forwarded => candidates.extend(chain::origin(forwarded(values), is_trusted)),
                ClientIpHeader::CfConnectingIp
                | ClientIpHeader::TrueClientIp
                | ClientIpHeader::XRealIp
                | ClientIpHeader::XClusterClientIp => {
                    candidates.extend(values.map(|value| chain::address(value.trim_ascii())));
                }
            }
        }
        if candidates.is_empty() {
            candidates.push(Some(peer));
        }
        candidates.sort_unstable();
        candidates.dedup();
        Caller { candidates }
    }

    /// The address, if it is known: to count failures by and for the log. Where headers contradict each other it is
    /// not, lest anybody gets a fresh count with every forged value.
    pub fn address(&self) -> Option<IpAddr> {
        match self.candidates[..] {
            [candidate] => candidate,
            _ => None,
        }
    }

    /// Whether it may register: `allowedIPs`, where an empty list allows everybody.
    pub fn is_allowed(&self, allowed: &[Cidr]) -> bool {
        let is_listed = |address: &IpAddr| allowed.iter().any(|network| network.contains(*address));
        allowed.is_empty() || self.candidates.iter().all(|candidate| candidate.as_ref().is_some_and(is_listed))
    }
}

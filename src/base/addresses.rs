//! The addresses of a name, in the order in which they are tried.

use std::net::SocketAddr;

/// Takes the families in turns, IPv6 first, each in the resolver's order (RFC 8305, 4): a network in which one family
/// is broken costs one head start then, not one for each address.
pub fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let mut order = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let before = order.len();
        for address in first.next().into_iter().chain(second.next()) {
            if !order.contains(&address) {
                order.push(address);
            }
        }
        if order.len() == before && first.len() == 0 && second.len() == 0 {
            return order;
        }
    }
}

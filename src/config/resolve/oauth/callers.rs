//! From where clients may register, and whose word is taken for where that is.

use crate::base::cidr::{Cidr, CidrError};
use crate::base::nearest::nearest;
use crate::config::networks::{self, CALLERS, Named, PRIVATE, PROXIES};
use crate::config::node::{At, Field};
use crate::config::oauth::ClientIpHeader;
use crate::config::report::Report;

/// `allowedIPs`; an empty list allows everybody, as in the reference.
pub(super) fn allowed(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<Cidr> {
    let Some(At { value: list, place }) = field.given() else { return Vec::new() };
    if list.is_empty() {
        report.warn(place, "lets everybody register", "Write who may, or leave it out.");
    }
    let allowed = resolved(list, &CALLERS, report);
    let [(_, claude)] = CALLERS;
    let claude = networks::parsed(claude);
    // Its networks in the order of the table: where Claude calls from today, then the addresses that are stale.
    let is_allowed = |network: &Cidr| allowed.iter().any(|allowed| allowed.contains(network.start()));
    if let [today, stale @ ..] = &claude[..]
        && !is_allowed(today)
        && stale.iter().any(is_allowed)
    {
        let advice = format!("Write \"claude\": it stands for {today} and the addresses that are here.");
        report.warn(place, "lacks the addresses that Claude calls from today", advice);
    }
    allowed
}

/// `trustedProxies`
pub(super) fn trusted(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<Cidr> {
    match field.value() {
        Some(list) => resolved(list, &PROXIES, report),
        None => networks::parsed(PRIVATE),
    }
}

/// `clientIPHeader`
pub(super) fn header(field: &Field<String>, report: &mut Report) -> Option<ClientIpHeader> {
    let At { value, place } = field.given()?;
    let header = ClientIpHeader::ALL.into_iter().find(|header| header.name().eq_ignore_ascii_case(value));
    if header.is_none() {
        let names = ClientIpHeader::ALL.map(ClientIpHeader::name);
        let advice = match nearest(value, names) {
            Some(name) => format!("Did you mean \"{name}\"?"),
            None => format!("Known here: {}", names.join(", ")),
        };
        report.error(place, "is no header that tells where a request comes from", advice);
    }
    header
}

fn resolved(list: &[At<String>], named: &[Named], report: &mut Report) -> Vec<Cidr> {
    let mut resolved = Vec::new();
    for At { value, place } in list {
        if let Some((_, networks)) = named.iter().find(|(name, _)| name == value) {
            resolved.extend(networks::parsed(networks));
            continue;
        }
        match Cidr::parse(value) {
            Ok(network) => resolved.push(network),
            Err(error) => {
                let names = named.iter().map(|(name, _)| *name);
                let advice = match error {
                    CidrError::HostBits(network) => format!("Write \"{network}\", or the address without the slash."),
                    CidrError::Address | CidrError::Prefix => match nearest(value, names.clone()) {
                        Some(name) => format!("Did you mean \"{name}\"?"),
                        None => {
                            let names: Vec<&str> = names.collect();
                            format!(
                                "Write \"192.0.2.1\", \"192.0.2.0/24\", \"2001:db8::/32\", or {}.",
                                names.join(", ")
                            )
                        }
                    },
                };
                report.error(place, format!("is no address or network: {error}"), advice);
            }
        }
    }
    resolved
}

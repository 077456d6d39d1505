//! Headers to which every proxy appends whom it was called by: `X-Forwarded-For` and `Forwarded` (RFC 7239).

use std::net::IpAddr;

use crate::base::url::parse_port;

/// One of those who passed a request on; `None`: it is hidden, or cannot be read.
pub type Hop = Option<IpAddr>;

/// Who sent it, as far as can be known: the rightmost hop that is not trusted, or the first if all of them are. `None`
/// where there are no hops at all.
pub(super) fn origin(hops: Vec<Hop>, is_trusted: impl Fn(IpAddr) -> bool) -> Option<Hop> {
    let untrusted = hops.iter().rev().find(|hop| !hop.is_some_and(&is_trusted));
    untrusted.or(hops.first()).copied()
}

/// The hops of `X-Forwarded-For`, over all its lines. Elements may be empty (RFC 9110, 5.6.1).
pub fn x_forwarded_for<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Hop> {
    let elements = lines.flat_map(|line| line.split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()).map(address).collect()
}

/// The hops of `Forwarded`, over all its lines. A line that is not well-formed is one hop that cannot be read: a quote
/// that somebody opened must not swallow what a proxy appended, nor change where an element ends.
pub fn forwarded<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Hop> {
    lines.flat_map(|line| elements(line).unwrap_or_else(|| vec![None])).collect()
}

/// An address as proxies write it: with or without port, an IPv6 one with or without brackets.
pub(super) fn address(text: &[u8]) -> Hop {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(host, _)| host.contains(':'))?,
        None => text.split_at(text.find(':')?),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').and_then(parse_port).is_some();
    host.parse::<IpAddr>().ok().filter(|_| is_port).map(|address| address.to_canonical())
}

/// The hops of one line: `for=192.0.2.1;proto=https, for="[2001:db8::1]:443"`. `None` if it is not well-formed.
fn elements(line: &[u8]) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut rest = line;
    loop {
        let (element, after) = element(rest)?;
        hops.extend(element);
        match after {
            Some(after) => rest = after,
            None => return Some(hops),
        }
    }
}

/// The first element and what follows its comma. An empty element is no hop; one that does not say whom it is for is
/// one that cannot be read.
fn element(text: &[u8]) -> Option<(Option<Hop>, Option<&[u8]>)> {
    let (mut hop, mut is_empty) = (None, true);
    let mut rest = text.trim_ascii_start();
    loop {
        match rest.first() {
            None => return Some(((!is_empty).then(|| hop.flatten()), None)),
            Some(b',') => return Some(((!is_empty).then(|| hop.flatten()), Some(&rest[1..]))),
            Some(b';') => rest = rest[1..].trim_ascii_start(),
            Some(_) => {
                let (name, value, after) = pair(rest)?;
                is_empty = false;
                if name.eq_ignore_ascii_case(b"for") && hop.replace(address(&value)).is_some() {
                    return None; // each parameter at most once (RFC 7239, 4)
                }
                rest = after.trim_ascii_start();
                if !matches!(rest.first(), None | Some(b',' | b';')) {
                    return None;
                }
            }
        }
    }
}

/// `name=value` or `name="value"`, and what follows. Values without quotes may have colons and brackets: many proxies
/// write addresses so.
fn pair(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, rest) = (&text[..equals], &text[equals + 1..]);
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let (value, after) = quoted_string(quoted)?;
        return Some((name, value, after));
    }
    let length = rest.iter().take_while(|byte| byte.is_ascii_graphic() && !b"\",;".contains(byte)).count();
    Some((name, rest[..length].to_vec(), &rest[length..]))
}

/// The inside of a quoted string (RFC 9110, 5.6.4) and what follows its end.
fn quoted_string(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((value, &text[at + 1..])),
            b'\\' => value.push(*bytes.next()?.1),
            _ => value.push(*byte),
        }
    }
    None
}

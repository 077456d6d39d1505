//! The byte classes and small productions that several parts of a message share.

/// Which bytes match a pattern. Names are looked at byte by byte with every message, and one look into a table is less
/// than a dozen comparisons.
macro_rules! table {
    ($pattern:pat) => {{
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < table.len() {
            table[byte] = matches!(byte as u8, $pattern);
            byte += 1;
        }
        table
    }};
}

/// `tchar`: what methods and field names are made of (RFC 9110, 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = table!(
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
            | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
    );
    TABLE[byte as usize]
}

/// What a field value, a chunk extension or a comment may contain: visible characters, spaces, tabs, and the bytes
/// above ASCII, which are opaque (RFC 9110, 5.5).
pub(super) const fn is_text_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether all bytes are of that kind. All are looked at even if one is not, which takes a fraction of the time: there
/// is nothing to decide after each.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |is_text, byte| is_text & is_text_byte(*byte))
}

/// `host [ ":" port ]` without user information (RFC 9110, 7.2). An empty host is invalid for `http` and `https`
/// (RFC 9110, 4.2.1).
pub(super) fn is_authority(text: &str) -> bool {
    let (is_host_valid, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) => (is_ip_literal(address), rest),
            None => (false, ""),
        },
        None => {
            let end = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
            let (host, port) = text.split_at(end);
            (is_reg_name(host), port)
        }
    };
    is_host_valid && is_port(port)
}

/// An IPv6 address. `IPvFuture` has no future: nobody has ever defined one.
fn is_ip_literal(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// A registered name or an IPv4 address (RFC 3986, 3.2.2); percent-encoding is refused, no host name needs it.
fn is_reg_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_reg_name_byte)
}

const fn is_reg_name_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = table!(
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'='
    );
    TABLE[byte as usize]
}

/// Nothing, or a colon and up to five digits that make a port; the digits may be missing (RFC 3986, 3.2.3).
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty() };
    let value = digits.bytes().try_fold(0u16, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    });
    value.is_some()
}

/// Removes optional whitespace at both ends (RFC 9110, 5.6.3).
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

//! What requests and responses have in common when they are written. Nothing is formatted through `format!`.

use crate::base::buf::Sink;
use crate::base::decimal::Decimal;

/// Writes a header line. Leaves out what would break out of it. No caller may let a peer's bytes get this far
/// unchecked; should one do so, a missing header is better than a split message.
pub(super) fn write_header(out: &mut impl Sink, name: &str, value: &str) {
    let is_one_line = memchr::memchr3(b'\r', b'\n', b'\0', value.as_bytes()).is_none();
    debug_assert!(is_one_line, "header value of several lines: {name}");
    if is_one_line {
        write_checked_header(out, name, value);
    }
}

/// Writes a header line that was found to be one.
pub(super) fn write_checked_header(out: &mut impl Sink, name: &str, value: &str) {
    out.push(name.as_bytes());
    out.push(b": ");
    out.push(value.as_bytes());
    out.push(b"\r\n");
}

pub(super) fn write_content_length(out: &mut impl Sink, length: usize) {
    out.push(b"Content-Length: ");
    out.push(Decimal::new(length as u64).as_bytes());
    out.push(b"\r\n");
}

pub(super) fn write_parts(out: &mut impl Sink, parts: &[&[u8]]) {
    for part in parts {
        out.push(part);
    }
}

/// A number in hexadecimal digits, on the stack.
pub(super) struct Hexadecimal {
    digits: [u8; 16], // usize::MAX has 16
    start: usize,
}

impl Hexadecimal {
    pub(super) fn new(mut number: usize) -> Hexadecimal {
        let mut hexadecimal = Hexadecimal { digits: [b'0'; 16], start: 16 };
        loop {
            hexadecimal.start -= 1;
            hexadecimal.digits[hexadecimal.start] = b"0123456789abcdef"[number % 16];
            number /= 16;
            if number == 0 {
                return hexadecimal;
            }
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

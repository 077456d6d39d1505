//! Writing events. Nothing is copied here: an event is a list of slices, ready to become one piece of a stream.

/// What an event says beside its data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// `event`: what kind of event it is; `message` if missing.
    pub name: Option<&'a str>,
    /// `id`: where to resume after it.
    pub id: Option<&'a str>,
    /// `retry`: milliseconds to wait before reconnecting, in decimal digits.
    pub retry: Option<&'a str>,
}

/// One event whose data are `data`, joined. Line ends in the data (there usually are none) arrive as LF, whatever they
/// were.
pub fn event<'a>(fields: &Fields<'a>, data: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut parts = Vec::with_capacity(data.len() + 8); // a name or an id, and no line ends
    push_field(&mut parts, b"event: ", fields.name);
    push_field(&mut parts, b"id: ", fields.id);
    push_field(&mut parts, b"retry: ", fields.retry);
    parts.push(b"data: ");
    push_data(&mut parts, data);
    parts.push(b"\n\n");
    parts
}

/// A comment, which readers ignore: it keeps a connection alive. It ends with an empty line since some readers take a
/// comment for a part of the event that follows.
pub fn comment(text: &str) -> [&[u8]; 3] {
    [b": ", one_line(text), b"\n\n"]
}

fn push_field<'a>(parts: &mut Vec<&'a [u8]>, label: &'static [u8], value: Option<&'a str>) {
    if let Some(value) = value {
        parts.extend([label, one_line(value), b"\n"]);
    }
}

fn push_data<'a>(parts: &mut Vec<&'a [u8]>, data: &[&'a [u8]]) {
    let mut is_after_cr = false;
    for piece in data.iter().filter(|piece| !piece.is_empty()) {
        let mut rest = match piece.strip_prefix(b"\n") {
            Some(rest) if is_after_cr => rest, // a CRLF across two pieces
            Some(_) | None => piece,
        };
        is_after_cr = rest.last() == Some(&b'\r');
        while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
            parts.extend([&rest[..end], b"\ndata: "]);
            let length = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
            rest = &rest[end + length..];
        }
        parts.push(rest);
    }
}

/// Up to what would end the line, or make the reader ignore it.
fn one_line(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    let end = memchr::memchr3(b'\r', b'\n', b'\0', bytes);
    debug_assert!(end.is_none(), "field of several lines: {text:?}");
    &bytes[..end.unwrap_or(bytes.len())]
}

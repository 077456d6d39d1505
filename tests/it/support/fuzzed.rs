//! What must hold for arbitrary input. The fuzz targets look for input that breaks it; `corpora` replays what they
//! found worth keeping.
//!
//! In most of them the first two bytes choose where the rest is cut: whatever a peer sends, it must not matter how.

use std::net::IpAddr;

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::client::Phase as ClientPhase;
use mcp_proxy::codec::http::{
    Body, BodyLength, ClientCodec, Event, HeadStorage, Method, Request, ResponseLength, ServerCodec,
};
use mcp_proxy::codec::jsonrpc::envelope::{Body as Messages, Message, read_body as read_messages, read_message};
use mcp_proxy::codec::jsonrpc::{quick, splice};
use mcp_proxy::codec::lines::{Line, Lines, Overlong};
use mcp_proxy::codec::prometheus::{Kind, Page};
use mcp_proxy::codec::sse::{Decoder, Fields, Item, event};
use mcp_proxy::config::networks::{PRIVATE, parsed};
use mcp_proxy::config::oauth::{ClientIpHeader, Forwarding};
use mcp_proxy::limits::{BODY_BYTES_MAX, STDERR_LINE_BYTES_MAX, TARGET_BYTES_MAX};
use mcp_proxy::mcp::from_upstream;
use mcp_proxy::oauth::client_ip::{Caller, forwarded, x_forwarded_for};

use super::client_wire;
use super::wire::{self, Cuts};

mod config;
mod markup;
mod mcp;
mod oauth;
mod pages;
mod stage;
mod tools;
mod urls;

pub(crate) use config::{config, download, expand, jsonc};
pub(crate) use mcp::{header_value, meta, results};
pub(crate) use oauth::{form, oauth_authorize, oauth_posts, oauth_store};
pub(crate) use pages::{pages, template};
pub(crate) use stage::core;
pub(crate) use tools::{request_state, tools};
pub(crate) use urls::{url, values};

/// A target's function.
pub(crate) type Target = fn(&[u8]);

/// All of them, under the names of their corpora.
pub(crate) const TARGETS: [(&str, Target); 26] = [
    ("body", body),
    ("client_ip", client_ip),
    ("config", config),
    ("core", core),
    ("download", download),
    ("expand", expand),
    ("form", form),
    ("header_value", header_value),
    ("http_client", http_client),
    ("http_server", http_server),
    ("jsonc", jsonc),
    ("jsonrpc", jsonrpc),
    ("lines", lines),
    ("meta", meta),
    ("oauth_authorize", oauth_authorize),
    ("oauth_posts", oauth_posts),
    ("oauth_store", oauth_store),
    ("pages", pages),
    ("prometheus", prometheus),
    ("request_state", request_state),
    ("results", results),
    ("sse", sse),
    ("template", template),
    ("tools", tools),
    ("url", url),
    ("values", values),
];

/// A connection's input is understood the same way under any cut, and everything that was asked is answered.
pub(crate) fn http_server(data: &[u8]) {
    let (mut cuts, input) = seeded(data);
    let whole = wire::whole(input);
    assert_eq!(wire::in_pieces(cuts.cut(input).into_iter()), whole);
    let complete = whole.requests.iter().filter(|request| request.is_complete).count();
    let answers = whole.out.windows(9).filter(|bytes| bytes == b"HTTP/1.1 ").count();
    assert_eq!(answers, complete + usize::from(whole.refused.is_some()));
    for request in &whole.requests {
        assert!(request.path.starts_with('/') || request.path == "*");
        assert!(request.path.bytes().all(|byte| byte.is_ascii_graphic()));
        if let (BodyLength::Length(length), true) = (request.length, request.is_complete) {
            assert_eq!(request.body.len() as u64, length);
        }
    }
}

/// A response is understood the same way under any cut and has the length that it says; and a request that is written
/// is read as what was meant.
pub(crate) fn http_client(data: &[u8]) {
    let (mut cuts, input) = seeded(data);
    let method = [Method::Get, Method::Head][cuts.below(2)];
    for ends in [false, true] {
        let whole = client_wire::receive(method, [input], ends);
        assert_eq!(client_wire::receive(method, cuts.cut(input), ends), whole);
        assert!(!ends || matches!(whole.phase, ClientPhase::Closing(_)));
        let Some(response) = whole.response else {
            assert!(!ends || whole.fault.is_some());
            continue;
        };
        assert!((200..=999).contains(&response.status) && response.body.len() <= input.len());
        assert!(!ends || response.is_complete || whole.fault.is_some());
        match response.length {
            ResponseLength::Length(length) if response.is_complete => assert_eq!(response.body.len() as u64, length),
            ResponseLength::UntilClose => assert_eq!(response.is_complete, ends),
            ResponseLength::None | ResponseLength::Length(_) | ResponseLength::Chunked => {}
        }
    }
    if let Ok(text) = std::str::from_utf8(input) {
        write_request(text);
    }
}

/// Takes the parts of a request from a text in which a bell stands between them.
fn write_request(text: &str) {
    let mut parts = text.split('\u{7}');
    let mut part = || parts.next().unwrap_or_default();
    let (target, host, name, value, body) = (part(), part(), part(), part(), part().as_bytes());
    let (mut out, headers) = (Buf::new(), [(name, value), ("X-End", "1")]);
    let request = Request { method: Method::Post, target, host, headers: &headers };
    if ClientCodec::new().request(&mut out, &request, &[body]).is_err() {
        assert!(out.is_empty());
        return;
    }
    let (mut server, mut storage) = (ServerCodec::new(), HeadStorage::new());
    let Ok(step) = server.handle(out.as_slice(), &mut storage) else {
        assert!(text.len() > TARGET_BYTES_MAX, "only its size can be wrong with it");
        return;
    };
    let Some(Event::Head(head)) = step.event else { panic!("half a request was written") };
    assert_eq!(head.method, Method::Post);
    // Host, Accept-Encoding, Content-Length, and ours.
    assert_eq!((head.header_count(), head.unique("x-end").is_ok()), (5, !name.eq_ignore_ascii_case("x-end")));
    assert!(head.target.path == target.split('?').next().unwrap_or_default() || !target.starts_with('/'));
    assert_eq!(out.len() - step.consumed, body.len());
}

/// A body ends where it ends under any cut, and what was understood says the same when it is written anew.
pub(crate) fn body(data: &[u8]) {
    let (mut cuts, input) = seeded(data);
    for length in [BodyLength::Chunked, BodyLength::Length(1 + cuts.below(64) as u64)] {
        let whole = read_body(length, [input]);
        assert_eq!(read_body(length, cuts.cut(input)), whole);
        assert!(whole.0.len() <= BODY_BYTES_MAX.min(input.len()));
    }
    let (bytes, end) = read_body(BodyLength::Chunked, [input]);
    if matches!(end, BodyEnd::Complete { .. }) {
        let mut anew = Vec::new();
        for chunk in cuts.cut(&bytes) {
            anew.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            anew.extend_from_slice(chunk);
            anew.extend_from_slice(b"\r\n");
        }
        anew.extend_from_slice(b"0\r\n\r\n");
        assert_eq!(read_body(BodyLength::Chunked, [&anew[..]]), (bytes, BodyEnd::Complete { unused: 0 }));
    }
}

/// How reading a body came to its end.
#[derive(Debug, PartialEq, Eq)]
enum BodyEnd {
    Complete { unused: usize },
    Incomplete,
    Refused(u16),
}

fn read_body<'a>(length: BodyLength, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, BodyEnd) {
    let mut body = Body::new(length);
    let (mut bytes, mut unused) = (Vec::new(), 0);
    for mut piece in pieces {
        loop {
            match body.handle(piece) {
                Err(refusal) => return (bytes, BodyEnd::Refused(refusal.status)),
                Ok((consumed, data)) => {
                    piece = &piece[consumed..];
                    let Some(data) = data else { break };
                    bytes.extend_from_slice(data.bytes);
                }
            }
        }
        unused += piece.len();
    }
    let end = if body.is_complete() { BodyEnd::Complete { unused } } else { BodyEnd::Incomplete };
    (bytes, end)
}

/// Events are the same under any cut, stay below the bound, and can be written and read back.
pub(crate) fn sse(data: &[u8]) {
    const EVENT_BYTES_MAX: usize = 64;
    let (mut cuts, input) = seeded(data);
    let whole = decode(EVENT_BYTES_MAX, [input]);
    assert_eq!(decode(EVENT_BYTES_MAX, cuts.cut(input)), whole);
    for (name, data, _) in whole.iter().flatten() {
        assert!(name.len() + data.len() <= EVENT_BYTES_MAX + b"message".len());
        let name = String::from_utf8_lossy(name).replace('\0', "");
        let fields = Fields { name: Some(&name), ..Fields::default() };
        let written = event(&fields, &cuts.cut(data)).concat();
        let expected = if name.is_empty() { b"message" } else { name.as_bytes() };
        assert_eq!(decode(usize::MAX, [&written[..]]), [Some((expected.to_vec(), data.clone(), Vec::new()))]);
    }
}

/// Name, data and id; `None` stands for an event that was too long.
type Decoded = Option<(Vec<u8>, Vec<u8>, Vec<u8>)>;

fn decode<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Decoded> {
    let mut decoder = Decoder::new(max);
    let mut events = Vec::new();
    for mut piece in pieces {
        while let Some(item) = decoder.handle(&mut piece) {
            events.push(match item {
                Item::Event(event) => Some((event.name.to_vec(), event.data.to_vec(), event.id.to_vec())),
                Item::TooLong => None,
            });
        }
        assert!(piece.is_empty());
    }
    events
}

/// The quick and the careful path never disagree, and a message with another id is otherwise the same message. Here the
/// whole input counts: messages come whole.
pub(crate) fn jsonrpc(data: &[u8]) {
    if let Ok(Messages::Batch(items)) = read_messages(data) {
        for item in items {
            assert_eq!(read_message(item.text.as_bytes()), item.message);
        }
    }
    let message = read_message(data);
    if let Some(unusual) = unusual(data) {
        match read_message(&unusual) {
            Err(malformed) if malformed.reason.contains("unknown members") => {} // that one was too many
            read => assert_eq!(read.ok().as_ref(), message.as_ref().ok(), "the careful path reads it otherwise"),
        }
    }
    if let (Some(answer), Ok(message)) = (quick::answer(data), &message) {
        let Message::Response { id, .. } = message else { panic!("the quick path took this for an answer") };
        assert_eq!(splice::range_in(data, id), Some(answer.id_range));
        assert_eq!(*id, answer.id.to_string());
    }
    if let Ok(Message::Request { params, .. } | Message::Notification { params, .. }) = &message {
        assert!(params.progress_token.is_none_or(|token| splice::range_in(data, token).is_some()));
    }
    assert!(from_upstream::read(data).is_ok() >= message.is_ok());
    let Ok(Message::Request { id, .. } | Message::Response { id, .. }) = message else { return };
    let Some(range) = splice::range_in(data, id) else { return }; // an error without an id
    let mut out = Buf::new();
    splice::push_line(&mut out, data, &mut [splice::Patch { range, text: "4711" }]);
    let line = out.as_slice().strip_suffix(b"\n").unwrap();
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
    let parse = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text);
    // A tree cannot be built of everything that may pass: nesting and numbers have their bounds there.
    if let (Ok(mut before), Ok(after)) = (parse(data), parse(line)) {
        before["id"] = 4711.into();
        assert_eq!(after, before);
    }
}

/// The same message with a member that only the careful path takes, and ignores; `None` if it may have that already.
fn unusual(message: &[u8]) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"\\u0001";
    if message.windows(KEY.len()).any(|part| part == KEY) {
        return None;
    }
    let start = message.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let rest = message[start..].strip_prefix(b"{")?;
    Some([&message[..start], b"{\"", KEY, b"\":0,", rest].concat())
}

/// Lines are the same under any cut, and, put together again, are the input.
pub(crate) fn lines(data: &[u8]) {
    let (mut cuts, input) = seeded(data);
    for (max, overlong) in [(16, Overlong::Skip), (16, Overlong::Truncate), (STDERR_LINE_BYTES_MAX, Overlong::Skip)] {
        let whole = split(max, overlong, [input]);
        assert_eq!(split(max, overlong, cuts.cut(input)), whole);
        assert!(whole.iter().flatten().all(|line| line.len() <= max));
    }
    let texts: Vec<Vec<u8>> = split(usize::MAX - 1, Overlong::Skip, [input]).into_iter().flatten().collect();
    let mut joined = texts.join(&b'\n');
    let mut expected = String::from_utf8_lossy(input).replace("\r\n", "\n");
    if expected.ends_with('\n') {
        joined.push(b'\n');
    }
    if let Some(rest) = expected.strip_suffix('\r') {
        expected = rest.to_owned();
    }
    assert_eq!(String::from_utf8_lossy(&joined), expected);
}

fn split<'a>(max: usize, overlong: Overlong, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Option<Vec<u8>>> {
    let seen = |line: Line<'_>| match line {
        Line::Whole(bytes) | Line::Truncated(bytes) => Some(bytes.to_vec()),
        Line::Lump { lump, length } => Some(lump[..length].to_vec()),
        Line::TooLong => None,
    };
    let mut lines = Lines::new(max, overlong);
    let mut all = Vec::new();
    for mut piece in pieces {
        while let Some(line) = lines.handle(&mut piece) {
            all.push(seen(line));
        }
        assert!(piece.is_empty());
    }
    all.extend(lines.finish().map(seen));
    all
}

/// Whatever a downstream puts in front of what a proxy appends, the proxy's word is what counts; and what was written
/// into a header that every proxy replaces changes nothing but whether there is a caller at all.
pub(crate) fn client_ip(data: &[u8]) {
    let client = IpAddr::from([203, 0, 113, 66]);
    let seen = |header: ClientIpHeader, lines: &[&[u8]]| {
        let forwarding = Forwarding { trusted: parsed(PRIVATE), header: Some(header) };
        let values = |_| lines.iter().copied();
        Caller::new(IpAddr::from([127, 0, 0, 1]), values, &forwarding).address()
    };
    let chain = [data, b", 203.0.113.66, [::1]:8"].concat();
    let rfc = [data, b", for=203.0.113.66"].concat();
    assert_eq!(seen(ClientIpHeader::XForwardedFor, &[&chain]), Some(client));
    assert!(seen(ClientIpHeader::Forwarded, &[&rfc]).is_none_or(|address| address == client));
    assert_eq!(seen(ClientIpHeader::Forwarded, &[data, b"for=203.0.113.66;by=x"]), Some(client));
    assert!(seen(ClientIpHeader::XRealIp, &[data, b"203.0.113.66"]).is_none_or(|address| address == client));
    // What was understood says the same when it is written anew.
    for hops in [x_forwarded_for([data].into_iter()), forwarded([data].into_iter())] {
        let texts: Vec<String> =
            hops.iter().map(|hop| hop.map_or("unknown".to_owned(), |address| address.to_string())).collect();
        let pairs: Vec<String> = texts.iter().map(|text| format!("for=\"{text}\"")).collect();
        assert_eq!(x_forwarded_for([texts.join(",").as_bytes()].into_iter()), hops);
        assert_eq!(forwarded([pairs.join(", ").as_bytes()].into_iter()), hops);
    }
}

fn seeded(data: &[u8]) -> (Cuts, &[u8]) {
    match data {
        [a, b, input @ ..] => (Cuts::new(u64::from(u16::from_le_bytes([*a, *b]))), input),
        [..] => (Cuts::new(0), data),
    }
}

/// Whatever a label says, it comes back, and stays in its line.
pub(crate) fn prometheus(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut page = Page::default();
    let mut family = page.family("mcp_proxy_x", Kind::Gauge, "A number.");
    family.sample(&[("server", text), ("end", "1")], data.len());
    let page = page.into_text();
    let sample = page.split('\n').nth(2).unwrap();
    let (value, rest) = sample.strip_prefix("mcp_proxy_x{server=\"").and_then(read_label).unwrap();
    assert_eq!(value, text);
    assert_eq!(rest, format!(",end=\"1\"}} {}", data.len()));
    assert_eq!(page.split('\n').count(), 4);
}

/// The value of a label up to its closing quote (the text format's own escapes), and what follows it.
fn read_label(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
}

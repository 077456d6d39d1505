//! HTTP as hosts read and write it.

use super::Rng;
use super::pipe::{End, Framing, Pipe};

/// A request of the core.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Takes the first whole one out of what came.
    pub(super) fn take(inbox: &mut Vec<u8>) -> Option<Request> {
        let end = inbox.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&inbox[..end]).expect("a head in UTF-8");
        let mut lines = head.trim_end().split("\r\n");
        let mut parts = lines.next().expect("a request line").split(' ');
        let (method, target) = (parts.next().expect("a method"), parts.next().expect("a target"));
        assert_eq!((parts.next(), parts.next()), (Some("HTTP/1.1"), None), "{head}");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let mut request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: lines.map(header).collect(),
            body: Vec::new(),
        };
        let length = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        if inbox.len() < end + length {
            return None;
        }
        request.body = inbox[end..end + length].to_vec();
        inbox.drain(..end + length);
        request.check();
        Some(request)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} comes twice: {self:?}");
        value
    }

    /// What every request must have.
    fn check(&self) {
        assert!(self.header("host").is_some_and(|host| host.ends_with(".example:8080")), "{self:?}");
        assert_eq!(self.header("x-key"), Some("secret"));
        assert_eq!(self.header("transfer-encoding"), None);
        assert_eq!(self.method == "POST", !self.body.is_empty(), "{self:?}");
        match self.method.as_str() {
            "POST" => assert_eq!(self.header("content-type"), Some("application/json")),
            "GET" => assert_eq!(self.header("accept"), Some("text/event-stream")),
            "DELETE" => assert!(self.header("mcp-session-id").is_some(), "nothing to delete"),
            other => panic!("{other}: what for?"),
        }
    }
}

impl Pipe {
    /// A whole response. `head` is the status with further header lines, each with its end.
    pub(super) fn respond(&mut self, head: &str, body: &str, rng: &mut Rng) {
        if rng.one_in(20) {
            let interim = *rng.pick(&["100 Continue\r\n", "102 Processing\r\n", "103 Early Hints\r\nLink: </a>\r\n"]);
            self.write(format!("HTTP/1.1 {interim}\r\n").as_bytes());
        }
        match rng.below(6) {
            0 if !head.starts_with("204") => {
                self.begin(head, rng);
                self.write_part(body, rng);
                return self.finish(rng);
            }
            1 => {
                self.write(format!("HTTP/1.1 {head}Connection: close\r\n").as_bytes());
                self.write_body(head, body);
                self.end = self.end.or(Some(End::Finished));
            }
            _ => {
                self.write(format!("HTTP/1.1 {head}").as_bytes());
                self.write_body(head, body);
            }
        }
        self.framing = Framing::Idle;
    }

    fn write_body(&mut self, head: &str, body: &str) {
        if head.starts_with("204") {
            return self.write(b"\r\n");
        }
        self.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// The head of a response whose length is not known.
    pub(super) fn begin(&mut self, head: &str, rng: &mut Rng) {
        let (framing, line) = *rng.pick(&[
            (Framing::Chunked, "Transfer-Encoding: chunked\r\n"),
            (Framing::Chunked, "transfer-encoding:chunked\r\nConnection: keep-alive\r\n"),
            (Framing::UntilClose, "Connection: close\r\n"),
            (Framing::UntilClose, ""),
        ]);
        self.write(format!("HTTP/1.1 {head}{line}\r\n").as_bytes());
        self.framing = framing;
    }
}

/// An event as servers write them, which differ in what the format leaves open.
pub(super) fn event(line: &str, id: Option<&str>, rng: &mut Rng) -> String {
    let end = *rng.pick(&["\n", "\n", "\n", "\r\n"]);
    let mut text = String::new();
    if rng.one_in(8) {
        text.push_str(&format!(": ping{end}{end}"));
    }
    if rng.one_in(8) {
        text.push_str(&format!("event: weather{end}data: {{\"id\":1,\"result\":{{}}}}{end}{end}"));
    }
    if rng.one_in(2) {
        text.push_str(&format!("event: message{end}"));
    }
    if let Some(id) = id {
        text.push_str(&format!("id: {id}{end}"));
    }
    let space = if rng.one_in(5) { "" } else { " " };
    match line.strip_prefix('{') {
        // A line end between two tokens, which means nothing in JSON.
        Some(rest) if rng.one_in(6) => text.push_str(&format!("data:{space}{{{end}data:{space}{rest}{end}{end}")),
        Some(_) | None => text.push_str(&format!("data:{space}{line}{end}{end}")),
    }
    text
}

//! Where a remote server is and what is sent along: the part of [`super::resolve`] that concerns a `url`.
//!
//! URLs and header values are secrets more often than not: no message repeats them.

use crate::base::url::{Url, UrlError};
use crate::codec::http::client::{RequestError, check_header};
use crate::config::node::At;
use crate::config::raw::RawServer;
use crate::config::report::Report;
use crate::config::{Remote, RemoteTransport};

/// Headers that the transport decides about: twice in a request, they would contradict each other.
const TRANSPORT_HEADERS: [&str; 7] =
    ["accept", "content-type", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"];

/// The remote end of an enabled server with a URL; not fit for use where something is wrong, which has been reported.
pub(super) fn resolve(server: &RawServer, transport: RemoteTransport, report: &mut Report) -> Remote {
    refuse_command_keys(server, report);
    let url = url(server, report);
    warn_of_bare_url(server, &url, report);
    Remote { url, transport, headers: headers(server, report) }
}

fn refuse_command_keys(server: &RawServer, report: &mut Report) {
    let args = server.args.given().filter(|at| !at.value.is_empty()).map(|at| &at.place);
    let env = server.env.given().filter(|at| !at.value.is_empty()).map(|at| &at.place);
    for place in args.into_iter().chain(env) {
        report.error(place, "belongs to commands, but this server has a url", "Remove it: nothing is started here.");
    }
    if let Some(At { place, .. }) = server.options.inherit_env.given() {
        report.warn(place, "has no effect here", "This server has a url: nothing is started that could inherit.");
    }
}

fn url(server: &RawServer, report: &mut Report) -> Url {
    let nowhere = Url::http("localhost", 0);
    let Some(At { value, place }) = server.url.given() else { return nowhere };
    match Url::parse(&with_encoded_query(value.trim())) {
        Ok(url) if url.port() == 0 => {
            report.error(place, "port 0 leads nowhere", "Write the port that the server listens on.");
        }
        Ok(url) => return url,
        Err(error) => report.error(place, format!("is no URL to connect to: {error}"), url_advice(error)),
    }
    nowhere
}

/// What browsers encode in a query is encoded here too: keys are pasted there, and placeholders like `<KEY>`.
fn with_encoded_query(text: &str) -> String {
    let (rest, query) = text.split_once('?').map_or((text, None), |(rest, query)| (rest, Some(query)));
    let Some(query) = query else { return rest.to_owned() };
    let query = query.replace('<', "%3C").replace('>', "%3E").replace('"', "%22").replace(' ', "%20");
    format!("{rest}?{query}")
}

fn url_advice(error: UrlError) -> &'static str {
    match error {
        UrlError::Userinfo => "Send them in a header: \"headers\": { \"Authorization\": \"Basic ...\" }",
        UrlError::Fragment => "Remove it: it is never sent.",
        UrlError::Scheme
        | UrlError::Host
        | UrlError::Port
        | UrlError::Path
        | UrlError::DotSegment
        | UrlError::QueryCharacter
        | UrlError::Query => "Write the URL of the server's endpoint, such as \"https://mcp.example.com/mcp\".",
    }
}

/// A bare URL means SSE; most servers of today speak streamable HTTP, and their paths say so.
fn warn_of_bare_url(server: &RawServer, url: &Url, report: &mut Report) {
    let Some(At { place, .. }) = server.url.given() else { return };
    if !server.transport.is_said() && url.path().trim_end_matches('/').ends_with("/mcp") {
        let advice = "Its path looks like streamable HTTP: write \"transportType\": \"streamable-http\", \
                      or \"auto\" to have both tried.";
        report.warn(place, "has no transportType, which means sse", advice);
    }
}

fn headers(server: &RawServer, report: &mut Report) -> Vec<(String, String)> {
    let typed = server.headers.value().map_or(&[][..], Vec::as_slice);
    let mut headers = Vec::new();
    for (index, (name, value)) in typed.iter().enumerate() {
        if typed[..index].iter().any(|(earlier, _)| earlier.value.eq_ignore_ascii_case(&name.value)) {
            let advice = "Letter case makes no difference in a header's name: keep one of the two.";
            report.error(&name.place, "is here for the second time", advice);
        } else {
            headers.extend(header(name, value, report));
        }
    }
    headers
}

fn header(name: &At<String>, value: &At<String>, report: &mut Report) -> Option<(String, String)> {
    let text = value.value.trim();
    let is_transports = TRANSPORT_HEADERS.iter().any(|own| name.value.eq_ignore_ascii_case(own));
    match check_header(&name.value, text) {
        Ok(()) if !is_transports => return Some((name.value.clone(), text.to_owned())),
        // The reference leaves them out in silence, or sends what breaks the connection.
        Ok(()) | Err(RequestError::ReservedHeader) => {
            report.warn(&name.place, "is set by the proxy itself", "What stands here is not sent: remove it.");
        }
        Err(RequestError::HeaderValue) => {
            let advice = "Look for a line end or another control character: no header can carry it.";
            report.error(&value.place, "cannot be the value of a header", advice);
        }
        Err(RequestError::HeaderName | RequestError::NotIdle | RequestError::Target | RequestError::Host) => {
            report.error(&name.place, "is no name for a header", "Use letters, digits and -.");
        }
    }
    None
}

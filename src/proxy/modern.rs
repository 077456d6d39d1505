//! What modern downstreams are told: of upstreams, and by them.

use std::ops::Range;
use std::time::Instant;

use super::Proxy;
use crate::base::id::ServerId;
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::Patch;
use crate::codec::jsonrpc::{HEADER_MISMATCH, METHOD_NOT_FOUND, MISSING_CAPABILITY, UNSUPPORTED_VERSION, write};
use crate::mcp::ask::AskKind;
use crate::mcp::call::{Call, CallKind};
use crate::mcp::era_error::{self, LegacyError};
use crate::mcp::introduction::Introduction;
use crate::mcp::missing;
use crate::mcp::modern_result::{self, Additions};
use crate::mcp::tally::CallEnd;
use crate::mcp::url_visits::{self, UrlAsk};

impl Proxy {
    fn introduction(&self, server: ServerId) -> Option<&Introduction> {
        self.servers.get(server)?.introduction.as_ref()
    }

    /// Whether an upstream is known to speak the modern era.
    pub(crate) fn is_modern_upstream(&self, server: ServerId) -> bool {
        self.introduction(server).is_some_and(|introduction| introduction.era().is_modern())
    }

    /// Whether an upstream is known to speak the legacy era.
    pub(super) fn is_legacy_upstream(&self, server: ServerId) -> bool {
        self.introduction(server).is_some_and(|introduction| !introduction.era().is_modern())
    }

    /// Name and version of an upstream, as JSON text.
    pub(super) fn server_info(&self, server: ServerId) -> &str {
        self.introduction(server).map_or("{}", Introduction::server_info)
    }

    /// Whether an upstream has what a method is about. Only of a legacy one that is ready something is known to be
    /// missing: a modern one says so itself.
    pub(crate) fn has_capability(&self, server: ServerId, method: &str) -> bool {
        let introduction = self.introduction(server).filter(|introduction| !introduction.era().is_modern());
        let Some(capabilities) = introduction.map(|introduction| introduction.capabilities) else { return true };
        match method {
            "tools/list" | "tools/call" => capabilities.tools,
            "prompts/list" | "prompts/get" => capabilities.prompts,
            "resources/list" | "resources/templates/list" | "resources/read" => capabilities.resources,
            "completion/complete" => capabilities.completions,
            method => !method.starts_with("tasks/"),
        }
    }

    /// `server/discover` is answered from what the upstream said of itself.
    pub(super) fn answer_discover(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.end_call(id, CallEnd::Ok, now) else { return };
        let Some(introduction) = self.introduction(call.server) else { return };
        let body = write::result(&call.id, introduction.discover_result());
        self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
    }

    /// An upstream's reply to a modern downstream.
    pub(super) fn push_modern_reply(
        &mut self,
        call: &Call,
        line: &[u8],
        id: &Range<usize>,
        is_error: bool,
        now: Instant,
    ) {
        if !call.missing().is_empty() && (is_error || missing::is_tool_failure(line)) {
            return self.push_missing(call, call.missing(), line, now);
        }
        if is_error {
            return self.push_modern_error(call, line, id, now);
        }
        let is_legacy = self.is_legacy_upstream(call.server);
        // A modern upstream's result is as it should be, but for who may come back with its state.
        let rewrite = if is_legacy { self.modernised(call, line, id) } else { self.passed_state(call, line) };
        let rewrite = rewrite.unwrap_or_default();
        if matches!(call.kind, CallKind::ListTools) {
            return self.push_tool_list(call, line, id, rewrite, now);
        }
        let parts = rewrite.pieces(line, [Patch { range: id.clone(), text: &call.id }]);
        self.push_reply(call.stream, 200, &[], &parts, now);
    }

    /// What changes in a legacy upstream's result.
    fn modernised(&self, call: &Call, line: &[u8], id: &Range<usize>) -> Option<Rewrite> {
        let is_cacheable = modern_result::is_cacheable(call.method.as_str());
        let additions = Additions { is_cacheable, server_info: Some(self.server_info(call.server)) };
        modern_result::for_modern(line, id, &additions)
    }

    fn push_modern_error(&mut self, call: &Call, line: &[u8], id: &Range<usize>, now: Instant) {
        let is_legacy = self.is_legacy_upstream(call.server);
        let rewrite = match era_error::of_legacy(line) {
            LegacyError::UrlElicitation(urls) if is_legacy => return self.push_urls(call, &urls, line, now),
            LegacyError::Passes(rewrite) if is_legacy => rewrite,
            LegacyError::UrlElicitation(_) | LegacyError::Passes(_) => Rewrite::default(),
        };
        let status = error_code(line).map_or(200, |code| status(code, is_legacy));
        let parts = rewrite.pieces(line, [Patch { range: id.clone(), text: &call.id }]);
        self.push_reply(call.stream, status, &[], &parts, now);
    }

    /// The upstream wants URLs to be visited first.
    fn push_urls(&mut self, call: &Call, urls: &[&str], line: &[u8], now: Instant) {
        let asks: Option<Vec<UrlAsk>> = urls.iter().map(|url| url_visits::url_ask(url)).collect();
        match asks.filter(|_| call.modern.as_ref().is_some_and(|modern| modern.can_visit_urls)) {
            Some(asks) => self.push_required_urls(call, &asks, now),
            None => self.push_missing(call, &[AskKind::ElicitationUrl], line, now),
        }
    }

    /// The upstream wanted to ask what the caller cannot be asked, and failed for it (2026-07-28, capabilities).
    fn push_missing(&mut self, call: &Call, missing: &[AskKind], line: &[u8], now: Instant) {
        let message = "the server needs something of the client that it has not declared in clientCapabilities";
        let data = missing::data(missing, line);
        let body = write::error_with_data(&call.id, MISSING_CAPABILITY, message, &data);
        self.push_reply(call.stream, 400, &[], &[body.as_bytes()], now);
    }
}

/// The HTTP status that goes with an error (2026-07-28, streamable HTTP), where the answer has not begun. What a legacy
/// upstream means by the codes that the specification has reserved since, nobody knows.
fn status(code: i32, is_legacy: bool) -> u16 {
    match code {
        METHOD_NOT_FOUND => 404,
        HEADER_MISMATCH | MISSING_CAPABILITY | UNSUPPORTED_VERSION if !is_legacy => 400,
        _ => 200,
    }
}

fn error_code(reply: &[u8]) -> Option<i32> {
    #[derive(serde::Deserialize)]
    struct Reply {
        error: Code,
    }
    #[derive(serde::Deserialize)]
    struct Code {
        code: i32,
    }
    serde_json::from_slice::<Reply>(reply).ok().map(|Reply { error: Code { code } }| code)
}

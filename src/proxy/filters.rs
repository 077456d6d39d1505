//! Filtered tools: out of every list, and unknown to every call.

use std::ops::Range;
use std::time::Instant;

use super::{Level, Proxy};
use crate::base::id::ServerId;
use crate::base::text::shorten;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::Patch;
use crate::codec::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, write};
use crate::config::ToolFilter;
use crate::mcp::call::Call;
use crate::mcp::list_filter::{self, List, NoList};
use crate::mcp::tool_filter;
use crate::mcp::tool_headers::ToolHeaders;

impl Proxy {
    fn tool_filter(&self, server: ServerId) -> Option<&ToolFilter> {
        self.servers.get(server)?.config.tool_filter.as_ref()
    }

    /// Whether a `tools/call` with these parameters may go to the upstream. The error is the answer otherwise: to its
    /// downstreams a filtered tool does not exist, and what an unknown tool is answered with stands in the
    /// specification (2025-11-25, tools, error handling).
    pub(crate) fn check_tool(&self, server: ServerId, id: &str, params: Option<&str>) -> Result<(), String> {
        let Some(filter) = self.tool_filter(server) else { return Ok(()) };
        match tool_filter::called_tool(params) {
            Some(tool) if tool_filter::is_offered(filter, &tool) => Ok(()),
            Some(tool) => Err(write::error(id, INVALID_PARAMS, &format!("Unknown tool: {}", shorten(&tool)))),
            None => Err(write::error(id, INVALID_PARAMS, "tools/call needs one parameter \"name\", a string")),
        }
    }

    /// Whether some tools of the server are filtered, so that nothing may call one behind the filter's back.
    pub(crate) fn is_filtering(&self, server: ServerId) -> bool {
        self.tool_filter(server).is_some()
    }

    /// An upstream's list of tools, for the downstream that asked for it; `rewrite` is what else changes in it.
    pub(super) fn push_tool_list(
        &mut self,
        call: &Call,
        line: &[u8],
        id: &Range<usize>,
        rewrite: Rewrite,
        now: Instant,
    ) {
        let is_strict = self.servers.get(call.server).is_some_and(|server| server.catalogue.is_strict());
        let is_valid = |tool: &str| !is_strict || ToolHeaders::of_tool(tool).is_ok();
        let filtered = match self.tool_filter(call.server) {
            Some(filter) => tool_filter::without_filtered(filter, line, is_valid),
            None if is_strict => list_filter::without(line, List::Tools, is_valid).or(Ok(None)),
            None => Ok(None),
        };
        self.push_filtered(call, (line, id, rewrite), filtered, "tools", now);
    }

    /// A list, without the entries that are not for the downstream that asked for it.
    pub(super) fn push_filtered(
        &mut self,
        call: &Call,
        (line, id, mut rewrite): (&[u8], &Range<usize>, Rewrite),
        filtered: Result<Option<(Range<usize>, String)>, NoList>,
        what: &str,
        now: Instant,
    ) {
        match filtered {
            Ok(left) => {
                if let Some((entries, left)) = left {
                    rewrite.replace(entries, left);
                }
                let parts = rewrite.pieces(line, [Patch { range: id.clone(), text: &call.id }]);
                self.push_upstream_reply(call, &parts, now);
            }
            Err(NoList) => {
                let reason = format!("the server's list of {what} is not what MCP says, so it cannot be filtered");
                self.log(Level::Warn, Some(call.server), format!("Kept back from a client: {reason}"));
                let body = write::error(&call.id, INTERNAL_ERROR, &reason);
                self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
            }
        }
    }
}

//! Replies of modern upstreams, as legacy downstreams are to read them.

use std::ops::Range;
use std::time::Instant;

use super::Proxy;
use super::upstream::Source;
use crate::base::sequence::CallId;
use crate::base::text::shorten;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::Patch;
use crate::mcp::call::{Call, CallKind};
use crate::mcp::method::McpMethod;
use crate::mcp::result_type::{self, ResultType};
use crate::mcp::tally::CallEnd;
use crate::mcp::trouble::Trouble;
use crate::mcp::{era_error, legacy_result};

impl Proxy {
    /// A modern upstream has answered a call of a legacy downstream. Its link may have broken since.
    pub(super) fn on_bridged_reply(
        &mut self,
        source: Source,
        id: CallId,
        line: &[u8],
        id_range: &Range<usize>,
        is_error: bool,
        now: Instant,
    ) {
        if self.calls.get(id).is_none_or(|call| !call.is_in_flight(source.server)) {
            return; // cancelled or timed out meanwhile
        }
        let misbehaved = |how: String| Trouble::Misbehaved { how };
        match if is_error { Ok(ResultType::Complete) } else { result_type::read(line) } {
            Ok(ResultType::Complete) => {}
            Ok(ResultType::InputRequired(required)) => return self.on_input_required(source, id, &required, now),
            Ok(ResultType::Task) => {
                return self.fail_call(id, &misbehaved("began a task that nobody asked for".to_owned()), now);
            }
            Ok(ResultType::Other(kind)) => {
                let how = format!("gave a result of the unknown type {:?}", shorten(&kind));
                return self.fail_call(id, &misbehaved(how), now);
            }
            Err(invalid) => return self.fail_call(id, &misbehaved(invalid.to_string()), now),
        }
        self.end_visits(id, &[], now);
        self.end_asks_of_call(id, now);
        let end = if is_error { CallEnd::Error } else { CallEnd::Ok };
        let Some(call) = self.end_call(id, end, now) else { return };
        self.push_bridged_reply(&call, line, id_range, is_error, now);
    }

    fn push_bridged_reply(&mut self, call: &Call, line: &[u8], id: &Range<usize>, is_error: bool, now: Instant) {
        if let (CallKind::ListTools, false) = (&call.kind, is_error) {
            return self.push_bridged_tools(call, line, id, now);
        }
        let rewrite = match (call.method, is_error) {
            (_, true) => {
                let uri = call.bridged.as_ref().and_then(|bridged| bridged.uri.as_deref());
                era_error::of_modern(line, uri)
            }
            (McpMethod::CallTool, false) => legacy_result::of_call(line),
            (_, false) => Rewrite::default(),
        };
        let own_id = Patch { range: id.clone(), text: &call.id };
        self.push_upstream_reply(call, &rewrite.pieces(line, [own_id]), now);
    }

    /// A list loses what a strict downstream would refuse it for, then what is filtered.
    fn push_bridged_tools(&mut self, call: &Call, line: &[u8], id: &Range<usize>, now: Instant) {
        let rewrite = legacy_result::of_list(line);
        if rewrite.is_empty() {
            return self.push_tool_list(call, line, id, Rewrite::default(), now);
        }
        let number = String::from_utf8_lossy(&line[id.clone()]).into_owned();
        let shaped = rewrite.pieces(line, []).concat();
        let moved: usize =
            rewrite.patches().filter(|part| part.range.end <= id.start).map(|part| part.range.len()).sum();
        let start = id.start - moved;
        debug_assert_eq!(&shaped[start..start + number.len()], number.as_bytes(), "parts are only taken out");
        self.push_tool_list(call, &shaped, &(start..start + number.len()), Rewrite::default(), now);
    }
}

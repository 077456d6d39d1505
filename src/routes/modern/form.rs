//! What a request of the modern era says of itself: in its `_meta`, and once more in its head.

use crate::base::text::shorten;
use crate::codec::http::Head;
use crate::codec::jsonrpc::{HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION, write};
use crate::mcp::era::MODERN;
use crate::mcp::header_mismatch::{Mismatch, Sent};
use crate::mcp::introduction::ClientCapabilities;
use crate::mcp::log_level::LogLevel;
use crate::mcp::meta::Meta;
use crate::mcp::standard_headers;
use crate::routes::errors::Denial;

/// How the headers begin that repeat parameters of a tool.
const PARAMETER: &str = "Mcp-Param-";

/// The headers of a POST that does not claim to be of the legacy era.
#[derive(Debug)]
pub(crate) struct ModernHead {
    version: String,
    method: Received,
    name: Received,
    /// Those that repeat parameters, by their whole name.
    params: Vec<(String, Received)>,
}

/// What was received of one header.
#[derive(Debug)]
enum Received {
    Nothing,
    Once(Box<[u8]>),
    Several,
}

impl Received {
    fn read<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Received {
        match (values.next(), values.next()) {
            (None, _) => Received::Nothing,
            (Some(value), None) => Received::Once(value.into()),
            (Some(_), Some(_)) => Received::Several,
        }
    }

    fn sent(&self) -> Sent<'_> {
        match self {
            Received::Nothing => Sent::Nothing,
            Received::Once(value) => Sent::Once(value),
            Received::Several => Sent::Several,
        }
    }
}

impl ModernHead {
    /// Those of a head that names this revision.
    pub(crate) fn read(head: &Head<'_, '_>, version: &str) -> ModernHead {
        let mut params: Vec<(String, Received)> = Vec::new();
        for (name, value) in head.starting(PARAMETER) {
            let name = format!("{PARAMETER}{name}");
            match params.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, twice)) => *twice = Received::Several,
                None => params.push((name, Received::Once(value.into()))),
            }
        }
        ModernHead {
            version: version.to_owned(),
            method: Received::read(head.all(standard_headers::METHOD)),
            name: Received::read(head.all(standard_headers::NAME)),
            params,
        }
    }

    /// Which revision it names.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Whether it names a revision of the modern era, known or not.
    pub(super) fn is_modern(&self) -> bool {
        let is_date = |text: &str| text.len() == MODERN.len() && text.as_bytes()[4] == b'-';
        self.version.is_ascii() && is_date(&self.version) && self.version.as_str() >= MODERN
    }

    /// What it says of a parameter.
    pub(super) fn param(&self, name: &str) -> Sent<'_> {
        let found = self.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(Sent::Nothing, |(_, received)| received.sent())
    }
}

/// What a request says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) capabilities: ClientCapabilities,
    pub(super) log_level: Option<LogLevel>,
}

/// Checks all that a request says of itself.
pub(super) fn check_form(
    head: Option<&ModernHead>,
    meta: &Meta<'_>,
    id: &str,
    method: &str,
    params: Option<&str>,
) -> Result<Standing, Denial> {
    let invalid = |reason: &str| Denial::reply(400, id, INVALID_PARAMS, reason);
    let missing = |key: &str| invalid(&format!("params._meta needs \"io.modelcontextprotocol/{key}\" (2026-07-28)"));
    let version = meta.protocol_version.as_deref().ok_or_else(|| missing("protocolVersion"))?;
    let capabilities = meta.client_capabilities.ok_or_else(|| missing("clientCapabilities"))?;
    let capabilities = ClientCapabilities::read(capabilities).map_err(|reason| invalid(&reason))?;
    let log_level = match meta.log_level.map(serde_json::from_str::<LogLevel>) {
        None => None,
        Some(Ok(level)) => Some(level),
        Some(Err(_)) => return Err(invalid("\"io.modelcontextprotocol/logLevel\" is no level of RFC 5424")),
    };
    let checked = check_headers(head, version, method, params);
    checked.map_err(|mismatch| Denial::reply(400, id, HEADER_MISMATCH, &mismatch.to_string()))?;
    if version != MODERN {
        let data = format!("{{\"supported\":[\"{MODERN}\"],\"requested\":{}}}", write::string(version));
        let message = format!("Unsupported protocol version {:?}", shorten(version));
        let body = write::error_with_data(id, UNSUPPORTED_VERSION, &message, &data);
        return Err(Denial { status: 400, headers: Vec::new(), body });
    }
    Ok(Standing { capabilities, log_level })
}

/// Whether the headers say the same as the body (2026-07-28, streamable HTTP, server validation).
fn check_headers(head: Option<&ModernHead>, version: &str, method: &str, params: Option<&str>) -> Result<(), Mismatch> {
    let Some(head) = head else { return standard_headers::check_version(version, Sent::Nothing) };
    standard_headers::check_version(version, Sent::Once(head.version.as_bytes()))?;
    standard_headers::check_method(method, head.method.sent())?;
    standard_headers::check_name(method, params, head.name.sent())
}

//! What an upstream said of itself in its `initialize` result, and what a downstream is told of it.
//!
//! The result is passed on as it is; only the version changes.

use serde_json::value::RawValue;

use super::log_level::LogLevel;
use super::version::Version;
use crate::base::text::shorten;
use crate::codec::jsonrpc::splice::range_in;

/// An upstream's `initialize` result.
#[derive(Debug, Clone)]
pub struct Introduction {
    /// The revision that the link speaks.
    pub version: Version,
    /// Whether it has tools and logging.
    pub capabilities: ServerCapabilities,
    /// The whole result as JSON text.
    result: String,
    /// Where the version's JSON string stands in it.
    version_range: std::ops::Range<usize>,
}

/// What the proxy itself needs to know of an upstream's capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerCapabilities {
    /// It has tools.
    pub tools: bool,
    /// Its downstreams expect to hear that its list of tools has changed.
    pub tells_tools: bool,
    /// It takes `logging/setLevel`.
    pub logging: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult<'a> {
    #[serde(borrow)]
    protocol_version: &'a RawValue,
    #[serde(borrow)]
    capabilities: Option<Capabilities<'a>>,
}

#[derive(serde::Deserialize, Default)]
struct Capabilities<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    logging: Option<&'a RawValue>,
}

impl Introduction {
    /// Reads an `initialize` result. The error says what is wrong with it.
    pub fn parse(result: &str) -> Result<Introduction, String> {
        let read: InitializeResult =
            serde_json::from_str(result).map_err(|error| shorten(&error.to_string()).into_owned())?;
        let version = read.protocol_version.get();
        let name = version.trim_matches('"');
        let known = Version::parse(name).ok_or_else(|| {
            let name = shorten(name);
            format!("it speaks protocol version {name}, which is none of {}", super::version::supported())
        })?;
        let offered = read.capabilities.unwrap_or_default();
        let capabilities = ServerCapabilities {
            tools: offered.tools.is_some(),
            tells_tools: offered.tools.is_some_and(tells_changes),
            logging: offered.logging.is_some(),
        };
        let version_range = range_in(result.as_bytes(), version).unwrap_or_default();
        Ok(Introduction { version: known, capabilities, version_range, result: result.to_owned() })
    }

    /// The result for a downstream that is to speak `version`, in pieces to be written one after the other.
    pub fn for_downstream(&self, version: Version) -> [&str; 5] {
        let before = &self.result[..self.version_range.start];
        [before, "\"", version.as_str(), "\"", &self.result[self.version_range.end..]]
    }
}

/// Whether a capability promises `list_changed` notifications.
fn tells_changes(capability: &RawValue) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed {
        #[serde(default)]
        list_changed: bool,
    }
    serde_json::from_str::<Listed>(capability.get()).is_ok_and(|listed| listed.list_changed)
}

/// What a downstream said of itself in its `initialize` request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The revision it asked for; `None` if that is none that we know.
    pub asked: Option<Version>,
    /// Which asks it can answer.
    pub capabilities: ClientCapabilities,
    /// All of it, as JSON text: for an upstream of its own.
    pub params: Box<str>,
}

/// Which asks a downstream can answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    /// `sampling/createMessage`.
    pub sampling: bool,
    /// `elicitation/create` with a form.
    pub elicitation_form: bool,
    /// `elicitation/create` with a URL.
    pub elicitation_url: bool,
    /// `roots/list`.
    pub roots: bool,
    /// `sampling/createMessage` with tools.
    pub sampling_tools: bool,
    /// Tasks of its own.
    pub tasks: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams<'a> {
    protocol_version: String,
    #[serde(borrow)]
    capabilities: Option<Asks<'a>>,
}

#[derive(serde::Deserialize, Default)]
struct Asks<'a> {
    sampling: Option<Sampling>,
    elicitation: Option<Elicitation>,
    #[serde(borrow)]
    roots: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Sampling {
    tools: Option<serde::de::IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Elicitation {
    form: Option<serde::de::IgnoredAny>,
    url: Option<serde::de::IgnoredAny>,
}

impl Greeting {
    /// Reads the parameters of an `initialize` request. The error says what is wrong with them.
    pub fn parse(params: Option<&str>) -> Result<Greeting, String> {
        let params = params.ok_or("initialize needs params with a protocolVersion")?;
        let read: InitializeParams = serde_json::from_str(params)
            .map_err(|error| format!("the params of initialize: {}", shorten(&error.to_string())))?;
        let asks = read.capabilities.unwrap_or_default();
        let capabilities = ClientCapabilities {
            sampling: asks.sampling.is_some(),
            // Without either member it means a form (2025-11-25, elicitation, capabilities).
            elicitation_form: asks
                .elicitation
                .as_ref()
                .is_some_and(|modes| modes.form.is_some() || modes.url.is_none()),
            elicitation_url: asks.elicitation.as_ref().is_some_and(|modes| modes.url.is_some()),
            roots: asks.roots.is_some(),
            sampling_tools: asks.sampling.as_ref().is_some_and(|sampling| sampling.tools.is_some()),
            tasks: asks.tasks.is_some(),
        };
        Ok(Greeting { asked: Version::parse(&read.protocol_version), capabilities, params: params.into() })
    }
}

/// The parameters of `logging/setLevel`.
#[derive(serde::Deserialize)]
struct SetLevelParams {
    level: LogLevel,
}

/// The level that a `logging/setLevel` request asks for; `None` where its parameters are not understood.
pub fn asked_level(params: Option<&str>) -> Option<LogLevel> {
    serde_json::from_str::<SetLevelParams>(params?).ok().map(|params| params.level)
}

/// The `uri` of `resources/subscribe`, `resources/unsubscribe` and `notifications/resources/updated`.
pub fn uri(params: Option<&str>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct UriParams {
        uri: String,
    }
    serde_json::from_str::<UriParams>(params?).ok().map(|params| params.uri)
}

//! What an upstream said of itself, in either era, and what downstreams of either era are told of it.
//!
//! | | legacy downstream: result of `initialize` | modern downstream: result of `server/discover` |
//! |---|---|---|
//! | legacy upstream | as it is; only the version changes | made of the other |
//! | modern upstream | made of the other | as it is; only the versions that are not ours go |

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use super::era::{Era, MODERN};
use super::log_level::LogLevel;
use super::server_capabilities::{self, ServerCapabilities};
use super::version::Version;
use crate::base::text::shorten;
use crate::codec::jsonrpc::elements::elements;
use crate::codec::jsonrpc::envelope::json_string;
use crate::codec::jsonrpc::object::Object;
use crate::codec::jsonrpc::spelling::{Unclear, sole};
use crate::codec::jsonrpc::splice::range_in;
use crate::codec::jsonrpc::write;
use crate::limits;

/// The member of a modern result's `_meta` that names the upstream.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// An upstream, as it has introduced itself.
#[derive(Debug, Clone)]
pub struct Introduction {
    era: Era,
    /// What it can do.
    pub capabilities: ServerCapabilities,
    /// The result of `initialize`, in the revision that the link counts as, as JSON text.
    initialize: String,
    /// Where the version's JSON string stands in it.
    version_range: Range<usize>,
    /// The result of `server/discover`, as JSON text.
    discover: String,
    /// Name and version of the upstream, as JSON text.
    server_info: String,
}

/// Why the result of a `server/discover` introduces nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotModern {
    /// Whoever answered speaks no modern revision: `initialize` is for them.
    Legacy,
    /// They do, and are of no use all the same; says why.
    Unusable(String),
}

/// Either result, as far as it is looked at.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow)]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow)]
    supported_versions: Option<&'a RawValue>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    server_info: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
    #[serde(rename = "_meta", borrow)]
    meta: Option<&'a RawValue>,
}

impl<'a> Told<'a> {
    fn read(result: &'a str) -> Result<Told<'a>, String> {
        serde_json::from_str(result).map_err(|error| shorten(&error.to_string()).into_owned())
    }

    fn capabilities(&self) -> Result<Object<'a>, String> {
        let Some(capabilities) = self.capabilities else { return Ok(Object::default()) };
        let text = capabilities.get();
        Object::read(text).ok_or_else(|| format!("its capabilities are no object: {}", shorten(text)))
    }

    /// Who it is: modern upstreams say so in `_meta`, earlier drafts of theirs and legacy ones beside it; one that does
    /// not is called what the configuration calls it.
    fn server_info(&self, name: &str) -> String {
        let of_meta = self.meta.and_then(|meta| Object::read(meta.get())?.get(SERVER_INFO).map(str::to_owned));
        let beside = self.server_info.map(|info| info.get().to_owned());
        let mut said = of_meta.into_iter().chain(beside).filter(|info| is_implementation(info));
        said.next().unwrap_or_else(|| format!("{{\"name\":{},\"version\":\"0\"}}", write::string(name)))
    }

    /// Whatever is to be written behind another member.
    fn instructions(&self) -> String {
        let text = self.instructions.map(RawValue::get).filter(|text| text.starts_with('"'));
        text.map(|text| format!(",\"instructions\":{text}")).unwrap_or_default()
    }
}

impl Introduction {
    /// Reads an `initialize` result. `name` is what the configuration calls the upstream. The error says what is wrong
    /// with it.
    pub fn from_initialize(result: &str, name: &str) -> Result<Introduction, String> {
        let told = Told::read(result)?;
        let version = told.protocol_version.ok_or("it has no protocolVersion")?.get();
        let known = Version::parse(version.trim_matches('"')).ok_or_else(|| {
            let name = shorten(version.trim_matches('"'));
            format!("it speaks protocol version {name}, which is none of {}", super::version::supported())
        })?;
        let offered = told.capabilities()?;
        let mut capabilities = ServerCapabilities::read(&offered);
        let mut modern = server_capabilities::across_eras(offered);
        if known == Version::V2024_11_05 {
            // It had completions, and no word for them.
            capabilities.completions = true;
            modern.set("completions", "{}");
        }
        let (server_info, instructions) = (told.server_info(name), told.instructions());
        let discover = format!(
            "{{\"resultType\":\"complete\",\"supportedVersions\":[\"{MODERN}\"],\"capabilities\":{modern}\
             {instructions},\"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{{\"{SERVER_INFO}\":{server_info}}}}}"
        );
        let version_range = range_in(result.as_bytes(), version).unwrap_or_default();
        let era = Era::Legacy(known);
        Ok(Introduction { era, capabilities, initialize: result.to_owned(), version_range, discover, server_info })
    }

    /// Reads a `server/discover` result. `name` is what the configuration calls the upstream.
    pub fn from_discover(result: &str, name: &str) -> Result<Introduction, NotModern> {
        let told = Told::read(result).map_err(|_| NotModern::Legacy)?;
        let versions = told.supported_versions.ok_or(NotModern::Legacy)?;
        check_versions(versions.get())?;
        let offered = told.capabilities().map_err(NotModern::Unusable)?;
        let capabilities = ServerCapabilities::read(&offered);
        let legacy = server_capabilities::across_eras(offered);
        let (server_info, instructions) = (told.server_info(name), told.instructions());
        let version = write::string(Era::Modern.counts_as().as_str());
        let before = "{\"protocolVersion\":";
        let version_range = before.len()..before.len() + version.len();
        let initialize =
            format!("{before}{version},\"capabilities\":{legacy},\"serverInfo\":{server_info}{instructions}}}");
        let range = range_in(result.as_bytes(), versions.get()).unwrap_or_default();
        let discover = format!("{}[\"{MODERN}\"]{}", &result[..range.start], &result[range.end..]);
        Ok(Introduction { era: Era::Modern, capabilities, initialize, version_range, discover, server_info })
    }

    /// What its link speaks.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The result of `initialize` for a downstream that is to speak `version`, in pieces to be written one after the
    /// other.
    pub fn for_downstream(&self, version: Version) -> [&str; 5] {
        let before = &self.initialize[..self.version_range.start];
        [before, "\"", version.as_str(), "\"", &self.initialize[self.version_range.end..]]
    }

    /// The result of `server/discover`, as JSON text.
    pub fn discover_result(&self) -> &str {
        &self.discover
    }

    /// Name and version of the upstream, as JSON text: what [`SERVER_INFO`] is to say.
    pub fn server_info(&self) -> &str {
        &self.server_info
    }
}

/// Whether a name and a version can be shown: readers insist on both.
fn is_implementation(info: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Implementation {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "version")]
        _version: String,
    }
    info.starts_with('{') && serde_json::from_str::<Implementation>(info).is_ok()
}

/// Whether a modern revision that we speak is among those that an upstream lists.
///
/// # Errors
/// None is; says whether `initialize` may help.
pub fn check_versions(listed: &str) -> Result<(), NotModern> {
    let (mut some, mut has_any, mut has_modern, mut has_legacy) = (String::new(), false, false, false);
    for version in elements(listed) {
        let Some(name) = json_string(version.map_err(|_| NotModern::Legacy)?) else { continue };
        some += if has_any { ", " } else { "" };
        has_any = true;
        has_modern |= name == MODERN;
        has_legacy |= Version::parse(&name).is_some();
        some = shorten(&(some + &shorten(&name))).into_owned();
    }
    if has_modern {
        return Ok(());
    }
    if has_legacy || !has_any {
        return Err(NotModern::Legacy);
    }
    Err(NotModern::Unusable(format!("it speaks protocol versions {some}, and not {MODERN}")))
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
        if params.len() > limits::GREETING_BYTES_MAX {
            return Err(format!(
                "the params of initialize are too long (at most {} bytes)",
                limits::GREETING_BYTES_MAX
            ));
        }
        let read: InitializeParams = serde_json::from_str(params)
            .map_err(|error| format!("the params of initialize: {}", shorten(&error.to_string())))?;
        let capabilities = read.capabilities.unwrap_or_default().into();
        Ok(Greeting { asked: Version::parse(&read.protocol_version), capabilities, params: params.into() })
    }
}

impl ClientCapabilities {
    /// Reads a `ClientCapabilities` object. The error says what is wrong with it.
    pub fn read(capabilities: &str) -> Result<ClientCapabilities, String> {
        let asks = serde_json::from_str::<Asks<'_>>(capabilities);
        asks.map(Into::into).map_err(|error| format!("the client's capabilities: {}", shorten(&error.to_string())))
    }
}

impl From<Asks<'_>> for ClientCapabilities {
    fn from(asks: Asks<'_>) -> ClientCapabilities {
        ClientCapabilities {
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
        }
    }
}

/// The level that a `logging/setLevel` request asks for; `None` where it is missing, or no level.
///
/// # Errors
/// Some reader could find another one.
pub fn asked_level(params: Option<&str>) -> Result<Option<LogLevel>, Unclear> {
    Ok(sole(params, "level")?.and_then(|level| serde_json::from_str(level).ok()))
}

/// The `uri` of `resources/subscribe` and `resources/unsubscribe`; `None` where it is missing, or no text.
///
/// # Errors
/// Some reader could find another one.
pub fn asked_uri(params: Option<&str>) -> Result<Option<String>, Unclear> {
    Ok(sole(params, "uri")?.and_then(json_string).map(Cow::into_owned))
}

/// The `uri` of `notifications/resources/updated`, and of requests that were found to have one.
pub fn uri(params: Option<&str>) -> Option<String> {
    asked_uri(params).ok().flatten()
}

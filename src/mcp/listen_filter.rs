//! What a `subscriptions/listen` wants to hear of (2026-07-28, subscriptions).

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::codec::jsonrpc::write;
use crate::limits;

/// Whether it is wanted to hear that lists have changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lists {
    /// That of the tools.
    pub tools: bool,
    /// That of the prompts.
    pub prompts: bool,
    /// That of the resources.
    pub resources: bool,
}

/// A list that can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// That of the tools.
    Tools,
    /// That of the prompts.
    Prompts,
    /// That of the resources.
    Resources,
}

impl Changed {
    /// The notification that says so.
    pub fn method(self) -> &'static str {
        match self {
            Changed::Tools => "notifications/tools/list_changed",
            Changed::Prompts => "notifications/prompts/list_changed",
            Changed::Resources => "notifications/resources/list_changed",
        }
    }
}

impl Lists {
    /// Every list.
    pub const ALL: Lists = Lists { tools: true, prompts: true, resources: true };

    /// Whether this one is among them.
    pub fn has(self, list: Changed) -> bool {
        match list {
            Changed::Tools => self.tools,
            Changed::Prompts => self.prompts,
            Changed::Resources => self.resources,
        }
    }

    /// Those that are among others, too.
    pub fn and(self, others: Lists) -> Lists {
        Lists {
            tools: self.tools && others.tools,
            prompts: self.prompts && others.prompts,
            resources: self.resources && others.resources,
        }
    }
}

/// All that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenFilter {
    /// Lists that may change.
    pub lists: Lists,
    /// Resources that may.
    pub uris: BTreeSet<Box<str>>,
}

#[derive(serde::Deserialize)]
struct ListenParams {
    notifications: Notifications,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notifications {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    #[serde(deserialize_with = "uris")]
    resource_subscriptions: Uris,
}

/// The resources, or which bound they exceed.
type Uris = Result<BTreeSet<Box<str>>, String>;

/// As many as are allowed; what is too much is read without being kept.
fn uris<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uris, D::Error> {
    struct Visit;

    impl<'de> Visitor<'de> for Visit {
        type Value = Uris;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of URIs")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Uris, A::Error> {
            let mut uris = Ok(BTreeSet::new());
            while let Some(uri) = seq.next_element()? {
                uris = uris.and_then(|uris| with_uri(uris, uri));
            }
            Ok(uris)
        }
    }

    deserializer.deserialize_seq(Visit)
}

fn with_uri(mut uris: BTreeSet<Box<str>>, uri: Box<str>) -> Uris {
    if uri.len() > limits::URI_BYTES_MAX {
        return Err(format!("a URI is too long to subscribe to (at most {} bytes)", limits::URI_BYTES_MAX));
    }
    uris.insert(uri);
    if uris.len() > limits::SESSION_SUBSCRIPTIONS_MAX {
        return Err(format!("too many resources to subscribe to (at most {})", limits::SESSION_SUBSCRIPTIONS_MAX));
    }
    Ok(uris)
}

impl Default for Notifications {
    fn default() -> Self {
        Notifications {
            tools_list_changed: false,
            prompts_list_changed: false,
            resources_list_changed: false,
            resource_subscriptions: Ok(BTreeSet::new()),
        }
    }
}

impl ListenFilter {
    /// Whether it wants all that another one wants.
    pub fn covers(&self, other: &ListenFilter) -> bool {
        self.lists.and(other.lists) == other.lists && self.uris.is_superset(&other.uris)
    }

    /// Reads the parameters of a request. The error says what is wrong with them, or which bound they exceed.
    pub fn parse(params: Option<&str>) -> Result<ListenFilter, String> {
        let params = params.ok_or("subscriptions/listen needs params with notifications")?;
        let ListenParams { notifications: wanted } =
            serde_json::from_str(params).map_err(|error| format!("the params of subscriptions/listen: {error}"))?;
        let uris = wanted.resource_subscriptions?;
        let lists = Lists {
            tools: wanted.tools_list_changed,
            prompts: wanted.prompts_list_changed,
            resources: wanted.resources_list_changed,
        };
        Ok(ListenFilter { lists, uris })
    }
}

/// As the `notifications` of an acknowledgement; what is not granted is left out.
pub fn acknowledged<'a>(lists: Lists, uris: impl Iterator<Item = &'a str>) -> String {
    let flags = [
        (lists.tools, "toolsListChanged"),
        (lists.prompts, "promptsListChanged"),
        (lists.resources, "resourcesListChanged"),
    ];
    let flags = flags.into_iter().filter(|(is_granted, _)| *is_granted).map(|(_, name)| format!("\"{name}\":true"));
    let uris: Vec<String> = uris.map(write::string).collect();
    let uris = (!uris.is_empty()).then(|| format!("\"resourceSubscriptions\":[{}]", uris.join(",")));
    let members: Vec<String> = flags.chain(uris).collect();
    format!("{{{}}}", members.join(","))
}

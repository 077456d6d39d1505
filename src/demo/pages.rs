//! Lists come in pages (server/utilities/pagination).

use serde_json::{Map, Value};

use super::message::Fault;
use crate::limits::DEMO_PAGE_ITEMS;

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl List {
    /// The result's member with the items.
    pub(super) fn member(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Prompts => "prompts",
            List::Resources => "resources",
            List::Templates => "resourceTemplates",
        }
    }
}

/// The page that `params.cursor` names, or the first. Extra entries come last in their list, so that a cursor stays
/// valid while they come and go.
pub(super) fn page(list: List, items: Vec<Value>, params: &Map<String, Value>) -> Result<Value, Fault> {
    let start = match params.get("cursor") {
        None => 0,
        Some(cursor) => start(list, cursor)
            .filter(|start| *start < items.len())
            .ok_or_else(|| Fault::params(format!("unknown cursor {cursor}")))?,
    };
    let end = start + DEMO_PAGE_ITEMS;
    let next = (end < items.len()).then(|| ("nextCursor".to_owned(), cursor(list, end).into()));
    let items = items.into_iter().skip(start).take(DEMO_PAGE_ITEMS).collect();
    let mut result = Map::new();
    result.insert(list.member().into(), Value::Array(items));
    result.extend(next);
    Ok(Value::Object(result))
}

fn cursor(list: List, start: usize) -> String {
    format!("{}.{start}", list.member())
}

/// The inverse of [`cursor`], and only for what it makes: another list's cursor, or one made up, is unknown.
fn start(list: List, value: &Value) -> Option<usize> {
    let text = value.as_str()?;
    let start = text.strip_prefix(list.member())?.strip_prefix('.')?.parse().ok()?;
    (start > 0 && start % DEMO_PAGE_ITEMS == 0 && text == cursor(list, start)).then_some(start)
}

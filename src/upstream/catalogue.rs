//! What an upstream offers, as far as the proxy reads it: the names of its tools, for the log and the status page, and
//! which of their parameters are repeated in headers.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use crate::base::text::shorten;
use crate::config::ToolFilter;
use crate::limits::CATALOGUE_PAGES_MAX;
use crate::mcp::tool_filter::is_offered;
use crate::mcp::tool_headers::ToolHeaders;

/// The catalogue of a link.
#[derive(Debug, Default)]
pub struct Catalogue {
    filter: Option<ToolFilter>,
    /// Whether tools whose header parameters are invalid do not exist.
    is_strict: bool,
    tools: Vec<String>,
    /// Of tools that have any.
    headers: BTreeMap<Box<str>, ToolHeaders>,
    /// What is wrong with tools that are left out.
    faults: Vec<String>,
    progress: Progress,
    /// Whether the present link's list was read to its end.
    is_known: bool,
    /// Whether any link's was.
    was_read: bool,
}

/// How far the reading of the list has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Progress {
    /// Nothing was asked, or all was read.
    #[default]
    Idle,
    /// A page was asked for.
    Reading {
        /// The tools so far.
        read: List,
        /// How many pages were asked for.
        pages: usize,
        /// Whether the list changed in the meantime, so that it must be read again.
        is_stale: bool,
    },
}

/// What was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct List {
    names: Vec<String>,
    headers: BTreeMap<Box<str>, ToolHeaders>,
    faults: Vec<String>,
}

/// What to do after a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the page at this cursor (`None`: the first).
    Page(Option<String>),
    /// The list is complete.
    Complete {
        /// The tools that were not in the last one.
        new: Vec<String>,
        /// Whether the link had listed its tools before.
        is_update: bool,
        /// Whether an earlier link had others: whoever has read that list has an outdated one.
        is_another: bool,
    },
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListToolsResult<'a> {
    #[serde(borrow, default)]
    tools: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

#[derive(serde::Deserialize)]
struct Tool {
    name: String,
}

impl Catalogue {
    /// Of a link whose tools are filtered.
    pub fn filtered(filter: Option<ToolFilter>) -> Catalogue {
        Catalogue { filter, ..Catalogue::default() }
    }

    /// Other tools are offered from now on. The list is to be read again.
    pub fn refilter(&mut self, filter: Option<ToolFilter>) {
        self.filter = filter;
    }

    /// Another link is there. `is_strict`: it is one through which tools with invalid header parameters must not be
    /// offered (2026-07-28, streamable HTTP).
    pub fn on_link(&mut self, is_strict: bool) {
        self.is_strict = is_strict;
    }

    /// Whether such tools are left out.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Whether any tool has parameters that are repeated in headers.
    pub fn has_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Which parameters of a tool are repeated in headers, if any are.
    pub fn headers(&self, tool: &str) -> Option<&ToolHeaders> {
        self.headers.get(tool)
    }

    /// Which tools the last reading has left out, and why.
    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// The names of the tools that are offered, as of the last complete reading.
    pub fn tools(&self) -> &[String] {
        &self.tools
    }

    /// Whether the list was ever read to its end.
    pub fn was_read(&self) -> bool {
        self.was_read
    }

    /// The list is to be read (again). Says whether to ask for its first page now.
    pub fn on_stale(&mut self) -> bool {
        match &mut self.progress {
            Progress::Reading { is_stale, .. } => {
                *is_stale = true;
                false
            }
            Progress::Idle => {
                self.progress = Progress::Reading { read: List::default(), pages: 1, is_stale: false };
                true
            }
        }
    }

    /// A page has come. The error says what is wrong with it; the reading is over then.
    pub fn on_page(&mut self, result: &str) -> Result<Next, String> {
        let Progress::Reading { mut read, pages, is_stale } = std::mem::take(&mut self.progress) else {
            return Err("nobody asked for it".to_owned());
        };
        let page: ListToolsResult<'_> = serde_json::from_str(result).map_err(|error| short(&error))?;
        if is_stale {
            self.progress = Progress::Reading { read: List::default(), pages: 1, is_stale: false };
            return Ok(Next::Page(None));
        }
        for tool in page.tools {
            self.read_tool(tool.get(), &mut read)?;
        }
        match page.next_cursor {
            Some(cursor) if pages < CATALOGUE_PAGES_MAX => {
                self.progress = Progress::Reading { read, pages: pages + 1, is_stale };
                Ok(Next::Page(Some(cursor)))
            }
            _ => {
                let known: HashSet<&String> = self.tools.iter().collect();
                let new = read.names.iter().filter(|name| !known.contains(name)).cloned().collect();
                let is_update = std::mem::replace(&mut self.is_known, true);
                let was_read = std::mem::replace(&mut self.was_read, true);
                let is_another = was_read && !is_update && self.tools != read.names;
                self.tools = read.names;
                self.headers = read.headers;
                self.faults = read.faults;
                Ok(Next::Complete { new, is_update, is_another })
            }
        }
    }

    fn read_tool(&self, text: &str, read: &mut List) -> Result<(), String> {
        let Tool { name } = serde_json::from_str(text).map_err(|error| short(&error))?;
        if self.filter.as_ref().is_some_and(|filter| !is_offered(filter, &name)) {
            return Ok(());
        }
        match ToolHeaders::of_tool(text) {
            Ok(headers) if headers.is_empty() => {}
            Ok(headers) => drop(read.headers.insert(name.as_str().into(), headers)),
            Err(fault) if self.is_strict => {
                read.faults.push(format!("{}: {fault}", shorten(&name)));
                return Ok(());
            }
            // Without headers an annotation is no more than a word.
            Err(_) => {}
        }
        read.names.push(name);
        Ok(())
    }

    /// The upstream refused to list.
    pub fn on_refused(&mut self) {
        self.progress = Progress::Idle;
    }

    /// The link is gone. What its tools were is remembered.
    pub fn on_gone(&mut self) {
        self.progress = Progress::Idle;
        self.is_known = false;
    }
}

fn short(error: &serde_json::Error) -> String {
    shorten(&error.to_string()).into_owned()
}

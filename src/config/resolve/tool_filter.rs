//! Which tools are offered: the part of [`super::resolve`] that concerns `toolFilter`.

use crate::config::node::{At, Field};
use crate::config::raw::{RawOptions, RawToolFilter};
use crate::config::report::{Place, Report};
use crate::config::{ToolFilter, ToolFilterMode};

/// The filter of an enabled server; `None` where everything is offered.
pub(super) fn resolve(options: &RawOptions, report: &mut Report) -> Option<ToolFilter> {
    let At { value: raw, place } = options.tool_filter.given()?;
    let mode = mode(raw, place, report);
    let names = names(raw, report);
    if names.is_empty() && !matches!(raw.list, Field::Refused) {
        let advice = "It lists no tools, so every tool is offered, as in the reference. List some, or remove it.";
        report.warn(place, "filters nothing", advice);
    }
    if names.is_empty() { None } else { Some(ToolFilter { mode: mode?, names }) }
}

/// The reference reads a filter among the options of the proxy and lets no server inherit it.
pub(super) fn warn_of_common(options: &RawOptions, report: &mut Report) {
    if let Some(At { place, .. }) = options.tool_filter.given() {
        report.warn(place, "has no effect here", "It belongs in the options of a server; none inherits it.");
    }
}

/// Letter case does not count, as in the reference.
fn mode(raw: &RawToolFilter, place: &Place, report: &mut Report) -> Option<ToolFilterMode> {
    const ADVICE: &str = "Write \"allow\" to offer only the listed tools, \"block\" to offer all others.";
    match &raw.mode {
        Field::Absent => report.error(place, "has no mode", ADVICE),
        Field::Refused => {}
        Field::Given(At { value, .. }) if value.eq_ignore_ascii_case("allow") => return Some(ToolFilterMode::Allow),
        Field::Given(At { value, .. }) if value.eq_ignore_ascii_case("block") => return Some(ToolFilterMode::Block),
        Field::Given(At { place, .. }) => report.error(place, "must be \"allow\" or \"block\"", ADVICE),
    }
    None
}

fn names(raw: &RawToolFilter, report: &mut Report) -> Vec<String> {
    let mut names = Vec::new();
    for At { value, place } in raw.list.value().into_iter().flatten() {
        if value.trim().is_empty() {
            report.error(place, "is an empty name", "Remove it.");
        } else {
            names.push(value.clone());
        }
    }
    names
}

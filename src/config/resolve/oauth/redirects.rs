//! Where clients may be sent with a code: `redirectURIs`.

use crate::base::nearest::nearest;
use crate::config::node::{At, Field};
use crate::config::oauth::{Redirect, RedirectPreset};
use crate::config::report::Report;

/// By default only Claude's own pages.
pub(super) fn resolve(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<Redirect> {
    let Some(At { value: list, place }) = field.given() else { return vec![Redirect::Preset(RedirectPreset::Claude)] };
    if list.is_empty() {
        let advice = "Leave it out to allow Claude, or list presets and URIs.";
        report.error(place, "is empty: no client could come back from the login", advice);
    }
    let mut redirects = Vec::new();
    for At { value, place } in list {
        match Redirect::parse(value) {
            Ok(Redirect::Exact(uri)) if uri.is_plain_site() => {
                report.error(place, "is no https URI", "Write https: on the way, anybody could take the code.");
            }
            Ok(redirect) => redirects.push(redirect),
            Err(_) if !value.contains(':') => report.error(place, "is neither a URI nor a preset", advice(value)),
            Err(error) => {
                let is_http = value.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
                let example = if is_http { "https://client.example/callback" } else { "app.example://callback" };
                let advice = format!("Write it exactly as the client registers it: \"{example}\"");
                report.error(place, format!("is no URI to be sent to: {error}"), advice);
            }
        }
    }
    redirects
}

/// What may be meant by a word.
fn advice(word: &str) -> String {
    let names = RedirectPreset::ALL.map(|(name, _)| name);
    match nearest(word, names) {
        Some(name) => format!("Did you mean \"{name}\"?"),
        None => format!("Write the whole URI, or one of {}.", names.join(", ")),
    }
}

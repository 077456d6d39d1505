//! Where clients may be sent with a code: `redirectURIs`.

use crate::base::nearest::nearest;
use crate::base::url::{Scheme, Url, is_app_scheme, is_loopback_name};
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
        match redirect(value) {
            Ok(redirect) => redirects.push(redirect),
            Err((what, advice)) => report.error(place, what, advice),
        }
    }
    redirects
}

fn redirect(text: &str) -> Result<Redirect, (String, String)> {
    if let Some((_, preset)) = RedirectPreset::ALL.iter().find(|(name, _)| *name == text) {
        return Ok(Redirect::Preset(*preset));
    }
    let names = RedirectPreset::ALL.map(|(name, _)| name);
    let Some((scheme, rest)) = text.split_once(':') else {
        let advice = match nearest(text, names) {
            Some(name) => format!("Did you mean \"{name}\"?"),
            None => format!("Write the whole URI, or one of {}.", names.join(", ")),
        };
        return Err(("is neither a URI nor a preset".to_owned(), advice));
    };
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    if is_http {
        let url = Url::parse(text).map_err(|error| {
            let advice = "Write it exactly as the client registers it: \"https://client.example/callback\"";
            (format!("is no URI to be sent to: {error}"), advice.to_owned())
        })?;
        if url.scheme() == Scheme::Http && !is_loopback_name(url.host()) {
            let advice = "Write https: on the way, anybody could take the code.";
            return Err(("is no https URI".to_owned(), advice.to_owned()));
        }
        return Ok(Redirect::Exact(text.to_owned()));
    }
    let is_fit = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if is_app_scheme(scheme) && is_fit {
        Ok(Redirect::Exact(text.to_owned()))
    } else {
        let advice = "Write it exactly as the client registers it: \"app.example://callback\"";
        Err(("is no URI to be sent to".to_owned(), advice.to_owned()))
    }
}

//! What must hold for arbitrary configurations, as text and on their way here.

use mcp_proxy::base::url::Url;
use mcp_proxy::codec::jsonc;
use mcp_proxy::config::download::{Download, DownloadError, Output, Wanted, is_exposed};
use mcp_proxy::config::report::Problem;
use mcp_proxy::config::source::{Source, text};
use mcp_proxy::config::{Around, Config, expand, load, template_dir};
use mcp_proxy::limits::CONFIG_BYTES_MAX;
use mcp_proxy::oauth::settings::Settings;
use serde_json::value::RawValue;

use super::seeded;

/// Stands in every variable that is set, and must never be told.
const SECRET: &str = "s3cr3t-v4lue";

/// Comments go, and nothing else: all that is left stands where it stood, JSON stays as it is, and once is enough.
pub(crate) fn jsonc(data: &[u8]) {
    let mut blanked = data.to_vec();
    let result = jsonc::blank(&mut blanked);
    assert_eq!(blanked.len(), data.len());
    for (before, after) in data.iter().zip(&blanked) {
        assert!(before == after || *after == b' ' && !matches!(before, b'\n' | b'\r'));
    }
    if let Err(error) = result {
        assert!(matches!(data[error.offset()], b'/' | b'"'));
        return;
    }
    let is_json = |text: &[u8]| serde_json::from_slice::<&RawValue>(text).is_ok();
    if is_json(data) {
        assert_eq!(blanked, data);
    }
    let mut again = blanked.clone();
    assert_eq!(jsonc::blank(&mut again), Ok(()));
    assert_eq!(again, blanked);
    // The same with a comment in front of it, and behind.
    let commented = [b"/* , */", data, b"\n// ,"].concat();
    let mut blanked_too = commented.clone();
    if !data.starts_with(b"\xef\xbb\xbf") {
        assert_eq!(jsonc::blank(&mut blanked_too), Ok(()));
        assert_eq!(blanked_too[7..7 + data.len()], blanked);
    }
}

/// Whatever a file says, it is a configuration or a list of what is wrong; each place is in the file, and what stands
/// in variables is told to nobody.
pub(crate) fn config(data: &[u8]) {
    let Ok(read) = text(data.to_vec()) else { return };
    if read.contains("s3cr3t") {
        return; // the fuzzer knows it as well
    }
    let source = Source::new("config.json", read);
    let variables = |name: &str| (!name.contains("UNSET")).then(|| SECRET.to_owned());
    for around in [Around::default(), Around { variables: Some(&variables), ..Around::default() }] {
        match load(&source, &around) {
            Ok(config) => check_config(&config, &source),
            Err(problems) => {
                assert!(!problems.0.is_empty());
                check_problems(&problems.0, &source);
            }
        }
        if let Err(problems) = template_dir(&source, around.variables) {
            check_problems(&problems.0, &source);
        }
    }
}

fn check_problems(problems: &[Problem], source: &Source) {
    let lines: Vec<&str> = source.text().split('\n').collect();
    for problem in problems {
        let (line, column) = (problem.position.line, problem.position.column);
        assert!((1..=lines.len()).contains(&line), "{problem}");
        assert!((1..=lines[line - 1].chars().count() + 1).contains(&column), "{problem}");
        assert!(!problem.to_string().contains(SECRET) && !problem.to_line().contains(['\n', '\r']), "{problem}");
    }
    assert!(problems.windows(2).all(|pair| pair[0].position <= pair[1].position), "they are not in the file's order");
}

fn check_config(config: &Config, source: &Source) {
    check_problems(&config.warnings, source);
    assert!(!config.servers.is_empty());
    for (at, server) in config.servers.iter().enumerate() {
        assert!(config.servers[..at].iter().all(|other| other.name != server.name), "two are called {}", server.name);
        assert!(!server.name.is_empty() && !server.startup_time.is_zero() && !server.request_time.is_zero());
        assert!(!server.label.contains(SECRET), "{}", server.label);
        if let Some(remote) = server.target.remote() {
            assert_eq!(Url::parse(&remote.url.to_string()).as_ref(), Ok(&remote.url));
        }
    }
    if let Some(oauth) = &config.oauth {
        let settings = Settings::of(oauth, &config.servers);
        assert!(!format!("{settings:?}").contains(SECRET));
    }
}

/// What has no dollar sign stays as it is, what is written for one becomes one, and values are not looked into.
pub(crate) fn expand(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let variables = |name: &str| match name {
        "UNSET" => None,
        "EMPTY" => Some(String::new()),
        _ => Some(format!("<${name}>")),
    };
    let expanded = expand::expand(text, &variables);
    match &expanded {
        Ok(expanded) if !text.contains('$') => assert_eq!(expanded, text),
        Ok(_) => {}
        Err(faults) => assert!(!faults.is_empty() && faults.len() <= text.matches('$').count()),
    }
    let nothing = |_: &str| None;
    let escaped = text.replace('$', "${DOLLAR:-$}");
    assert_eq!(expand::expand(&escaped, &nothing).as_deref(), Ok(text));
    // What is filled in does not depend on what stands before or behind it.
    let joined = expand::expand(&format!("$A {text}\u{0} "), &variables);
    let is_closed = text.rsplit_once("${").is_none_or(|(_, rest)| rest.contains('}'));
    match (expanded, joined) {
        (Ok(expanded), Ok(joined)) if is_closed => assert_eq!(joined, format!("<$A> {expanded}\u{0} ")),
        (Err(faults), Err(joined)) if is_closed => assert_eq!(joined, faults),
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => assert!(!is_closed),
        (expanded, joined) => panic!("{expanded:?}, but {joined:?}"),
    }
}

/// A download comes to the same end under any cut; and on its way it never leads from where nobody listens to where
/// everybody does, nor shows its secrets to another origin. A bell stands between what comes on two connections.
pub(crate) fn download(data: &[u8]) {
    let (mut cuts, input) = seeded(data);
    let url = ["https://a.example/c.json", "http://a.example/c", "http://127.0.0.1:1/c"][cuts.below(3)];
    let answers: Vec<&[u8]> = input.split(|byte| *byte == 7).collect();
    let whole = fetch(url, answers.iter().map(|answer| vec![*answer]));
    assert_eq!(fetch(url, answers.iter().map(|answer| cuts.cut(answer))), whole);
}

/// What came out, if it is over, and the places that were asked. Of what is wrong in several ways, the cut decides
/// which is seen first.
type Fetched = (Option<Option<String>>, Vec<String>);

/// Each connection brings its pieces, then ends.
fn fetch<'a>(url: &str, answers: impl Iterator<Item = Vec<&'a [u8]>>) -> Fetched {
    let url = Url::parse(url).unwrap();
    let headers = vec![("Authorization".to_owned(), SECRET.to_owned())];
    let mut download = Download::new(Wanted { url: url.clone(), headers });
    let (mut places, mut has_left) = (Vec::new(), false);
    for pieces in answers {
        match download.poll_output() {
            Some(Output::Connect) => {}
            Some(Output::Done(result)) => return (Some(ended(result)), places),
            None => return (None, places),
        }
        let to = download.destination();
        assert!(!is_exposed(to) || is_exposed(&url), "{to}");
        has_left |= to.origin() != url.origin();
        places.push(to.to_string());
        download.handle_connected();
        let request = String::from_utf8_lossy(download.request_bytes()).into_owned();
        assert_eq!(request.contains(SECRET), !has_left, "{request}");
        download.handle_sent(request.len());
        pieces.into_iter().for_each(|piece| download.handle_received(piece)); // ignored once it is to go elsewhere
        download.handle_finished();
    }
    match download.poll_output() {
        Some(Output::Done(result)) => (Some(ended(result)), places),
        Some(Output::Connect) | None => (None, places),
    }
}

fn ended(result: Result<String, DownloadError>) -> Option<String> {
    let ended = result.map_err(|error| error.to_string());
    assert!(ended.as_ref().map_or_else(|reason| !reason.contains(SECRET), |text| text.len() <= CONFIG_BYTES_MAX));
    ended.ok()
}

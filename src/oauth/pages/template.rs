//! One page: its template, built in or the operator's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotmpl::html::Template as GoTemplate;
use gotmpl::{MissingKey, TemplateError, Value};
use sha2::{Digest, Sha256};

use super::source::{self, NONCE, Prepared, TRANSACTION};
use super::{Page, login_data, success_data};
use crate::config::redirect_uri::RedirectUri;
use crate::limits::TEMPLATE_BYTES_MAX;
use crate::oauth::answer::{LoginPage, SuccessPage};

/// What the trial fills in everywhere: it must come out again.
const TRIAL: &str = "mcp-proxy-trial";

/// A page that has been rendered once.
pub(super) struct Template {
    page: Page,
    template: GoTemplate,
    /// Hashes of its handlers, as sources of a Content-Security-Policy.
    handlers: String,
}

/// Why a file cannot be a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// Which page.
    pub page: Page,
    /// Where, counted from 1; `None` if it is not known, or nowhere in particular.
    pub line: Option<usize>,
    /// What is wrong.
    pub cause: String,
}

/// `authorize.html:12: …`
impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.page.file_name())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for TemplateFault {}

impl Template {
    /// Reads the source, and tries it.
    pub(super) fn new(page: Page, source: &str) -> Result<Template, TemplateFault> {
        let fault = |line, cause: String| TemplateFault { page, line, cause };
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(fault(None, format!("it is longer than {} KiB", TEMPLATE_BYTES_MAX / 1024)));
        }
        source::check_blocks(source).map_err(|(line, cause)| fault(Some(line), cause.to_owned()))?;
        let Prepared { text, forms, handlers } = source::prepare(source);
        let empty = GoTemplate::new(page.file_name()).missing_key(MissingKey::Error);
        let template = empty.parse(&text).map_err(|error| explained(page, &error, source))?;
        let template = Template { page, template, handlers: hashes(&handlers) };
        for data in page.trials() {
            let html = template.execute(&data).map_err(|error| explained(page, &error, source))?;
            let is_complete = match page {
                Page::Authorize => html.contains(TRANSACTION),
                Page::Success => html.contains(TRIAL),
            };
            if !is_complete {
                return Err(fault(None, page.missing(forms).to_owned()));
            }
        }
        Ok(template)
    }

    /// The page with everything filled in.
    pub(super) fn render(&self, data: &Value, nonce: &str, transaction: &str) -> Result<String, TemplateFault> {
        let html = self.execute(data).map_err(|error| explained(self.page, &error, ""))?;
        let html = html.replace(NONCE, &format!("nonce=\"{nonce}\""));
        Ok(html.replace(TRANSACTION, &format!("name=\"txn\" value=\"{transaction}\"")))
    }

    /// What of its handlers may run.
    pub(super) fn handlers(&self) -> &str {
        &self.handlers
    }

    fn execute(&self, data: &Value) -> Result<String, TemplateError> {
        self.template.execute_to_string(data)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({})", self.page.file_name())
    }
}

impl Page {
    /// What a new template is tried with: nothing if it could not be parsed, which a test rules out.
    fn trials(self) -> Vec<Value> {
        let Ok(redirect_uri) = RedirectUri::parse("https://mcp-proxy-trial.example/") else { return Vec::new() };
        let text = || TRIAL.to_owned();
        let login = |error_message: &str| LoginPage {
            client_name: text(),
            resource_name: text(),
            client_id: text(),
            redirect_uri: redirect_uri.clone(),
            response_type: text(),
            scope: text(),
            state: text(),
            code_challenge: text(),
            resource: text(),
            error_message: error_message.to_owned(),
            username: text(),
            txn: String::new(),
        };
        match self {
            Page::Authorize => ["", TRIAL].map(|error| login_data(&login(error))).to_vec(),
            Page::Success => {
                let (username, client_name, parameters) = (String::new(), String::new(), String::new());
                let page = SuccessPage { username, client_name, redirect_uri: redirect_uri.clone(), parameters };
                vec![success_data(&page)]
            }
        }
    }

    /// What is wrong with a page on which there is no way on.
    fn missing(self, forms: usize) -> &'static str {
        match self {
            Page::Authorize if forms == 0 => "it has no <form method=\"post\"> in which to log in",
            Page::Authorize => "its <form method=\"post\"> is not always there",
            Page::Success => "it does not lead on: {{.RedirectURL}} is missing",
        }
    }
}

/// In the words of the engine, with the line where it names one.
fn explained(page: Page, error: &TemplateError, source: &str) -> TemplateFault {
    let (mut line, mut cause) = (0, error.to_string());
    if let TemplateError::Parse { line: at, message, .. } | TemplateError::Lex { line: at, message, .. } = error {
        (line, cause) = (*at, message.clone());
    } else if let TemplateError::Escape { line: at, description, .. } = error {
        (line, cause) = (*at, description.clone());
    } else if let TemplateError::MissingKey { key } = error {
        let before = source.find(&format!(".{key}")).map(|offset| &source[..offset]);
        line = before.map_or(0, |before| before.matches('\n').count() + 1);
        cause = format!("there is no {{{{.{key}}}}}; known here: {}", page.names().join(", "));
    }
    TemplateFault { page, line: Some(line).filter(|line| *line > 0), cause }
}

/// Handlers stand in attributes, which no nonce can be given to (Content Security Policy 3, 6.7.3.3).
fn hashes(handlers: &[String]) -> String {
    let hash = |handler: &String| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(handler.as_bytes())));
    let mut hashes: Vec<String> = handlers.iter().map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.concat()
}

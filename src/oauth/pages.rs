//! The pages that people see: the login, and the way back to the client.
//!
//! ```text
//! built in, or {templateDir}/oauth/NAME.html ── source::prepare ──▶ nonce and hidden field in their places
//!                                                  └── trial ──▶ Template      (or a fault: the last good one stays)
//! LoginPage, SuccessPage ── data ──▶ Template ── contextual escaping ──▶ Rendered: HTML and its headers
//! ```
//!
//! The templates are Go's html/template, since people have customised those of the reference. Each file counts on its
//! own. What clients say about themselves is data: it is escaped for the place where it stands, and never parsed.

mod error;
pub mod source;
mod template;

use gotmpl::html::URL;
use gotmpl::{ToValue, Value, tmap};

use self::template::Template;
pub use self::template::TemplateFault;
use super::answer::{self, LoginPage, SuccessPage};
use crate::base::text::shorten;
use crate::config::redirect_uri::RedirectUri;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The form.
    Authorize,
    /// Behind it.
    Success,
}

impl Page {
    /// Both.
    pub const ALL: [Page; 2] = [Page::Authorize, Page::Success];

    /// The file in `{templateDir}/oauth`.
    pub const fn file_name(self) -> &'static str {
        match self {
            Page::Authorize => "authorize.html",
            Page::Success => "success.html",
        }
    }

    /// The source that is used where there is no file.
    pub const fn built_in(self) -> &'static str {
        match self {
            Page::Authorize => include_str!("../../templates/oauth/authorize.html"),
            Page::Success => include_str!("../../templates/oauth/success.html"),
        }
    }

    /// What may be filled in.
    fn names(self) -> &'static [&'static str] {
        match self {
            Page::Authorize => &[
                "ClientName",
                "ResourceName",
                "ClientID",
                "RedirectURI",
                "ResponseType",
                "Scope",
                "State",
                "CodeChallenge",
                "Resource",
                "ErrorMessage",
                "Username",
                "RedirectHost",
                "RedirectIsLoopback",
                "RedirectIsApp",
            ],
            Page::Success => {
                &["Username", "RedirectURL", "ClientName", "RedirectHost", "RedirectIsLoopback", "RedirectIsApp"]
            }
        }
    }
}

/// A page, ready to be sent.
#[derive(Debug)]
pub struct Rendered {
    /// The body.
    pub html: String,
    /// `Content-Security-Policy`; the other headers are the answer's.
    pub policy: String,
    /// Why this is the built-in page although there is another.
    pub fault: Option<TemplateFault>,
}

/// Both pages.
#[derive(Debug)]
pub struct Pages {
    authorize: Slot,
    success: Slot,
}

#[derive(Debug)]
struct Slot {
    built_in: Template,
    custom: Option<Template>,
}

impl Slot {
    fn new(page: Page) -> Result<Slot, TemplateFault> {
        Ok(Slot { built_in: Template::new(page, page.built_in())?, custom: None })
    }
}

impl Pages {
    /// The built-in ones.
    ///
    /// # Errors
    /// None, since they are fit to be rendered: a test does so.
    pub fn new() -> Result<Pages, TemplateFault> {
        Ok(Pages { authorize: Slot::new(Page::Authorize)?, success: Slot::new(Page::Success)? })
    }

    /// A file of the operator's has appeared, changed, or gone.
    ///
    /// # Errors
    /// It cannot be used: what was there before stays, be it the file's last good version or the built-in page.
    pub fn handle_file(&mut self, page: Page, source: Option<&str>) -> Result<(), TemplateFault> {
        let custom = source.map(|source| Template::new(page, source)).transpose()?;
        match page {
            Page::Authorize => self.authorize.custom = custom,
            Page::Success => self.success.custom = custom,
        }
        Ok(())
    }

    /// A page of an answer. `nonce` is for this answer only; like the `txn` that ties a form to its browser, it is made
    /// of letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// None that is known: not even the built-in page can be rendered.
    pub fn render(&self, page: &answer::Page, nonce: &str) -> Result<Rendered, TemplateFault> {
        match page {
            answer::Page::Login(page) => self.authorize.render(&login_data(page), &page.redirect_uri, nonce, &page.txn),
            answer::Page::Success(page) => self.success.render(&success_data(page), &page.redirect_uri, nonce, ""),
            answer::Page::Error { message } => Ok(error::page(message, nonce)),
        }
    }
}

impl Slot {
    fn render(
        &self,
        data: &Value,
        redirect: &RedirectUri,
        nonce: &str,
        transaction: &str,
    ) -> Result<Rendered, TemplateFault> {
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        debug_assert!(is_plain(nonce) && is_plain(transaction), "they are put into the page as they are");
        let custom = self.custom.as_ref().map(|custom| (custom, custom.render(data, nonce, transaction)));
        let (template, html, fault) = match custom {
            Some((custom, Ok(html))) => (custom, html, None),
            Some((_, Err(fault))) => (&self.built_in, self.built_in.render(data, nonce, transaction)?, Some(fault)),
            None => (&self.built_in, self.built_in.render(data, nonce, transaction)?, None),
        };
        Ok(Rendered { html, policy: policy(nonce, template.handlers(), redirect), fault })
    }
}

/// Scripts and styles run that are in the source, and nobody else's; images and fonts are for those who customise. A
/// form may be sent to us, and from here on to where the client is.
fn policy(nonce: &str, handlers: &str, redirect: &RedirectUri) -> String {
    let handlers = if handlers.is_empty() { " 'none'".to_owned() } else { format!(" 'unsafe-hashes'{handlers}") };
    let redirect = redirect.csp_source();
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; script-src-attr{handlers}; style-src 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data: https:; font-src 'self' data: https:; base-uri 'none'; \
         form-action 'self' {redirect}; frame-ancestors 'none'"
    )
}

fn login_data(page: &LoginPage) -> Value {
    tmap! {
        "ClientName" => shown(&page.client_name),
        "ResourceName" => shown(&page.resource_name),
        "ClientID" => page.client_id.as_str(),
        "RedirectURI" => page.redirect_uri.as_str(),
        "ResponseType" => page.response_type.as_str(),
        "Scope" => page.scope.as_str(),
        "State" => page.state.as_str(),
        "CodeChallenge" => page.code_challenge.as_str(),
        "Resource" => page.resource.as_str(),
        "ErrorMessage" => page.error_message.as_str(),
        "Username" => page.username.as_str(),
        "RedirectHost" => page.redirect_uri.destination(),
        "RedirectIsLoopback" => page.redirect_uri.is_on_this_device(),
        "RedirectIsApp" => page.redirect_uri.is_app(),
    }
}

fn success_data(page: &SuccessPage) -> Value {
    let (redirect, url) = (&page.redirect_uri, page.redirect_url());
    tmap! {
        "Username" => shown(&page.username),
        // Of other schemes than the web's, html/template makes "#ZgotmplZ" unless it is told that they are meant.
        "RedirectURL" => if redirect.is_app() { URL::from(url.as_str()).to_value() } else { url.to_value() },
        "ClientName" => shown(&page.client_name),
        "RedirectHost" => redirect.destination(),
        "RedirectIsLoopback" => redirect.is_on_this_device(),
        "RedirectIsApp" => redirect.is_app(),
    }
}

/// A name that somebody chose: short, and without the characters that turn the text around it.
fn shown(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    shorten(name).replace(turns, "")
}

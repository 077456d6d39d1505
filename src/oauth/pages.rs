//! The pages that people see: the login, and the way back to the client.
//!
//! ```text
//! built in, or {templateDir}/oauth/NAME.html ── source::prepare ──▶ nonce and hidden field in their places
//!                                                  └── trial ──▶ Template      (or a fault: the last good one stays)
//! Login, Success ── data ──▶ Template ── contextual escaping ──▶ Rendered: HTML and its headers
//! ```
//!
//! The templates are Go's html/template, since people have customised those of the reference. Each file counts on its
//! own. What clients say about themselves is data: it is escaped for the place where it stands, and never parsed.

mod destination;
mod error;
pub mod source;
mod template;

use gotmpl::html::URL;
use gotmpl::{ToValue, Value, tmap};

pub use self::destination::Destination;
use self::template::Template;
pub use self::template::TemplateFault;
use crate::base::text::shorten;

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

/// What the login page says. All of it may come from an attacker.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of OAuth, and of the reference's templates")]
pub struct Login<'a> {
    pub client_name: &'a str,
    pub resource_name: &'a str,
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub response_type: &'a str,
    pub scope: &'a str,
    pub state: &'a str,
    pub code_challenge: &'a str,
    pub resource: &'a str,
    /// Empty the first time.
    pub error_message: &'a str,
    /// What was typed before, if anything.
    pub username: &'a str,
}

/// What the page behind the login says.
#[derive(Debug, Clone, Copy)]
pub struct Success<'a> {
    /// Who logged in.
    pub username: &'a str,
    /// For whom.
    pub client_name: &'a str,
    /// The redirect URI with code and state.
    pub redirect_url: &'a str,
}

/// A page, ready to be sent.
#[derive(Debug)]
pub struct Rendered {
    /// The body.
    pub html: String,
    /// `Content-Security-Policy`; the others are [`HEADERS`].
    pub policy: String,
    /// Why this is the built-in page although there is another.
    pub fault: Option<TemplateFault>,
}

/// The headers of every page. With `no-referrer`, browsers would send `Origin: null` with the form.
pub const HEADERS: [(&str, &str); 5] = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
];

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

    /// The login page. `nonce` is for this answer only, `transaction` ties the form to the browser; both are made of
    /// letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// None that is known: not even the built-in page can be rendered.
    pub fn login(&self, login: &Login<'_>, nonce: &str, transaction: &str) -> Result<Rendered, TemplateFault> {
        let destination = Destination::new(login.redirect_uri);
        self.authorize.render(&login.data(), &destination, nonce, transaction)
    }

    /// The page behind it, with status 200: as a redirect, browsers would hold it against `form-action` as well.
    ///
    /// # Errors
    /// As for [`Pages::login`].
    pub fn success(&self, success: &Success<'_>, nonce: &str) -> Result<Rendered, TemplateFault> {
        let destination = Destination::new(success.redirect_url);
        self.success.render(&success.data(), &destination, nonce, "")
    }
}

impl Pages {
    /// The page for what goes wrong before there is a client to be told.
    pub fn error(&self, message: &str, nonce: &str) -> Rendered {
        error::page(message, nonce)
    }
}

impl Slot {
    fn render(
        &self,
        data: &Value,
        destination: &Destination,
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
        Ok(Rendered { html, policy: policy(nonce, template.handlers(), destination), fault })
    }
}

/// Scripts and styles run that are in the source, and nobody else's; images and fonts are for those who customise. A
/// form may be sent to us, and from here on to where the client is.
fn policy(nonce: &str, handlers: &str, destination: &Destination) -> String {
    let handlers = if handlers.is_empty() { " 'none'".to_owned() } else { format!(" 'unsafe-hashes'{handlers}") };
    let form_action = destination.form_action();
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; script-src-attr{handlers}; style-src 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data: https:; font-src 'self' data: https:; base-uri 'none'; \
         form-action 'self'{form_action}; frame-ancestors 'none'"
    )
}

impl Login<'_> {
    fn data(&self) -> Value {
        let destination = Destination::new(self.redirect_uri);
        tmap! {
            "ClientName" => shown(self.client_name),
            "ResourceName" => shown(self.resource_name),
            "ClientID" => self.client_id,
            "RedirectURI" => self.redirect_uri,
            "ResponseType" => self.response_type,
            "Scope" => self.scope,
            "State" => self.state,
            "CodeChallenge" => self.code_challenge,
            "Resource" => self.resource,
            "ErrorMessage" => self.error_message,
            "Username" => self.username,
            "RedirectHost" => destination.host(),
            "RedirectIsLoopback" => matches!(destination, Destination::Loopback(_)),
            "RedirectIsApp" => matches!(destination, Destination::App(_)),
        }
    }
}

impl Success<'_> {
    fn data(&self) -> Value {
        let destination = Destination::new(self.redirect_url);
        // Of other schemes than the web's, html/template makes "#ZgotmplZ" unless it is told that they are meant.
        let redirect_url = match destination {
            Destination::App(_) => URL::from(self.redirect_url).to_value(),
            Destination::Site(_) | Destination::Loopback(_) => self.redirect_url.to_value(),
            Destination::Nowhere => "about:blank".to_value(), // also for scripts, where no scheme is filtered
        };
        tmap! {
            "Username" => shown(self.username),
            "RedirectURL" => redirect_url,
            "ClientName" => shown(self.client_name),
            "RedirectHost" => destination.host(),
            "RedirectIsLoopback" => matches!(destination, Destination::Loopback(_)),
            "RedirectIsApp" => matches!(destination, Destination::App(_)),
        }
    }
}

/// A name that somebody chose: short, and without the characters that turn the text around it.
fn shown(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    shorten(name).replace(turns, "")
}

//! JSON-RPC 2.0 messages, scanned for what routes them and otherwise left alone.
//!
//! - [`envelope`] is for messages of downstreams: it validates all of the text and refuses what could be read in two
//!   ways (duplicate members, wrong types).
//!   Messages in the usual spelling, which are nearly all, it reads at a fraction of the cost (`usual`).
//! - [`quick`] is for answers of our own children: it reads a few bytes at either end of a line that may be megabytes.
//! - [`members`] goes through an object and says where each member stands; [`mod@elements`] goes through an array.
//! - [`spelling`] finds a member that no reader can take for another.
//! - [`search`] looks for members without reading.
//! - [`rewrite`] says what changes in a message, wherever it is written to.
//! - [`splice`] copies a message once, with other ids in it.
//! - [`object`] takes an object apart that is to be put together anew.
//! - [`mod@write`] builds the few messages that are ours.

pub mod elements;
pub mod envelope;
pub mod members;
pub mod object;
pub mod quick;
pub mod rewrite;
pub mod search;
pub mod spelling;
pub mod splice;
mod usual;
mod walk;
pub mod write;

/// The text is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is not a JSON-RPC 2.0 message.
pub const INVALID_REQUEST: i32 = -32600;
/// The method does not exist.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are not what the method takes.
pub const INVALID_PARAMS: i32 = -32602;
/// Something else went wrong while answering.
pub const INTERNAL_ERROR: i32 = -32603;
/// A header is missing, or says something else than the body (2026-07-28, `HeaderMismatch`).
pub const HEADER_MISMATCH: i32 = -32020;
/// The client has not declared what the request needs of it (2026-07-28, `MissingRequiredClientCapability`).
pub const MISSING_CAPABILITY: i32 = -32021;
/// The revision is not spoken here (2026-07-28, `UnsupportedProtocolVersion`).
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// Errors of the HTTP surface (no session, forbidden, …), as the official SDKs number them.
pub const TRANSPORT_ERROR: i32 = -32000;
/// The session is unknown or has ended, as the official SDKs number it.
pub const SESSION_NOT_FOUND: i32 = -32001;

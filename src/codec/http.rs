//! HTTP/1.1, to the letter of RFC 9110 and RFC 9112.
//!
//! As a server speaks it: one [`ServerCodec`] per connection.
//!
//! ```text
//!                   request head                    answer complete, body read
//!  AwaitingHead ────────────────> Exchange ─────────────────────────────────────> AwaitingHead
//!                                  │  │  answer complete, body unread              ^
//!                                  │  └──────────────────────────────> Draining ───┘ rest of the body read
//!                                  │                                      │
//!                                  │ "close", a refusal, HTTP/1.0 …       │ too much of it
//!                                  └───────────────> Closing <────────────┘
//! ```
//!
//! As a client speaks it: one [`ClientCodec`] per connection, one request at a time.
//!
//! ```text
//!        request              head                 body read
//!  Idle ─────────> AwaitingHead ─────> ReceivingBody ─────────> Idle
//!    │               │  ^  │ 1xx         │          │
//!    │               │  └──┘             │          │ "close", HTTP/1.0, bytes behind the response …
//!    └───────────────┴───────────────────┴──────────┴──> Closing
//!                        a fault, the end
//! ```
//!
//! The codecs never copy and never keep input: what they do not use up, their caller presents again with more behind.
//! What could be read in two ways is refused and the connection closed, because the other reading is the one that
//! smuggles messages past whoever stands between us and the peer.

mod chunked;
mod exchange;
mod framing;
mod grammar;
mod head_reader;
mod request_line;

mod write;

pub mod body;
pub mod client;
pub mod head;
pub mod headers;
pub mod refusal;
pub mod response;
pub mod server;
pub mod status;
pub mod target;
pub mod version;

pub use body::{Body, BodyLength, Data, ResponseLength};
pub use client::{ClientCodec, Fault, Request, ResponseHead};
pub use head::Head;
pub use headers::HeadStorage;
pub use refusal::Refusal;
pub use request_line::Method;
pub use response::Response;
pub use server::{CloseReason, Event, Phase, ServerCodec, Step};
pub use target::Target;
pub use version::Version;

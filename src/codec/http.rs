//! HTTP/1.1 as a server speaks it, to the letter of RFC 9110 and RFC 9112.
//!
//! One [`ServerCodec`] per connection:
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
//! The codec never copies and never keeps input: what it does not use up, its caller presents again with more behind.
//! What could be read in two ways is refused with 400 and the connection closed, because the other reading is the
//! one that smuggles requests past whoever stands in front of us.

mod chunked;
mod exchange;
mod framing;
mod grammar;
mod request_line;
mod status;

pub mod body;
pub mod head;
pub mod refusal;
pub mod response;
pub mod server;
pub mod target;

pub use body::{Body, BodyLength, Data};
pub use head::{Head, HeadStorage};
pub use refusal::Refusal;
pub use request_line::{Method, Version};
pub use response::Response;
pub use server::{CloseReason, Event, Phase, ServerCodec, Step};
pub use target::Target;

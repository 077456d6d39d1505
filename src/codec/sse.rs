//! Server-sent events (WHATWG HTML, 9.2): written for downstreams by [`encode`], read from upstreams by [`decode`].

pub mod decode;
pub mod encode;

pub use decode::{Decoder, Event, Item};
pub use encode::{Fields, comment, event};

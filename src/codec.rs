//! Row 2: bytes in, events out. No sockets, no clock, no configuration.
//!
//! Every codec takes slices of input and says how much of them it has used up. It gives the same answers however the
//! input was cut into pieces, and it refuses what can never become valid instead of waiting for more of it.

pub mod form;
pub mod header_value;
pub mod http;
pub mod jsonc;
pub mod jsonrpc;
pub mod lines;
pub mod prometheus;
pub mod sse;

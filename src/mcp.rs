//! Row 4: the protocol, without a wire: versions, sessions, calls, asks, streams, and what messages mean.

pub mod ask;
pub mod attribution;
pub mod call;
pub mod from_upstream;
pub mod introduction;
pub mod list_filter;
pub mod log_level;
pub mod method;
pub mod owners;
pub mod replay;
pub mod session;
pub mod stream;
pub mod tally;
pub mod tool_filter;
pub mod trouble;
pub mod version;

//! What several tests share.

pub(crate) mod fuzzed;
pub(crate) mod wire;

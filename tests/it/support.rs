//! What several tests share.

pub(crate) mod answers;
pub(crate) mod client_wire;
pub(crate) mod clock;
pub(crate) mod fuzzed;
pub(crate) mod jsonrpc;
pub(crate) mod lives;
pub(crate) mod login;
pub(crate) mod modern;
pub(crate) mod modern_upstreams;
pub(crate) mod oauth;
pub(crate) mod pair;
pub(crate) mod playbook;
pub(crate) mod requests;
pub(crate) mod results;
pub(crate) mod rng;
pub(crate) mod wire;
pub(crate) mod world;

//! Row 4: the proxy as an OAuth 2.1 authorization server.

pub mod client_ip;
pub mod pages;
pub mod password_hash;

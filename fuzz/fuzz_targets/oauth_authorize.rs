//! Feeds arbitrary bytes to `support::fuzzed::oauth_authorize`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_proxy_fuzz::run("oauth_authorize", data));

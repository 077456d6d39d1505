//! Feeds arbitrary bytes to `support::fuzzed::form`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_proxy_fuzz::run("form", data));

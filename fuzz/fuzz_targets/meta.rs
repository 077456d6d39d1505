//! Feeds arbitrary bytes to `support::fuzzed::meta`, which says what must hold.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/it/support/client_wire.rs"]
mod client_wire;
#[allow(dead_code)]
#[path = "../../tests/it/support/fuzzed.rs"]
mod fuzzed;
#[allow(dead_code)]
#[path = "../../tests/it/support/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::meta(data));

//! What proxies say of a client, made up by libFuzzer, for the body of the same subject in `src/`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dragoman_fuzz::edge::forwarded(data));

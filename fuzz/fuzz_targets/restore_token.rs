#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::rpc::properties::restore_token;

fuzz_target!(|input: (&str, u16, u8, &[u8])| {
    let (value, at, altered, request) = input;
    restore_token(request, value, usize::from(at), altered);
});

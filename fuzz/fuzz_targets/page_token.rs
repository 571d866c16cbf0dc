#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::rpc::properties::{altered_page_token, page_token};

fuzz_target!(|input: (&str, u16, &str, u16, u8)| {
    let (part, skip, token, at, altered) = input;
    page_token(token);
    altered_page_token(part, skip, token, usize::from(at), altered);
});

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::rpc::properties::{altered_resume_token, ledger_token};

fuzz_target!(|input: (&str, &str, i64, u16, u8)| {
    let (text, epoch, seq, at, altered) = input;
    ledger_token(text);
    altered_resume_token(epoch, seq, usize::from(at), altered);
});

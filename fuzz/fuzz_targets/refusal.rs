#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::rpc::properties::refusal;

fuzz_target!(|faults: Vec<(&str, &str)>| refusal(&faults));

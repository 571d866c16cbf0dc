#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::domain::properties::{WINDOWS, window};
use strongroom_fuzz::{Piece, text};

fuzz_target!(|input: (i64, Vec<Piece<'_>>)| window(&text(WINDOWS, &input.1), input.0 % 260_000_000_000));

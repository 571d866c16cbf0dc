#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::domain::properties::{KEPT, kept_job, tellings};
use strongroom_fuzz::{Piece, text};

fuzz_target!(|input: (Vec<(u8, u8, u8)>, Vec<Piece<'_>>, Vec<Piece<'_>>)| {
    let (told, common, own) = input;
    tellings(&told);
    kept_job(&text(KEPT, &common), &text(KEPT, &own));
});

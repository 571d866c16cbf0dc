#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::domain::properties::{CRONS, schedule};
use strongroom_fuzz::{Piece, text};

/// Those whose clocks do what others' do not: half an hour, a day left out, a change at midnight.
const ZONES: [&str; 5] = ["", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"];

fuzz_target!(|input: (u8, i64, Vec<Piece<'_>>)| {
    let (zone, second, pieces) = input;
    // Within the years that a calendar has, so that most instants are some.
    schedule(&text(CRONS, &pieces), ZONES[usize::from(zone) % ZONES.len()], second % 260_000_000_000);
});

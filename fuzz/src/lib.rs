//! How a fuzzer's bytes become the inputs of the laws that `strongroom` holds in its modules `properties`.

use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// A piece of a text: a word of the grammar, or anything.
#[derive(Debug, Arbitrary)]
pub enum Piece<'b> {
    Word(u8),
    Text(&'b str),
}

/// The pieces as one text.
pub fn text(words: &[&str], pieces: &[Piece<'_>]) -> String {
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Word(index) => words[usize::from(*index) % words.len()],
        Piece::Text(text) => text,
    });
    pieces.collect()
}

/// A target whose law is of one text, made of these words.
#[macro_export]
macro_rules! of_text {
    ($law:path, $words:path) => {
        libfuzzer_sys::fuzz_target!(|pieces: Vec<$crate::Piece<'_>>| $law(&$crate::text($words, &pieces)));
    };
}

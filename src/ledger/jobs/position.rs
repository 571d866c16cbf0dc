//! Where a page of jobs begins, and its text in a token.

/// Where a page begins: after the job that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPosition {
    /// Its key.
    pub(super) key: i64,
    /// When it ended, in milliseconds; of the order of ends alone.
    pub(super) done: i64,
}

impl JobPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, done) = text.split_once('.')?;
        let number = |text: &str| i64::from_str_radix(text, 36).ok().filter(|number| *number >= 0);
        Some(Self { key: number(key)?, done: number(done)? })
    }
}

impl std::fmt::Display for JobPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", Base36(self.key), Base36(self.done))
    }
}

/// Never negative.
struct Base36(i64);

impl std::fmt::Display for Base36 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut digits = Vec::new();
        let mut rest = usize::try_from(self.0).unwrap_or_default();
        loop {
            digits.push(char::from(DIGITS.get(rest % 36).copied().unwrap_or(b'0')));
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(&digits.into_iter().rev().collect::<String>())
    }
}

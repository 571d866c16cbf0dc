//! `*` in ARNs and in the Like operators. Nothing else is special: `?` is itself.

/// Whether an ARN matches an entry of `Resources`: `*` is any run of characters, anywhere `[D]`.
pub fn matches_arn(pattern: &str, arn: &str) -> bool {
    matches(pattern.as_bytes(), arn.as_bytes(), |_| true)
}

/// Whether a tag's value matches a StringLike pattern: `*` is any run of characters that are not white space `[D]`.
pub fn matches_like(pattern: &str, value: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let value: Vec<char> = value.chars().collect();
    matches(&pattern, &value, |character| !character.is_whitespace())
}

/// Greedy matching that backs up to the last star only. That is enough without a limit on what a star takes; with one,
/// a character that no star takes must be matched literally, so no earlier star could have stretched over it either.
fn matches<T: Copy + PartialEq + From<u8>>(pattern: &[T], text: &[T], star_takes: impl Fn(T) -> bool) -> bool {
    let star = T::from(b'*');
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&star) {
            last_star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == text.get(t) {
            p += 1;
            t += 1;
        } else if let Some((star_p, star_t)) = last_star.filter(|(_, star_t)| star_takes(text[*star_t])) {
            last_star = Some((star_p, star_t + 1));
            p = star_p + 1;
            t = star_t + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|rest| *rest == star)
}

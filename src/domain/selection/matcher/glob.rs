//! `*` in ARNs and in the Like operators. Nothing else is special: `?` is itself.

/// Whether an ARN fits an entry of `resources`: `*` stands for any run of characters, anywhere `[D]`.
pub(in crate::domain::selection) fn fits_arn(pattern: &str, arn: &str) -> bool {
    fits(pattern, arn, |_| true)
}

/// Whether a tag's value fits a Like pattern: `*` stands for any run of characters that are not white space `[D]`.
pub(super) fn fits_like(pattern: &str, value: &str) -> bool {
    fits(pattern, value, |run| !run.contains(char::is_whitespace))
}

/// Whether it would fit if `*` took white space too.
pub(super) fn fits_like_but_for_white_space(pattern: &str, value: &str) -> bool {
    fits(pattern, value, |_| true)
}

/// Takes each piece between two stars where it first occurs. No later place could do better: a star that reaches it has
/// run over the first one, so that neither holds what stars do not take.
fn fits(pattern: &str, text: &str, star_takes: impl Fn(&str) -> bool) -> bool {
    let Some((first, pieces)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces = pieces.split('*');
    let last = pieces.next_back().unwrap_or_default();
    for piece in pieces {
        match rest.split_once(piece) {
            Some((run, after)) if star_takes(run) => rest = after,
            _ => return false,
        }
    }
    rest.strip_suffix(last).is_some_and(star_takes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, without regard to cost.
    fn by_definition(pattern: &[char], text: &[char], white_space: bool) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                by_definition(rest, text, white_space)
                    || matches!(text, [next, left @ ..]
                        if (white_space || !next.is_whitespace()) && by_definition(pattern, left, white_space))
            }
            ([wanted, rest @ ..], [next, left @ ..]) => wanted == next && by_definition(rest, left, white_space),
            _ => false,
        }
    }

    #[test]
    fn a_star_of_like_takes_no_white_space() {
        for (pattern, value, expected) in [
            ("prod*", "production", true),
            ("*", "", true),
            ("*", "two words", false),
            ("two *", "two words", true),
            ("* *", "three more words", false),
            ("p?od", "prod", false),
            ("Prod*", "production", false),
            ("", "", true),
            ("", "a", false),
            ("a*a", "a", false),
            ("é*", "été", true),
        ] {
            assert_eq!(fits_like(pattern, value), expected, "{pattern:?} on {value:?}");
        }
    }

    proptest! {
        #[test]
        fn stars_fit_by_definition(pattern in "[ab *]{0,8}", text in "[ab ]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(fits_like(&pattern, &text), by_definition(&p, &t, false));
            prop_assert_eq!(fits_arn(&pattern, &text), by_definition(&p, &t, true));
        }
    }
}

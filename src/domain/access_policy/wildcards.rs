//! `*` and `?` of policies: any run of characters, and any one of them.

/// Whether the text fits the pattern. The last star takes one more character whenever what follows it does not fit.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || text.get(read) == Some(wanted) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_any_one() {
        for (pattern, text, fit) in [
            ("*", "", true),
            ("backup:put*", "backup:putbackupvaultaccesspolicy", true),
            ("backup:*accesspolicy", "backup:putbackupvaultaccesspolicy", true),
            ("backup:???backup*", "backup:putbackupvaultaccesspolicy", true),
            ("backup:??backup*", "backup:putbackupvaultaccesspolicy", false),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("", "a", false),
            ("?", "", false),
            ("a**", "a", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} on {text}");
        }
    }
}

//! What somebody may have meant by a word that is none of those that are known.

/// The known word that was most likely meant: the same one in other letters, or a slip of the fingers. Case and the
/// signs between words count for little.
pub fn nearest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    nearest_within(text, known, 0.6)
}

/// As [`nearest`], of words that are alike so that they have to be as near as that: 1 is the same.
pub(super) fn nearest_within<'k>(text: &str, known: impl IntoIterator<Item = &'k str>, bar: f64) -> Option<&'k str> {
    // What is much longer than any word that is known is no slip of one.
    let asked = bare(&text[..text.floor_char_boundary(100)]);
    let score = |word: &str| strsim::normalized_damerau_levenshtein(&bare(word), &asked);
    // Of several that differ in signs alone, the one in other capitals.
    let alike = |word: &str| word.eq_ignore_ascii_case(text);
    let scored = known.into_iter().map(|word| (score(word), word));
    let best = scored.max_by(|(one, word), (other, rival)| one.total_cmp(other).then(alike(word).cmp(&alike(rival))));
    best.filter(|(score, _)| *score >= bar).map(|(_, word)| word)
}

/// Whether two words differ in nothing but case and the signs between their parts.
pub(super) fn same_letters(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

fn bare(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The question at the end of a fault, such as `; did you mean RDS?`; blank where nothing is near.
pub fn did_you_mean<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    question(nearest(text, known))
}

/// As [`did_you_mean`], of ARNs: they are told apart by what they end in, and that has much in common too.
pub fn arn_meant<'k>(arn: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let resource = |arn: &'k str| Some((arn.splitn(6, ':').nth(5)?, arn));
    let known: Vec<(&str, &str)> = known.into_iter().filter_map(resource).collect();
    let asked = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let near = nearest_within(asked, known.iter().map(|(resource, _)| *resource), 0.8);
    question(known.iter().find(|(resource, _)| Some(*resource) == near).map(|(_, arn)| *arn))
}

/// Takes what was asked by [`did_you_mean`] out of a text.
pub fn without_question(text: &mut String) {
    if let Some(at) = text.find(QUESTION) {
        let end = text[at..].find('?').map_or(text.len(), |end| at + end + 1);
        text.replace_range(at..end, "");
    }
}

/// How a question begins.
pub const QUESTION: &str = "; did you mean ";

pub(super) fn question(meant: Option<&str>) -> String {
    meant.map(|word| format!("{QUESTION}{word}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_by_the_word_that_was_meant() {
        let known = ["RDS", "Aurora", "SAP HANA on Amazon EC2", "VirtualMachine", "DynamoDB"];
        for (text, meant) in [
            ("rds", Some("RDS")),
            ("RDSS", Some("RDS")),
            ("aurroa", Some("Aurora")),
            ("virtual-machine", Some("VirtualMachine")),
            ("sap hana on ec2", Some("SAP HANA on Amazon EC2")),
            ("floppy", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, known), meant, "{text}");
        }
        assert_eq!(nearest("V1", ["v-1", "v1", "v_1"]), Some("v1"));
        assert_eq!(did_you_mean("dynamo db", known), "; did you mean DynamoDB?");
        assert_eq!(did_you_mean("floppy", known), "");
        // The hundredth byte stands within a letter.
        let (long, beginning) = (format!("x{}", "é".repeat(1_000)), format!("x{}", "é".repeat(49)));
        assert_eq!(
            nearest(&long, [beginning.as_str()]),
            Some(beginning.as_str()),
            "no more than the beginning is compared"
        );
        let at = |id: &str| format!("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-{id}");
        let (one, other) = (at("6098e551-7ba5-4901-a959"), at("0f3c7a50-7d5e-4d3c-8c0f"));
        let meant = |arn: &str| arn_meant(arn, [one.as_str(), other.as_str()]);
        assert_eq!(meant(&at("6098E551-7BA5-4901-A959")), format!("; did you mean {one}?"));
        assert_eq!(meant(&at("f1e2d3c4-b5a6-4978-8899")), "");
    }
}

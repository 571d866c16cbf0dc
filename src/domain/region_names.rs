//! The regions and partitions of AWS that are known today. A region of tomorrow needs no release: the configuration names it.

use super::{
    Fault, RegionName, did_you_mean,
    nearest::{nearest_within, question},
};

/// The partitions of AWS, as they stand after `arn:`, with how the names of their regions begin `[D]`. `aws` has all others.
const PARTITIONS: [(&str, &str); 8] = [
    ("aws", ""),
    ("aws-cn", "cn-"),
    ("aws-us-gov", "us-gov-"),
    ("aws-iso", "us-iso-"),
    ("aws-iso-b", "us-isob-"),
    ("aws-iso-e", "eu-isoe-"),
    ("aws-iso-f", "us-isof-"),
    ("aws-eusc", "eusc-"),
];

/// The regions, those that an account has to opt into and those of closed partitions too, as AWS's own tools list them in
/// November 2026 `[X]`. Of equally near ones the last is meant, so the most used ones come last.
const REGIONS: [&str; 46] = [
    "us-isof-south-1",
    "us-isof-east-1",
    "eu-isoe-west-1",
    "us-isob-west-1",
    "us-isob-east-1",
    "us-iso-west-1",
    "us-iso-east-1",
    "eusc-de-east-1",
    "cn-northwest-1",
    "cn-north-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-1",
    "ap-south-2",
    "ap-northeast-3",
    "ap-northeast-2",
    "ap-northeast-1",
    "ap-southeast-7",
    "ap-southeast-6",
    "ap-southeast-5",
    "ap-southeast-4",
    "ap-southeast-3",
    "ap-southeast-2",
    "ap-southeast-1",
    "ca-central-1",
    "ca-west-1",
    "eu-central-2",
    "eu-central-1",
    "eu-north-1",
    "eu-south-2",
    "eu-south-1",
    "eu-west-3",
    "eu-west-2",
    "eu-west-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-east-1",
];

impl RegionName {
    /// Whether AWS has the region, as far as is known today.
    pub fn is_known(&self) -> bool {
        REGIONS.contains(&self.as_str())
    }

    /// What is said of a region that is neither known nor configured.
    pub fn unknown(&self) -> Fault {
        let meant = region_meant(self.as_str());
        let newer = "a region newer than this server is one that an operator names in aws.allowed_regions";
        Fault(format!("names region {self}, which AWS is not known to have{meant} ({newer})"))
    }

    /// What may have been meant by a region that is not known: a question, or nothing.
    pub fn meant(&self) -> String {
        if self.is_known() { String::new() } else { region_meant(self.as_str()) }
    }

    /// The partition of AWS that the region is in: what stands after `arn:` `[D]`.
    pub fn partition(&self) -> &'static str {
        let of_prefix = PARTITIONS[1..].iter().find(|(_, prefix)| self.as_str().starts_with(prefix));
        of_prefix.map_or(PARTITIONS[0].0, |(partition, _)| partition)
    }
}

/// The question which region was meant. Their names are alike, so a slip is nearer than one of other words.
pub(super) fn region_meant(text: &str) -> String {
    question(nearest_within(text, REGIONS, 0.75))
}

/// The partition of that name, or the fault of one that AWS does not have.
pub(super) fn partition(name: &str) -> Result<&'static str, Fault> {
    let names = PARTITIONS.map(|(partition, _)| partition);
    names.into_iter().find(|known| *known == name).ok_or_else(|| {
        let meant = did_you_mean(name, names);
        Fault(format!("names partition {}, which AWS does not have{meant}", super::quoted(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> RegionName {
        RegionName::parse(name).unwrap()
    }

    #[test]
    fn every_known_region_is_one_by_its_form_and_in_a_partition_that_aws_has() {
        for name in REGIONS {
            assert!(region(name).is_known(), "{name}");
            assert!(partition(region(name).partition()).is_ok(), "{name}");
        }
        let mut once = REGIONS.to_vec();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), REGIONS.len());
    }

    #[test]
    fn a_region_tells_its_partition() {
        for (name, partition) in [
            ("us-east-1", "aws"),
            ("eu-west-1", "aws"),
            ("mars-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(region(name).partition(), partition, "{name}");
        }
    }

    #[test]
    fn a_slip_in_a_region_is_told_by_the_one_that_was_meant() {
        for (slip, meant) in [
            ("us-est-1", "us-east-1"),
            ("eu-west-11", "eu-west-1"),
            ("us-gov-wst-1", "us-gov-west-1"),
            ("eu-centrale-1", "eu-central-1"),
            ("ap-southest-2", "ap-southeast-2"),
        ] {
            assert!(!region(slip).is_known());
            let told = region(slip).unknown().0;
            assert!(told.contains(&format!("did you mean {meant}?")), "{told}");
        }
        assert!(!region("mars-north-1").unknown().0.contains("did you mean"));
        for spelling in ["US-EAST-1", "us-east-1a", "us_east_1"] {
            assert!(RegionName::parse(spelling).unwrap_err().0.ends_with("; did you mean us-east-1?"), "{spelling}");
        }
        assert!(!region("mars-colony-1").unknown().0.contains("did you mean"));
        assert!(partition("aws-chn").unwrap_err().0.contains("did you mean aws-cn?"));
    }
}

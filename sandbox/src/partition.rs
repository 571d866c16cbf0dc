//! Partitions of AWS: what stands after `arn:` in every ARN, those of AWS's own policies included.
//!
//! The sandbox knows the partition of a request by the region that it is signed for. IAM and STS have no region, but their
//! requests are signed for one of the partition's. An account's regions of several partitions stand side by side here, each
//! partition with its own roles and policies: AWS has an account in one partition alone.

/// The partition of a region; of a name that begins like none of them, the first one.
pub fn of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| *partition)
}

/// Account and the rest, such as `role/x`, of an ARN of IAM, whatever its partition.
pub fn of_iam(arn: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, resource] if partition.starts_with("aws") => Some((account, resource)),
        _ => None,
    }
}

/// The partition in an ARN; blank in what is none.
pub fn in_arn(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition_and_an_arn_of_iam_its_account() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(of(region), partition, "{region}");
        }
        assert_eq!(of_iam("arn:aws-cn:iam::123456789012:role/a:b"), Some(("123456789012", "role/a:b")));
        assert_eq!(of_iam("arn:aws:sts::123456789012:role/a"), None);
        assert_eq!(in_arn("arn:aws-cn:iam::123456789012:role/a"), "aws-cn");
    }
}

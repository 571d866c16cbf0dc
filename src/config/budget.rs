//! The rates of `aws`: how much Strongroom asks of it.

use super::reader::Reader;

/// Most calls a second to each family of AWS's APIs, in each account and region (for IAM: in each account). 0: as many as
/// AWS takes, which is learnt from its throttling; AWS publishes no rates for most of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetConfig {
    /// AWS Backup.
    pub backup: u32,
    /// IAM.
    pub iam: u32,
    /// KMS.
    pub kms: u32,
    /// RDS.
    pub rds: u32,
    /// STS, but for assuming roles.
    pub sts: u32,
    /// Resource Groups Tagging.
    pub tagging: u32,
    /// Roles assumed a second, over all accounts. Bounded in any case: requests name accounts, also such as there are not.
    pub assume_role: u32,
    /// Calls a second that throttling never brings any of them below.
    pub floor: u32,
    /// Calls under way at once of each family in each account and region; further ones wait.
    pub in_flight: usize,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { backup: 0, iam: 0, kms: 0, rds: 0, sts: 0, tagging: 0, assume_role: 50, floor: 5, in_flight: 128 }
    }
}

impl BudgetConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let mut rate = |key: &'static str, default: u32| reader.within(key, default, 0..=100_000);
        let (backup, iam, kms) =
            (rate("aws.backup_rate", d.backup), rate("aws.iam_rate", d.iam), rate("aws.kms_rate", d.kms));
        let (rds, sts, tagging) =
            (rate("aws.rds_rate", d.rds), rate("aws.sts_rate", d.sts), rate("aws.tagging_rate", d.tagging));
        Self {
            backup,
            iam,
            kms,
            rds,
            sts,
            tagging,
            // STS takes 600 calls a second of an account, everybody's together.
            assume_role: reader.within("aws.assume_role_rate", d.assume_role, 1..=600),
            floor: reader.within("aws.least_rate", d.floor, 1..=1000),
            in_flight: reader.within("aws.max_in_flight", d.in_flight, 2..=10_000),
        }
    }
}

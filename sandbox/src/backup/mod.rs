//! AWS Backup: vaults, plans, jobs, recovery points.

pub mod lifecycle;
pub mod schedule;
pub mod slots;

//! The names of the workshop, and the request ids of its steps.

use sha2::{Digest, Sha256};

pub(super) const ROLE: &str = "rdspg-AWSBackupServiceRole";
pub(super) const VAULT: &str = "rdspg-backup-vault";
pub(super) const PLAN: &str = "rdspg-backup-plan";
pub(super) const RULE: &str = "DailyBackups";
pub(super) const SELECTION: &str = "rdspg-bp-resource-selection";
/// The tags by which the selection finds databases.
pub(super) const TAGS: [(&str, &str); 2] = [("Environment", "production"), ("ResourceType", "rdspg-fcj")];
/// The tag by which the tour knows what it made itself.
pub(super) const MADE_BY: (&str, &str) = ("made-by", "strongroom-tour");

/// The same step on the same things has the same id: a tour that is repeated gets the same job, not a second one.
/// What belongs to a vault or plan takes *its* identity in, so that a new vault of the old name starts a new story.
pub(super) fn request_id(step: &str, about: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&step).chain(about) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

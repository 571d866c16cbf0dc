//! What the commands are about.

/// What `strongroom help` says of each noun, in its order.
pub(super) const NOUNS: &[(&str, &str)] = &[
    ("vault", "Vaults: where recovery points are kept"),
    ("plan", "Plans: when what is backed up, and how long it is kept"),
    ("selection", "Selections: which resources a plan backs up"),
    ("backup", "Backups on demand"),
    ("restore", "Restores of recovery points"),
    ("copy", "Copies of recovery points into other vaults, regions and accounts"),
    ("job", "Jobs: backups, restores and copies, under way or ended"),
    ("point", "Recovery points: what there is to restore from"),
    ("hold", "Legal holds: what keeps recovery points from being deleted"),
    ("resource", "Databases, and what AWS Backup protects"),
    ("protection", "Why a database is protected, or is not"),
    ("run", "What rules will back up, and when"),
    ("incident", "What goes wrong, and nobody was told"),
    ("tag", "Tags of resources, vaults, plans and recovery points"),
    ("role", "The service role that AWS Backup acts as"),
    ("account", "The AWS account and region that the server works on"),
    ("settings", "What AWS Backup backs up in an account and region, and what an organization lets it do"),
    ("access", "As whom the server knows its callers, and what they did"),
    ("approval", "What takes a second person who agrees"),
    ("server", "The server itself"),
];

//! The one integration binary: the real server on a free port, a real tonic client, the real AWS SDK, the sandbox behind
//! it, and time moved by hand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on panics, in its helpers too; what they share is no API"
)]

mod accounts;
mod admin;
mod after_restores;
mod allow_missing;
mod audit;
mod authority;
mod aws_operations;
mod backups;
mod budget;
mod calls;
mod checked_permissions;
mod checked_roles;
mod cli;
mod cli_contexts;
mod cli_holds;
mod cli_jobs;
mod cli_retries;
mod cli_tls;
mod cli_vaults;
mod continuous_ends;
mod copies;
mod coverage;
mod doorway;
mod dry_runs;
mod errors;
mod every_change;
mod explanations;
mod filters;
mod flights;
mod global_settings;
mod grammar;
mod harness;
mod identity;
mod imports;
mod incidents;
mod jobs;
mod joined;
mod large_answers;
mod ledger;
mod ledger_restarts;
mod legal_hold_names;
mod legal_holds;
mod listener;
mod lockouts;
mod matching;
mod metrics;
mod missed_runs;
mod missing;
mod names;
mod nonsense;
mod partitions;
mod passing_faults;
mod permissions;
mod plan_changes;
mod plan_updates;
mod plan_vaults;
mod plans;
mod points_in_time;
mod previews;
mod principals;
mod protection;
mod protection_last_night;
mod protection_list;
mod protection_metrics;
mod queue;
mod reasons;
mod recovery_point_changes;
mod recovery_points;
mod repetitions;
mod replacements;
mod replicas;
mod resources;
mod restore_plans;
mod restore_settings;
mod restores;
mod same_words;
mod same_words_of_vaults;
mod schedules;
mod scopes;
mod selections;
mod served;
mod settings;
mod shapes;
mod silences;
mod spans;
mod spellings;
mod summaries;
mod tags;
mod telling;
mod tidy;
mod tls;
mod tokens;
mod upcoming_runs;
mod vault_deletion;
mod vault_locks;
mod vault_settings;
mod vaults;
mod windows;

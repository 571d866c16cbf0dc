//! The gRPC face: the only importer of tonic. A handler is three sentences: convert, call, convert.

mod access;
mod accounts;
mod calls;
mod checksum;
mod convert;
mod doorway;
mod exported;
mod fault;
mod jobs;
mod legal_holds;
mod listener;
mod page_token;
mod plans;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod protection;
mod recovery_points;
mod remembered;
mod resources;
mod restore_token;
mod restores;
mod resume_token;
mod server;
mod server_info;
mod status;
mod telling;
mod vaults;

pub use access::{
    Audit, AuditError, Permissions, PermissionsError, PoliciesTried, check_policies, policy_schema, try_policies,
};
pub use exported::line as exported_line;
pub use listener::{Tls, TlsError};
pub use remembered::Remembered;
pub use server::{Guards, ServerError, serve};
pub use server_info::{About, Limits};
pub use status::{DOMAIN, code_of, reason_name};

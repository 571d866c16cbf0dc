//! The one integration binary: the real server on a free port, a real tonic client, the real AWS SDK, the sandbox behind
//! it, and time moved by hand.

mod accounts;
mod calls;
mod errors;
mod harness;
mod resources;
mod tidy;
mod vaults;

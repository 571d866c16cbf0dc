//! The one integration binary: the real server on a free port, a real tonic client, the real AWS SDK, the sandbox behind
//! it, and time moved by hand.

mod accounts;
mod calls;
mod errors;
mod harness;
mod plans;
mod resources;
mod selections;
mod tidy;
mod vaults;

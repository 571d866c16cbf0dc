//! `strongroom-sandbox`: a local AWS neighbour for development and tests.
//!
//! One port speaks the wire protocols of AWS Backup (restJson1), IAM, RDS, SNS and STS (Query/XML), EventBridge, KMS and
//! Resource Groups Tagging (JSON 1.1), and SQS (JSON 1.0). Time is in your hand: rules fire, jobs progress and recovery points expire on the sandbox clock.
//! It is judged by the AWS CLI, boto3, Terraform and the AWS SDKs, and knows nothing of the strongroom service.
//!
//! The way of a request: [`http`] reads it and finds the service → [`faults`] may spoil it → [`engine`] brings the world
//! up to now → the operation (a plain function over [`world::World`]) → `http` writes the answer. [`control`] answers
//! what AWS doesn't have: the clock, the faults, how events arrive, a look at the state.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use strongroom_sandbox::{Sandbox, SandboxConfig};
//! let sandbox = Sandbox::bind(SandboxConfig::default()).await?;
//! println!("export AWS_ENDPOINT_URL=http://{}", sandbox.local_addr()?);
//! sandbox.serve(tokio_util::sync::CancellationToken::new()).await;
//! # Ok(())
//! # }
//! ```

pub mod backup;
mod body;
pub mod call;
pub mod calls;
pub mod clock;
pub mod config;
pub mod control;
pub mod credentials;
pub mod due;
pub mod engine;
pub mod events;
pub mod faults;
pub mod http;
pub mod iam;
pub mod kms;
pub mod outbox;
pub mod partition;
pub mod query;
mod random_id;
pub mod rds;
pub mod sandbox;
pub mod service;
mod shared;
pub mod sns;
pub mod sqs;
mod start_world;
pub mod sts;
pub mod tagging;
pub mod world;

pub use config::SandboxConfig;
pub use sandbox::Sandbox;

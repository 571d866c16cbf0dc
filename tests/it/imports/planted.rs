//! The lock is tried with code that breaks the rules in every way the house writes imports, and with code that only looks
//! like it.

use super::{
    faults,
    rules::{SANDBOX, STRONGROOM},
};

/// The file, the code, and the path that must be found in it.
const BROKEN: &[(&str, &str, &str)] = &[
    // A group, nested and with a name for itself.
    ("aws/jobs.rs", "use crate::{domain::Arn, rpc::{self, About}};", "crate::rpc::About"),
    ("aws/jobs.rs", "use crate::{domain::Arn, rpc::{self, About}};", "crate::rpc"),
    ("config/server.rs", "use crate::{domain::{Arn, Scope}, aws::{call::{Call}, Aws}};", "crate::aws::call::Call"),
    // Another name.
    ("domain/job.rs", "use crate::aws::Aws as Neighbour;", "crate::aws::Aws"),
    ("domain/job.rs", "use crate::{aws as neighbour}; fn f() { neighbour::go() }", "crate::aws::go"),
    // Everything.
    ("aws/jobs.rs", "use crate::rpc::*;", "crate::rpc::*"),
    ("aws/jobs.rs", "use crate::*;", "crate::*"),
    ("aws/jobs.rs", "use crate as house; fn f() { house::rpc::serve() }", "crate::rpc::serve"),
    ("aws/jobs.rs", "use super::super::*;", "crate::*"),
    // Up by super.
    ("domain/plan/tests_of_rules.rs", "use super::super::super::config::Config;", "crate::config::Config"),
    ("aws/jobs.rs", "use super::{call, super::rpc::About};", "crate::rpc::About"),
    ("aws.rs", "mod inner { use super::super::rpc::About; }", "crate::rpc::About"),
    ("aws.rs", "fn f() { self::super::rpc::serve() }", "crate::rpc::serve"),
    // Without an import.
    ("aws/jobs.rs", "fn f() { crate::rpc::serve(); }", "crate::rpc::serve"),
    ("config.rs", "fn f(aws: &crate::aws::Aws) {}", "crate::aws::Aws"),
    ("config.rs", "struct S { list: Vec<Option<crate::aws::Aws>> }", "crate::aws::Aws"),
    ("config.rs", "impl crate::app::Start for S {}", "crate::app::Start"),
    ("config.rs", "fn f() { S::<crate::app::Start>::go() }", "crate::app::Start"),
    ("domain/job.rs", "pub use crate::proto::Job;", "crate::proto::Job"),
    ("rpc/jobs.rs", "fn f() { use crate::{app, domain::Job}; }", "crate::app"),
    ("rpc/convert/jobs.rs", "use crate::{proto, rpc::status::internal};", "crate::rpc::status::internal"),
    ("cli/mod.rs", "use crate::{VERSION, domain::Arn};", "crate::domain::Arn"),
    ("app.rs", "fn f() -> crate::proto::Limits { crate::proto::Limits::default() }", "crate::proto::Limits::default"),
    ("main.rs", "fn main() { strongroom::app::start() }", "strongroom::app::start"),
    // In macros and attributes.
    ("aws/jobs.rs", "fn f() { tracing::info!(made = %crate::rpc::reason(), \"made\"); }", "crate::rpc::reason"),
    ("aws/jobs.rs", "fn f() { vec![(1, || { let x: ::tonic::Code = 1; })]; }", "tonic::Code"),
    ("aws/jobs.rs", "macro_rules! m { () => { use $crate::{domain, rpc::About}; } }", "crate::rpc::About"),
    ("config.rs", "#[derive(Debug, clap::Args)] struct S;", "clap::Args"),
    // Other crates.
    (
        "rpc/jobs.rs",
        "use aws_sdk_backup::{Client, types::{BackupJob, BackupJobState}};",
        "aws_sdk_backup::types::BackupJob",
    ),
    ("rpc/jobs.rs", "fn f() -> ::aws_smithy_types::DateTime {}", "aws_smithy_types::DateTime"),
    ("domain/job.rs", "use tokio::{sync::Mutex, time};", "tokio::sync::Mutex"),
    ("domain/job.rs", "use std::{fmt, fs::File};", "std::fs::File"),
    ("domain/job.rs", "fn f() { futures_util::future::ready(1); }", "futures_util::future::ready"),
    ("aws/jobs.rs", "extern crate tonic as t; fn f() { t::Code::Ok; }", "tonic"),
    ("lifecycle.rs", "use std::{env, io}; fn f() { env::var_os(\"HOME\"); }", "std::env::var_os"),
    ("rpc/server.rs", "use clap::Parser;", "clap::Parser"),
    ("app.rs", "fn f(it: strongroom_sandbox::Sandbox) {}", "strongroom_sandbox::Sandbox"),
    ("ledger/jobs.rs", "use sqlx::query;", "sqlx::query"),
    ("rpc/calls.rs", "use cedar_policy::Authorizer;", "cedar_policy::Authorizer"),
    // A Status made elsewhere.
    ("rpc/jobs.rs", "fn f() { tonic::Status::internal(\"no\"); }", "tonic::Status::internal"),
    ("rpc/jobs.rs", "use tonic::Status as S; fn f() { S::internal(\"no\"); }", "tonic::Status::internal"),
    (
        "rpc/jobs.rs",
        "use tonic::{Request, Status}; fn f() { r.map_err(Status::from_error) }",
        "tonic::Status::from_error",
    ),
    ("rpc/jobs.rs", "use tonic::{self as t}; fn f() { t::Status::new(c, m) }", "tonic::Status::new"),
    ("rpc/jobs.rs", "type S = tonic::Status; fn f() { S::not_found(\"no\") }", "tonic::Status::not_found"),
    ("rpc/jobs.rs", "use tonic::*; fn f() { Status::unknown(\"no\") }", "Status::unknown"),
    ("rpc/jobs.rs", "use tonic::Status; fn f() { <Status>::ok(\"no\") }", "tonic::Status::ok"),
    (
        "rpc/jobs.rs",
        "use tonic::Status; impl From<E> for Status { fn from(e: E) -> Self { Self::aborted(e) } }",
        "tonic::Status::aborted",
    ),
    (
        "rpc/jobs.rs",
        "use tonic::Status; mod m { use super::*; fn f() { Status::internal(\"no\") } }",
        "tonic::Status::internal",
    ),
    (
        "rpc/jobs.rs",
        "use super::Status; fn f() { Status::invalid_argument(\"no\") }",
        "crate::rpc::Status::invalid_argument",
    ),
    (
        "rpc/jobs.rs",
        "use tonic::Status; fn f() { ready!(Err(Status::unavailable(\"no\"))) }",
        "tonic::Status::unavailable",
    ),
    (
        "rpc/jobs.rs",
        "use tonic_types::StatusExt; fn f() { <tonic::Status as StatusExt>::with_error_details(c, m, d) }",
        "tonic::Status::with_error_details",
    ),
    ("cli/client/mod.rs", "fn f() { tonic::Status::with_metadata(c, m, d) }", "tonic::Status::with_metadata"),
    // Past the modules.
    ("domain/job.rs", "#[path = \"../aws/jobs.rs\"] mod jobs;", "#[path]"),
    ("domain/job.rs", "include!(\"../aws/jobs.rs\");", "include!"),
    ("domain/job.rs", "mod tests;", "mod tests without #[cfg(test)]"),
    // Built not only for tests.
    ("domain/job.rs", "#[cfg(any(test, feature = \"sandbox\"))] use crate::aws::Aws;", "crate::aws::Aws"),
    ("domain/job.rs", "#[cfg(not(test))] use crate::aws::Aws;", "crate::aws::Aws"),
    ("workers_of_mine.rs", "use crate::gone::Thing;", "crate::gone::Thing"),
];

#[test]
fn every_planted_violation_is_found() {
    for (file, code, path) in BROKEN {
        let found = faults(&STRONGROOM, file, code);
        let named = found.iter().any(|fault| fault.starts_with(&format!("{file}: {path}: ")));
        assert!(named, "{file}: {code}\nis to name {path}, and names {found:#?}");
    }
}

#[test]
fn the_sandbox_is_held_too() {
    for (file, code, path) in [
        ("backup/jobs/operations.rs", "use crate::{call::Call, engine::due::Due};", "crate::engine::due::Due"),
        ("faults.rs", "use crate::{call::AwsError, http::Service};", "crate::http::Service"),
        ("query/mod.rs", "fn f() { crate::iam::ACTIONS; }", "crate::iam::ACTIONS"),
        ("world.rs", "use crate::backup::{State, vaults::Vault};", "crate::backup::vaults::Vault"),
        ("engine.rs", "use crate::{faults::{Fault}, world::World};", "crate::faults::Fault"),
        ("call.rs", "use strongroom::domain::Arn;", "strongroom::domain::Arn"),
        ("iam/tests.rs", "use aws_sdk_iam::Client;", "aws_sdk_iam::Client"),
        ("http/mod.rs", "use tonic::Status;", "tonic::Status"),
        ("http/mod.rs", "fn f() { prost::Message::decode(1) }", "prost::Message::decode"),
    ] {
        let found = faults(&SANDBOX, file, code);
        assert!(found.iter().any(|fault| fault.starts_with(&format!("{file}: {path}: "))), "{file}: {code}: {found:?}");
    }
}

#[test]
fn what_only_looks_like_a_violation_is_none() {
    for (file, code) in [
        ("domain/job.rs", "//! crate::aws, tonic::Status::internal(…)\n/* use crate::rpc; */ struct S;"),
        (
            "domain/job.rs",
            "/// See [`crate::aws::Aws`].\nconst S: &str = \"use crate::{aws::Aws}; tonic::Status::new(\";",
        ),
        ("domain/job.rs", "fn f() { println!(\"crate::aws::Aws {}\", 1); }"),
        // Modules, names and crates that are called alike.
        ("config/mod.rs", "mod aws; mod telemetry; use aws::AwsConfig; pub use self::telemetry::TelemetryConfig;"),
        ("config/mod.rs", "mod aws; fn f() { aws::check(); self::aws::check(); super::config::aws::check() }"),
        ("domain/mod.rs", "mod http; fn f() { http::get(); }"),
        ("aws/lifecycle.rs", "use super::lifecycle; use crate::aws::lifecycle::stop;"),
        ("domain/job.rs", "struct Status; impl Status { fn new() -> Self { Self } } fn f() { Status::new(); }"),
        ("aws/jobs.rs", "fn f(status: Status) { status.internal(); job.state.unknown() }"),
        ("rpc/jobs.rs", "use tonic::{Response, Status}; fn f() { e.map(Status::code); Response::new(1); }"),
        ("rpc/jobs.rs", "use crate::domain::{Status as S}; fn f() { S::new() }"),
        // What is allowed.
        ("rpc/status.rs", "use tonic::Status; fn f() { Status::with_error_details(c, m, d) }"),
        ("rpc/status/details.rs", "fn f() { tonic::Status::internal(\"no\") }"),
        ("rpc/convert/jobs.rs", "use super::reader::Reader; use crate::{domain::Job, proto};"),
        ("domain/job.rs", "use std::{collections::BTreeMap, fmt}; use super::Arn;"),
        ("lib.rs", "pub mod proto { tonic::include_proto!(\"strongroom.v1\"); } mod aws; "),
        ("ledger/sqlite/jobs.rs", "use sqlx::query;"),
        // A test may play the other side.
        ("domain/job.rs", "#[cfg(test)] mod tests { use crate::aws::Aws; use tonic::Status; }"),
        ("domain/job.rs", "#[cfg(all(test, feature = \"sandbox\"))] use crate::aws::Aws;"),
        ("domain/job.rs", "#[cfg(test)] mod tests;"),
        ("domain/job/tests.rs", "use crate::rpc::About; fn f() { tonic::Status::internal(\"no\") }"),
        ("telemetry/tests/collector.rs", "use tonic::Status;"),
    ] {
        assert_eq!(faults(&STRONGROOM, file, code), [] as [&str; 0], "{file}: {code}");
    }
    assert_eq!(faults(&SANDBOX, "http/answer.rs", "use crate::{faults::Spoil, service::Service};"), [] as [&str; 0]);
}

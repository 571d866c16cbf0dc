//! The table: one line a module, with what it may import and why not more. Whoever needs a line to say more changes the
//! architecture, and says so in ARCHITECTURE.md.

/// A crate whose imports are held.
pub(super) struct House {
    pub(super) name: &'static str,
    pub(super) folder: &'static str,
    pub(super) modules: &'static [Module],
    pub(super) outside: &'static [Outside],
    /// Where a `tonic::Status` is made.
    pub(super) status: &'static [&'static str],
}

/// What one module may know. The innermost line that fits a module holds; what is within itself it knows anyway.
pub(super) struct Module {
    pub(super) name: &'static str,
    /// Modules and items of the crate; `lib` is what the root itself has.
    pub(super) uses: &'static [&'static str],
    /// The only crates it may know, where that is bounded.
    pub(super) outside: Option<&'static [&'static str]>,
    pub(super) why: &'static str,
}

/// Crates and modules of others that only some may name.
pub(super) struct Outside {
    pub(super) crates: &'static [&'static str],
    pub(super) homes: &'static [&'static str],
    pub(super) tests_may: bool,
    pub(super) why: &'static str,
}

const fn module(name: &'static str, uses: &'static [&'static str], why: &'static str) -> Module {
    Module { name, uses, outside: None, why }
}

const fn only(crates: &'static [&'static str], homes: &'static [&'static str], why: &'static str) -> Outside {
    Outside { crates, homes, tests_may: true, why }
}

const fn never(crates: &'static [&'static str], why: &'static str) -> Outside {
    Outside { crates, homes: &[], tests_may: false, why }
}

/// What the domain may know of other crates: values and arithmetic, no I/O, no tasks, no wire.
const PURE: &[&str] = &["std", "jiff", "serde_json", "sha2", "strsim", "thiserror", "uuid"];

pub(super) const STRONGROOM: House = House {
    name: "strongroom",
    folder: "src",
    modules: STRONGROOM_MODULES,
    outside: STRONGROOM_OUTSIDE,
    // Beside what the server answers: what the client end makes of a call that never came to a server, or of an answer that
    // cannot be read. tonic's `Codec` wants it as a Status.
    status: &["rpc::status", "proto", "cli::client::connection", "cli::tour::guide"],
};

/// main → cli → app → {rpc, workers, console} → {aws, ledger} → domain; config, lifecycle and telemetry beside them.
#[rustfmt::skip]
const STRONGROOM_MODULES: &[Module] = &[
    module("main", &["cli"], "it hands over, and does nothing itself"),
    module("lib", &[], "it is the map, and has no business of its own"),
    module("cli", &["app", "config", "lifecycle", "proto", "telemetry", "lib"], "the command line starts app or calls a server; it knows how nothing works"),
    module("app", &["aws", "config", "console", "domain", "ledger", "lifecycle", "rpc", "telemetry", "workers", "lib"], "app puts the parts together; the command line stands above it, and the wire types are rpc's business"),
    module("console", &["config", "domain", "proto"], "the console is a client of the API in the same process"),
    module("workers", &["aws", "config", "domain", "ledger", "lifecycle"], "workers act on AWS and the ledger; nobody calls back up"),
    module("rpc", &["aws", "config", "domain", "ledger", "lifecycle", "proto", "telemetry", "lib"], "a request goes down: app and cli stand above rpc"),
    module("rpc::convert", &["domain", "proto", "rpc::page_token", "rpc::restore_token"], "conversion knows both kinds of data, and no call, handler or Status"),
    module("aws", &["config", "domain"], "the adapter knows AWS and the domain; nobody calls back up"),
    module("ledger", &["config", "domain"], "the ledger keeps what the domain says; it calls nobody"),
    module("proto", &[], "the wire types are generated, and know nothing"),
    module("telemetry", &["config", "lib"], "it says where logs, traces and metrics go, not what is in them"),
    module("config", &["domain"], "it is data, and does not know who uses it"),
    module("lifecycle", &[], "it ends tasks, and does not know what they do"),
    Module { name: "domain", uses: &[], outside: Some(PURE), why: "the domain is pure: nouns and rules, no I/O, no tasks, no wire, no AWS" },
];

#[rustfmt::skip]
const STRONGROOM_OUTSIDE: &[Outside] = &[
    only(&["tonic", "tonic_*"], &["rpc", "proto", "cli"], "tonic stands in rpc, and in the client commands"),
    only(&["prost", "prost_*"], &["rpc", "proto", "cli"], "protobuf stands in rpc, and in the client commands"),
    only(&["hyper"], &["rpc", "telemetry::admin"], "connections are the listener's business, and the admin port's"),
    only(&["aws_*"], &["aws"], "the AWS SDK stands behind the adapter"),
    only(&["clap", "clap_*"], &["main", "cli"], "the command line is cli's"),
    only(&["std::env"], &["config"], "the environment enters by config"),
    only(&["std::fs", "std::io", "std::net", "std::os", "std::process", "std::thread"], NOT_DOMAIN, "the domain is pure: no I/O"),
    only(&["strongroom_sandbox"], &["app::sandbox"], "the service knows the sandbox only over the wire; app starts it"),
    only(&["sqlx", "sqlx_*"], &["ledger::sqlite", "ledger::postgres"], "SQL stands in the two backends of the ledger"),
    only(&["rustls", "tokio_rustls"], &["rpc::listener", "rpc::access", "cli::client"], "connections are encrypted where they come in, where issuers are asked, and in the client commands"),
    only(&["x509_parser"], &["rpc::access"], "certificates are read where callers come in"),
    only(&["jsonwebtoken", "hyper_rustls"], &["rpc::access"], "tokens are verified, and their issuers asked, where callers come in"),
    only(&["cedar_policy", "cedar_policy_*"], &["rpc::access"], "policies are judged where callers come in"),
];

const NOT_DOMAIN: &[&str] = &[
    "main",
    "lib",
    "cli",
    "app",
    "console",
    "workers",
    "rpc",
    "aws",
    "ledger",
    "proto",
    "telemetry",
    "config",
    "lifecycle",
];

/// Crates that Cargo.toml does not name.
pub(super) const OUTSIDE: [&str; 3] = ["std", "core", "alloc"];

pub(super) const SANDBOX: House = House {
    name: "strongroom_sandbox",
    folder: "sandbox/src",
    modules: SANDBOX_MODULES,
    outside: SANDBOX_OUTSIDE,
    status: &[],
};

/// http → faults → engine → operations → world and what it is made of.
#[rustfmt::skip]
const SANDBOX_MODULES: &[Module] = &[
    module("lib", &["config", "sandbox"], "it is the map, and shows what an embedder needs"),
    module("sandbox", &["clock", "config", "http", "shared"], "it binds, serves and stops"),
    module("http", &["backup::rest", "backup::routes", "body", "call", "control", "credentials", "events", "faults", "iam::ACTIONS", "kms", "query", "rds::ACTIONS", "service", "shared", "sns::ACTIONS", "sqs", "sts::ACTIONS", "tagging", "world"], "it finds the operation and writes the answer; it knows tables of operations, not what they do"),
    module("control", &["body", "call", "clock", "config", "faults", "outbox::Delivery", "service", "shared", "world"], "it answers what AWS does not have; the connections stand above it"),
    module("shared", &["calls", "clock", "config", "engine", "faults", "start_world", "world"], "it is what all connections share, and knows none of them"),
    module("faults", &["call", "service"], "a fault spoils a request by its names; it knows neither the wire nor the world"),
    module("calls", &["service"], "it keeps names; it knows neither the wire nor the world"),
    module("engine", &["backup", "call", "config", "due", "events", "iam::State", "iam::resource_policy", "outbox", "partition", "rds", "sns", "sqs", "world"], "it lets time pass; requests and their faults stand above it"),
    module("start_world", &["call", "rds", "world"], "it builds what is there at first"),
    module("tagging", &["backup::resource_types", "call", "query::page", "rds", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("kms", &["backup::vaults", "call", "rds", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("backup", &["call", "config", "due", "iam::State", "outbox", "partition", "rds", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("events", &["call", "outbox", "query::page", "world"], "a rule says what it matches; the engine carries it to the queues"),
    module("sns", &["call", "events::pattern", "iam::resource_policy", "outbox", "query", "world"], "a topic says who is to have a message; the engine carries it to the queues"),
    module("sqs", &["call", "iam::resource_policy", "query::page", "world"], "a queue keeps what it is given; who brings it stands above"),
    module("iam", &["call", "partition", "query", "random_id", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("rds", &["call", "partition", "query", "random_id", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("sts", &["call", "credentials", "partition", "query", "world"], "an operation never calls the engine, the faults or HTTP"),
    module("service", &["call", "query"], "it is the names of the services, below everybody who asks for them"),
    module("query", &["call", "world"], "it is a protocol, and knows no service's operations"),
    module("call", &["config", "iam::State", "partition", "world"], "it is what every operation gets and gives"),
    module("world", &["backup::State", "backup::settings::GlobalSettings", "config", "due", "events::State", "iam::States", "outbox", "rds::State", "sns::State", "sqs::State", "sts::Sessions"], "it is the sum of what the services keep, by the one name of each"),
    module("config", &["clock"], "it is data, and does not know who uses it"),
    module("body", &[], "it is bytes"),
    module("clock", &[], "it tells the time, and does not know what falls due"),
    module("credentials", &[], "it reads keys"),
    module("outbox", &[], "it carries letters, and does not know who writes or reads them"),
    module("due", &[], "an agenda does not know what it is for"),
    module("partition", &[], "it reads names of regions and ARNs"),
    module("random_id", &[], "it makes ids"),
];

const SANDBOX_OUTSIDE: &[Outside] = &[
    never(&["strongroom"], "the sandbox knows nothing of the service"),
    never(&["aws_*"], "the sandbox is judged by clients nobody here wrote, and uses none"),
    never(&["tonic", "tonic_*", "prost", "prost_*"], "the sandbox speaks AWS's protocols"),
    only(&["std::env", "clap"], &[], "what embeds the sandbox tells it everything"),
];

/// The functions of tonic's that make a `Status`; what begins with `with_` makes one too.
pub(super) const CONSTRUCTORS: [&str; 22] = [
    "aborted",
    "already_exists",
    "cancelled",
    "data_loss",
    "deadline_exceeded",
    "failed_precondition",
    "from_error",
    "from_error_generic",
    "from_header_map",
    "internal",
    "invalid_argument",
    "new",
    "not_found",
    "ok",
    "out_of_range",
    "permission_denied",
    "resource_exhausted",
    "try_from_error",
    "unauthenticated",
    "unavailable",
    "unimplemented",
    "unknown",
];

//! A fault that passes is never told as a denial, an absence or emptiness, and a denial never as a fault that passes: for
//! every RPC, in every way through it, each operation of AWS that it asks for fails in each way.

mod carried_out;
mod judge;
mod malformed;
mod requests;
mod spellings;

use std::{collections::BTreeSet, fmt, sync::LazyLock};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::{
    cli::run,
    every_change::{send, world_and_requests},
    harness::{World, told},
    shapes::methods,
};
use judge::judge;
use requests::{of_checks, of_reads};

/// A call, which a failed test tells.
struct Case {
    rpc: String,
    request: Value,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rpc, self.request)
    }
}

/// A way in which AWS fails.
struct Fault {
    name: &'static str,
    effect: Value,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Passing,
    Denied,
}

impl Fault {
    fn passes(name: &'static str, effect: Value) -> Self {
        Self { name, effect, sort: Sort::Passing }
    }

    /// Every way that passes.
    fn passing() -> Vec<Self> {
        let error = |status: u16, code: &str| json!({"error": {"status": status, "code": code, "message": "later"}});
        vec![
            Self::passes("throttled", json!("throttle")),
            Self::passes("503", error(503, "ServiceUnavailableException")),
            Self::passes("an unknown 500", error(500, "SomethingNewException")),
            Self::passes("502", error(502, "BadGateway")),
            Self::passes("504", error(504, "GatewayTimeout")),
            Self::passes("an unknown 429", error(429, "SomethingNewException")),
            Self::passes("an unknown 404", error(404, "SomethingNewException")),
            Self::passes("dropped", json!("drop_before")),
            Self::passes("cut short", json!("truncate")),
        ]
    }

    /// As the service denies. KMS and the tagging API do so with 400; IAM, RDS and STS have another word for it.
    fn denied(service: &str) -> Self {
        let (status, code) = match service {
            "kms" | "tagging" => (400, "AccessDeniedException"),
            "backup" => (403, "AccessDeniedException"),
            _ => (403, "AccessDenied"),
        };
        let effect = json!({"error": {"status": status, "code": code, "message": "not authorized"}});
        Self { name: "denied", effect, sort: Sort::Denied }
    }

    /// Whether the operation is done all the same.
    fn is_done(&self) -> bool {
        self.effect == "truncate" || self.effect == "drop_after"
    }

    /// The answer of a call while every request of the operation fails in this way.
    async fn strike(&self, world: &World, service: &str, operation: &str, case: &Case) -> Answer {
        world.arm(json!({"service": service, "operation": operation, "rate": 1.0, "effect": self.effect})).await;
        let struck = ask(world, case).await;
        world.disarm().await;
        struck
    }
}

/// What comes of a call: the answer, or code, reason and message of the error.
type Answer = Result<Value, (Code, String, String)>;

async fn ask(world: &World, case: &Case) -> Answer {
    let answer = send(world, method(&case.rpc), case.request.clone(), false).await;
    answer.map(|message| as_json(&message)).map_err(|status| error_of(&status))
}

fn method(name: &str) -> &'static MethodDescriptor {
    static METHODS: LazyLock<Vec<MethodDescriptor>> = LazyLock::new(methods);
    METHODS.iter().find(|method| method.name() == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn as_json(message: &DynamicMessage) -> Value {
    let mut json = serde_json::to_value(message).unwrap();
    // By AWS's clock, which stands still, and this machine's, which does not.
    json.as_object_mut().unwrap().remove("asOf");
    json
}

fn error_of(status: &Status) -> (Code, String, String) {
    let told = told(status);
    (told.code, told.reason, status.message().to_owned())
}

/// The answer of a call where nothing fails, and the operations that it asks for, in their order.
async fn healthy(world: &World, case: &Case) -> (Answer, Vec<(String, String)>) {
    world.asked_for().await;
    let healthy = ask(world, case).await;
    let asked = world.asked_for().await;
    let useless = matches!(&healthy, Err((Code::InvalidArgument | Code::Unavailable | Code::Internal, ..)));
    assert!(!useless, "{case} tries nothing: {healthy:?}");
    (healthy, asked)
}

/// What goes wrong over all cases; nothing of what they ask for changes anything. An operation fails in every way where it
/// is met first, and then by turns: what a fault is taken for is decided at one door.
async fn wrongs(world: &World, cases: Vec<Case>) -> (Vec<String>, usize, BTreeSet<String>) {
    let (mut wrong, mut tried, mut operations) = (Vec::new(), 0, BTreeSet::new());
    for case in cases {
        let (healthy, asked) = healthy(world, &case).await;
        assert_eq!(healthy, ask(world, &case).await, "{case} is not answered alike");
        for (service, operation) in asked.into_iter().collect::<BTreeSet<_>>() {
            let mut faults = Fault::passing();
            if operations.contains(&operation) {
                faults = vec![faults.swap_remove(tried % faults.len())];
            }
            for fault in faults.into_iter().chain([Fault::denied(&service)]) {
                let struck = fault.strike(world, &service, &operation, &case).await;
                tried += 1;
                if let Some(why) = judge(&case, &operation, fault.sort, &healthy, &struck) {
                    wrong.push(format!("{case}, {operation} {}: {why}", fault.name));
                }
            }
            operations.insert(operation);
        }
    }
    (wrong, tried, operations)
}

#[tokio::test]
async fn no_read_tells_a_fault_of_aws_for_something_else() {
    let (world, changes) = world_and_requests().await;
    let (wrong, tried, operations) = wrongs(&world, of_reads(&changes)).await;
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 400 && operations.len() > 30, "{tried} of {operations:?}");
}

#[tokio::test]
async fn no_check_of_a_change_tells_a_fault_of_aws_for_something_else() {
    let (world, changes) = world_and_requests().await;
    let (wrong, tried, operations) = wrongs(&world, of_checks(&changes)).await;
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 400 && operations.len() > 20, "{tried} of {operations:?}");
}

/// People read it on the command line: try again, and not whom to ask for a permission.
#[tokio::test]
async fn the_command_line_says_to_try_again_and_what_a_denial_takes() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    // The command itself tries again for so long.
    let words = ["vault", "get", "missing", "--timeout", "5s"];
    let gone = run(&world, &words).await;
    assert_eq!(gone.code, 5, "{}", gone.err);
    for (fault, code, said) in [
        (Fault::passes("throttled", json!("throttle")), 8, "try again"),
        (Fault::passes("dropped", json!("drop_before")), 8, "try again"),
        (Fault::denied("backup"), 1, "may not list vaults"),
    ] {
        world.arm(json!({"operation": "ListBackupVaults", "rate": 1.0, "effect": fault.effect})).await;
        let struck = run(&world, &words).await;
        world.disarm().await;
        assert_eq!(struck.code, code, "{}: {}", fault.name, struck.err);
        assert!(struck.err.contains(said), "{}: {}", fault.name, struck.err);
        assert!(fault.sort == Sort::Denied || !struck.err.contains("grant"), "{}: {}", fault.name, struck.err);
    }
}

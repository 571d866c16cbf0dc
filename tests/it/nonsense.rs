//! Well-formed nonsense is thrown at every RPC: never INTERNAL, never a panic, always an `ErrorInfo`, within the bounds of
//! what clients take, and nothing is changed where that was promised. The same calls, out of the bytes of a fuzzer, are a
//! target of `fuzz/`.

mod dice;
mod judge;
mod request;
mod session;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use session::Session;
use strongroom::proto::descriptors::methods;

use crate::tidy::files;

/// Calls to one world: what nonsense makes there piles up.
const CALLS_OF_A_WORLD: usize = 500;

/// Enough for the longest request that is made.
const BYTES_OF_A_CALL: usize = 4096;

/// A number of the environment, for runs larger than those of every day.
fn setting(name: &str, default: usize) -> usize {
    std::env::var_os(name).map_or(default, |value| value.to_str().and_then(|value| value.parse().ok()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_gets_an_answer_that_the_api_does_not_have() {
    let calls = setting("STRONGROOM_NONSENSE_CALLS", 1_500);
    let seed = setting("STRONGROOM_NONSENSE_SEED", 1);
    let mut random = fastrand::Rng::with_seed(u64::try_from(seed).unwrap());
    let mut outcomes: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for begin in (0..calls).step_by(CALLS_OF_A_WORLD) {
        let mut session = Session::start().await;
        for number in begin..calls.min(begin + CALLS_OF_A_WORLD) {
            let mut bytes = vec![0; BYTES_OF_A_CALL];
            random.fill(&mut bytes);
            if let Err(fault) = session.call(&bytes).await {
                faults.push(format!("call {number}: {fault}"));
            }
        }
        for (outcome, count) in session.outcomes() {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    println!("{}", summary(&outcomes));
    let first: Vec<&String> = faults.iter().take(setting("STRONGROOM_NONSENSE_SHOWN", 10)).collect();
    assert!(faults.is_empty(), "seed {seed}, {} faults, the first of which are:\n{first:#?}", faults.len());
    // Nonsense that nothing takes would show little.
    let answered: BTreeSet<&str> =
        outcomes.keys().filter(|(_, outcome)| outcome == "OK").map(|(rpc, _)| rpc.as_str()).collect();
    let reasons: BTreeSet<&str> = outcomes.keys().map(|(_, outcome)| outcome.as_str()).collect();
    // Without policies there are none to explain, and no approvals.
    const OF_POLICIES: usize = 6;
    let all = methods().len() - OF_POLICIES;
    assert!(answered.len() * 10 >= all * 7, "{} of {all} RPCs did something: {answered:?}", answered.len());
    assert!(reasons.len() >= 12, "only {reasons:?}");
}

#[test]
fn every_law_of_the_parsers_is_a_target_of_the_fuzzer() {
    let files = files(Path::new("fuzz/fuzz_targets"), "rs");
    let targets: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut laws = 0;
    for module in ["aws", "config", "domain", "rpc"] {
        let properties = fs::read_to_string(format!("src/{module}/properties.rs")).unwrap();
        for law in properties.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next()) {
            let found =
                targets.iter().any(|target| target.contains(&format!("{module}::properties")) && target.contains(law));
            assert!(found, "no target of fuzz/ throws anything at {module}::properties::{law}");
            laws += 1;
        }
    }
    assert!(laws >= 10, "only {laws} laws were found");
    let manifest = fs::read_to_string("fuzz/Cargo.toml").unwrap();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name} is not built"
        );
    }
}

/// How often which outcome, and of which RPCs.
fn summary(outcomes: &BTreeMap<(String, String), usize>) -> String {
    let mut by_reason: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for ((rpc, reason), count) in outcomes {
        let entry = by_reason.entry(reason).or_default();
        entry.0 += count;
        entry.1.insert(rpc);
    }
    let lines =
        by_reason.iter().map(|(reason, (count, rpcs))| format!("{count:>8}  {reason:<28} of {} RPCs", rpcs.len()));
    let done = |rpc: &str| outcomes.contains_key(&(rpc.to_owned(), "OK".to_owned()));
    let undone: BTreeSet<&str> = outcomes.keys().map(|(rpc, _)| rpc.as_str()).filter(|rpc| !done(rpc)).collect();
    format!("{}\nnever done: {undone:?}", lines.collect::<Vec<_>>().join("\n"))
}

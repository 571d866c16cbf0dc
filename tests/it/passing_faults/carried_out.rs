//! Changes that are carried out, and break off at each operation that they ask for: nobody is told that nothing happened
//! when something did, and who repeats the call has what was asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tonic::Code;

use super::{
    Answer, Case, Fault, Sort, ask, healthy,
    judge::{apart, is_told_otherwise, owns_up, wrong_advice},
    method,
};
use crate::{
    every_change::{state, with, world_and_requests},
    harness::{World, request_id},
    shapes::changes_of_aws,
};

/// A world where nothing was changed yet; made anew when something was.
#[derive(Default)]
struct Fresh(Option<(World, BTreeMap<&'static str, Value>, Value)>);

impl Fresh {
    async fn get(&mut self) -> &(World, BTreeMap<&'static str, Value>, Value) {
        if self.0.is_none() {
            let (world, requests) = world_and_requests().await;
            let before = state(&world).await;
            self.0 = Some((world, requests, before));
        }
        self.0.as_ref().unwrap()
    }

    async fn of(&mut self, rpc: &str) -> (&World, Case, &Value) {
        let (world, requests, before) = self.get().await;
        let mut request = with(&requests[rpc], "request_id", request_id(77));
        if method(rpc).input().get_field_by_name("allow_missing").is_some() {
            request = with(&request, "allow_missing", true);
        }
        (world, Case { rpc: rpc.to_owned(), request }, before)
    }
}

/// What is wrong with what a struck change says of itself.
fn judge(case: &Case, operation: &str, sort: Sort, changed: bool, struck: &Answer, healthy: &Answer) -> Option<String> {
    match struck {
        Err((code, reason, message)) => {
            let right = match (sort, changed) {
                (Sort::Passing, true) => reason == "OUTCOME_UNKNOWN",
                (Sort::Passing, false) => {
                    ["AWS_THROTTLED", "AWS_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(&reason.as_str())
                }
                (Sort::Denied, false) => *code == Code::PermissionDenied,
                (Sort::Denied, true) => {
                    reason == "OUTCOME_UNKNOWN"
                        || (*code == Code::PermissionDenied
                            && ["was accepted", "before that this call"].iter().any(|word| message.contains(word)))
                }
            };
            (!right).then(|| format!("{code:?} {reason} (changed: {changed}): {message}"))
        }
        Ok(answer) => {
            let (found, _) = apart(answer);
            let before = healthy.as_ref().map(|healthy| apart(healthy).0).unwrap_or_default();
            let place = |finding: &Value| (finding["code"].clone(), finding["field"].clone());
            let known = |finding: &&Value| before.iter().any(|before| place(before) == place(finding));
            let owned: Vec<&Value> = found.iter().filter(|finding| owns_up(finding) && !known(finding)).collect();
            match owned.is_empty() {
                true if is_told_otherwise(case, operation, sort) => None,
                true => Some(format!("it says nothing of it: {answer}")),
                false => owned.into_iter().find_map(|finding| wrong_advice(sort, finding)),
            }
        }
    }
}

fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List"].iter().any(|verb| operation.starts_with(verb))
}

async fn wrongs(part: impl Fn(usize) -> bool + Send + Sync) -> (Vec<String>, usize) {
    let (mut fresh, mut wrong, mut tried) = (Fresh::default(), Vec::new(), 0);
    let all = changes_of_aws();
    let ours = all.iter().enumerate().filter(|(place, _)| part(*place)).map(|(_, method)| method.name());
    for rpc in ours {
        let (world, case, _) = fresh.of(rpc).await;
        let (healthy, asked) = healthy(world, &case).await;
        assert!(healthy.is_ok(), "{case}: {healthy:?}");
        // What is read before anything is changed, checks read too.
        let asked: BTreeSet<_> = asked.into_iter().skip_while(|(_, operation)| is_read(operation)).collect();
        fresh.0 = None;
        for (service, operation) in asked {
            let is_read = is_read(&operation);
            let mut faults =
                vec![Fault::passes("cut short", json!("truncate")), Fault::passes("throttled", json!("throttle"))];
            if is_read {
                faults.truncate(1);
            } else {
                faults.push(Fault::passes("lost", json!("drop_after")));
            }
            faults.push(Fault::denied(&service));
            for fault in faults {
                let (world, case, before) = fresh.of(rpc).await;
                let struck = fault.strike(world, &service, &operation, &case).await;
                // The overview of the state does not show everything.
                let done = fault.is_done() && !is_read;
                let changed = done || state(world).await != *before;
                tried += 1;
                let mut note = |why: String| wrong.push(format!("{case}, {operation} {}: {why}", fault.name));
                if let Some(why) = judge(&case, &operation, fault.sort, changed, &struck, &healthy) {
                    note(why);
                }
                if changed {
                    match ask(world, &case).await {
                        Ok(_) => {}
                        // It is done, and says so by what is not there any more.
                        Err((Code::NotFound, ..)) if rpc == "DisassociateRecoveryPoint" => {}
                        Err(error) => note(format!("repeated it ends in {error:?}")),
                    }
                }
                if changed || !matches!(&struck, Err((_, reason, _)) if reason != "OUTCOME_UNKNOWN") {
                    fresh.0 = None;
                }
            }
        }
    }
    (wrong, tried)
}

#[tokio::test]
async fn no_change_that_breaks_off_says_that_nothing_happened_one_half() {
    let (wrong, tried) = wrongs(|place| place % 2 == 0).await;
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 50, "{tried}");
}

#[tokio::test]
async fn no_change_that_breaks_off_says_that_nothing_happened_other_half() {
    let (wrong, tried) = wrongs(|place| place % 2 == 1).await;
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 50, "{tried}");
}

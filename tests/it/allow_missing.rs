//! A deletion that may find nothing says what it did not find, and what may have been meant: in every RPC with
//! `allow_missing`, of each name and id in other letters.

use std::collections::BTreeSet;

use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use strongroom::proto::ListLegalHoldsRequest;

use crate::{
    backups::VAULT,
    filters::{ask, findings, found, swapped},
    shapes::methods,
};

/// A request that names what is not there, and what it may mean.
struct Slip {
    rpc: &'static str,
    request: Value,
    meant: String,
}

fn slip(rpc: &'static str, request: Value, meant: &str) -> Slip {
    Slip { rpc, request, meant: meant.to_owned() }
}

/// The id with its first digit replaced.
fn other_digit(id: &str) -> String {
    let other = if id.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &id[1..])
}

/// The id of the first thing on a list.
fn first_id(answer: &DynamicMessage, list: &str) -> String {
    let list = answer.get_field_by_name(list).unwrap();
    let first = list.as_list().unwrap()[0].as_message().unwrap().get_field_by_name("id").unwrap();
    first.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_not_there_is_told_with_what_was_meant_in_every_rpc() {
    let there = found().await;
    let world = &there.world;
    let selections = ask(world, "ListSelections", json!({"plan": "nightly"})).await.unwrap();
    let selection = first_id(&selections, "selections");
    let holds = world.legal_holds().list_legal_holds(ListLegalHoldsRequest::default()).await.unwrap().into_inner();
    let hold = &holds.legal_holds[0];
    let arn = |kind: &str, id: &str| format!("arn:aws:backup:us-east-1:123456789012:{kind}:{id}");
    let plan = &there.plan;
    let point = |at: &str| {
        let (start, id) = there.point.rsplit_once(':').unwrap();
        let id = if at == "capitals" { swapped(id) } else { format!("{id}x") };
        json!({"vault": VAULT, "recovery_point": format!("{start}:{id}")})
    };
    let cancel = |name: &str| json!({"legal_hold": name, "reason": "settled"});
    let slips = [
        slip("DeleteVault", json!({"vault": "PROD"}), VAULT),
        slip("DeleteVault", json!({"vault": "prodd"}), VAULT),
        slip("DeleteVault", json!({"vault": "PROD", "force": true}), VAULT),
        slip("DeleteVault", json!({"vault": arn("backup-vault", "Prod")}), VAULT),
        slip("DeletePlan", json!({"plan": "NIGHTLY"}), "nightly"),
        slip("DeletePlan", json!({"plan": "nightli"}), "nightly"),
        slip("DeletePlan", json!({"plan": other_digit(plan)}), plan),
        slip("DeletePlan", json!({"plan": arn("backup-plan", &other_digit(plan))}), plan),
        slip("DeletePlan", json!({"plan": there.deleted_plan}), ""),
        slip("DeleteSelection", json!({"plan": "nightly", "selection": "LABS"}), "labs"),
        slip("DeleteSelection", json!({"plan": "Nightly", "selection": "labs"}), "nightly"),
        slip("DeleteSelection", json!({"plan": "nightly", "selection": other_digit(&selection)}), &selection),
        slip("DeleteSelection", json!({"plan": other_digit(plan), "selection": "labs"}), plan),
        slip("DeleteRecoveryPoint", point("capitals"), &there.point),
        slip("DeleteRecoveryPoint", point("slip"), &there.point),
        slip("DeleteRecoveryPoint", json!({"vault": "Prod", "recovery_point": there.point}), VAULT),
        slip("CancelLegalHold", cancel("AUDIT"), "audit"),
        slip("CancelLegalHold", cancel(&swapped(&hold.id)), &hold.id),
        slip("CancelLegalHold", cancel(&other_digit(&hold.id)), &hold.id),
        slip("CancelLegalHold", cancel(&hold.arn.replace(&hold.id, &swapped(&hold.id))), &hold.id),
    ];
    let mut wrong = Vec::new();
    for denied in [true, false] {
        world.behave(json!({"switches": {"missing_vault_is_denied": denied}})).await;
        for Slip { rpc, request, meant } in &slips {
            for validate_only in [true, false] {
                let mut request = request.clone();
                request["allow_missing"] = json!(true);
                request["validate_only"] = json!(validate_only);
                let said = match ask(world, rpc, request.clone()).await {
                    Ok(answer) => findings(&answer),
                    Err(status) => vec![(status.message().to_owned(), String::new(), String::new())],
                };
                let asks = if meant.is_empty() { String::new() } else { format!("did you mean {meant}?") };
                let told =
                    said.iter().any(|(code, _, text)| code == "NOTHING_WAS_THERE" && text.ends_with(asks.as_str()));
                if !told {
                    wrong.push(format!("{rpc} {request} wanted {asks:?}: {said:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let allowing = methods().into_iter().filter(|it| it.input().get_field_by_name("allow_missing").is_some());
    let allowing: BTreeSet<String> = allowing.map(|method| method.name().to_owned()).collect();
    let tried: BTreeSet<String> = slips.iter().map(|slip| slip.rpc.to_owned()).collect();
    assert_eq!(tried, allowing);
}

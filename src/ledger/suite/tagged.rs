//! What access policies are decided on.

use std::collections::{BTreeMap, BTreeSet};

use super::scope;
use crate::{
    domain::Scope,
    ledger::{Ledger, Tagged},
};

pub(in crate::ledger) async fn vaults_and_plans_are_known_by_arn_and_name_with_their_tags(ledger: &Ledger) {
    let (here, there) = (scope("us-east-1"), scope("eu-west-1"));
    let arn = |at: &Scope, what: &str| format!("arn:aws:backup:{}:{}:{what}", at.region, at.account);
    let tagged = |at: &Scope, what: &str, name: &str, tags: &[(&str, &str)]| Tagged {
        arn: arn(at, what),
        name: name.to_owned(),
        tags: tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
    };
    let vault = tagged(&here, "backup-vault:it's", "it's", &[("owner", "orders"), ("a \"b\"", "")]);
    let plan = tagged(&here, "backup-plan:1", "nightly", &[]);
    let twin = tagged(&here, "backup-plan:2", "nightly", &[("owner", "billing")]);
    let elsewhere = tagged(&there, "backup-plan:3", "nightly", &[]);
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(ledger.tagged(&here, &named(&["nightly"])).await.unwrap(), []);
    ledger.keep_tagged(&here, &[vault.clone(), plan.clone(), twin.clone()]).await.unwrap();
    ledger.keep_tagged(&there, std::slice::from_ref(&elsewhere)).await.unwrap();
    assert_eq!(ledger.tagged(&here, &named(&["nightly"])).await.unwrap(), [plan.clone(), twin.clone()]);
    let by_arn = named(&[&vault.arn, &elsewhere.arn]);
    assert_eq!(ledger.tagged(&here, &by_arn).await.unwrap(), std::slice::from_ref(&vault));
    assert_eq!(ledger.tagged(&here, &BTreeSet::new()).await.unwrap(), []);
    // Noted anew it is as it is now; by the next look what is no more is gone.
    let renamed = Tagged { name: "weekly".to_owned(), ..plan.clone() };
    ledger.note_tagged(&here, &renamed).await.unwrap();
    assert_eq!(ledger.tagged(&here, &named(&["weekly", "nightly"])).await.unwrap(), [renamed, twin.clone()]);
    ledger.keep_tagged(&here, std::slice::from_ref(&twin)).await.unwrap();
    assert_eq!(ledger.tagged(&here, &named(&["weekly", "nightly", &vault.arn])).await.unwrap(), [twin]);
    assert_eq!(ledger.tagged(&there, &named(&["nightly"])).await.unwrap(), [elsewhere]);
}

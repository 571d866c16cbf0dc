use std::{fs, path::PathBuf};

use crate::config::{Sources, load};

fn read(text: &str) -> Result<crate::config::Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("strongroom.toml");
    fs::write(&path, text).unwrap();
    let loaded = load(&Sources { file: Some(path), ..Sources::default() });
    loaded.map_err(|error| error.faults.iter().map(ToString::to_string).collect())
}

#[test]
fn any_number_of_issuers_is_read_each_under_its_name() {
    let loaded = read(concat!(
        "[access]\nrequire = ['token']\n",
        "[access.issuers.corp]\nissuer = 'https://id.example.com/'\naudiences = ['strongroom']\n",
        "groups_claim = 'realm_access.roles'\nrequired_claims = { hd = 'example.com', 'a.b' = '7' }\n",
        "[access.issuers.kubernetes]\nissuer = 'https://kubernetes.default.svc'\naudiences = ['strongroom', 'other']\n",
        "jwks_file = '/etc/keys.json'\nalgorithms = ['RS256']\n",
    ))
    .unwrap();
    let [corp, kubernetes] = loaded.config.access.issuers.as_slice() else { panic!("{loaded:?}") };
    assert_eq!((corp.name.as_str(), corp.issuer.as_str()), ("corp", "https://id.example.com/"));
    assert_eq!(corp.required_claims["hd"], "example.com");
    assert_eq!(corp.required_claims["a.b"], "7");
    assert_eq!(corp.token_types, ["JWT", "at+jwt"]);
    assert_eq!(kubernetes.algorithms.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["RS256"]);
    let shown: Vec<&str> = loaded.settings.iter().map(|setting| &*setting.key).collect();
    assert!(shown.contains(&"access.issuers.corp.required_claims.hd"), "{shown:?}");
    assert!(!shown.contains(&"access.issuers.corp.jwks_file"), "what is not set of them is not shown");
}

#[test]
fn every_fault_of_every_issuer_is_told_at_once() {
    let faults = read(concat!(
        "[access.issuers.corp]\nissuer = 'http://id.example.com'\nalgorithms = ['none', 'HS256']\naudience = 'x'\n",
        "[access.issuers.Spiffe]\naudiences = ['x']\njwks_uri = 'http://elsewhere.example.com/keys'\n",
        "[access.issuers.file]\nissuer = 'https://f'\naudiences = ['x']\njwks_file = 'k'\njwks_uri = 'https://f/k'\n",
    ))
    .unwrap_err();
    for expected in [
        "access.issuers.corp.issuer",
        "is not encrypted",
        "access.issuers.corp.algorithms = \"none\"",
        "access.issuers.corp.algorithms = \"HS256\"",
        "access.issuers.corp.audiences is missing",
        "access.issuers.corp.audience (",
        "did you mean access.issuers.corp.audiences?",
        "belongs to a table of the name \"Spiffe\"",
        "access.issuers.Spiffe.jwks_uri",
        "access.issuers.file.jwks_uri",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected:?} is missing in {faults:#?}");
    }
}

#[test]
fn an_issuer_that_gives_everybody_tokens_is_taken_with_a_claim_that_says_whose_alone() {
    for issuer in ["https://token.actions.githubusercontent.com", "https://gitlab.com/", "https://accounts.google.com"]
    {
        let table = format!("[access.issuers.ci]\nissuer = '{issuer}'\naudiences = ['strongroom']\n");
        let faults = read(&table).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("everybody") && faults[0].contains("required_claims"), "{faults:?}");
        read(&format!("{table}required_claims = {{ owner = '7' }}\n")).unwrap();
    }
}

#[test]
fn a_server_that_others_reach_and_that_can_know_nobody_does_not_start_unless_it_says_so() {
    let open = read("[server]\nlisten = '0.0.0.0:50051'\n").unwrap_err();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].contains("lets everybody in") && open[0].contains("access.allow_anonymous = true"), "{open:?}");
    read("[server]\nlisten = '0.0.0.0:50051'\n[access]\nallow_anonymous = true\n").unwrap();
    let issuer = "[access.issuers.corp]\nissuer = 'https://id.example.com'\naudiences = ['x']\n";
    read(&format!("[server]\nlisten = '0.0.0.0:50051'\n{issuer}")).unwrap();
    read("[server]\nlisten = '[::1]:50051'\n").unwrap();
}

#[test]
fn what_is_required_must_be_there_to_be_brought() {
    for (text, told) in [
        ("require = ['token']", "no issuer of tokens"),
        ("require = ['certificate']", "client certificates"),
        ("require = ['password']", "expected \"token\" or \"certificate\""),
        ("default = 'deny'", "who-am-i-only"),
    ] {
        let faults = read(&format!("[access]\n{text}\n")).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(told)), "{text}: {faults:?}");
    }
}

use std::{fs, path::PathBuf};

use crate::config::{Flag, Sources, load};

fn read(text: &str) -> Result<crate::config::Loaded, Vec<String>> {
    read_beside(text, Sources::default())
}

fn read_beside(text: &str, others: Sources) -> Result<crate::config::Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("strongroom.toml");
    fs::write(&path, text).unwrap();
    let loaded = load(&Sources { file: Some(path), ..others });
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
fn what_is_said_of_an_issuer_and_says_nothing_is_refused_and_not_left_out() {
    const TABLE: &str = "[access.issuers.ci]\nissuer = 'https://id.example.com'\naudiences = ['x']\n";
    for (line, told) in [
        ("required_claims = { environment = '', owner = '7' }", "required_claims.environment = \"\" ("),
        ("required_claims = { environment = ' ' }", "required_claims.environment = \" \" ("),
        ("required_claims = { environment = {} }", "required_claims.environment ("),
        ("required_claims = { environment = [] }", "required_claims.environment ("),
        ("required_claims = ''", "required_claims ("),
        ("algorithms = []", "algorithms ("),
        ("algorithms = ''", "algorithms = \"\" ("),
        ("token_types = []", "token_types ("),
        ("token_types = ['']", "token_types = \"\" ("),
        ("ca_file = ''", "ca_file = \"\" ("),
        ("jwks_file = ''", "jwks_file = \"\" ("),
        ("principal_claim = ''", "principal_claim = \"\" ("),
    ] {
        let faults = read(&format!("{TABLE}{line}\n")).unwrap_err();
        let told = format!("access.issuers.ci.{told}");
        assert!(faults.len() == 1 && faults[0].starts_with(&told) && faults[0].contains(':'), "{line}: {faults:?}");
    }
    let none = read("[access.issuers.ci]\nissuer = 'https://id.example.com'\naudiences = []\n").unwrap_err();
    assert!(none.len() == 1 && none[0].contains("audiences (") && none[0].contains("empty list"), "{none:?}");
    // A table that was begun is one of an issuer.
    let begun = read("[access.issuers.ci]\n").unwrap_err();
    assert!(begun.iter().any(|fault| fault.starts_with("access.issuers.ci.issuer is missing")), "{begun:?}");
}

#[test]
fn a_claim_that_a_variable_without_a_value_would_require_is_refused() {
    const TABLE: &str = "[access.issuers.ci]\nissuer = 'https://id.example.com'\naudiences = ['x']\n";
    let variable = "STRONGROOM_ACCESS__ISSUERS__CI__REQUIRED_CLAIMS__ENVIRONMENT";
    let others = || Sources { environment: vec![(variable.into(), "".into())], ..Sources::default() };
    let faults = read_beside(TABLE, others()).unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("required_claims.environment") && faults[0].contains(variable));
    // As elsewhere, what is not set leaves what the file says.
    let loaded = read_beside(&format!("{TABLE}required_claims.environment = 'production'\n"), others()).unwrap();
    assert_eq!(loaded.config.access.issuers[0].required_claims["environment"], "production");
}

#[test]
fn a_list_of_what_is_allowed_or_required_is_not_lifted_by_a_text_of_nothing() {
    for key in ["access.require", "aws.allowed_accounts", "aws.allowed_regions"] {
        for text in ["", " ", ",", " , "] {
            let flag = Flag { flag: "--set".to_owned(), key: key.to_owned(), value: text.to_owned() };
            let faults = read_beside("", Sources { flags: vec![flag], ..Sources::default() }).unwrap_err();
            assert!(faults.len() == 1 && faults[0].starts_with(&format!("{key} = \"\" (")), "{text:?}: {faults:?}");
            assert!(faults[0].contains("names nothing") && faults[0].contains("leave it out"), "{faults:?}");
        }
    }
    read("[access]\nrequire = []\n[aws]\nallowed_accounts = []\nallowed_regions = []\n").unwrap();
}

#[test]
fn an_issuer_has_one_table() {
    let table =
        |name: &str, issuer: &str| format!("[access.issuers.{name}]\nissuer = '{issuer}'\naudiences = ['{name}']\n");
    let one = "https://id.example.com";
    let faults = read(&(table("people", one) + &table("other", "https://other") + &table("robots", one))).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("access.issuers.robots.issuer = \"https://id.example.com\" ("), "{faults:?}");
    assert!(faults[0].contains("access.issuers.people") && faults[0].contains("keep one of the tables"), "{faults:?}");
    read(&(table("people", one) + &table("robots", "https://id.example.com/robots"))).unwrap();
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

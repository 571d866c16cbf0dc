//! What it costs to know who calls and to record it: the same server with tokens and the record, beside one without, and
//! what the first call of a token costs, whose signature is looked at.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::json;
use strongroom::proto::{
    GetServerInfoRequest, TagResourceRequest, resource_service_client::ResourceServiceClient,
    server_service_client::ServerServiceClient,
};
use tempfile::TempDir;
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    figures::table,
    instructions, load, peers,
    processes::{Running, STRONGROOM},
    unary::{CALLERS, CONNECTIONS, Medians, in_pairs},
};

const ISSUER: &str = "https://issuer.example";
const VAULT: &str = "gate";

/// What a server asks of its callers and writes down of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// Nothing: as it comes on loopback.
    Off,
    /// A token of each call.
    Tokens,
    /// That, and changes are recorded.
    Changes,
    /// That, and all else too.
    Everything,
    /// Tokens and ten policies, all of which have a say.
    TenPolicies,
    /// The same ten, among a thousand about other actions and callers.
    ThousandPolicies,
}

impl Guarded {
    const MORE: [Self; 3] = [Self::Tokens, Self::Changes, Self::Everything];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "nothing",
            Self::Tokens => "tokens",
            Self::Changes => "tokens and a record of changes (audit.path)",
            Self::Everything => "tokens and a record of everything (audit.reads)",
            Self::TenPolicies => "tokens and 10 policies, all of which have a say",
            Self::ThousandPolicies => "tokens and 1,000 policies, of which the same 10 have a say",
        }
    }
}

/// An issuer's key, and where the servers that are measured find its other half and keep their records.
pub(crate) struct Issuer {
    folder: TempDir,
    key: EncodingKey,
}

impl Issuer {
    /// With a key on P-256.
    pub(crate) fn new() -> Result<Self> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let public = json!({ "keys": [Jwk::from_encoding_key(&key, Algorithm::ES256)?] });
        fs::write(folder.path().join("keys.json"), public.to_string())?;
        for (name, others) in [("ten", 0), ("thousand", 990)] {
            fs::create_dir(folder.path().join(name))?;
            fs::write(folder.path().join(name).join("all.cedar"), policies(others))?;
        }
        Ok(Self { folder, key })
    }

    /// As settings of a server whose record has this name.
    pub(crate) fn settings(&self, guarded: Guarded, record: &str) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut settings = Vec::new();
        if guarded != Guarded::Off {
            settings.push(format!("access.issuers.bench.issuer={ISSUER}"));
            settings.push("access.issuers.bench.audiences=strongroom".to_owned());
            settings.push(format!("access.issuers.bench.jwks_file={}", path("keys.json")));
            settings.push("access.require=token".to_owned());
            // What is measured is one caller, and what its calls cost.
            settings.push("access.max_calls_per_second=0".to_owned());
        }
        if matches!(guarded, Guarded::Changes | Guarded::Everything) {
            settings.push(format!("audit.path={}", path(record)));
        }
        if guarded == Guarded::Everything {
            settings.push("audit.reads=true".to_owned());
        }
        match guarded {
            Guarded::TenPolicies => settings.push(format!("access.policies={}", path("ten"))),
            Guarded::ThousandPolicies => settings.push(format!("access.policies={}", path("thousand"))),
            Guarded::Off | Guarded::Tokens | Guarded::Changes | Guarded::Everything => {}
        }
        settings
    }

    /// The header of a caller, whose token is of the size that such tokens have.
    pub(crate) fn header(&self, caller: &str) -> Result<AsciiMetadataValue> {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": ISSUER, "aud": "strongroom", "sub": caller, "iat": now, "nbf": now, "exp": now + 86_400, "jti": caller,
            "email": "someone@example.com", "groups": ["backup-operators", "platform", "on-call"],
        });
        Ok(format!("Bearer {}", encode(&Header::new(Algorithm::ES256), &claims, &self.key)?).parse()?)
    }
}

/// Ten policies that have a say in whether anybody may ask the cheapest RPC, and so many that have none: half of them are about
/// another action, half about members of other groups.
fn policies(others: usize) -> String {
    let asks = (0..10).map(|number| {
        format!(
            "permit (principal, action == Strongroom::Action::\"GetServerInfo\", resource) \
             when {{ principal.name like \"bench:*\" && principal.name != \"bench:{number}\" }};\n"
        )
    });
    let others = (0..others).map(|number| match number % 2 {
        0 => format!(
            "permit (principal, action == Strongroom::Action::\"DeleteVault\", resource is Strongroom::Vault) \
             when {{ resource.name == \"vault-{number}\" }};\n"
        ),
        _ => format!(
            "permit (principal in Strongroom::Group::\"bench:team-{number}\", action in Strongroom::Action::\"read\", \
             resource) when {{ resource has owner && resource.owner == \"team-{number}\" }};\n"
        ),
    });
    asks.chain(others).collect()
}

fn request<T>(header: Option<&AsciiMetadataValue>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(header) = header {
        request.metadata_mut().insert("authorization", header.clone());
    }
    request
}

/// The cheapest RPC of a caller.
pub(crate) async fn ask(channel: Channel, header: Option<&AsciiMetadataValue>) -> Result<()> {
    ServerServiceClient::new(channel).get_server_info(request(header, GetServerInfoRequest {})).await?;
    Ok(())
}

async fn change(channel: Channel, header: Option<&AsciiMetadataValue>, vault: &str, value: usize) -> Result<()> {
    let message = TagResourceRequest {
        resource: vault.to_owned(),
        tags: [("turn".to_owned(), value.to_string())].into(),
        ..TagResourceRequest::default()
    };
    ResourceServiceClient::new(channel).tag_resource(request(header, message)).await?;
    Ok(())
}

pub(crate) async fn run(pairs: usize, quick: bool) -> Result<()> {
    let (issuer, sandbox) = (Issuer::new()?, Running::sandbox()?);
    let sdk = peers::sdk(&sandbox).await;
    sdk.create_backup_vault().backup_vault_name(VAULT).send().await?;
    let vault = sdk.describe_backup_vault().backup_vault_name(VAULT).send().await?;
    let vault = vault.backup_vault_arn().context("the vault has no ARN")?;
    let start = |guarded: Guarded, record: &str| {
        Running::server(Path::new(STRONGROOM), &sandbox, &issuer.settings(guarded, record))
    };
    let (header, bare) = (issuer.header("caller")?, start(Guarded::Off, "none")?);
    let theirs = load::channels(&bare.url(), CONNECTIONS).await?;
    let mut cheapest = Vec::new();
    let mut changes = Vec::new();
    for guarded in Guarded::MORE {
        let server = start(guarded, &format!("{guarded:?}"))?;
        let ours = load::channels(&server.url(), CONNECTIONS).await?;
        let asks = async |channels: &[Channel], header: Option<&AsciiMetadataValue>, calls: usize| {
            load::run(CALLERS, calls, |caller, _| ask(channels[caller % channels.len()].clone(), header)).await
        };
        let tags = async |channels: &[Channel], header: Option<&AsciiMetadataValue>, callers: usize, calls: usize| {
            let one = |caller: usize, turn| change(channels[caller % channels.len()].clone(), header, vault, turn);
            load::run(callers, calls, one).await
        };
        asks(&ours, Some(&header), CALLERS).await?;
        asks(&theirs, None, CALLERS).await?;
        let calls = if quick { 64 } else { 64_000 };
        let name = format!("cheapest RPC, {}", guarded.name());
        let ran = in_pairs(&name, pairs, || asks(&ours, Some(&header), calls), || asks(&theirs, None, calls)).await?;
        cheapest.push(row(guarded, &ran));
        if guarded == Guarded::Changes {
            for callers in [1, CALLERS] {
                let calls = if quick { callers } else { 1_000 };
                let name = format!("TagResource, {callers} callers");
                let ours = || tags(&ours, Some(&header), callers, calls);
                let ran = in_pairs(&name, pairs, ours, || tags(&theirs, None, callers, calls)).await?;
                let mut row = row(guarded, &ran);
                row[0] = callers.to_string();
                changes.push(row);
            }
        }
    }
    let title =
        format!("GetServerInfo, {CALLERS} callers on {CONNECTIONS} connections, beside the same without a gate");
    table(&title, &["with", "calls a second", "without", "ratio", "p50", "without", "ratio"], &cheapest);
    let title = "TagResource of one vault, with tokens and a record, beside the same without";
    table(title, &["callers", "calls a second", "without", "ratio", "p50", "without", "ratio"], &changes);
    instructions::of_the_gate(quick, &sandbox, &issuer).await
}

fn row(guarded: Guarded, ran: &[(load::Ran, load::Ran)]) -> Vec<String> {
    let rate = Medians::of(ran, load::Ran::calls_a_second);
    let half = Medians::of(ran, |ran| ran.latencies.quantile(0.5));
    let mut row = vec![guarded.name().to_owned()];
    for (figures, unit) in [(rate, ""), (half, " µs")] {
        row.push(format!("{:.0}{unit}", figures.ours));
        row.push(format!("{:.0}{unit}", figures.theirs));
        row.push(format!("{:.3}", figures.ratio));
    }
    row
}

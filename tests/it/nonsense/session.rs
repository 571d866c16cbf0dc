//! A server that nonsense is thrown at, and what is kept from one call to the next.

use std::collections::BTreeMap;

use prost::{Message, bytes::BufMut};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use strongroom::proto::{
    descriptors::{method, methods},
    dynamic_codec::{DynamicCodec, path},
};
use tonic::{
    Request, Response, Status,
    client::Grpc,
    codec::{Codec, EncodeBuf, Encoder},
    metadata::MetadataMap,
};

use super::{
    dice::Dice,
    judge::{changes_nothing, judge},
    request::request,
    words::Words,
};
use crate::harness::{LABS, World};

/// A world with something of each noun, the words that name it, and what came of the calls so far.
pub(crate) struct Session {
    world: World,
    words: Words,
    methods: Vec<MethodDescriptor>,
    /// As it was after the last call.
    state: String,
    outcomes: BTreeMap<(String, String), usize>,
}

impl Session {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let methods = methods().iter().filter_map(|path| method(path)).collect();
        let mut session = Self { world, words: Words::new(), methods, state: String::new(), outcomes: BTreeMap::new() };
        session.prepare().await;
        session.state = session.look().await;
        session
    }

    async fn prepare(&mut self) {
        let role = "AWSBackupDefaultServiceRole";
        let rules = json!([{"name": "daily", "vault": "prod"}, {"name": "weekly", "vault": "prod", "schedule": "cron(0 3 ? * SUN *)"}]);
        for (rpc, request) in [
            ("AccountService/EnsureServiceRole", json!({})),
            ("VaultService/CreateVault", json!({"name": "prod"})),
            ("VaultService/CreateVault", json!({"name": "locked"})),
            ("VaultService/CreateVault", json!({"name": "empty"})),
            ("VaultService/LockVault", json!({"vault": "locked", "min_retention_days": 1})),
            ("PlanService/CreatePlan", json!({"name": "evening", "rules": rules})),
            ("PlanService/CreatePlan", json!({"name": "bare", "rules": rules})),
            (
                "PlanService/CreateSelection",
                json!({"plan": "evening", "name": "labs", "role": role, "resources": [LABS]}),
            ),
            (
                "PlanService/CreateSelection",
                json!({"plan": "evening", "name": "two", "role": role, "resources": [LABS]}),
            ),
            ("JobService/StartBackup", json!({"resource": LABS, "vault": "prod", "role": role})),
            (
                "LegalHoldService/CreateLegalHold",
                json!({"title": "old", "description": "lawsuit", "recovery_point_selection": {"vaults": ["locked"]}}),
            ),
            ("JobService/ListJobs", json!({"page_size": 1})),
        ] {
            let method = method(rpc).unwrap();
            let message = DynamicMessage::deserialize(method.input(), request).unwrap();
            let answer = self.send(&method, message.encode_to_vec(), MetadataMap::new()).await.unwrap();
            self.words.learn(&answer);
            self.world.advance("PT10M").await;
        }
        // The sandbox tells of a region once it was asked for.
        let settings = method("AccountService/GetRegionSettings").unwrap();
        for region in ["eu-west-1", "us-gov-west-1", "cn-north-1"] {
            let request = DynamicMessage::deserialize(settings.input(), json!({"scope": {"region": region}})).unwrap();
            self.send(&settings, request.encode_to_vec(), MetadataMap::new()).await.unwrap();
        }
        let points = method("RecoveryPointService/ListRecoveryPoints").unwrap();
        let points = self.send(&points, Vec::new(), MetadataMap::new()).await.unwrap();
        self.words.learn(&points);
    }

    /// Makes a call of these bytes, and judges what came of it; tells what is wrong, and with which request.
    pub(crate) async fn call(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut dice = Dice::new(bytes);
        if dice.once_in(64) {
            self.world.advance("PT1H").await;
            self.state = self.look().await;
        }
        let method = dice.of(&self.methods).clone();
        let metadata = metadata(&mut dice);
        let request = request(&mut dice, &mut self.words, &method.input());
        let told = format!("{} {metadata:?} {}", method.full_name(), shown(&method, &request));
        let read =
            DynamicMessage::decode(method.input(), request.as_slice()).map_err(|error| format!("{told}: {error}"))?;
        let checks = |name: &str| read.get_field_by_name(name).is_some_and(|value| value.as_bool() == Some(true));
        let only_looks = is_read(&method) || checks("validate_only");
        let answer = self.send(&method, request, metadata).await;
        let outcome = judge(&answer).map_err(|fault| format!("{fault}\n{told}\n{answer:?}"))?;
        if !is_read(&method) {
            let state = self.look().await;
            if state != self.state && (only_looks || changes_nothing(&answer)) {
                return Err(format!("something was changed\n{told}\n{answer:?}\n{}", difference(&self.state, &state)));
            }
            self.state = state;
        }
        if let Ok(answer) = &answer {
            self.words.learn(answer);
        }
        *self.outcomes.entry((method.name().to_owned(), outcome)).or_default() += 1;
        Ok(())
    }

    /// How often each RPC had which outcome.
    pub(crate) fn outcomes(self) -> BTreeMap<(String, String), usize> {
        self.outcomes
    }

    async fn send(
        &self,
        method: &MethodDescriptor,
        message: Vec<u8>,
        metadata: MetadataMap,
    ) -> Result<DynamicMessage, Status> {
        let mut client = Grpc::new(self.world.channel());
        client.ready().await.map_err(|error| Status::unknown(format!("the connection is lost: {error}")))?;
        let mut request = Request::new(message);
        *request.metadata_mut() = metadata;
        client.unary(request, path(method)?, Raw(DynamicCodec::of_caller(method))).await.map(Response::into_inner)
    }

    async fn look(&self) -> String {
        let state = reqwest::get(format!("{}/_sandbox/state", self.world.sandbox())).await.unwrap();
        state.text().await.unwrap()
    }
}

fn is_read(method: &MethodDescriptor) -> bool {
    const NO_SIDE_EFFECTS: i32 = 1;
    method.method_descriptor_proto().options.as_ref().and_then(|options| options.idempotency_level)
        == Some(NO_SIDE_EFFECTS)
}

/// Headers that say what they should not.
fn metadata(dice: &mut Dice<'_>) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if !dice.once_in(8) {
        return metadata;
    }
    let (key, values): (&'static str, &[&'static str]) = *dice.of(&[
        ("grpc-timeout", &["99999999H", "123456789S", "5x", "-1S", "1000S", "+5S", " 5S"][..]),
        ("grpc-previous-rpc-attempts", &["0", "1", "many", "-1", "4294967296"][..]),
        ("traceparent", &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-", "ff-x-y-z"][..]),
        ("user-agent-of-mine", &["a", ""][..]),
    ]);
    if let Ok(value) = dice.of(values).parse() {
        metadata.insert(key, value);
    }
    metadata
}

/// A request as a person can send it again: as JSON, as far as that can say it, and as bytes.
fn shown(method: &MethodDescriptor, request: &[u8]) -> String {
    let json: Option<Value> =
        DynamicMessage::decode(method.input(), request).ok().and_then(|message| serde_json::to_value(message).ok());
    let json = json.map(|json| json.to_string()).unwrap_or_default();
    let json: String = json.chars().take(4_000).collect();
    let bytes: String = request.iter().take(1_000).map(|byte| format!("{byte:02x}")).collect();
    format!("{json}\n{} bytes: {bytes}", request.len())
}

/// The lines in which two states differ.
fn difference(before: &str, after: &str) -> String {
    let lines = |one: &str, other: &str, sign: char| {
        let known: Vec<&str> = other.lines().collect();
        one.lines()
            .filter(|line| !known.contains(line))
            .take(10)
            .map(|line| format!("{sign} {}\n", line.trim()))
            .collect::<String>()
    };
    lines(before, after, '-') + &lines(after, before, '+')
}

/// Bytes as they stand, and answers by their descriptor.
struct Raw(DynamicCodec);

struct Bytes;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = DynamicMessage;
    type Encoder = Bytes;
    type Decoder = DynamicCodec;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> DynamicCodec {
        self.0.decoder()
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message.as_slice());
        Ok(())
    }
}

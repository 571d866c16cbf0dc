//! Which AWS service a request is for (docs/aws-backup-semantics.md, section 1.1), and how that service writes its answers.

use std::time::Duration;

use hyper::{
    Uri,
    body::Bytes,
    header::{self, HeaderMap},
};

use super::answer::Written;
use crate::{
    backup::{
        rest::RestRequest,
        routes::{self, Route},
    },
    call::{AwsError, Call, JsonHandler, unreadable},
    events, iam, kms,
    query::{self, Form, QueryHandler},
    rds,
    service::{Json, NAMES, Service},
    sns, sqs, sts, tagging,
    world::World,
};

impl Json {
    const ALL: [Self; 4] = [Self::Events, Self::Kms, Self::Sqs, Self::Tagging];

    /// What stands before the operation's name in the target, and the operations.
    fn served(self) -> (&'static str, &'static [(&'static str, JsonHandler)]) {
        match self {
            Self::Events => (events::TARGET_PREFIX, events::OPERATIONS),
            Self::Kms => (kms::TARGET_PREFIX, kms::OPERATIONS),
            Self::Sqs => (sqs::TARGET_PREFIX, sqs::OPERATIONS),
            Self::Tagging => (tagging::TARGET_PREFIX, tagging::OPERATIONS),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Sqs => JSON_1_0,
            Self::Events | Self::Kms | Self::Tagging => JSON_1_1,
        }
    }

    /// The body of an error answer; the code stands in it, for boto3 reads no header here `[X]`.
    fn error(self, error: &AwsError) -> serde_json::Value {
        let (code, message) = (&error.code, &error.message);
        match self {
            Self::Sqs => serde_json::json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message }),
            Self::Events | Self::Kms => serde_json::json!({ "__type": code, "message": message }),
            Self::Tagging => serde_json::json!({ "__type": code, "Message": message }),
        }
    }
}

impl Service {
    /// Whom a request is for: the credential scope says it, and for unsigned requests target, form or nothing.
    ///
    /// # Errors
    /// UnknownOperationException when it was signed for a service the sandbox does not speak.
    pub(crate) fn of(scope: &Scope, headers: &HeaderMap, body: &[u8]) -> Result<Self, AwsError> {
        if scope.service.is_empty() {
            return Ok(Self::unsigned(headers, body));
        }
        Self::signed_as(&scope.service).ok_or_else(|| {
            unknown_operation(format!("The sandbox does not serve '{}'; it serves {}", scope.service, NAMES.join(", ")))
        })
    }

    /// Whose envelope a client reads, to judge by its request, when the service is none of the sandbox's.
    pub(crate) fn speaking(headers: &HeaderMap) -> Self {
        if headers.contains_key(TARGET) {
            return Self::Json(Json::Tagging);
        }
        if is_form(headers) { Self::Query(query::Service::Sts) } else { Self::Backup }
    }

    fn unsigned(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let targeted =
            text(TARGET).and_then(|target| Json::ALL.into_iter().find(|json| target.starts_with(json.served().0)));
        if let Some(json) = targeted {
            return Self::Json(json);
        }
        let version = is_form(headers)
            .then(|| Form::parse(body).ok())
            .flatten()
            .and_then(|form| form.get("Version").map(str::to_owned));
        version.and_then(|version| query::Service::of_version(&version)).map_or(Self::Backup, Self::Query)
    }

    /// The operation a request of this service names.
    ///
    /// # Errors
    /// The service's own error for an unknown one.
    pub(crate) fn operation(
        self,
        method: &str,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Operation, AwsError> {
        match self {
            Self::Backup => {
                let (route, path) = routes::find(method, uri.path())
                    .ok_or_else(|| unknown_operation(format!("The sandbox does not serve {method} {}", uri.path())))?;
                let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
                Ok(Operation::Rest(route, RestRequest { path, query, body }))
            }
            Self::Query(service) => {
                let form = Form::parse(&body)?;
                let (name, handler) = service.action(&form)?;
                Ok(Operation::Query { service, name, handler, form })
            }
            Self::Json(json) => {
                let (prefix, operations) = json.served();
                let target = headers.get(TARGET).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let wanted = target.strip_prefix(prefix).unwrap_or(target);
                let found = operations.iter().find(|(name, _)| *name == wanted);
                let (name, handler) = found.copied().ok_or_else(|| {
                    AwsError::new(400, "UnknownOperationException", format!("The sandbox does not serve '{wanted}'"))
                })?;
                let body = if body.is_empty() { Ok(serde_json::json!({})) } else { serde_json::from_slice(&body) };
                let body = body.map_err(|fault| unreadable(&fault))?;
                Ok(Operation::Json { service: json, name, handler, body })
            }
        }
    }

    /// An error in the envelope of this service.
    pub(crate) fn write_error(self, request_id: &str, error: &AwsError) -> Written {
        match self {
            Self::Backup => {
                let mut members = serde_json::Map::new();
                members.insert("Message".to_owned(), error.message.clone().into());
                members.extend(error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())));
                Written {
                    status: error.status,
                    content_type: JSON,
                    error_type: Some(error.code.clone().into_owned()),
                    body: serde_json::Value::from(members).to_string(),
                    ..Written::default()
                }
            }
            Self::Query(service) => Written {
                status: error.status,
                content_type: query::CONTENT_TYPE,
                body: service.error(request_id, error),
                ..Written::default()
            },
            Self::Json(json) => Written {
                status: error.status,
                content_type: json.content_type(),
                error_type: Some(error.code.clone().into_owned()),
                // Who knew SQS by the query protocol knows its errors by other codes.
                query_error: (json == Json::Sqs).then(|| {
                    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
                    format!("{};{fault}", sqs::query_code(&error.code))
                }),
                body: json.error(error).to_string(),
                ..Written::default()
            },
        }
    }
}

impl query::Service {
    fn actions(self) -> &'static [(&'static str, QueryHandler)] {
        match self {
            Self::Iam => iam::ACTIONS,
            Self::Rds => rds::ACTIONS,
            Self::Sns => sns::ACTIONS,
            Self::Sts => sts::ACTIONS,
        }
    }

    /// The handler of the form's `Action`.
    ///
    /// # Errors
    /// `MissingAction` without one, `InvalidAction` for one the sandbox does not serve.
    fn action(self, form: &Form) -> Result<(&'static str, QueryHandler), AwsError> {
        let Some(wanted) = form.get("Action") else {
            return Err(AwsError::new(400, "MissingAction", "The request must contain the parameter Action."));
        };
        let found = self.actions().iter().find(|(name, _)| *name == wanted);
        found.copied().ok_or_else(|| {
            let version = self.version();
            AwsError::new(400, "InvalidAction", format!("Could not find operation {wanted} for version {version}"))
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

const JSON: &str = "application/json";
const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// Names the operation of a JSON 1.0 or 1.1 request.
const TARGET: &str = "x-amz-target";

fn unknown_operation(message: String) -> AwsError {
    AwsError::new(404, "UnknownOperationException", message)
}

/// A request that found its operation.
pub(crate) enum Operation {
    /// AWS Backup's.
    Rest(&'static Route, RestRequest),
    /// An action of IAM, RDS, SNS or STS.
    Query { service: query::Service, name: &'static str, handler: QueryHandler, form: Form },
    /// One of JSON 1.0 or 1.1.
    Json { service: Json, name: &'static str, handler: JsonHandler, body: serde_json::Value },
}

impl Operation {
    /// Its name in the service model.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Rest(route, _) => route.operation,
            Self::Query { name, .. } | Self::Json { name, .. } => name,
        }
    }

    /// Does it.
    pub(crate) fn run(&self, world: &mut World, call: &Call) -> Result<Written, AwsError> {
        match self {
            Self::Rest(route, request) => (route.handler)(world, call, request).map(|reply| Written {
                status: reply.status,
                content_type: JSON,
                body: reply.body,
                ..Written::default()
            }),
            Self::Query { service, name, handler, form } => handler(world, call, form).map(|result| Written {
                status: 200,
                content_type: query::CONTENT_TYPE,
                body: service.answer(name, &call.request_id, &result),
                ..Written::default()
            }),
            Self::Json { service, name, handler, body } => {
                let answer = handler(world, call, body)?;
                let waits = *service == Json::Sqs && *name == sqs::RECEIVE && answer.get("Messages").is_none();
                Ok(Written {
                    status: 200,
                    content_type: service.content_type(),
                    // What has no output has no body [X].
                    body: if answer.is_null() { String::new() } else { answer.to_string() },
                    patience: if waits { sqs::patience(world, call, body) } else { Duration::ZERO },
                    ..Written::default()
                })
            }
        }
    }
}

/// What the `Authorization` header says. The signature itself is not checked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// Reads `AWS4-HMAC-SHA256 Credential=AK/DATE/REGION/SERVICE/aws4_request, …`; `None` for anything else.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let rest = text.strip_prefix("AWS4-HMAC-SHA256")?;
        let credential = rest.split([',', ' ']).find_map(|part| part.strip_prefix("Credential="))?;
        // An access key holds no slash, but taking the fixed parts from the right costs nothing.
        let mut parts = credential.rsplitn(5, '/');
        let (_terminator, service, region, _date, access_key) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Regions become map keys and parts of ARNs.
        let region_is_sane = (1..=32).contains(&region.len())
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        Some(Self {
            access_key: access_key.chars().take(128).collect(),
            region: if region_is_sane { region.to_owned() } else { String::new() },
            service: service.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Option<Scope> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, text.parse().unwrap());
        Scope::of(&headers)
    }

    #[test]
    fn the_credential_scope_is_read() {
        let read = scope(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/backup/aws4_request, SignedHeaders=host, Signature=0",
        );
        let expected = Scope { access_key: "AKID".into(), region: "eu-west-1".into(), service: "backup".into() };
        assert_eq!(read, Some(expected));
        for other in ["Bearer x", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256"] {
            assert_eq!(scope(other), None, "{other}");
        }
        assert_eq!(scope("AWS4-HMAC-SHA256 Credential=A/d/eu west:1/backup/aws4_request").map(|s| s.region), None);
    }

    #[test]
    fn an_unknown_action_is_named_in_the_error() {
        let form = Form::parse(b"Action=MakeTea&Version=2010-05-08").expect("a form");
        let error = query::Service::Iam.action(&form).expect_err("unknown");
        assert_eq!((error.status, error.code.as_ref()), (400, "InvalidAction"));
        assert!(error.message.contains("MakeTea"));
    }
}

//! Reads a request field by field and notes every fault.

use std::collections::BTreeMap;

use prost::Message;

use super::super::page_token::{Paged, Query};
use crate::{
    domain::{
        AccountId, Arn, Asked, AskedScope, Fault, Faults, Invalid, Mode, Noted, PageRequest, RegionName, RequestId,
        RoleRef, Tags, VaultName,
    },
    proto,
};

/// The request under reading: the faults so far, and the scope that it and the ARNs in it name.
#[derive(Debug)]
pub(in crate::rpc) struct Reader {
    faults: Faults,
    scope: AskedScope,
    mode: Mode,
    request_id: Result<RequestId, Noted>,
}

impl Reader {
    /// Begins with a read's scope; the ARNs read later complete it or contradict it.
    pub(in crate::rpc) fn new(scope: Option<proto::Scope>) -> Self {
        let mut reader = Self {
            faults: Faults::default(),
            scope: AskedScope::default(),
            mode: Mode::Check,
            request_id: Ok(RequestId::fresh()),
        };
        let proto::Scope { account, region } = scope.unwrap_or_default();
        if !account.is_empty() {
            reader.scope.account = reader.note("scope.account", AccountId::parse(&account)).ok();
        }
        if !region.is_empty() {
            reader.scope.region = reader.note("scope.region", RegionName::parse(&region)).ok();
        }
        reader
    }

    /// Begins with what every change has.
    pub(in crate::rpc) fn change(scope: Option<proto::Scope>, request_id: &str, validate_only: bool) -> Self {
        let mut reader = Self::new(scope);
        reader.mode = if validate_only { Mode::Check } else { Mode::Do };
        reader.request_id = reader.note("request_id", RequestId::parse_or_new(request_id));
        reader
    }

    /// Keeps the value, or notes its fault under the field.
    pub(in crate::rpc) fn note<T, F: Into<Fault>>(&mut self, field: &str, result: Result<T, F>) -> Result<T, Noted> {
        self.faults.note(field, result)
    }

    /// Notes a fault.
    pub(in crate::rpc) fn fault(&mut self, field: &str, fault: impl Into<Fault>) -> Noted {
        self.faults.add(field, fault)
    }

    /// Notes the faults of a map's or list's members under `field` and the member.
    pub(in crate::rpc) fn note_all<T>(
        &mut self,
        field: &str,
        result: Result<T, Vec<(String, Fault)>>,
    ) -> Result<T, Noted> {
        result.map_err(|faults| {
            let noted = faults.into_iter().map(|(at, fault)| self.faults.add(&format!("{field}{at}"), fault)).last();
            noted.unwrap_or_else(|| self.faults.add(field, "is not valid"))
        })
    }

    /// Takes over the scope of an ARN that stands in the field.
    pub(in crate::rpc) fn within(&mut self, field: &str, scope: AskedScope) -> Result<(), Noted> {
        let merged = self.scope.merge(scope);
        self.note(field, merged)
    }

    /// Fills what nothing has said of the scope so far; for an ARN of a thing that may rightly be elsewhere.
    pub(in crate::rpc) fn hint(&mut self, scope: AskedScope) {
        self.scope.account = self.scope.account.take().or(scope.account);
        self.scope.region = self.scope.region.take().or(scope.region);
    }

    /// Takes over faults that were noted elsewhere.
    pub(in crate::rpc) fn take_over(&mut self, faults: Faults) -> Result<(), Noted> {
        self.faults.append(faults)
    }

    /// Any ARN; its scope becomes the request's.
    pub(in crate::rpc) fn arn(&mut self, field: &str, text: &str) -> Result<Arn, Noted> {
        let arn = self.note(field, Arn::parse(text))?;
        self.within(field, arn.scope())?;
        Ok(arn)
    }

    /// A vault by name or ARN.
    pub(in crate::rpc) fn vault(&mut self, field: &str, text: &str) -> Result<VaultName, Noted> {
        let (name, scope) = self.note(field, VaultName::parse_reference(text))?;
        self.within(field, scope)?;
        Ok(name)
    }

    /// A role by name or ARN. Only its account counts: IAM has no region.
    pub(in crate::rpc) fn role(&mut self, field: &str, text: &str) -> Result<RoleRef, Noted> {
        let (role, scope) = self.note(field, RoleRef::parse(text))?;
        self.within(field, scope)?;
        Ok(role)
    }

    /// What somebody has read of a thing that is changed now; blank: it does not matter.
    pub(in crate::rpc) fn etag(&mut self, text: String) -> Result<Option<String>, Noted> {
        let version = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
        match text.is_empty() {
            true => Ok(None),
            false if version => Ok(Some(text)),
            false => Err(self.fault("etag", "is not an etag of this server: give the etag that was read, unchanged")),
        }
    }

    /// Tags of a resource, at most 50, or of what a rule adds, at most 10.
    pub(in crate::rpc) fn tags(
        &mut self,
        field: &str,
        tags: BTreeMap<String, String>,
        most: usize,
    ) -> Result<Tags, Noted> {
        self.note_all(field, Tags::parse(tags, most))
    }

    /// The page of a list. `query` is the request with its page size and token blanked.
    pub(in crate::rpc) fn page(
        &mut self,
        method: &str,
        query: &impl Message,
        size: i32,
        token: &str,
    ) -> Result<Paged, Noted> {
        let query = Query::of(method, query);
        let size = self.note("page_size", PageRequest::size_of(size));
        let cursor = self.note("page_token", query.cursor(token));
        Ok(Paged { page: PageRequest { size: size?, cursor: cursor? }, query })
    }

    /// Builds what is asked for, or tells every fault.
    pub(in crate::rpc) fn conclude<T>(self, build: impl FnOnce() -> Result<T, Noted>) -> Result<Asked<T>, Invalid> {
        let Self { faults, scope, mode, request_id } = self;
        faults.conclude(|| Ok(Asked { scope, mode, request_id: request_id?, what: build()? }))
    }
}

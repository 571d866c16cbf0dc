//! Reads a request field by field and notes every fault.

use std::collections::BTreeMap;

use prost::Message;

use super::super::page_token::{Paged, Query};
use crate::{
    domain::{
        AccountId, Arn, Asked, AskedScope, Bond, Fault, Faults, Invalid, Mode, Noted, PageRequest, Place, RegionName,
        RequestId, RoleRef, Tagged, Tags, VaultName,
    },
    proto,
};

/// The request under reading: the faults so far, and the scope that it and the ARNs in it name.
#[derive(Debug)]
pub(in crate::rpc) struct Reader {
    faults: Faults,
    scope: AskedScope,
    places: Vec<Place>,
    mode: Mode,
    request_id: Result<RequestId, Noted>,
}

impl Reader {
    /// Begins with a read's scope; the ARNs read later complete it or contradict it.
    pub(in crate::rpc) fn new(scope: Option<proto::Scope>) -> Self {
        let mut reader = Self {
            faults: Faults::default(),
            scope: AskedScope::default(),
            places: Vec::new(),
            mode: Mode::Check,
            request_id: Ok(RequestId::fresh()),
        };
        let proto::Scope { account, region } = scope.unwrap_or_default();
        if !account.is_empty() {
            reader.scope.account = reader.note("scope.account", AccountId::parse(&account)).ok();
        }
        if !region.is_empty() {
            let region = reader.note("scope.region", RegionName::parse(&region)).ok();
            reader.place("scope.region", &AskedScope { region: region.clone(), ..AskedScope::default() }, Bond::Own);
            reader.scope.region = region;
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
        self.place(field, &scope, Bond::Own);
        let merged = self.scope.merge(scope);
        self.note(field, merged)
    }

    /// Fills what nothing has said of the scope so far; for an ARN of a thing that may rightly be elsewhere.
    pub(in crate::rpc) fn hint(&mut self, field: &str, scope: AskedScope) {
        self.place(field, &scope, Bond::Sought);
        self.scope.fill(scope);
    }

    /// Keeps where a thing is that stands in the field and says nothing of where the request goes. What may be where is
    /// judged when the request's own scope is known.
    pub(in crate::rpc) fn place(&mut self, field: &str, scope: &AskedScope, bond: Bond) {
        if *scope != AskedScope::default() {
            self.places.push(Place { field: field.to_owned(), scope: scope.clone(), bond });
        }
    }

    /// Keeps what was read of the text, or notes its fault under the field. An ARN that does not name what is wanted is
    /// somewhere all the same: what is wrong with that is told along with it.
    pub(in crate::rpc) fn note_of<T>(
        &mut self,
        field: &str,
        text: &str,
        result: Result<T, Fault>,
        bond: Bond,
    ) -> Result<T, Noted> {
        let noted = self.note(field, result);
        if noted.is_err()
            && let Ok(arn) = Arn::parse(text)
        {
            match bond {
                // It does not complete the request's scope: who knows whether it is the right one.
                Bond::Own => drop(self.note(field, self.scope.clone().merge(arn.scope()))),
                _ => self.place(field, &arn.scope(), bond),
            }
        }
        noted
    }

    /// Takes over faults that were noted elsewhere.
    pub(in crate::rpc) fn take_over(&mut self, faults: Faults) -> Result<(), Noted> {
        self.faults.append(faults)
    }

    /// A vault by name or ARN.
    pub(in crate::rpc) fn vault(&mut self, field: &str, text: &str) -> Result<VaultName, Noted> {
        let (name, scope) = self.note_of(field, text, VaultName::parse_reference(text), Bond::Own)?;
        self.within(field, scope)?;
        Ok(name)
    }

    /// A role by name or ARN, which the request is about. Only its account counts: IAM has no region.
    pub(in crate::rpc) fn own_role(&mut self, field: &str, text: &str) -> Result<RoleRef, Noted> {
        let (role, scope) = self.note_of(field, text, RoleRef::parse(text), Bond::Own)?;
        self.within(field, scope)?;
        Ok(role)
    }

    /// A role by name or ARN that the request hands to AWS Backup.
    pub(in crate::rpc) fn role(&mut self, field: &str, text: &str) -> Result<RoleRef, Noted> {
        let (role, scope) = self.note_of(field, text, RoleRef::parse(text), Bond::Role)?;
        self.place(field, &scope, Bond::Role);
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
        self.note_all(field, Tags::parse(tags, most, Tagged::Thing))
    }

    /// Tags of a resource whose service has rules of its own.
    pub(in crate::rpc) fn tags_of(
        &mut self,
        tagged: Tagged,
        field: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Tags, Noted> {
        self.note_all(field, Tags::parse(tags, Tags::most(), tagged))
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
        let Self { mut faults, scope, places, mode, request_id } = self;
        // A region that may not be reached is refused as such, and not for being another one than the request's: that is
        // judged later.
        let known = AskedScope { region: None, partition: scope.partition(), ..scope.clone() };
        for place in places.iter().filter(|place| place.bond != Bond::Own) {
            if let Some(fault) = place.fault(&known) {
                faults.add(&place.field, fault);
            }
        }
        faults.conclude(|| Ok(Asked { scope, places, mode, request_id: request_id?, what: build()? }))
    }
}

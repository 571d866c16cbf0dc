//! AccessService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    audit::Audit,
    explain,
    permissions::Permissions,
    principal::{Authentication, Principal},
};
use crate::{
    aws::Scoped,
    proto::{self, access_service_server::AccessService},
    rpc::{
        calls::{Calls, let_in},
        convert::timestamp,
    },
};

#[derive(Debug)]
pub(in crate::rpc) struct Access {
    pub(in crate::rpc) calls: Calls,
    pub(in crate::rpc) audit: Audit,
    pub(in crate::rpc) permissions: Option<Permissions>,
}

#[async_trait]
impl AccessService for Access {
    async fn who_am_i(
        &self,
        request: Request<proto::WhoAmIRequest>,
    ) -> Result<Response<proto::WhoAmIResponse>, Status> {
        let principal = let_in(request.extensions())?.principal;
        let work = |_| async move {
            let expire_time = principal.known().until.map(timestamp);
            Ok(proto::WhoAmIResponse { principal: Some((&principal).into()), expire_time })
        };
        self.calls.answer(request, work).await
    }

    async fn list_audit_events(
        &self,
        request: Request<proto::ListAuditEventsRequest>,
    ) -> Result<Response<proto::ListAuditEventsResponse>, Status> {
        let audit = self.audit.clone();
        self.calls.answer(request, |message| async move { audit.list(message).await }).await
    }

    async fn explain_access(
        &self,
        request: Request<proto::ExplainAccessRequest>,
    ) -> Result<Response<proto::ExplainAccessResponse>, Status> {
        let work =
            |aws: Scoped, question| async move { explain::answer(self.permissions.as_ref(), &aws, question).await };
        self.calls.read(request, explain::question, work).await
    }
}

impl From<Authentication> for proto::Authentication {
    fn from(authentication: Authentication) -> Self {
        match authentication {
            Authentication::Anonymous => Self::Anonymous,
            Authentication::Token => Self::Token,
            Authentication::Certificate => Self::Certificate,
            Authentication::TokenAndCertificate => Self::TokenAndCertificate,
        }
    }
}

impl From<&Principal> for proto::Principal {
    fn from(principal: &Principal) -> Self {
        let known = principal.known();
        Self {
            name: known.name.clone(),
            groups: known.groups.clone(),
            authentication: proto::Authentication::from(known.authentication).into(),
            issuer: known.issuer.clone().unwrap_or_default(),
            certificate_name: known.certificate.clone().unwrap_or_default(),
        }
    }
}

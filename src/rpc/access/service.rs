//! AccessService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    approvals,
    audit::Audit,
    explain,
    permissions::Permissions,
    principal::{Authentication, Principal},
    sight::Sight,
};
use crate::{
    aws::Scoped,
    proto::{self, access_service_server::AccessService},
    rpc::{
        calls::{Calls, let_in},
        convert::{approvals as convert, timestamp},
        status::Failure,
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

    async fn request_approval(
        &self,
        request: Request<proto::RequestApprovalRequest>,
    ) -> Result<Response<proto::RequestApprovalResponse>, Status> {
        let (permissions, let_in) = (self.permissions.clone(), let_in(request.extensions())?);
        let work = |aws: Scoped, asked| async move { approvals::ask(&kept(permissions)?, &let_in, &aws, asked).await };
        self.calls.change(request, convert::ask, work).await
    }

    async fn get_approval(
        &self,
        request: Request<proto::GetApprovalRequest>,
    ) -> Result<Response<proto::GetApprovalResponse>, Status> {
        let permissions = self.permissions.clone();
        let work = |aws: Scoped, id: String| async move { approvals::get(&kept(permissions)?, &aws, &id).await };
        self.calls.read(request, convert::get, work).await
    }

    async fn list_approvals(
        &self,
        request: Request<proto::ListApprovalsRequest>,
    ) -> Result<Response<proto::ListApprovalsResponse>, Status> {
        let permissions = self.permissions.clone();
        let work = |aws: Scoped, list, sight: Sight| async move {
            approvals::list(&kept(permissions)?, &sight, &aws, list).await
        };
        self.calls.read_seen(request, convert::list, work).await
    }

    async fn approve(
        &self,
        request: Request<proto::ApproveRequest>,
    ) -> Result<Response<proto::ApproveResponse>, Status> {
        let (permissions, let_in) = (self.permissions.clone(), let_in(request.extensions())?);
        let work = |aws: Scoped, asked| async move {
            let approval = Some(approvals::approve(&kept(permissions)?, &let_in, &aws, asked).await?);
            Ok(proto::ApproveResponse { approval, ..Default::default() })
        };
        self.calls.change(request, convert::approve, work).await
    }

    async fn reject(&self, request: Request<proto::RejectRequest>) -> Result<Response<proto::RejectResponse>, Status> {
        let (permissions, let_in) = (self.permissions.clone(), let_in(request.extensions())?);
        let work = |aws: Scoped, asked| async move {
            let approval = Some(approvals::reject(&kept(permissions)?, &let_in, &aws, asked).await?);
            Ok(proto::RejectResponse { approval, ..Default::default() })
        };
        self.calls.change(request, convert::reject, work).await
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

/// The policies, where there are some.
fn kept(permissions: Option<Permissions>) -> Result<Permissions, Failure> {
    permissions.ok_or(Failure::PoliciesNotKept)
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

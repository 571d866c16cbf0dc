//! The AWS Query protocol: form-encoded requests, XML answers. IAM, RDS, SNS and STS speak it.

mod form;
mod page;
mod xml;

pub use form::Form;
pub use page::{Page, page};
pub use xml::Xml;

use crate::call::{AwsError, Call};
use crate::world::World;

/// One action: a plain function over the world. What it returns is written inside `<ActionResult>`.
pub type QueryHandler = fn(&mut World, &Call, &Form) -> Result<Xml, AwsError>;

/// A service that speaks the Query protocol. The API version in the form names it when the signature does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Identity and Access Management: global to the account, whatever region the request was signed for.
    Iam,
    /// Relational Database Service.
    Rds,
    /// Simple Notification Service.
    Sns,
    /// Security Token Service.
    Sts,
}

impl Service {
    const ALL: [Self; 4] = [Self::Iam, Self::Rds, Self::Sns, Self::Sts];

    /// The service whose credential scope carries this name (`iam`, `rds`, `sns`, `sts`).
    #[must_use]
    pub fn signed_as(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The signing name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Rds => "rds",
            Self::Sns => "sns",
            Self::Sts => "sts",
        }
    }

    /// The service with this API version, the form's `Version`.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.version() == version)
    }

    /// API version `[M]`.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Rds => "2014-10-31",
            Self::Sns => "2010-03-31",
            Self::Sts => "2011-06-15",
        }
    }

    /// XML namespace of every answer; of RDS and SNS it is http, of the others https `[M]`.
    fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Rds => "http://rds.amazonaws.com/doc/2014-10-31/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    /// The answer's body: the envelope around what the handler gave.
    #[must_use]
    pub fn answer(self, action: &str, request_id: &str, result: &Xml) -> String {
        let namespace = self.namespace();
        let result = result.as_result(action);
        format!(
            "<{action}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId>\
             </ResponseMetadata></{action}Response>"
        )
    }

    /// The body of an error answer.
    #[must_use]
    pub fn error(self, request_id: &str, error: &AwsError) -> String {
        let mut members = Xml::new()
            .text("Type", if error.status < 500 { "Sender" } else { "Receiver" })
            .text("Code", &error.code)
            .text("Message", &error.message);
        for (member, value) in &error.members {
            members = members.text(member, value);
        }
        let namespace = self.namespace();
        let body = Xml::new().inside("Error", &members).text("RequestId", request_id);
        format!("<ErrorResponse xmlns=\"{namespace}\">{}</ErrorResponse>", body.as_str())
    }
}

/// Media type of every answer of the Query protocol.
pub const CONTENT_TYPE: &str = "text/xml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_wrapped_in_the_services_namespace() {
        let body = Service::Rds.answer("DescribeX", "r-1", &Xml::new().text("A", "b"));
        assert_eq!(
            body,
            "<DescribeXResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeXResult><A>b</A>\
             </DescribeXResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DescribeXResponse>"
        );
    }

    #[test]
    fn an_action_without_output_has_only_metadata() {
        let body = Service::Iam.answer("DeleteRole", "r-1", &Xml::none());
        assert!(!body.contains("DeleteRoleResult"), "{body}");
        assert!(body.contains("<RequestId>r-1</RequestId>"));
    }

    #[test]
    fn an_error_names_who_is_at_fault() {
        let theirs = Service::Iam.error("r", &AwsError::new(404, "NoSuchEntity", "no <role>"));
        assert!(theirs.contains("<Type>Sender</Type><Code>NoSuchEntity</Code><Message>no &lt;role&gt;</Message>"));
        let ours = Service::Iam.error("r", &AwsError::new(500, "ServiceFailure", "sorry"));
        assert!(ours.contains("<Type>Receiver</Type>"));
    }
}

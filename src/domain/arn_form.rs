//! How the ARNs of each kind of thing are written: which of them have a region and an account, and what stands between
//! kind and id. AWS compares ARNs as they stand, so one that is written otherwise names nothing, without a word.

use super::{
    invalid::{Fault, quoted},
    nearest::{question, same_letters},
};

/// Whether a part of an ARN has something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Needed,
    Blank,
    /// AWS writes it in some places and leaves it out in others.
    Either,
}
use Part::{Blank, Either, Needed};

/// How a service writes the ARNs of some kinds of things: the sign between kind and id, and whether region and account
/// stand in them.
struct Form {
    service: &'static str,
    kinds: &'static [&'static str],
    sign: char,
    region: Part,
    account: Part,
}

const fn form(service: &'static str, sign: char, kinds: &'static [&'static str]) -> Form {
    Form { service, kinds, sign, region: Needed, account: Needed }
}

/// The forms that are known `[D]` (docs/aws-backup-semantics.md, section 1.5). What is of no kind here is not judged.
const FORMS: [Form; 20] = [
    form("backup", ':', &["backup-vault", "backup-plan", "recovery-point", "legal-hold"]),
    form("rds", ':', &["db", "cluster", "snapshot", "cluster-snapshot", "subgrp", "cluster-pg", "pg"]),
    form("ec2", '/', &["instance", "volume"]),
    // AWS Backup leaves the account out; the tagging service does not.
    Form { account: Either, ..form("ec2", '/', &["snapshot", "image"]) },
    Form { region: Blank, ..form("iam", '/', &["role", "user", "group", "policy"]) },
    form("kms", '/', &["key", "alias"]),
    form("dynamodb", '/', &["table"]),
    form("elasticfilesystem", '/', &["file-system"]),
    form("fsx", '/', &["file-system", "volume", "backup", "snapshot"]),
    form("eks", '/', &["cluster"]),
    form("dsql", '/', &["cluster"]),
    form("storagegateway", '/', &["gateway"]),
    form("redshift", ':', &["cluster", "namespace", "snapshot"]),
    form("redshift-serverless", '/', &["namespace", "snapshot"]),
    form("cloudformation", '/', &["stack"]),
    form("backup-gateway", '/', &["vm"]),
    form("ssm-sap", '/', &["HANA"]),
    form("timestream", '/', &["database"]),
    // These two have ids alone.
    form("sns", ':', &[""]),
    Form { region: Blank, account: Blank, ..form("s3", ':', &[""]) },
];

/// Kinds that no other service has a thing of.
const OF_ONE_SERVICE: [&str; 6] =
    ["backup-vault", "backup-plan", "recovery-point", "legal-hold", "db", "cluster-snapshot"];

/// The parts of an ARN, or of a pattern of ARNs: what a `*` may stand for is not judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl Parts<'_> {
    fn text(&self) -> String {
        let Self { partition, service, region, account, resource } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// What of it is not as AWS writes it.
    pub(super) fn check(self) -> Result<(), Fault> {
        let Self { service, resource, .. } = self;
        if service.contains('*') {
            return Ok(());
        }
        if service.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let small = service.to_ascii_lowercase();
            return Err(self.fault("names of services have small letters", Parts { service: &small, ..self }));
        }
        let sign_at = resource.find([':', '/']);
        let (kind, id) = sign_at.map_or((resource, ""), |at| (&resource[..at], &resource[at + 1..]));
        if kind.contains('*') {
            return Ok(());
        }
        let of_service = || FORMS.iter().filter(|form| form.service == service);
        let without_kind = sign_at.is_none().then(|| of_service().find(|form| form.kinds == [""])).flatten();
        if let Some(form) = without_kind {
            return self.check_places(form, "");
        }
        if let Some(form) = of_service().find(|form| form.kinds.contains(&kind)) {
            return self.check_by(form, kind, sign_at, id);
        }
        let other_letters = of_service()
            .find_map(|form| form.kinds.iter().find(|known| !known.is_empty() && same_letters(known, kind)));
        if let Some(meant) = other_letters {
            let meant = resource.replacen(kind, meant, 1);
            let why = format!("{service} has no {kind}");
            return Err(self.fault(&why, Parts { resource: &meant, ..self }));
        }
        if service == "s3" {
            // Who has a bucket has its name alone, and an object's key may have any sign.
            return match sign_at.is_some_and(|at| resource[at..].starts_with(':')) {
                true => Err(self.unlike("the name of a bucket has no colon", "arn:aws:s3:::BUCKET")),
                false => Ok(()),
            };
        }
        match FORMS.iter().find(|form| form.kinds.contains(&kind) && self.is_meant(form, kind)) {
            Some(form) => {
                let meant = Self { service: form.service, ..self };
                Err(self.fault(&format!("{service} has no {kind}"), meant))
            }
            None => Ok(()),
        }
    }

    /// Whether who names a thing of that kind in this service, which has none, means it of the form's.
    fn is_meant(&self, form: &Form, kind: &str) -> bool {
        let known = FORMS.iter().any(|other| other.service == self.service);
        known
            || OF_ONE_SERVICE.contains(&kind)
            || strsim::normalized_damerau_levenshtein(form.service, self.service) >= 0.75
    }

    fn check_by(self, form: &Form, kind: &str, sign_at: Option<usize>, id: &str) -> Result<(), Fault> {
        let sign = sign_at.and_then(|at| self.resource[at..].chars().next());
        if id.is_empty() {
            return Err(self.unlike("the id is not there", &form.shown(self.partition, kind)));
        }
        if sign != Some(form.sign) {
            let meant = format!("{kind}{}{id}", form.sign);
            let why = format!("{} stands between {kind} and the id", form.sign);
            return Err(self.fault(&why, Parts { resource: &meant, ..self }));
        }
        self.check_places(form, kind)?;
        // RDS keeps identifiers in small letters [M], and AWS Backup compares ARNs as they are.
        if form.service == "rds" && ["db", "cluster"].contains(&kind) {
            let small = self.resource.to_ascii_lowercase();
            if small != self.resource {
                let why = "it has capital letters, and RDS keeps identifiers in small ones";
                return Err(self.fault(why, Parts { resource: &small, ..self }));
            }
        }
        Ok(())
    }

    /// Whether region and account are there or left out, as AWS has them.
    fn check_places(self, form: &Form, kind: &str) -> Result<(), Fault> {
        for (what, expected, given) in [("region", form.region, self.region), ("account", form.account, self.account)] {
            let why = match expected {
                Needed if given.is_empty() => format!("its {what} is left out"),
                Blank if !given.is_empty() => format!("it has no {what}"),
                Needed | Blank | Either => continue,
            };
            return Err(self.unlike(&why, &form.shown(self.partition, kind)));
        }
        Ok(())
    }

    fn unlike(&self, why: &str, shown: &str) -> Fault {
        Fault(format!("{} names nothing: {why}; the form is {shown}", quoted(&self.text())))
    }

    fn fault(&self, why: &str, meant: Parts<'_>) -> Fault {
        let (text, meant) = (self.text(), meant.text());
        let question = question(Some(&meant));
        Fault(format!("{} names nothing: {why}{question}", quoted(&text)))
    }
}

impl Form {
    /// The form in words, such as `arn:aws:rds:REGION:ACCOUNT:db:ID`.
    fn shown(&self, partition: &str, kind: &str) -> String {
        let word = |part: Part, word: &'static str| if part == Needed { word } else { "" };
        let (region, account) = (word(self.region, "REGION"), word(self.account, "ACCOUNT"));
        let id = if kind.is_empty() { "NAME".to_owned() } else { format!("{kind}{}ID", self.sign) };
        format!("arn:{partition}:{}:{region}:{account}:{id}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Arn;

    #[test]
    fn what_aws_writes_so_passes() {
        for right in [
            "arn:aws:rds:us-east-1:123456789012:db:orders",
            "arn:aws:rds::123456789012:global-cluster:orders",
            "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-A",
            "arn:aws:ec2:us-east-1::snapshot/snap-1",
            "arn:aws:ec2:us-east-1:123456789012:snapshot/snap-1",
            "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1",
            "arn:aws:ecs:us-east-1:123456789012:cluster/web",
            "arn:aws:dynamodb:us-east-1:123456789012:table/t/backup/1",
            "arn:aws:fsx:us-east-1:123456789012:volume/fs-1/fsvol-1",
            "arn:aws:redshift:us-east-1:123456789012:cluster:c",
            "arn:aws:redshift-serverless:us-east-1:123456789012:namespace/n",
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::volume/object:1",
            "arn:aws:s3:us-east-1:123456789012:accesspoint/a",
            "arn:aws:sns:us-east-1:123456789012:t",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::aws:policy/service-role/P",
            "arn:aws:new:us-east-1::x",
        ] {
            assert!(Arn::parse(right).is_ok(), "{right}: {:?}", Arn::parse(right));
        }
    }

    #[test]
    fn what_aws_never_writes_is_a_fault_with_what_was_meant() {
        for (wrong, why) in [
            (
                "arn:aws:rds:us-east-1::db:orders",
                "its account is left out; the form is arn:aws:rds:REGION:ACCOUNT:db:ID",
            ),
            ("arn:aws-cn:rds::123456789012:db:orders", "its region is left out; the form is arn:aws-cn:rds:REGION"),
            (
                "arn:aws:rds:us-east-1:123456789012:db/orders",
                "did you mean arn:aws:rds:us-east-1:123456789012:db:orders?",
            ),
            (
                "arn:aws:rds:us-east-1:123456789012:db:Orders",
                "did you mean arn:aws:rds:us-east-1:123456789012:db:orders?",
            ),
            (
                "arn:aws:rds:us-east-1:123456789012:DB:orders",
                "did you mean arn:aws:rds:us-east-1:123456789012:db:orders?",
            ),
            (
                "arn:aws:RDS:us-east-1:123456789012:db:orders",
                "did you mean arn:aws:rds:us-east-1:123456789012:db:orders?",
            ),
            ("arn:aws:ec2:us-east-1:123456789012:db:orders", "ec2 has no db; did you mean arn:aws:rds:"),
            ("arn:aws:mars:us-east-1:123456789012:db:orders", "mars has no db; did you mean arn:aws:rds:"),
            ("arn:aws:backup:us-east-1:123456789012:backup-vault", "the id is not there"),
            (
                "arn:aws:ec2:us-east-1:123456789012:volume:vol-1",
                "did you mean arn:aws:ec2:us-east-1:123456789012:volume/vol-1?",
            ),
            ("arn:aws:iam:us-east-1:123456789012:role/r", "it has no region; the form is arn:aws:iam::ACCOUNT:role/ID"),
            ("arn:aws:sns:us-east-1::t", "its account is left out; the form is arn:aws:sns:REGION:ACCOUNT:NAME"),
            ("arn:aws:s3:us-east-1:123456789012:bucket", "it has no region; the form is arn:aws:s3:::NAME"),
            ("arn:aws:s3:::bucket:x", "the name of a bucket has no colon"),
            ("ARN:aws:s3:::bucket", "is not an ARN"),
        ] {
            let told = Arn::parse(wrong).unwrap_err().0;
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }
}

//! Who Strongroom is to the policies that it sets.

/// An identity of AWS, as STS tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As STS tells it: of a role, of its session.
    pub arn: String,
    /// `aws:userid`; blank where it is not known.
    pub user_id: String,
    partition: String,
    account: String,
    who: Who,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Root,
    User {
        name: String,
    },
    /// STS leaves the path of the role out.
    Role {
        name: String,
        session: String,
    },
    Other,
}

/// How a policy's principal stands to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    No,
    Unknown,
    Yes,
}

impl Answer {
    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Caller {
    /// The identity of an answer of GetCallerIdentity; `None`: it is not an ARN of IAM or STS.
    pub fn told(arn: &str, user_id: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "iam" | "sts", "", account, resource] = parts[..] else { return None };
        let who = match resource.split_once('/') {
            None if resource == "root" => Who::Root,
            Some(("user", path)) => Who::User { name: last(path).to_owned() },
            Some(("assumed-role", rest)) => {
                let (name, session) = rest.split_once('/')?;
                Who::Role { name: name.to_owned(), session: session.to_owned() }
            }
            _ => Who::Other,
        };
        Some(Self {
            arn: arn.to_owned(),
            user_id: user_id.to_owned(),
            partition: partition.to_owned(),
            account: account.to_owned(),
            who,
        })
    }

    /// The ARNs by which a policy can name it: a request of a role's session is made by the account, the role and the
    /// session, and NotPrincipal has to name all of them `[D]`.
    pub(super) fn names(&self) -> Vec<String> {
        let root = format!("arn:{}:iam::{}:root", self.partition, self.account);
        match &self.who {
            Who::Root => vec![root],
            Who::Role { .. } => vec![root, self.principal_arn(), self.arn.clone()],
            Who::User { .. } | Who::Other => vec![root, self.arn.clone()],
        }
    }

    /// What stands in `aws:PrincipalArn`, but for the path of a role: of a session it is the role `[D]`.
    pub(super) fn principal_arn(&self) -> String {
        match &self.who {
            Who::Role { name, .. } => format!("arn:{}:iam::{}:role/{name}", self.partition, self.account),
            Who::Root | Who::User { .. } | Who::Other => self.arn.clone(),
        }
    }

    /// `aws:PrincipalType`.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self.who {
            Who::Root => Some("Account"),
            Who::User { .. } => Some("User"),
            Who::Role { .. } => Some("AssumedRole"),
            Who::Other => None,
        }
    }

    /// `aws:username`, which only users have.
    pub(super) fn user_name(&self) -> Option<&str> {
        match &self.who {
            Who::User { name } => Some(name),
            Who::Root | Who::Role { .. } | Who::Other => None,
        }
    }

    /// Whether a policy's principal, an account or an ARN, is the caller.
    pub(super) fn is(&self, principal: &str) -> Answer {
        if principal == self.account {
            return Answer::Yes;
        }
        if self.names().iter().any(|name| name == principal) {
            return Answer::Yes;
        }
        let Who::Role { name, session: _ } = &self.who else { return Answer::No };
        let (iam, sts) = (&self.of_account("iam"), &self.of_account("sts"));
        if let Some(path) = principal.strip_prefix(iam).and_then(|resource| resource.strip_prefix("role/")) {
            // Names of roles are unique in an account, whatever their paths.
            return (last(path) == name).into();
        }
        let session = principal.strip_prefix(sts).and_then(|resource| resource.strip_prefix("assumed-role/"));
        match session.and_then(|session| session.split_once('/')) {
            // Another session of the same role: the next one of Strongroom's may have that name.
            Some((role, _)) if role == name => Answer::Unknown,
            _ => Answer::No,
        }
    }

    /// Whether the pattern of a condition fits `aws:PrincipalArn`. `fits`: how the operator compares.
    pub(super) fn fits(&self, pattern: &str, fits: impl Fn(&str, &str) -> bool) -> Answer {
        if fits(pattern, &self.principal_arn()) {
            return Answer::Yes;
        }
        let Who::Role { name, .. } = &self.who else { return Answer::No };
        let Some((head, tail)) = pattern.rsplit_once('/') else { return Answer::No };
        let Some((before, path)) = head.split_once(":role/").or_else(|| head.split_once(":role")) else {
            let of_some_path = head.contains('*') && fits(tail, name);
            return if of_some_path { Answer::Unknown } else { Answer::No };
        };
        let same = fits(tail, name) && fits(&format!("{before}:"), &self.of_account("iam"));
        match same {
            true if tail == name && !path.contains(['*', '?']) => Answer::Yes,
            true => Answer::Unknown,
            false => Answer::No,
        }
    }

    fn of_account(&self, service: &str) -> String {
        format!("arn:{}:{service}::{}:", self.partition, self.account)
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

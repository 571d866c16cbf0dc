//! Vault locks.

use super::{findings, reader::Reader};
use crate::{
    domain::{Asked, Invalid, LockVault, LockedVault, OfVault},
    proto::{self, LockMode},
};

pub(in crate::rpc) fn lock(request: proto::LockVaultRequest) -> Result<Asked<LockVault>, Invalid> {
    let proto::LockVaultRequest {
        scope,
        vault,
        mode,
        min_retention_days,
        max_retention_days,
        changeable_for_days,
        confirm_irreversible,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let vault = read.vault("vault", &vault);
    let min = min_retention_days.map(|days| read.note("min_retention_days", LockVault::parse_bound(days))).transpose();
    let max = max_retention_days.map(|days| read.note("max_retention_days", LockVault::parse_bound(days))).transpose();
    if let (Ok(Some(min)), Ok(Some(max))) = (min, max)
        && min > max
    {
        read.fault("max_retention_days", format!("is {max}, below min_retention_days, which is {min}"));
    }
    let grace = changeable_for_days.map(|days| read.note("changeable_for_days", LockVault::parse_grace(days)));
    let grace = match LockMode::try_from(mode) {
        Ok(LockMode::Unspecified | LockMode::Governance) => {
            for (field, given) in
                [("changeable_for_days", changeable_for_days.is_some()), ("confirm_irreversible", confirm_irreversible)]
            {
                if given {
                    read.fault(field, "is for LOCK_MODE_COMPLIANCE only: leave it out, or set mode to that");
                }
            }
            Ok(None)
        }
        Ok(LockMode::Compliance) => {
            if !confirm_irreversible && !validate_only {
                let fault = "must be true with LOCK_MODE_COMPLIANCE: after its date nobody, AWS included, can undo the \
                             lock; see with validate_only what it would do";
                read.fault("confirm_irreversible", fault);
            }
            match grace {
                Some(grace) => grace.map(Some),
                None => {
                    let fault =
                        "is required with LOCK_MODE_COMPLIANCE: give the days, 3–36500, in which it can be undone";
                    Err(read.fault("changeable_for_days", fault))
                }
            }
        }
        Err(_) => Err(read.fault(
            "mode",
            format!("{mode} is not a LockMode: give LOCK_MODE_GOVERNANCE or LOCK_MODE_COMPLIANCE, or leave it blank"),
        )),
    };
    let etag = read.etag(etag);
    read.conclude(|| {
        Ok(LockVault {
            vault: vault?,
            min_retention_days: min?,
            max_retention_days: max?,
            changeable_for_days: grace?,
            etag: etag?,
        })
    })
}

pub(in crate::rpc) fn unlock(request: proto::UnlockVaultRequest) -> Result<Asked<OfVault<()>>, Invalid> {
    let proto::UnlockVaultRequest { scope, vault, etag, request_id, validate_only } = request;
    super::vault_settings::change(Reader::change(scope, &request_id, validate_only), &vault, etag)
}

impl From<LockedVault> for proto::LockVaultResponse {
    fn from(locked: LockedVault) -> Self {
        Self {
            vault: Some(locked.vault.into()),
            clashes: locked.clashes.into_iter().map(Into::into).collect(),
            findings: findings(locked.findings),
            request_id: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(request: proto::LockVaultRequest) -> Vec<String> {
        match lock(proto::LockVaultRequest { vault: "prod".into(), ..request }) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.violations.into_iter().map(|violation| violation.field).collect(),
        }
    }

    #[test]
    fn what_cannot_be_undone_has_no_default_and_is_confirmed() {
        let compliance = proto::LockVaultRequest { mode: LockMode::Compliance.into(), ..Default::default() };
        assert_eq!(fields(compliance.clone()), ["confirm_irreversible", "changeable_for_days"]);
        let dry = proto::LockVaultRequest { validate_only: true, changeable_for_days: Some(3), ..compliance.clone() };
        assert_eq!(fields(dry), Vec::<String>::new());
        let short = proto::LockVaultRequest { changeable_for_days: Some(2), confirm_irreversible: true, ..compliance };
        assert_eq!(fields(short), ["changeable_for_days"]);
    }

    #[test]
    fn what_is_for_compliance_does_not_stand_beside_governance() {
        let request = proto::LockVaultRequest {
            changeable_for_days: Some(3),
            confirm_irreversible: true,
            min_retention_days: Some(0),
            max_retention_days: Some(36_501),
            ..Default::default()
        };
        let all = ["min_retention_days", "max_retention_days", "changeable_for_days", "confirm_irreversible"];
        assert_eq!(fields(request), all);
        let crossed = proto::LockVaultRequest {
            min_retention_days: Some(8),
            max_retention_days: Some(7),
            mode: 9,
            ..Default::default()
        };
        assert_eq!(fields(crossed), ["max_retention_days", "mode"]);
    }
}

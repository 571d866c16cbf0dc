//! What is said of a legal hold that is made or cancelled: the one place of these sentences.

use super::{CancelLegalHold, HeldCount, LegalHold};
use crate::domain::{Finding, Unseen};

impl HeldCount {
    /// Code of the finding that a hold keeps nothing.
    pub const NOTHING: &str = "LEGAL_HOLD_KEEPS_NOTHING";

    /// What a new hold keeps, and keeps from happening `[D]`.
    pub fn findings_of_new(self) -> Vec<Finding> {
        if self.points == 0 && !self.more {
            let message =
                "no recovery point that is there fits the selection, and what is made later a hold does not keep";
            let action =
                "compare the selection with ListRecoveryPoints; cancel the hold if it was made, and make another";
            return vec![Finding::warning(Self::NOTHING, message, action)];
        }
        let message = format!(
            "it keeps {}: until it is cancelled nobody deletes them, and their lifecycle neither deletes them nor moves \
             them to cold storage, so that they cost money beyond their retention; copies, and what is made later, it does \
             not keep",
            self.in_words()
        );
        let mut found = vec![Finding::info("LEGAL_HOLD_KEEPS", message)];
        if self.continuous > 0 {
            let message = format!(
                "{} of them can be restored to any second of their window, and it does not lengthen that window, which is \
                 35 days at most: what is older goes all the same",
                self.continuous
            );
            let action = "take a backup with StartBackup, and hold that";
            found.push(Finding::warning("LEGAL_HOLD_OF_CONTINUOUS", message, action));
        }
        found
    }

    /// What cancelling it lets go `[D]`.
    pub fn findings_of_cancelled(self) -> Vec<Finding> {
        if self.points == 0 && !self.more {
            return Vec::new();
        }
        let message = format!(
            "{} can be deleted again unless another hold keeps them, and AWS deletes those whose retention has passed \
             meanwhile: nobody can bring them back",
            self.in_words()
        );
        let action = "give what is to stay another lifecycle, or another hold, before this one is cancelled";
        vec![Finding::warning("LEGAL_HOLD_LETS_GO", message, action)]
    }

    fn in_words(self) -> String {
        let least = if self.more { "at least " } else { "" };
        match self.points {
            1 => format!("{least}1 recovery point"),
            points => format!("{least}{points} recovery points"),
        }
    }
}

impl LegalHold {
    /// That a hold which a request made before keeps nothing any more.
    pub fn over(&self) -> Finding {
        let message = format!("legal hold {} was made by this request and cancelled since: it keeps nothing", self.id);
        Finding::warning("LEGAL_HOLD_CANCELED", message, "create another one with a fresh request_id")
    }

    /// That it was cancelled before, for another reason: AWS keeps the first.
    pub fn cancelled_before(&self, asked: &CancelLegalHold) -> Option<Finding> {
        let said = &self.cancel_reason;
        (!said.is_empty() && *said != asked.reason).then(|| {
            let at = self.cancelled_at.map(|at| format!(" at {at}")).unwrap_or_default();
            let message = format!(
                "legal hold {} was cancelled before{at}, with the reason \"{}\": AWS keeps that one",
                self.id,
                said.chars().take(200).collect::<String>().escape_debug()
            );
            Finding::info("LEGAL_HOLD_CANCELED", message)
        })
    }

    /// What it keeps was not found out.
    pub fn not_counted(unseen: &Unseen, permissions: &str) -> Finding {
        let action = unseen.action(permissions, "ask ListLegalHoldRecoveryPoints");
        unseen.not_checked("what the hold keeps", "whether it keeps any recovery point is not known", action)
    }

    /// Whether a vault is there was not found out.
    pub fn vault_not_checked(vault: &str, unseen: &Unseen) -> Finding {
        let permissions = "backup:DescribeBackupVault and backup:ListBackupVaults";
        let unknown = "if it is missing, the hold keeps nothing of it";
        let action = unseen.action(permissions, "ask GetVault");
        unseen.not_checked(&format!("vault {vault}"), unknown, action).at("recovery_point_selection.vaults")
    }
}

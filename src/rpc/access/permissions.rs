//! The policies that hold now: read when the server starts, and looked at again and again. What cannot be used leaves what
//! there is.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;

use super::{
    metrics,
    picture::Picture,
    policy::{Files, Policies, PolicyFault},
    principal::Principal,
    sight::Sight,
};
use crate::{
    config::AccessConfig,
    ledger::Ledger,
    rpc::{fault::Fault, telling::Facts},
};

/// What callers may, by policies. Clones are the same.
#[derive(Debug, Clone)]
pub struct Permissions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    interval: Duration,
    present: ArcSwap<Policies>,
    picture: Picture,
    /// Why what is in the files now cannot be used.
    fault: Mutex<Fault>,
}

/// Policies cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the policies cannot be used: {0}")]
pub struct PermissionsError(#[from] pub(super) PolicyFault);

impl Permissions {
    /// Nothing where the configuration names no policies.
    ///
    /// # Errors
    /// When there are none, or one of them cannot be used: then all that is wrong is told.
    pub(crate) fn open(
        access: &AccessConfig,
        ledger: Ledger,
        owner_tag: &str,
    ) -> Result<Option<Self>, PermissionsError> {
        let Some(folder) = &access.policies else { return Ok(None) };
        let policies = read(folder)?;
        tracing::info!(policies = policies.count, hash = policies.hash, "callers may what policies permit");
        metrics::policies_usable(true, policies.count);
        Ok(Some(Self(Arc::new(Inner {
            folder: folder.clone(),
            interval: access.policy_reload_interval,
            present: ArcSwap::from_pointee(policies),
            picture: Picture { ledger, owner_tag: owner_tag.to_owned() },
            fault: Mutex::default(),
        }))))
    }

    /// The policies that hold now.
    pub(super) fn present(&self) -> Arc<Policies> {
        self.0.present.load_full()
    }

    pub(super) fn picture(&self) -> &Picture {
        &self.0.picture
    }

    /// What the caller may in a call of this message.
    pub(in crate::rpc) fn sight(&self, caller: &Principal, facts: &Arc<Facts>, bytes: &[u8]) -> Sight {
        match facts.method() {
            Some(method) if method.is_decided_on => Sight::of(self, caller, (method, facts), bytes),
            Some(_) | None => Sight::default(),
        }
    }

    /// Looks at the files for as long as it is polled, and tells what is wrong with them, or that nothing is.
    pub(crate) async fn keep(self, tell: impl Fn(Option<String>) + Send) {
        loop {
            tokio::time::sleep(self.0.interval).await;
            let this = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || this.look()).await {
                tracing::error!(%error, "a look at the files of access.policies broke off");
            }
            tell(self.fault());
        }
    }

    /// Takes what is new, whole.
    fn look(&self) {
        let present = self.present();
        let read = Files::in_folder(&self.0.folder).and_then(|files| match files.hash() == present.hash {
            true => Ok(None),
            false => files.read().map(Some),
        });
        let fault = match read {
            Ok(None) => None,
            Ok(Some(policies)) => {
                tracing::info!(policies = policies.count, hash = policies.hash, "took new policies");
                metrics::policies_read(true);
                self.0.present.store(Arc::new(policies));
                None
            }
            Err(fault) => Some(fault.to_string()),
        };
        metrics::policies_usable(fault.is_none(), self.present().count);
        if !self.0.fault.lock().unwrap_or_else(PoisonError::into_inner).is_news(fault.clone()) {
            return;
        }
        match fault {
            None => tracing::info!("the files of access.policies can be used again"),
            Some(fault) => {
                metrics::policies_read(false);
                tracing::warn!(fault, "the files of access.policies cannot be used: the present policies stay");
            }
        }
    }

    /// Why the files cannot be used at present, if so.
    fn fault(&self) -> Option<String> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner).present()
    }
}

/// Whether the policies that the configuration names can be used.
///
/// # Errors
/// When they cannot: then all that is wrong is told.
pub fn check_policies(access: &AccessConfig) -> Result<(), PermissionsError> {
    access.policies.as_deref().map_or(Ok(()), |folder| read(folder).map(drop))
}

fn read(folder: &Path) -> Result<Policies, PermissionsError> {
    Ok(Files::in_folder(folder)?.read()?)
}

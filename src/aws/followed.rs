//! The accounts and regions that the configuration says are followed.

use super::{Aws, Error, Scoped};
use crate::{
    config::FollowedScope,
    domain::{AskedScope, Scope},
};

impl Aws {
    /// The accounts and regions that are meant, each once; of none the one that requests mean by default. Where there is no way
    /// into one, nobody knows which the others are.
    pub async fn followed(&self, named: &[FollowedScope]) -> Result<Vec<Scope>, Error> {
        if named.is_empty() {
            return Ok(vec![self.within(&AskedScope::default()).await?.scope().clone()]);
        }
        let mut scopes = Vec::new();
        for FollowedScope { account, region } in named {
            let asked = AskedScope { account: account.clone(), region: Some(region.clone()), partition: None };
            let scope = self.resolve(&asked).await?;
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Ok(scopes)
    }
}

impl Scoped {
    /// AWS as a whole, beyond this account and region.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }
}

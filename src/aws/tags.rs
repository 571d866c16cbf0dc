//! Tags of any resource. `backup:TagResource` cannot tag a database: the ARN tells which service must be asked.

use std::collections::BTreeMap;

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{Arn, AskedScope, Tags};

const RDS_ADD: Operation = Operation::write("rds", "AddTagsToResource");
const RDS_REMOVE: Operation = Operation::write("rds", "RemoveTagsFromResource");
const RDS_LIST: Operation = Operation::read("rds", "ListTagsForResource");
const BACKUP_TAG: Operation = Operation::write("backup", "TagResource");
const BACKUP_UNTAG: Operation = Operation::write("backup", "UntagResource");
const BACKUP_LIST: Operation = Operation::read("backup", "ListTags");
const TAGGING_TAG: Operation = Operation::write("tagging", "TagResources");
const TAGGING_UNTAG: Operation = Operation::write("tagging", "UntagResources");
pub(super) const TAGGING_GET: Operation = Operation::read("tagging", "GetResources");

/// Who keeps the tags of a resource.
enum Keeper {
    Rds,
    Backup,
    /// Any other service, by the tagging API.
    Tagging,
}

fn keeper(arn: &Arn) -> Keeper {
    match arn.service() {
        "rds" => Keeper::Rds,
        "backup" => Keeper::Backup,
        _ => Keeper::Tagging,
    }
}

impl Aws {
    /// Adds or overwrites tags; answers all tags that the resource has then.
    pub async fn tag_resource(
        &self,
        asked: &AskedScope,
        arn: &Arn,
        tags: &Tags,
    ) -> Result<BTreeMap<String, String>, Error> {
        let clients = self.clients(asked).await?;
        let text = arn.as_str();
        let about = |error: Error| error.about(Noun::Resource, arn);
        match keeper(arn) {
            Keeper::Rds => {
                let tag = |(key, value)| aws_sdk_rds::types::Tag::builder().key(key).value(value).build();
                let sent = clients
                    .rds
                    .add_tags_to_resource()
                    .resource_name(text)
                    .set_tags(Some(tags.0.iter().map(tag).collect()));
                call(RDS_ADD, sent.send()).await.map_err(about)?;
            }
            Keeper::Backup => {
                let sent = clients
                    .backup
                    .tag_resource()
                    .resource_arn(text)
                    .set_tags(Some(tags.0.clone().into_iter().collect()));
                call(BACKUP_TAG, sent.send()).await.map_err(about)?;
            }
            Keeper::Tagging => {
                let sent = clients
                    .tagging
                    .tag_resources()
                    .resource_arn_list(text)
                    .set_tags(Some(tags.0.clone().into_iter().collect()));
                let answer = call(TAGGING_TAG, sent.send()).await.map_err(about)?;
                failed(TAGGING_TAG, arn, answer.failed_resources_map)?;
            }
        }
        clients.tags(arn).await.map_err(|error| error.after("TagResource"))
    }

    /// Removes tags; answers all tags that the resource has then.
    pub async fn untag_resource(
        &self,
        asked: &AskedScope,
        arn: &Arn,
        keys: &[String],
    ) -> Result<BTreeMap<String, String>, Error> {
        let clients = self.clients(asked).await?;
        let (text, keys) = (arn.as_str(), Some(keys.to_vec()));
        let about = |error: Error| error.about(Noun::Resource, arn);
        match keeper(arn) {
            Keeper::Rds => {
                let sent = clients.rds.remove_tags_from_resource().resource_name(text).set_tag_keys(keys);
                call(RDS_REMOVE, sent.send()).await.map_err(about)?;
            }
            Keeper::Backup => {
                let sent = clients.backup.untag_resource().resource_arn(text).set_tag_key_list(keys);
                call(BACKUP_UNTAG, sent.send()).await.map_err(about)?;
            }
            Keeper::Tagging => {
                let sent = clients.tagging.untag_resources().resource_arn_list(text).set_tag_keys(keys);
                let answer = call(TAGGING_UNTAG, sent.send()).await.map_err(about)?;
                failed(TAGGING_UNTAG, arn, answer.failed_resources_map)?;
            }
        }
        clients.tags(arn).await.map_err(|error| error.after("UntagResource"))
    }

    /// All tags of a resource. The tagging API does not tell a resource without tags from one that does not exist: for
    /// services other than RDS and AWS Backup both have none.
    pub async fn list_tags(&self, asked: &AskedScope, arn: &Arn) -> Result<BTreeMap<String, String>, Error> {
        self.clients(asked).await?.tags(arn).await
    }
}

impl Clients {
    async fn tags(&self, arn: &Arn) -> Result<BTreeMap<String, String>, Error> {
        let text = arn.as_str();
        let about = |error: Error| error.about(Noun::Resource, arn);
        match keeper(arn) {
            Keeper::Rds => {
                let answer = call(RDS_LIST, self.rds.list_tags_for_resource().resource_name(text).send())
                    .await
                    .map_err(about)?;
                let pair = |tag: aws_sdk_rds::types::Tag| Some((tag.key?, tag.value.unwrap_or_default()));
                Ok(answer.tag_list.unwrap_or_default().into_iter().filter_map(pair).collect())
            }
            Keeper::Backup => {
                let (mut tags, mut cursor) = (BTreeMap::new(), None);
                loop {
                    let sent = self.backup.list_tags().resource_arn(text).set_next_token(cursor);
                    let answer = call(BACKUP_LIST, sent.send()).await.map_err(about)?;
                    tags.extend(answer.tags.unwrap_or_default());
                    cursor = match answer.next_token {
                        None => return Ok(tags),
                        next => next,
                    };
                }
            }
            Keeper::Tagging => {
                let answer = call(TAGGING_GET, self.tagging.get_resources().resource_arn_list(text).send())
                    .await
                    .map_err(about)?;
                let found = answer.resource_tag_mapping_list.unwrap_or_default().into_iter();
                let tags = found.flat_map(|mapping| mapping.tags.unwrap_or_default());
                Ok(tags.map(|tag| (tag.key, tag.value)).collect())
            }
        }
    }
}

/// The tagging API answers success though it failed for the resource `[M]`.
fn failed(
    operation: Operation,
    arn: &Arn,
    failures: Option<impl IntoIterator<Item = (String, aws_sdk_resourcegroupstagging::types::FailureInfo)>>,
) -> Result<(), Error> {
    let Some((_, failure)) = failures.into_iter().flatten().next() else { return Ok(()) };
    let code = failure.error_code.map(|code| code.as_str().to_owned()).unwrap_or_default();
    let message = failure.error_message.unwrap_or_else(|| code.clone());
    let kind = match failure.status_code {
        404 => Kind::NotFound,
        401 | 403 => Kind::Denied,
        429 => Kind::Throttled,
        500.. => Kind::Unavailable,
        _ => Kind::Rejected,
    };
    let mut error = Error::found(operation.name, kind, Noun::Resource, arn.as_str(), message);
    error.aws_code = Some(code);
    Err(error)
}

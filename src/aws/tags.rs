//! Tags of any resource. `backup:TagResource` cannot tag a database: the ARN tells which service must be asked.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    pages::pages,
};
use crate::domain::{Arn, Asked, DatabaseRef, Noun, ResourceRef, TagResource, Tags, UntagResource};

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

impl Scoped {
    /// Adds or overwrites tags; answers all tags that the resource has then.
    pub async fn tag_resource(&self, asked: &Asked<TagResource>) -> Result<BTreeMap<String, String>, Error> {
        let TagResource { resource, tags } = &asked.what;
        let arn = self.resource_arn(resource).await?;
        self.is_taggable(&arn).await?;
        // Each service has another word for too many, so they are counted here.
        let all = tags.fit(self.tags_of(&arn).await?)?;
        if asked.is_check() {
            return Ok(all);
        }
        if let Err(error) = self.add_tags(&arn, tags).await {
            return Err(self.of_tagged(error, &arn).await.into());
        }
        Ok(self.tags_of(&arn).await.map_err(|error| error.after("TagResource"))?)
    }

    /// Removes tags; answers all tags that the resource has then.
    pub async fn untag_resource(&self, asked: &Asked<UntagResource>) -> Result<BTreeMap<String, String>, Error> {
        let UntagResource { resource, keys } = &asked.what;
        let arn = self.resource_arn(resource).await?;
        self.is_taggable(&arn).await?;
        if asked.is_check() {
            let mut left = self.tags_of(&arn).await?;
            left.retain(|key, _| !keys.contains(key));
            return Ok(left);
        }
        if let Err(error) = self.remove_tags(&arn, keys).await {
            return Err(self.of_tagged(error, &arn).await.into());
        }
        Ok(self.tags_of(&arn).await.map_err(|error| error.after("UntagResource"))?)
    }

    /// All tags of a resource.
    pub async fn list_tags(&self, resource: &ResourceRef) -> Result<BTreeMap<String, String>, Error> {
        let arn = self.resource_arn(resource).await?;
        Ok(self.tags_of(&arn).await?)
    }
}

impl Scoped {
    /// The plans of an organization's policy nobody changes from an account, their tags neither.
    async fn is_taggable(&self, arn: &Arn) -> Result<(), Error> {
        match arn.resource_of_kind("backup-plan").filter(|_| arn.service() == "backup") {
            Some(id) => self.is_own_plan(id).await,
            None => Ok(()),
        }
    }

    /// A failure of a call about the tags of a thing: of a database that is not there with the question which was meant.
    async fn of_tagged(&self, error: Failure, arn: &Arn) -> Failure {
        let error = error.about(Noun::Resource, arn);
        match DatabaseRef::of_arn(arn).filter(|_| error.kind == FailureKind::NotFound) {
            Some(named) => Failure { meant: self.meant_database(&named).await.into(), ..error },
            None => error,
        }
    }

    async fn add_tags(&self, arn: &Arn, tags: &Tags) -> Result<(), Failure> {
        let (text, tags) = (arn.as_str(), tags.0.clone());
        match keeper(arn) {
            Keeper::Rds => {
                let tag = |(key, value)| aws_sdk_rds::types::Tag::builder().key(key).value(value).build();
                let sent = self.clients.rds.add_tags_to_resource().resource_name(text);
                let sent = sent.set_tags(Some(tags.into_iter().map(tag).collect()));
                self.call(RDS_ADD, sent.send()).await.map(drop)
            }
            Keeper::Backup => {
                let sent = self.clients.backup.tag_resource().resource_arn(text);
                let sent = sent.set_tags(Some(tags.into_iter().collect()));
                self.call(BACKUP_TAG, sent.send()).await.map(drop)
            }
            Keeper::Tagging => {
                let sent = self.clients.tagging.tag_resources().resource_arn_list(text);
                let sent = sent.set_tags(Some(tags.into_iter().collect()));
                let answer = self.call(TAGGING_TAG, sent.send()).await?;
                failed(TAGGING_TAG, answer.failed_resources_map)
            }
        }
    }

    async fn remove_tags(&self, arn: &Arn, keys: &[String]) -> Result<(), Failure> {
        let (text, keys) = (arn.as_str(), Some(keys.to_vec()));
        match keeper(arn) {
            Keeper::Rds => {
                let sent = self.clients.rds.remove_tags_from_resource().resource_name(text).set_tag_keys(keys);
                self.call(RDS_REMOVE, sent.send()).await.map(drop)
            }
            Keeper::Backup => {
                let sent = self.clients.backup.untag_resource().resource_arn(text).set_tag_key_list(keys);
                self.call(BACKUP_UNTAG, sent.send()).await.map(drop)
            }
            Keeper::Tagging => {
                let sent = self.clients.tagging.untag_resources().resource_arn_list(text).set_tag_keys(keys);
                let answer = self.call(TAGGING_UNTAG, sent.send()).await?;
                failed(TAGGING_UNTAG, answer.failed_resources_map)
            }
        }
    }

    /// The tagging API does not tell a resource without tags from one that does not exist: for services other than RDS and
    /// AWS Backup both have none.
    async fn tags_of(&self, arn: &Arn) -> Result<BTreeMap<String, String>, Failure> {
        let text = arn.as_str();
        let about = |error: Failure| error.about(Noun::Resource, arn);
        match keeper(arn) {
            Keeper::Rds => {
                let sent = self.clients.rds.list_tags_for_resource().resource_name(text);
                let answer = match self.read(RDS_LIST, ask!(sent)).await {
                    Ok(answer) => answer,
                    Err(error) => return Err(self.of_tagged(error, arn).await),
                };
                let pair = |tag: aws_sdk_rds::types::Tag| Some((tag.key?, tag.value.unwrap_or_default()));
                Ok(answer.tag_list.unwrap_or_default().into_iter().filter_map(pair).collect())
            }
            Keeper::Backup => self.backup_tags(text).await.map_err(about),
            Keeper::Tagging => {
                let sent = self.clients.tagging.get_resources().resource_arn_list(text);
                let answer = self.read(TAGGING_GET, ask!(sent)).await.map_err(about)?;
                let found = answer.resource_tag_mapping_list.unwrap_or_default().into_iter();
                let tags = found.flat_map(|mapping| mapping.tags.unwrap_or_default());
                Ok(tags.map(|tag| (tag.key, tag.value)).collect())
            }
        }
    }

    /// The tags of all vaults and plans that have some, by ARN.
    pub async fn tagged_vaults_and_plans(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>, Error> {
        let kinds = || Some(vec!["backup:backup-vault".to_owned(), "backup:backup-plan".to_owned()]);
        let all = pages(|token| async move {
            let sent = self.clients.tagging.get_resources().set_resource_type_filters(kinds()).resources_per_page(100);
            let answer = self.read(TAGGING_GET, ask!(sent.set_pagination_token(token))).await?;
            let next = answer.pagination_token.filter(|token| !token.is_empty());
            Ok::<_, Failure>((answer.resource_tag_mapping_list.unwrap_or_default(), next))
        });
        let tagged = |mapping: aws_sdk_resourcegroupstagging::types::ResourceTagMapping| {
            let tags = mapping.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
            Some((mapping.resource_arn?, tags))
        };
        let all: Vec<_> = all.try_concat().await?;
        Ok(all.into_iter().filter_map(tagged).collect())
    }

    /// The tags of a vault, a plan or whatever else AWS Backup itself keeps.
    pub(super) async fn backup_tags(&self, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
        let tags = pages(|token| async move {
            let sent = self.clients.backup.list_tags().resource_arn(arn).set_next_token(token);
            let answer = self.read(BACKUP_LIST, ask!(sent)).await?;
            Ok((answer.tags.unwrap_or_default(), answer.next_token))
        });
        tags.try_fold(BTreeMap::new(), |mut all, page| async move {
            all.extend(page);
            Ok(all)
        })
        .await
    }
}

/// The tagging API answers success though it failed for the resource `[M]`.
fn failed(
    operation: Operation,
    failures: Option<impl IntoIterator<Item = (String, aws_sdk_resourcegroupstagging::types::FailureInfo)>>,
) -> Result<(), Failure> {
    let Some((_, failure)) = failures.into_iter().flatten().next() else { return Ok(()) };
    let code = failure.error_code.map(|code| code.as_str().to_owned()).unwrap_or_default();
    let message = failure.error_message.unwrap_or_else(|| code.clone());
    let kind = match failure.status_code {
        404 => FailureKind::NotFound,
        401 | 403 => FailureKind::Denied,
        429 => FailureKind::Throttled,
        500.. => FailureKind::Unavailable,
        _ => FailureKind::Rejected,
    };
    Err(Failure { aws_code: Some(code.into()), ..Failure::told(operation.name, kind, message) })
}

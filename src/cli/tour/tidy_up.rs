//! Removes what the tour made, and nothing else.

use std::time::Instant;

use super::{
    guide::{Guide, Stop, refusal, say},
    names::{SELECTION, VAULT, request_id},
    story::{NUDGE, World, pass_time},
};
use crate::proto;

/// What was not there before the tour.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The vault carries the tour's tag.
    pub(super) vault: bool,
    /// The plan carries the tour's tag.
    pub(super) plan: bool,
    /// Keys of tags that the database did not have.
    pub(super) tags: Vec<String>,
}

/// All recovery points in the vault, or those of one resource there.
pub(super) async fn points(guide: &Guide, resource: Option<&str>) -> Result<Vec<proto::RecoveryPoint>, Stop> {
    const LIST: &str = "RecoveryPointService/ListRecoveryPoints";
    let mut request = proto::ListRecoveryPointsRequest {
        vault: VAULT.to_owned(),
        resource: resource.unwrap_or_default().to_owned(),
        page_size: 1000,
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = guide.quietly(LIST, request.clone()).await;
        let page: proto::ListRecoveryPointsResponse = page.map_err(|status| refusal(LIST, &status))?;
        found.extend(page.recovery_points);
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        request.page_token = page.next_page_token;
    }
}

/// AWS takes its time to delete a recovery point, and refuses to delete the vault meanwhile.
async fn emptied(guide: &Guide, world: &World) -> Result<(), Stop> {
    let begun = Instant::now();
    say("\n   waiting until AWS has deleted the recovery points");
    while !points(guide, None).await?.is_empty() {
        if begun.elapsed() > world.wait {
            return Err(Stop::failed(
                "the recovery points are still being deleted; repeat the tour to go on tidying up",
            ));
        }
        pass_time(world, NUDGE).await?;
    }
    Ok(())
}

pub(super) async fn tidy_up(guide: &mut Guide, world: &World, plan: &proto::Plan, made: &Made) -> Result<(), Stop> {
    let World { database, vault, .. } = world;
    guide.step("Tidying up", "What the tour made goes again; --keep would leave it.")?;
    if made.plan {
        let request = proto::DeleteSelectionRequest {
            plan: plan.id.clone(),
            selection: SELECTION.to_owned(),
            request_id: request_id("delete selection", &[&plan.id]),
            allow_missing: true,
            ..Default::default()
        };
        let _: proto::DeleteSelectionResponse = guide.call("PlanService/DeleteSelection", request).await?;
        let request = proto::DeletePlanRequest {
            plan: plan.id.clone(),
            request_id: request_id("delete plan", &[&plan.id]),
            allow_missing: true,
            ..Default::default()
        };
        let _: proto::DeletePlanResponse = guide.call("PlanService/DeletePlan", request).await?;
    } else {
        say(&format!("   Plan {} was there before and stays.", plan.name));
    }
    if !made.tags.is_empty() {
        let request = proto::UntagResourceRequest {
            resource: database.id.clone(),
            tag_keys: made.tags.clone(),
            request_id: request_id("untag", &[&database.arn]),
            ..Default::default()
        };
        let _: proto::UntagResourceResponse = guide.call("ResourceService/UntagResource", request).await?;
    }
    if made.vault {
        for point in points(guide, None).await? {
            let request = proto::DeleteRecoveryPointRequest {
                vault: VAULT.to_owned(),
                recovery_point: point.arn.clone(),
                request_id: request_id("delete point", &[&point.arn]),
                allow_missing: true,
                ..Default::default()
            };
            let _: proto::DeleteRecoveryPointResponse =
                guide.call("RecoveryPointService/DeleteRecoveryPoint", request).await?;
        }
        emptied(guide, world).await?;
        let request = proto::DeleteVaultRequest {
            vault: VAULT.to_owned(),
            request_id: request_id("delete vault", &[&vault.arn]),
            allow_missing: true,
            ..Default::default()
        };
        let _: proto::DeleteVaultResponse = guide.call("VaultService/DeleteVault", request).await?;
    } else {
        say(&format!("   Vault {} was there before and stays, with its recovery points.", vault.name));
    }
    say("\nThe role stays (deleting roles is not Strongroom's business), and so does an instance made by --restore.");
    Ok(())
}

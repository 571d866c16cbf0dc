//! The network every instance stands in: one VPC, subnet group and security group for each account and region.

use sha2::{Digest, Sha256};

use super::params::{Params, listed};
use super::settings::Place;
use crate::call::{AwsError, Call};
use crate::partition;
use crate::query::{Form, Xml};
use crate::world::World;

/// The one subnet group.
pub(super) const DEFAULT_SUBNET_GROUP: &str = "default";

pub(super) fn is_subnet_group(name: &str) -> bool {
    name.eq_ignore_ascii_case(DEFAULT_SUBNET_GROUP)
}

pub(super) fn default_security_group(place: &Place<'_>) -> String {
    id("sg", place)
}

pub(super) fn vpc(place: &Place<'_>) -> String {
    id("vpc", place)
}

/// The AWS managed key `aws/rds`.
pub(super) fn default_kms_key(place: &Place<'_>) -> String {
    let hex = hex("aws/rds", place);
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-");
    format!("arn:{}:kms:{}:{}:key/{uuid}", partition::of(place.region), place.region, place.account)
}

/// `db1.abc….us-east-1.rds.amazonaws.com`.
pub(super) fn endpoint(name: &str, place: &Place<'_>) -> String {
    format!("{name}.c{}.{}.rds.amazonaws.com", &hex("endpoint", place)[..11], place.region)
}

/// Stable for an account and region, like the real ones.
fn id(kind: &str, place: &Place<'_>) -> String {
    format!("{kind}-0{}", &hex(kind, place)[..16])
}

fn hex(kind: &str, place: &Place<'_>) -> String {
    let digest = Sha256::digest(format!("{kind}/{}/{}", place.account, place.region));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn describe_subnet_groups(_: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let paging = params.paging();
    if let Some(name) = params.text("DBSubnetGroupName").filter(|name| !is_subnet_group(name)) {
        params.not_found("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."));
    }
    params.done()?;
    let place = Place { account: &call.account, region: &call.region };
    let page = paging.take([DEFAULT_SUBNET_GROUP], |name| name)?;
    Ok(listed("DBSubnetGroups", "DBSubnetGroup", &page, |_| subnet_group_shape(&place)))
}

pub(super) fn subnet_group_shape(place: &Place<'_>) -> Xml {
    let subnets = ["a", "b", "c"].map(|zone| {
        Xml::new()
            .text("SubnetIdentifier", id(&format!("subnet-{zone}"), place).replacen(&format!("-{zone}-"), "-", 1))
            .inside("SubnetAvailabilityZone", &Xml::new().text("Name", format!("{}{zone}", place.region)))
            .inside("SubnetOutpost", &Xml::new())
            .text("SubnetStatus", "Active")
    });
    Xml::new()
        .text("DBSubnetGroupName", DEFAULT_SUBNET_GROUP)
        .text("DBSubnetGroupDescription", "default")
        .text("VpcId", vpc(place))
        .text("SubnetGroupStatus", "Complete")
        .list("Subnets", "Subnet", subnets)
        .text("DBSubnetGroupArn", place.arn("subgrp", DEFAULT_SUBNET_GROUP))
        .strings("SupportedNetworkTypes", "member", ["IPV4"])
}

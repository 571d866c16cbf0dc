//! Access policies for those who write them: without a server.

pub(crate) use crate::rpc::{
    PoliciesTried as Tried, check_policies as check, policy_schema as schema, try_policies as try_out,
};

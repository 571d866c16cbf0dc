#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::access_policy, strongroom::domain::properties::POLICIES);

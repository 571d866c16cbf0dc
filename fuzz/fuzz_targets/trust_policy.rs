#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::trust_policy, strongroom::domain::properties::POLICIES);

#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::pattern, strongroom::domain::properties::ARNS);

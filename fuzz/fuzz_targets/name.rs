#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::name, strongroom::domain::properties::ARNS);

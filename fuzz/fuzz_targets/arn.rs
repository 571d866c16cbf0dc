#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::arn, strongroom::domain::properties::ARNS);

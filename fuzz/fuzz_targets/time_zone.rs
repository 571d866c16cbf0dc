#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::time_zone, strongroom::domain::properties::ZONES);

#![no_main]

strongroom_fuzz::of_text!(strongroom::aws::properties::event, strongroom::aws::properties::EVENTS);

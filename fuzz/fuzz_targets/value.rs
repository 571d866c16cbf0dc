#![no_main]

strongroom_fuzz::of_text!(strongroom::config::properties::value, strongroom::config::properties::WORDS);

#![no_main]

strongroom_fuzz::of_text!(strongroom::domain::properties::cursor, strongroom::domain::properties::CURSORS);

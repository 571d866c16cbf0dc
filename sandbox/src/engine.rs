//! Brings the world from one instant to a later one, event by event, in time order.

pub mod due;

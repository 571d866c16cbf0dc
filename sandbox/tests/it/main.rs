//! The sandbox over HTTP, as its clients meet it. One binary: one link.
//!
//! `cfg(test)` is always true here; clippy lets helpers unwrap only below it.

#[cfg(test)]
mod control;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod vaults;

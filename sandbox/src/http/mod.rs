//! HTTP: the listener, who a request is for, and the envelope of its answer.

mod answer;
mod connections;
mod intake;
mod service;

pub(crate) use answer::answer;
pub(crate) use connections::serve;

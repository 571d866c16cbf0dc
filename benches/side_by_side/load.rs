//! A closed loop: so many callers, each with its next call once it has its answer.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tonic::transport::{Channel, Endpoint};

use crate::figures::Latencies;

/// What a run of calls gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) latencies: Latencies,
    pub(crate) took: Duration,
    pub(crate) calls: usize,
}

impl Ran {
    pub(crate) fn calls_a_second(&self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64()
    }
}

/// Connections to a server, over which callers are spread.
pub(crate) async fn channels(url: &str, count: usize) -> Result<Vec<Channel>> {
    let mut channels = Vec::new();
    for _ in 0..count {
        channels.push(Endpoint::from_shared(url.to_owned())?.connect().await?);
    }
    Ok(channels)
}

/// Runs `calls` calls by `callers` at once. `call` is given the number of the caller and of the call.
pub(crate) async fn run<F>(callers: usize, calls: usize, call: impl Fn(usize, usize) -> F) -> Result<Ran>
where
    F: Future<Output = Result<()>>,
{
    let each = calls.div_ceil(callers);
    let began = Instant::now();
    let mut all = FuturesUnordered::new();
    for caller in 0..callers {
        let call = &call;
        all.push(async move {
            let mut latencies = Vec::with_capacity(each);
            for number in 0..each {
                let asked = Instant::now();
                call(caller, number).await?;
                latencies.push(asked.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::with_capacity(callers * each);
    while let Some(some) = all.next().await {
        latencies.extend(some?);
    }
    Ok(Ran { calls: latencies.len(), latencies: Latencies::of(latencies), took: began.elapsed() })
}

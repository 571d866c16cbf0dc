use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;

use super::*;

type Sender = mpsc::UnboundedSender<Signal>;

fn by_hand() -> (Sender, impl AsyncFnMut() -> Signal) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    // Nobody can send any more: the next signal never comes.
    let next = async move || match receiver.recv().await {
        Some(signal) => signal,
        None => pending().await,
    };
    (sender, next)
}

#[tokio::test]
async fn the_first_signal_lets_work_end_by_itself() {
    let life = Lifecycle::new();
    let ended = Arc::new(AtomicBool::new(false));
    let (soft, mark) = (life.soft(), Arc::clone(&ended));
    life.spawn(async move {
        soft.cancelled().await;
        tokio::task::yield_now().await;
        mark.store(true, Ordering::SeqCst);
    });
    let (sender, next) = by_hand();
    sender.send(Signal::Terminate).unwrap();
    let outcome = life.run(next, async || pending().await).await;
    assert_eq!((outcome.clone(), outcome.exit_code()), (Outcome::Drained, 0));
    assert!(ended.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_second_signal_cuts_off_what_runs() {
    let life = Lifecycle::new();
    life.spawn(pending());
    let (sender, next) = by_hand();
    sender.send(Signal::Interrupt).unwrap();
    sender.send(Signal::Interrupt).unwrap();
    let outcome = life.run(next, async || pending().await).await;
    assert_eq!(outcome, Outcome::Forced { tasks: 1, by: Force::SecondSignal });
    assert_eq!(outcome.exit_code(), 3);
    assert!(life.hard().is_cancelled());
}

#[tokio::test]
async fn the_end_of_the_grace_cuts_off_what_runs() {
    let life = Lifecycle::new();
    life.spawn(pending());
    life.spawn(pending());
    life.stop();
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || ready(()).await).await, Outcome::Forced { tasks: 2, by: Force::GraceOver });
}

#[tokio::test]
async fn nothing_is_said_to_be_cut_off_when_nothing_runs() {
    let life = Lifecycle::new();
    life.stop();
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || ready(()).await).await, Outcome::Drained);
}

#[tokio::test]
async fn a_vital_task_that_fails_stops_the_process_and_is_named() {
    let life = Lifecycle::new();
    life.spawn_vital("the gRPC server", async { Err("the port is taken") });
    let (_sender, next) = by_hand();
    let outcome = life.run(next, async || pending().await).await;
    assert_eq!(outcome, Outcome::Failed("the gRPC server failed: the port is taken".to_owned()));
    assert_eq!(outcome.exit_code(), 1);
}

#[tokio::test]
async fn a_vital_task_that_ends_too_early_or_panics_stops_the_process() {
    let life = Lifecycle::new();
    life.spawn_vital("the sandbox", async { Ok::<_, Infallible>(()) });
    let (_sender, next) = by_hand();
    let outcome = life.run(next, async || pending().await).await;
    assert_eq!(outcome, Outcome::Failed("the sandbox ended unexpectedly".to_owned()));

    let life = Lifecycle::new();
    life.spawn_vital("the sandbox", async {
        if life_is_unfair() { panic!("on purpose") } else { Ok::<_, Infallible>(()) }
    });
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || pending().await).await, Outcome::Failed("the sandbox panicked".to_owned()));
}

fn life_is_unfair() -> bool {
    true
}

#[tokio::test]
async fn a_vital_task_may_end_once_it_is_told_to() {
    let life = Lifecycle::new();
    let soft = life.soft();
    life.spawn_vital("the gRPC server", async move {
        soft.cancelled().await;
        Ok::<_, Infallible>(())
    });
    life.stop();
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || pending().await).await, Outcome::Drained);
}

#[tokio::test]
async fn a_vital_task_that_is_cut_off_has_not_failed() {
    let life = Lifecycle::new();
    life.spawn_vital("the gRPC server", pending::<Result<(), Infallible>>());
    life.stop();
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || ready(()).await).await, Outcome::Forced { tasks: 1, by: Force::GraceOver });
}

#[tokio::test]
async fn a_neighbour_serves_until_requests_have_drained() {
    let life = Lifecycle::new();
    let (hard, soft) = (life.hard(), life.soft());
    life.spawn_neighbour("the sandbox", async move { hard.cancelled().await });
    let needed = life.hard();
    let cut = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&cut);
    life.spawn(async move {
        soft.cancelled().await;
        mark.store(needed.is_cancelled(), Ordering::SeqCst);
    });
    life.stop();
    let (_sender, next) = by_hand();
    assert_eq!(life.run(next, async || pending().await).await, Outcome::Drained);
    assert!(!cut.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_neighbour_that_ends_too_early_stops_the_process() {
    let life = Lifecycle::new();
    life.spawn_neighbour("the sandbox", async {});
    let (_sender, next) = by_hand();
    assert_eq!(
        life.run(next, async || pending().await).await,
        Outcome::Failed("the sandbox ended unexpectedly".to_owned())
    );
}

#[tokio::test]
async fn the_grace_begins_with_the_first_stage_not_with_the_process() {
    let life = Lifecycle::new();
    let begun = Arc::new(AtomicBool::new(false));
    let (mark, soft) = (Arc::clone(&begun), life.soft());
    let grace = async move || mark.store(soft.is_cancelled(), Ordering::SeqCst);
    life.spawn(pending());
    let (sender, next) = by_hand();
    sender.send(Signal::Terminate).unwrap();
    assert_eq!(life.run(next, grace).await, Outcome::Forced { tasks: 1, by: Force::GraceOver });
    assert!(begun.load(Ordering::SeqCst));
}

use std::{cell::Cell, collections::BTreeSet, future::pending, task::Poll};

use futures_util::future::{BoxFuture, join_all, poll_immediate};
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;
use crate::{aws::FailureKind, domain::RegionName};

const KEEP: Duration = Duration::from_secs(5);

fn key(input: &str) -> Key {
    let account = AccountId::parse("123456789012").unwrap();
    let scope = Scope { account, region: RegionName::example() };
    Key { scope, way_in: WayIn(0), service: "backup", operation: "DescribeBackupVault", input: input.to_owned() }
}

/// A read that waits to be told its answer.
fn told(answer: oneshot::Receiver<u32>) -> (BoxFuture<'static, Result<u32, Failure>>, Span) {
    (async move { Ok(answer.await.unwrap()) }.boxed(), Span::none())
}

fn boarded<T>(boarded: Boarded<T>) -> Flight<T> {
    match boarded {
        Boarded::Sent(flight) | Boarded::Joined(flight, _) => flight,
        Boarded::Kept(_) => panic!("it was kept"),
    }
}

fn is_joined<T>(boarded: &Boarded<T>) -> bool {
    matches!(boarded, Boarded::Joined(..))
}

fn never() -> (BoxFuture<'static, Result<u32, Failure>>, Span) {
    (pending().boxed(), Span::none())
}

fn at_once(answer: u32) -> (BoxFuture<'static, Result<u32, Failure>>, Span) {
    (async move { Ok(answer) }.boxed(), Span::none())
}

/// What a read of that freshness is told at that time, and how.
async fn ask(flights: &Arc<Flights>, now: Instant, freshness: Freshness, answer: u32) -> (u32, &'static str) {
    match flights.board(now, key("prod"), (), freshness, || at_once(answer)) {
        Boarded::Kept(answer) => (*answer, "kept"),
        Boarded::Joined(flight, _) => (flight.await.unwrap().unwrap(), "joined"),
        Boarded::Sent(flight) => (flight.await.unwrap().unwrap(), "sent"),
    }
}

#[tokio::test]
async fn a_thousand_equal_reads_are_one_flight_and_all_are_told() {
    let flights = Flights::new(KEEP);
    let (tell, answer) = oneshot::channel();
    let (mut answer, begun) = (Some(answer), Cell::new(0));
    let waiting: Vec<_> = (0..1000)
        .map(|_| {
            let begin = || {
                begun.set(begun.get() + 1);
                told(answer.take().unwrap())
            };
            boarded(flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, begin))
        })
        .collect();
    assert_eq!(begun.get(), 1);
    tell.send(7).unwrap();
    assert!(join_all(waiting).await.into_iter().all(|told| told.unwrap().unwrap() == 7));
    assert!(flights.lock().entries.is_empty(), "what has landed is not joined");
}

#[tokio::test]
async fn the_first_may_hang_up_and_the_others_are_told_all_the_same() {
    let flights = Flights::new(KEEP);
    let (tell, answer) = oneshot::channel();
    let first = flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, || told(answer));
    let second = flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, never);
    assert!(is_joined(&second));
    let (mut first, second) = (boarded(first), tokio::spawn(boarded(second)));
    // The first one drives it, and goes.
    assert!(poll_immediate(&mut first).await.is_none());
    tokio::task::yield_now().await;
    drop(first);
    tell.send(7).unwrap();
    assert_eq!(second.await.unwrap().unwrap().unwrap(), 7);
}

#[tokio::test]
async fn when_the_last_one_hangs_up_the_request_is_dropped_and_the_next_sends_its_own() {
    let flights = Flights::new(KEEP);
    let (mut tell, answer) = oneshot::channel();
    let both = [
        boarded(flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, || told(answer))),
        boarded(flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, never)),
    ];
    drop(both);
    assert!(tell.poll_closed(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
    assert!(flights.lock().entries.is_empty());
    assert_eq!(ask(&flights, Instant::now(), Freshness::InFlight, 8).await, (8, "sent"));
}

#[tokio::test]
async fn a_panic_is_told_to_all_who_waited() {
    let flights = Flights::new(KEEP);
    let (tell, answer) = oneshot::channel::<()>();
    let falls = async move {
        answer.await.unwrap();
        panic!("a wing came off")
    };
    let begin = || (falls.map(|()| Ok(0)).boxed(), Span::none());
    let first = boarded(flights.board::<_, u32, _>(Instant::now(), key("prod"), (), Freshness::InFlight, begin));
    let second = boarded(flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, never));
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    tell.send(()).unwrap();
    for told in [first.await.unwrap(), second.await.unwrap()] {
        let panicked = told.unwrap_err();
        let again = std::panic::catch_unwind(|| panicked.resume()).unwrap_err();
        assert_eq!(again.downcast_ref::<String>().map(String::as_str), Some("a wing came off"));
    }
    assert!(flights.lock().entries.is_empty());
}

#[tokio::test]
async fn an_error_is_told_to_all_and_kept_by_nobody() {
    let flights = Flights::new(KEEP);
    let fails = || {
        let failure = Failure::told("DescribeBackupVault", FailureKind::Throttled, "slow down");
        (async move { Err::<u32, _>(failure) }.boxed(), Span::none())
    };
    let now = Instant::now();
    let first = boarded(flights.board(now, key("prod"), (), Freshness::Recent, fails));
    let second = boarded(flights.board(now, key("prod"), (), Freshness::Recent, never));
    for told in [first.await, second.await] {
        assert_eq!(told.unwrap().unwrap_err().kind, FailureKind::Throttled);
    }
    assert_eq!(ask(&flights, now, Freshness::Recent, 8).await, (8, "sent"));
}

#[tokio::test]
async fn what_a_change_decides_on_joins_nothing_and_later_reads_join_that() {
    let flights = Flights::new(KEEP);
    let older = flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, || at_once(1));
    let (tell, answer) = oneshot::channel();
    let fresh = flights.board(Instant::now(), key("prod"), (), Freshness::Fresh, || told(answer));
    assert!(!is_joined(&fresh));
    // The older one lands, and leaves the place to the fresher.
    assert_eq!(boarded(older).await.unwrap().unwrap(), 1);
    let later = flights.board(Instant::now(), key("prod"), (), Freshness::InFlight, never);
    assert!(is_joined(&later));
    tell.send(2).unwrap();
    assert_eq!(boarded(later).await.unwrap().unwrap(), 2);
    assert_eq!(boarded(fresh).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn after_a_change_of_the_account_nobody_joins_what_was_read_before() {
    let flights = Flights::new(KEEP);
    let now = Instant::now();
    let older = flights.board(now, key("prod"), (), Freshness::Recent, || at_once(1));
    flights.close(&AccountId::parse("999999999999").unwrap());
    assert!(is_joined(&flights.board(now, key("prod"), (), Freshness::InFlight, never)), "it is another's");
    flights.close(&key("prod").scope.account);
    assert!(!is_joined(&flights.board(now, key("prod"), (), Freshness::InFlight, never)));
    assert_eq!(boarded(older).await.unwrap().unwrap(), 1, "who waited is told");
    assert_eq!(ask(&flights, now, Freshness::Recent, 2).await, (2, "sent"), "and nothing of it is kept");
    flights.close(&key("prod").scope.account);
    assert_eq!(ask(&flights, now, Freshness::Recent, 3).await, (3, "sent"), "what is kept goes too");
}

#[tokio::test]
async fn what_is_kept_is_told_for_a_while_to_those_who_may_be_told_it() {
    let flights = Flights::new(KEEP);
    let now = Instant::now();
    let after = |seconds| now + Duration::from_secs(seconds);
    assert_eq!(ask(&flights, now, Freshness::Recent, 1).await, (1, "sent"));
    assert_eq!(ask(&flights, after(4), Freshness::Recent, 2).await, (1, "kept"));
    assert_eq!(ask(&flights, after(4), Freshness::Fresh, 3).await, (3, "sent"));
    assert_eq!(ask(&flights, after(4), Freshness::Recent, 4).await, (4, "sent"), "the fresh one was not to be kept");
    assert_eq!(ask(&flights, after(4), Freshness::InFlight, 5).await, (5, "sent"));
    assert_eq!(ask(&flights, after(4), Freshness::Recent, 6).await, (6, "sent"));
    assert_eq!(ask(&flights, after(8), Freshness::Recent, 7).await, (6, "kept"));
    assert_eq!(ask(&flights, after(9), Freshness::Recent, 8).await, (8, "sent"), "its age counts from its beginning");
    let nothing_kept = Flights::new(Duration::ZERO);
    assert_eq!(ask(&nothing_kept, now, Freshness::Recent, 1).await, (1, "sent"));
    assert_eq!(ask(&nothing_kept, now, Freshness::Recent, 2).await, (2, "sent"));
}

#[tokio::test]
async fn who_comes_on_top_of_the_most_is_sent_alone_and_what_is_kept_makes_room() {
    let flights = Flights::new(KEEP);
    let now = Instant::now();
    for number in 0..MOST {
        let kept = flights.board(now, key(&number.to_string()), (), Freshness::Recent, || at_once(0));
        boarded(kept).await.unwrap().unwrap();
    }
    assert_eq!(flights.lock().entries.len(), MOST);
    let aloft: Vec<_> = (0..MOST)
        .map(|number| boarded(flights.board(now, key(&format!("other {number}")), (), Freshness::InFlight, never)))
        .collect();
    assert_eq!((flights.lock().entries.len(), aloft.len()), (MOST, MOST));
    for _ in 0..2 {
        let alone = flights.board(now, key("prod"), (), Freshness::InFlight, || at_once(1));
        assert!(!is_joined(&alone), "nobody joins what is not on the board");
        assert_eq!(boarded(alone).await.unwrap().unwrap(), 1);
    }
    assert!(is_joined(&flights.board(now, key("other 0"), (), Freshness::InFlight, never)));
}

/// `Debug` of the SDK's inputs hides what is sensitive.
#[derive(Clone, PartialEq)]
struct Hidden(&'static str);

#[tokio::test]
async fn inputs_that_look_the_same_and_are_not_do_not_share() {
    let flights = Flights::new(KEEP);
    let now = Instant::now();
    let board = |input, answer| {
        flights.board(now, key("*** redacted ***"), Hidden(input), Freshness::Recent, || at_once(answer))
    };
    let one = board("one", 1);
    assert!(is_joined(&board("one", 2)));
    let other = board("other", 3);
    assert!(!is_joined(&other));
    assert_eq!(boarded(other).await.unwrap().unwrap(), 3);
    assert_eq!(boarded(one).await.unwrap().unwrap(), 1);
    let kept = board("one", 4);
    assert!(!matches!(&kept, Boarded::Kept(answer) if **answer == 3), "{kept:?}");
}

#[test]
fn every_part_of_a_key_tells_reads_apart() {
    let Key { scope, way_in, service, operation, input } = key("prod");
    let other_account = Scope { account: AccountId::parse("999999999999").unwrap(), ..scope.clone() };
    let other_region = Scope { account: scope.account.clone(), region: RegionName::parse("cn-north-1").unwrap() };
    let of = |scope: &Scope, way_in, service, operation, input: &str| Key {
        scope: scope.clone(),
        way_in,
        service,
        operation,
        input: input.to_owned(),
    };
    let all = BTreeSet::from([
        of(&scope, way_in, service, operation, &input),
        of(&other_account, way_in, service, operation, &input),
        of(&other_region, way_in, service, operation, &input),
        of(&scope, WayIn(1), service, operation, &input),
        of(&scope, way_in, "rds", operation, &input),
        of(&scope, way_in, service, "ListTags", &input),
        of(&scope, way_in, service, operation, "other"),
    ]);
    assert_eq!(all.len(), 7);
    assert_ne!(WayIn::new(), WayIn::new());
}

/// What happens, of one of a few inputs.
#[derive(Debug, Clone, Copy)]
enum Event {
    Ask(u8, Freshness),
    /// The flight of so many before, of those aloft, lands.
    Land(usize),
    /// One of those who wait hangs up.
    HangUp(usize),
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let freshness = prop_oneof![Just(Freshness::Fresh), Just(Freshness::InFlight), Just(Freshness::Recent)];
    prop_oneof![
        4 => (0..3u8, freshness).prop_map(|(input, freshness)| Event::Ask(input, freshness)),
        2 => any::<usize>().prop_map(Event::Land),
        2 => any::<usize>().prop_map(Event::HangUp),
        1 => Just(Event::Close),
    ]
}

/// A flight, as it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Of {
    input: u8,
    number: usize,
}

proptest! {
    /// Who asks is told of what they asked for, by a flight that is fresh enough and begun after the last change; and
    /// whoever did not hang up is told when it lands.
    #[test]
    fn nobody_is_told_of_another_input_nor_of_what_was_before(events in prop::collection::vec(event(), 1..60)) {
        let flights = Flights::new(KEEP);
        let now = Instant::now();
        let mut begun: Vec<Option<oneshot::Sender<Of>>> = Vec::new();
        let mut waiting: Vec<(Of, Flight<Of>)> = Vec::new();
        let (mut closed_before, mut context) = (0, std::task::Context::from_waker(std::task::Waker::noop()));
        for event in events {
            match event {
                Event::Ask(input, freshness) => {
                    let number = begun.len();
                    let (tell, answer) = oneshot::channel::<Of>();
                    let begin = || (async move { Ok(answer.await.unwrap()) }, Span::none());
                    match flights.board(now, key(&input.to_string()), input, freshness, begin) {
                        Boarded::Kept(of) => {
                            prop_assert_eq!(freshness, Freshness::Recent);
                            prop_assert!(of.input == input && of.number >= closed_before, "{of:?}");
                        }
                        Boarded::Sent(flight) => {
                            begun.push(Some(tell));
                            waiting.push((Of { input, number }, flight));
                        }
                        Boarded::Joined(flight, _) => {
                            prop_assert_ne!(freshness, Freshness::Fresh);
                            let with = waiting.iter().find(|(_, other)| other.ptr_eq(&flight)).map(|(of, _)| *of);
                            let of = with.expect("somebody waits for what is joined");
                            prop_assert!(of.input == input && of.number >= closed_before, "{of:?}");
                            prop_assert!(begun[of.number].is_some(), "it is in flight");
                            waiting.push((of, flight));
                        }
                    }
                }
                Event::Land(which) if !waiting.is_empty() => {
                    let (of, _) = waiting[which % waiting.len()];
                    let _ = begun[of.number].take().map(|tell| tell.send(of));
                    let mut told = Vec::new();
                    waiting.retain_mut(|(other, flight)| {
                        let lands = *other == of;
                        if lands {
                            told.push(flight.poll_unpin(&mut context));
                        }
                        !lands
                    });
                    for told in told {
                        prop_assert!(matches!(told, Poll::Ready(Ok(Ok(landed))) if landed == of), "{told:?}");
                    }
                }
                Event::HangUp(which) if !waiting.is_empty() => {
                    drop(waiting.swap_remove(which % waiting.len()));
                }
                Event::Land(_) | Event::HangUp(_) => {}
                Event::Close => {
                    flights.close(&key("").scope.account);
                    closed_before = begun.len();
                }
            }
        }
        drop(waiting);
        prop_assert!(flights.lock().entries.values().all(|entry| entry.is_kept), "whom nobody waits for is gone");
    }
}

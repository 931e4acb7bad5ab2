//! The walk over a list that moves, against a list in memory.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::paging::{Page, Step, Walk, Window};
use crate::error::Result;

/// A list as a server keeps it: the newest first, and some items that are not given properly.
#[derive(Debug, Clone)]
struct List {
    items: Vec<u64>,
    cap: u64,
    holes: Vec<u64>,
    /// The server says how long it is.
    tells: bool,
}

impl List {
    fn new(length: u64, cap: u64) -> Self {
        List {
            items: (1..=length).rev().collect(),
            cap,
            holes: Vec::new(),
            tells: true,
        }
    }

    fn page(&self, window: Window) -> Page<u64> {
        let limit = window.limit.min(self.cap);
        let start = ((window.page - 1) * limit) as usize;
        let items: Vec<u64> = self
            .items
            .iter()
            .copied()
            .skip(start)
            .take(limit as usize)
            .collect();
        Page {
            count: items.len() as u64,
            items: items
                .into_iter()
                .filter(|item| !self.holes.contains(item))
                .map(|item| (item, item))
                .collect(),
            total: self.tells.then_some(self.items.len() as u64),
        }
    }
}

/// Reads a list that `change` moves before each page. Of a plan's pages, every second pair is
/// answered in the other order, as it may happen when they are asked for at the same time.
fn read(
    list: &mut List,
    at_once: usize,
    mut change: impl FnMut(&mut List),
) -> Result<(Vec<u64>, u32)> {
    let mut walk = Walk::new();
    let mut requests = 0;
    loop {
        let plan = walk.plan(at_once);
        let mut order: Vec<usize> = (0..plan.len()).collect();
        order.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        let mut pages: Vec<Option<Page<u64>>> = plan.iter().map(|_| None).collect();
        for at in order {
            change(list);
            requests += 1;
            pages[at] = Some(list.page(plan[at]));
        }
        for (window, page) in plan.into_iter().zip(pages) {
            match walk.take(window, page.unwrap())? {
                Step::Joined => {}
                Step::Torn => break,
                Step::Done => return Ok((walk.into_items(), requests)),
            }
        }
    }
}

type TestCaseResult<T> = std::result::Result<T, TestCaseError>;

fn still(_: &mut List) {}

#[test]
fn a_list_that_keeps_still() {
    for (length, cap, requests) in [
        (0, 50, 1),
        (1, 50, 1),
        (50, 50, 1),
        (51, 50, 2),
        (98, 50, 2),
        (99, 50, 3),
        (400, 50, 10),
        (3000, 50, 73),
        (3000, 30, 131),
        (3000, 10, 486),
        (7, 1, 7),
        (9, 3, 4),
    ] {
        for at_once in [1, 4] {
            let (items, asked) = read(&mut List::new(length, cap), at_once, still).unwrap();
            assert_eq!(items, (1..=length).collect::<Vec<_>>(), "{length} by {cap}");
            assert_eq!(asked, requests, "{length} by {cap}");
        }
    }
}

#[test]
fn a_list_of_unknown_length() {
    for (length, cap, requests) in [
        (0, 50, 1),
        (1, 50, 2),
        (2, 50, 2),
        (30, 50, 2),
        (50, 50, 2),
        (120, 50, 4),
        (60, 5, 24),
    ] {
        let mut list = List::new(length, cap);
        list.tells = false;
        let (items, asked) = read(&mut list, 4, still).unwrap();
        assert_eq!(items, (1..=length).collect::<Vec<_>>(), "{length} by {cap}");
        assert_eq!(asked, requests, "{length} by {cap}");
    }
}

#[test]
fn one_that_closes_loses_none_behind_it() {
    let mut list = List::new(120, 50);
    let mut asked = 0;
    let close_the_newest = |list: &mut List| {
        asked += 1;
        if asked == 2 {
            list.items.drain(..5);
        }
    };
    let (items, _) = read(&mut list, 1, close_the_newest).unwrap();
    assert_eq!(items, (1..=120).collect::<Vec<_>>());
}

#[test]
fn one_closes_while_an_old_one_opens() {
    // The length is the same all the time, and no item is given twice.
    let mut list = List::new(100, 50);
    let mut asked = 0;
    let swap = |list: &mut List| {
        asked += 1;
        if asked == 2 {
            list.items.drain(..3);
            list.items.extend([1003, 1002, 1001]);
        }
    };
    let (items, _) = read(&mut list, 1, swap).unwrap();
    assert!((1..=97).all(|item| items.contains(&item)), "{items:?}");
}

#[test]
fn many_new_ones_push_a_page_back() {
    let mut list = List::new(200, 50);
    let mut next = 200;
    let (items, _) = read(&mut list, 1, |list| {
        for _ in 0..20 {
            next += 1;
            list.items.insert(0, next);
        }
    })
    .unwrap();
    assert!((1..=200).all(|item| items.contains(&item)), "{items:?}");
}

#[test]
fn the_same_page_for_ever_is_told() {
    for (total, knows_limit) in [None, Some(4), Some(60), Some(1000)]
        .into_iter()
        .flat_map(|total| [(total, false), (total, true)])
    {
        for length in [1_u64, 4, 50, 60] {
            let mut walk = Walk::new();
            let mut last = Ok(Step::Joined);
            for _ in 0..10 {
                let window = walk.plan(1)[0];
                let count = length.min(if knows_limit { window.limit } else { length });
                let items = (1..=count).map(|item| (item, item)).collect();
                last = walk.take(
                    window,
                    Page {
                        items,
                        count,
                        total,
                    },
                );
                if !matches!(last, Ok(Step::Joined | Step::Torn)) {
                    break;
                }
            }
            match last {
                // The first page is the whole list, as far as anybody can know.
                Ok(step) => assert!(
                    step == Step::Done && total.is_some_and(|total| total <= length),
                    "{total:?} {length} {knows_limit}"
                ),
                Err(error) => assert!(error.message().contains("nothing that"), "{error}"),
            }
        }
    }
}

#[test]
fn a_list_without_end_is_told() {
    let mut walk = Walk::new();
    let mut item = 0;
    let error = loop {
        let window = walk.plan(1)[0];
        let page: Vec<u64> = (item..item + window.limit).collect();
        item = item + window.limit - 1;
        let count = page.len() as u64;
        let items = page.into_iter().map(|item| (item, item)).collect();
        match walk.take(
            window,
            Page {
                items,
                count,
                total: None,
            },
        ) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.message().contains("still moves after"), "{error}");
}

/// What happens to a list before a page is read.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// The item at this place, in thousandths of the list, goes away.
    Close(usize),
    /// A new one comes in front.
    Open,
    /// An old one comes back at this place.
    Reopen(usize),
}

impl Move {
    fn make(self, list: &mut List, next: &mut u64) {
        let length = list.items.len();
        match self {
            Move::Close(_) if length == 0 => {}
            Move::Close(place) => drop(list.items.remove(place * length / 1000)),
            Move::Open => list.items.insert(0, *next),
            Move::Reopen(place) => list.items.insert(place * length / 1000, *next),
        }
        *next += 1;
    }
}

fn moves(reopen: bool) -> impl Strategy<Value = Vec<Vec<Move>>> {
    let one = prop_oneof![
        // In front is where the trouble is.
        2 => Just(Move::Close(0)),
        1 => (0..1000_usize).prop_map(Move::Close),
        2 => Just(Move::Open),
        1 => (0..1000_usize).prop_map(move |place| if reopen { Move::Reopen(place) } else { Move::Open }),
    ];
    prop::collection::vec(prop::collection::vec(one, 0..4), 0..60)
}

/// Reads while it moves. What is there all the time and is given properly is in the result, each
/// once, and nothing else than what was there; or the walk says that it cannot.
fn is_complete(mut list: List, moves: Vec<Vec<Move>>, at_once: usize) -> TestCaseResult<bool> {
    let mut always = list.items.clone();
    let mut ever: HashSet<u64> = list.items.iter().copied().collect();
    let mut next = 100_000;
    let mut moves = moves.into_iter();
    let read = read(&mut list, at_once, |list| {
        for one in moves.next().unwrap_or_default() {
            one.make(list, &mut next);
        }
        let now: HashSet<u64> = list.items.iter().copied().collect();
        always.retain(|item| now.contains(item));
        ever.extend(&now);
    });
    let Ok((items, _)) = read else {
        return Ok(false);
    };
    always.retain(|item| !list.holes.contains(item));
    let mut once = items.clone();
    once.dedup();
    prop_assert_eq!(once.len(), items.len());
    let items: HashSet<u64> = items.into_iter().collect();
    for item in always {
        prop_assert!(items.contains(&item), "{} is missing", item);
    }
    prop_assert!(items.is_subset(&ever));
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_stays_is_missed(
        length in 20..400_u64,
        cap in 8..60_u64,
        holes in prop::collection::vec(1..400_u64, 0..4),
        tells in any::<bool>(),
        at_once in 1..5_usize,
        moves in moves(true),
    ) {
        let list = List { holes, tells, ..List::new(length, cap) };
        is_complete(list, moves, at_once)?;
    }

    /// Pages that are too small to overlap everywhere: nothing is missed as long as only closing and
    /// new items move the list.
    #[test]
    fn nothing_is_missed_by_small_pages(
        length in 0..60_u64,
        cap in 1..8_u64,
        at_once in 1..5_usize,
        moves in moves(false),
    ) {
        is_complete(List::new(length, cap), moves, at_once)?;
    }

    /// A list of usual size that moves before each of some requests is read, not given up.
    #[test]
    fn a_moving_list_is_read(length in 0..400_u64, at_once in 1..5_usize, moves in moves(true)) {
        prop_assert!(is_complete(List::new(length, 50), moves, at_once)?);
    }
}

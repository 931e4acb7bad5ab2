//! When a wait is over: the state alone, with a clock of the test's own.

mod trouble;

use std::time::Duration;

use proptest::prelude::*;

use super::state::{Ask, Outcome, Wait};
use super::{News, OnBlocked, WaitOptions};
use crate::ci::{Canceled, Pipeline, Status, Workflow};

const INTERVAL: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn wait_for(numbers: &[u64], options: &WaitOptions) -> Wait {
    Wait::new(numbers.iter().map(|number| (*number, None)), options)
}

fn seen(number: u64, status: &str) -> Pipeline {
    let mut pipeline = Pipeline::new(number, Status::new(status));
    pipeline.id = 1000 + number;
    pipeline.commit = "c0ffee".to_owned();
    pipeline
}

fn with_workflow(number: u64, status: &str, workflow: &str) -> Pipeline {
    let mut pipeline = seen(number, status);
    let workflow = Workflow::new("test", Status::new(workflow));
    pipeline.workflows.push(workflow);
    pipeline
}

/// One pipeline, seen so at these seconds; how the wait ends after the last.
fn after(options: &WaitOptions, looks: &[(u64, Option<Pipeline>)]) -> (Option<Outcome>, Wait) {
    let mut wait = wait_for(&[7], options);
    for (second, pipeline) in looks {
        wait.saw(7, pipeline.clone(), at(*second));
    }
    let last = looks.last().map_or(0, |look| look.0);
    (wait.outcome(at(last)), wait)
}

fn words(wait: &Wait) -> Vec<String> {
    let report = wait.report(Duration::ZERO).into_iter();
    report.map(|one| one.status.unwrap().to_string()).collect()
}

#[test]
fn every_end_has_its_answer() {
    for (word, outcome) in [
        ("success", Some(Outcome::Success)),
        ("failure", Some(Outcome::Otherwise)),
        ("error", Some(Outcome::Otherwise)),
        ("killed", Some(Outcome::Otherwise)),
        ("canceled", Some(Outcome::Otherwise)),
        ("declined", Some(Outcome::Otherwise)),
        ("skipped", Some(Outcome::Otherwise)),
        ("blocked", Some(Outcome::Otherwise)),
        ("created", None),
        ("pending", None),
        ("running", None),
        ("tomorrow", None),
    ] {
        let (found, wait) = after(&WaitOptions::new(), &[(0, Some(seen(7, word)))]);
        assert_eq!(found, outcome, "{word}");
        assert_eq!(words(&wait), [word]);
    }
}

#[test]
fn all_must_be_over_and_all_must_succeed() {
    let mut wait = wait_for(&[1, 2, 2], &WaitOptions::new());
    assert_eq!(wait.asks(at(0)).len(), 2, "each once");
    wait.saw(1, Some(seen(1, "failure")), at(0));
    assert_eq!(wait.outcome(at(0)), None);
    wait.saw(2, Some(seen(2, "success")), at(5));
    assert_eq!(wait.outcome(at(5)), Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["failure", "success"]);
    assert_eq!(wait.asks(at(500)), [], "what is over is not asked about");
}

#[test]
fn an_unknown_word_is_no_end_and_is_told_once() {
    let mut wait = wait_for(&[7], &WaitOptions::new());
    let first = wait.saw(7, Some(seen(7, "tomorrow")), at(0));
    let word = "tomorrow".to_owned();
    assert!(first.contains(&News::UnknownStatus { number: 7, word }));
    assert_eq!(wait.saw(7, Some(seen(7, "tomorrow")), at(30)), []);
    assert_eq!(wait.outcome(at(30)), None);
}

#[test]
fn what_waits_for_approval_is_an_end_unless_it_is_waited_for() {
    let options = WaitOptions::new().with_blocked(OnBlocked::Wait);
    let (outcome, mut wait) = after(&options, &[(0, Some(seen(7, "blocked")))]);
    assert_eq!(outcome, None);
    wait.saw(7, Some(seen(7, "success")), at(30));
    assert_eq!(wait.outcome(at(30)), Some(Outcome::Success));
}

#[test]
fn an_end_is_settled_when_nothing_of_it_runs() {
    let running = with_workflow(7, "failure", "running");
    let (outcome, mut wait) = after(&WaitOptions::new(), &[(0, Some(running.clone()))]);
    assert_eq!(outcome, None);
    assert!(wait.wake() < INTERVAL, "it is looked at again soon");
    wait.saw(7, Some(running.clone()), at(59));
    assert_eq!(wait.outcome(at(59)), None);
    wait.saw(7, Some(running), at(61));
    assert_eq!(wait.outcome(at(61)), Some(Outcome::Otherwise), "bounded");
    let over = with_workflow(7, "failure", "failure");
    let (outcome, _) = after(&WaitOptions::new(), &[(0, Some(over))]);
    assert_eq!(outcome, Some(Outcome::Otherwise));
}

#[test]
fn a_cancel_never_becomes_a_success() {
    let looks = [
        (0, Some(with_workflow(7, "killed", "running"))),
        (2, Some(with_workflow(7, "success", "success"))),
    ];
    let (outcome, wait) = after(&WaitOptions::new(), &looks);
    assert_eq!(outcome, Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["killed"]);
    // Nobody looked while it was `killed`, but the service says that it was canceled.
    let mut late = seen(7, "success");
    late.canceled = Some(Canceled::new());
    let (outcome, wait) = after(&WaitOptions::new(), &[(0, Some(late))]);
    assert_eq!(outcome, Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["canceled"]);
}

#[test]
fn a_failure_that_is_run_on_is_no_end() {
    let looks = [
        (0, Some(with_workflow(7, "failure", "running"))),
        (2, Some(seen(7, "running"))),
        (90, Some(seen(7, "success"))),
    ];
    let (outcome, _) = after(&WaitOptions::new(), &looks);
    assert_eq!(outcome, Some(Outcome::Success));
}

#[test]
fn a_number_that_was_given_away_again_is_no_success() {
    let mut other = seen(7, "success");
    other.id = 1;
    let looks = [(0, Some(seen(7, "running"))), (30, Some(other))];
    let (outcome, wait) = after(&WaitOptions::new(), &looks);
    assert_eq!(outcome, Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["replaced"]);
    let mut other = seen(7, "success");
    other.commit = "0ther".to_owned();
    let looks = [(0, Some(seen(7, "running"))), (30, Some(other))];
    let (_, wait) = after(&WaitOptions::new(), &looks);
    assert_eq!(words(&wait), ["replaced"]);
    assert_eq!(wait.report(at(0))[0].commit.as_deref(), Some("c0ffee"));
}

#[test]
fn one_that_is_away_is_gone_only_if_it_stays_away() {
    let looks = [(0, Some(seen(7, "created"))), (30, None)];
    let (outcome, mut wait) = after(&WaitOptions::new(), &looks);
    assert_eq!(outcome, None);
    wait.saw(7, Some(seen(7, "running")), at(32));
    wait.saw(7, None, at(60));
    wait.saw(7, None, at(62));
    assert_eq!(wait.outcome(at(62)), None);
    wait.saw(7, None, at(64));
    assert_eq!(wait.outcome(at(64)), Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["gone"]);
}

#[test]
fn one_look_comes_before_the_timeout() {
    let options = WaitOptions::new().with_timeout(Duration::ZERO);
    let wait = wait_for(&[7], &options);
    assert_eq!(wait.outcome(at(0)), None);
    for (word, outcome) in [
        ("success", Outcome::Success),
        ("killed", Outcome::Otherwise),
        ("running", Outcome::TimedOut),
        ("tomorrow", Outcome::TimedOut),
    ] {
        let (found, _) = after(&options, &[(0, Some(seen(7, word)))]);
        assert_eq!(found, Some(outcome), "{word}");
    }
    // Not settled, but it can be no success any more.
    let (found, wait) = after(
        &options,
        &[(0, Some(with_workflow(7, "killed", "running")))],
    );
    assert_eq!(found, Some(Outcome::Otherwise));
    assert!(wait.report(at(0))[0].ended);
    let (found, _) = after(
        &options,
        &[(0, Some(with_workflow(7, "success", "running")))],
    );
    assert_eq!(found, Some(Outcome::TimedOut));
}

#[test]
fn a_timeout_beats_a_failure_unless_the_first_one_is_enough() {
    for (fail_fast, outcome) in [(false, None), (true, Some(Outcome::Otherwise))] {
        let options = WaitOptions::new()
            .with_timeout(at(60))
            .with_fail_fast(fail_fast);
        let mut wait = wait_for(&[1, 2], &options);
        wait.saw(1, Some(seen(1, "failure")), at(0));
        wait.saw(2, Some(seen(2, "running")), at(0));
        assert_eq!(wait.outcome(at(0)), outcome);
        if !fail_fast {
            // At the end everything is looked at once more.
            wait.saw(2, Some(seen(2, "running")), at(59));
            assert_eq!(wait.outcome(at(60)), None);
            assert_eq!(wait.asks(at(60)).len(), 1);
            wait.saw(2, Some(seen(2, "running")), at(60));
            assert_eq!(wait.outcome(at(60)), Some(Outcome::TimedOut));
        }
    }
}

#[test]
fn the_commit_of_a_head_is_pinned_from_the_beginning() {
    let wanted = [(7, Some("0ther".to_owned()))];
    let mut wait = Wait::new(wanted, &WaitOptions::new());
    wait.saw(7, Some(seen(7, "success")), at(0));
    assert_eq!(words(&wait), ["replaced"]);
}

#[test]
fn a_restart_may_have_the_cancel_of_the_one_before() {
    let mut again = seen(7, "success");
    again.canceled = Some(Canceled::new());
    again.parent = Some(6);
    let (outcome, _) = after(&WaitOptions::new(), &[(0, Some(again.clone()))]);
    assert_eq!(outcome, Some(Outcome::Success));
    let looks = [(0, Some(seen(7, "killed"))), (2, Some(again))];
    let (outcome, _) = after(&WaitOptions::new(), &looks);
    assert_eq!(outcome, Some(Outcome::Otherwise), "it was seen itself");
}

#[test]
fn what_took_its_place_is_waited_for_if_asked() {
    let mut canceled = seen(7, "canceled");
    canceled.canceled = Some(Canceled::new().with_superseded_by(9));
    let (outcome, _) = after(&WaitOptions::new(), &[(0, Some(canceled.clone()))]);
    assert_eq!(outcome, Some(Outcome::Otherwise));
    let follow = WaitOptions::new().with_follow(true);
    let mut wait = wait_for(&[7], &follow);
    let news = wait.saw(7, Some(canceled), at(0));
    assert!(
        news.contains(&News::Followed { from: 7, to: 9 }),
        "{news:?}"
    );
    assert_eq!(wait.outcome(at(0)), None);
    let number = 9;
    let commit = None;
    assert_eq!(wait.asks(at(0)), [Ask::Pipeline { number, commit }]);
    wait.saw(9, Some(seen(9, "success")), at(5));
    assert_eq!(wait.outcome(at(5)), Some(Outcome::Success));
    let report = wait.report(at(5)).remove(0);
    assert_eq!((report.number, report.instead_of), (9, Some(7)));
}

#[test]
fn a_restart_is_looked_for_if_asked() {
    let follow = WaitOptions::new().with_follow(true);
    let mut wait = wait_for(&[7, 8], &follow);
    wait.saw(8, Some(seen(8, "success")), at(0));
    wait.saw(7, Some(seen(7, "failure")), at(0));
    assert_eq!(wait.outcome(at(0)), None);
    let commit = "c0ffee".to_owned();
    assert_eq!(
        wait.asks(at(0)),
        [Ask::Successor {
            number: 7,
            id: 1007,
            commit
        }],
        "there may be one"
    );
    wait.found(7, Some(9), at(0));
    wait.saw(9, Some(seen(9, "failure")), at(5));
    wait.found(9, None, at(5));
    assert_eq!(wait.outcome(at(5)), Some(Outcome::Otherwise));
    assert_eq!(words(&wait), ["failure", "success"]);
}

#[test]
fn two_with_one_successor_are_one() {
    let follow = WaitOptions::new().with_follow(true);
    let mut wait = wait_for(&[6, 7], &follow);
    for number in [6, 7] {
        let mut canceled = seen(number, "killed");
        canceled.canceled = Some(Canceled::new().with_superseded_by(9));
        wait.saw(number, Some(canceled), at(0));
    }
    wait.saw(9, Some(seen(9, "success")), at(5));
    assert_eq!(wait.outcome(at(5)), Some(Outcome::Success));
    assert_eq!(words(&wait), ["success"]);
}

#[test]
fn a_hint_has_it_asked_but_not_all_the_time() {
    let mut wait = wait_for(&[7], &WaitOptions::new());
    wait.saw(7, Some(seen(7, "running")), at(10));
    assert_eq!(wait.wake(), at(40));
    wait.hinted(7, false, at(10));
    assert_eq!(wait.wake(), at(11), "a second after the last look");
    wait.hinted(8, true, at(10));
    assert_eq!(wait.wake(), at(11), "another one's");
    wait.hinted(7, true, at(10));
    assert_eq!(wait.wake(), at(10), "an end at once");
    // The hint was early, or a lie: a few looks more, then as before.
    for second in 10..15 {
        wait.saw(7, Some(seen(7, "running")), at(second));
        assert_eq!(wait.wake(), at(second + 1));
    }
    wait.saw(7, Some(seen(7, "running")), at(15));
    assert_eq!(wait.wake(), at(45));
    wait.hinted(7, true, at(18));
    wait.saw(7, Some(seen(7, "running")), at(18));
    wait.hinted(7, true, at(18));
    assert_eq!(wait.wake(), at(19), "no more often for more lies");
    wait.saw(7, Some(seen(7, "running")), at(19));
    wait.connected(at(20));
    assert_eq!(
        wait.asks(at(20)).len(),
        1,
        "what was said meanwhile is lost"
    );
}

fn any_look() -> impl Strategy<Value = (u64, Option<(String, bool, u64)>)> {
    let word = prop_oneof![
        Just("success"),
        Just("failure"),
        Just("killed"),
        Just("running"),
        Just("blocked"),
        Just("tomorrow"),
    ];
    let seen = (word.prop_map(str::to_owned), any::<bool>(), 1u64..3);
    (1u64..4, proptest::option::weighted(0.9, seen))
}

proptest! {
    /// Whatever is seen, in whatever order: a success is one of every pipeline as it was last seen,
    /// none of which was ever canceled, replaced or away; and an outcome stays.
    #[test]
    fn a_success_is_never_made_up(looks in proptest::collection::vec(any_look(), 1..40)) {
        let mut wait = wait_for(&[1, 2, 3], &WaitOptions::new().with_timeout(at(1000)));
        let mut last: [Vec<Option<(String, bool, u64)>>; 3] = Default::default();
        for (second, (number, look)) in looks.into_iter().enumerate() {
            let now = at(second as u64 * 3);
            let open = wait.asks(at(900)).iter().any(|ask| matches!(ask, Ask::Pipeline { number: n, .. } if *n == number));
            let pipeline = look.clone().map(|(word, quiet, id)| {
                let mut pipeline = with_workflow(number, &word, if quiet { "success" } else { "running" });
                pipeline.id = id;
                pipeline
            });
            wait.saw(number, pipeline, now);
            if open {
                last[number as usize - 1].push(look);
            }
            if wait.outcome(now) == Some(Outcome::Success) {
                for looks in &last {
                    let words: Vec<_> = looks.iter().flatten().collect();
                    let end = words.last().unwrap();
                    prop_assert_eq!(&end.0, "success");
                    prop_assert!(words.iter().all(|look| look.0 != "killed" && look.2 == words[0].2));
                }
                return Ok(());
            }
        }
    }
}

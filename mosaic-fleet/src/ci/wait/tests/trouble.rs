//! A service that does not answer: what is ridden out, and when nothing can be told any more.

use super::*;
use crate::error::{Error, ErrorKind, Retry};

const GONE: &str = "ci.example.com: no connection";

#[test]
fn an_outage_is_ridden_out_up_to_a_limit() {
    let options = WaitOptions::new().with_outage(at(300));
    let mut wait = wait_for(&[7], &options);
    let ask = wait.asks(at(0)).remove(0);
    wait.saw(7, Some(seen(7, "running")), at(0));
    assert_eq!(wait.round_ends(at(0)), None);
    let fails = |wait: &mut Wait, second| {
        wait.failed(&ask, Error::unavailable(GONE), at(second));
        wait.round_ends(at(second))
    };
    let gone = Error::unavailable(GONE).to_string();
    assert_eq!(fails(&mut wait, 30), Some(News::Trouble(gone.clone())));
    assert_eq!(fails(&mut wait, 32), None, "told once");
    assert_eq!(wait.outcome(at(329)), None);
    wait.saw(7, Some(seen(7, "running")), at(329));
    assert_eq!(wait.round_ends(at(329)), Some(News::Back));
    fails(&mut wait, 400);
    assert_eq!(wait.wake(), at(402));
    fails(&mut wait, 700);
    assert_eq!(wait.outcome(at(700)), Some(Outcome::Unknown(gone)));
}

#[test]
fn a_token_that_is_refused_again_and_again_is_no_outage() {
    let mut wait = wait_for(&[1, 2, 3], &WaitOptions::new());
    let asks = wait.asks(at(0));
    for number in [1, 2, 3] {
        wait.saw(number, Some(seen(number, "running")), at(0));
    }
    // However many pipelines there are, a round is one refusal.
    for (round, second) in [30, 32, 34].into_iter().enumerate() {
        assert_eq!(wait.outcome(at(second)), None);
        for ask in &asks {
            let refused = Error::new(ErrorKind::Unauthenticated, "401");
            wait.failed(ask, refused, at(second));
        }
        let told = wait.round_ends(at(second));
        assert_eq!(told.is_some(), round == 0);
    }
    assert!(matches!(wait.outcome(at(34)), Some(Outcome::Unknown(_))));
}

#[test]
fn one_of_several_that_has_no_answer_is_a_trouble() {
    let mut wait = wait_for(&[1, 2], &WaitOptions::new().with_timeout(at(5)));
    let asks = wait.asks(at(0));
    for second in [0, 2, 4, 5] {
        wait.failed(&asks[0], Error::unavailable(GONE), at(second));
        wait.saw(2, Some(seen(2, "running")), at(second));
        let told = wait.round_ends(at(second));
        assert_eq!(told.is_some(), second == 0, "no back and forth");
    }
    // Nothing was ever seen of one of them, whatever the other one says.
    assert!(matches!(wait.outcome(at(5)), Some(Outcome::Unknown(_))));
}

#[test]
fn a_service_that_asks_to_be_left_alone_is() {
    let mut wait = wait_for(&[7], &WaitOptions::new());
    let ask = wait.asks(at(0)).remove(0);
    let busy = Error::unavailable("429").with_retry(Retry::After(at(120)));
    wait.failed(&ask, busy, at(0));
    assert_eq!(wait.wake(), at(120));
}

#[test]
fn a_service_that_never_answered_tells_nothing_about_pipelines() {
    let mut wait = wait_for(&[7], &WaitOptions::new().with_timeout(at(5)));
    let ask = wait.asks(at(0)).remove(0);
    wait.failed(&ask, Error::unavailable(GONE), at(5));
    wait.round_ends(at(5));
    assert!(matches!(wait.outcome(at(5)), Some(Outcome::Unknown(_))));
}

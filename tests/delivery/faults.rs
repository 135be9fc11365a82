//! What happens when the phone side fails: the chat goes on, and what was not said is said once it can be.

use std::time::{Duration, Instant};

use super::api::{Api, Mood, texts};
use super::request::Refused;
use super::scene::{OTHER_ROOM, ROOM, Staff, TOLD, assert_discreet, figure, figure_is, open, open_with};

const FAILED: &str = r#"dragoman_delivery_calls_total{delivery="guests",outcome="failed"}"#;

fn refusal(status: u16, code: i64) -> Refused {
    (status, code, "as it was asked to".to_owned())
}

/// It dies with a message in its hands that it has not taken, is away while the chat goes on, and comes back.
#[tokio::test]
async fn killed_in_the_middle_of_a_message_it_gets_it_once() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    api.expect([Mood::Hold]);
    staff.say(ROOM, "in its hands").await;
    api.called().await;
    // Nobody in the chat waits for it.
    staff.say(ROOM, "while it hangs").await;
    api.kill().await;
    for text in ["while it is away", "and still"] {
        staff.say(ROOM, text).await;
    }
    staff.say(OTHER_ROOM, "to another").await;
    // Of two conversations; the one whose answer is lost fails again and again.
    figure_is(&[&gateway], FAILED, 2).await;
    assert_eq!(api.messages().len(), 0);
    api.come_back().await;
    let taken = api.taken(5).await;
    let told = texts(&taken);
    let in_order: Vec<&str> = told.iter().copied().filter(|text| *text != "to another").collect();
    assert_eq!(in_order, ["in its hands", "while it hangs", "while it is away", "and still"]);
    // Whatever else were said would have been said before this.
    staff.say(ROOM, "the end").await;
    staff.say(OTHER_ROOM, "the end").await;
    api.taken(7).await;
    figure_is(&[&gateway], TOLD, 7).await;
    assert_eq!((api.messages().len(), api.violations().len()), (7, 0));
    assert_discreet(&gateway, &["in its hands", "while it hangs"]).await;
}

/// What it took and could not say that it took is said again: nobody but the guest can tell.
#[tokio::test]
async fn an_answer_that_is_lost_is_the_one_case_of_saying_it_twice() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    api.expect([Mood::TakeAndHold]);
    staff.say(ROOM, "taken").await;
    api.called().await;
    api.kill().await;
    api.come_back().await;
    assert_eq!(texts(&api.taken(2).await), ["taken", "taken"]);
    staff.say(ROOM, "next").await;
    assert_eq!(texts(&api.taken(3).await), ["taken", "taken", "next"]);
}

#[tokio::test]
async fn it_is_asked_again_when_it_wants_to_be() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    api.expect([Mood::Refuse(refusal(429, 130_429), vec![("retry-after", "2")])]);
    staff.say(ROOM, "too fast").await;
    api.called().await;
    let refused = Instant::now();
    staff.say(ROOM, "behind it").await;
    assert_eq!(texts(&api.taken(2).await), ["too fast", "behind it"]);
    assert!(refused.elapsed() >= Duration::from_millis(1_900), "{:?}", refused.elapsed());
    assert_eq!(figure(&gateway, FAILED).await, 1);
}

/// The documentation says that its numbers count, not its statuses: a limit may come as 400.
#[tokio::test]
async fn a_limit_is_told_by_its_number_and_a_failure_by_its_status() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    let moods = [refusal(400, 131_056), refusal(500, 131_000), refusal(503, 131_016)];
    api.expect(moods.map(|refused| Mood::Refuse(refused, Vec::new())));
    staff.say(ROOM, "at last").await;
    assert_eq!(texts(&api.taken(1).await), ["at last"]);
    assert_eq!((api.calls(), figure(&gateway, FAILED).await), (4, 3));
}

/// More than 24 hours after the guest's last message nothing but a template may be said: asking again does not help.
#[tokio::test]
async fn what_is_refused_for_good_is_noted_and_not_repeated() {
    let mut api = Api::start().await;
    let mut gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    let moods = [refusal(400, 131_047), refusal(400, 131_026), refusal(403, 131_031), refusal(400, 100)];
    api.expect(moods.map(|refused| Mood::Refuse(refused, Vec::new())));
    for text in ["a word too late", "is nobody there", "not allowed", "not understood", "good"] {
        staff.say(ROOM, text).await;
    }
    assert_eq!(texts(&api.taken(1).await), ["good"]);
    assert_eq!(api.calls(), 5, "none of them was tried twice");
    for reason in ["ended", "party_not_found", "forbidden", "invalid"] {
        let series = format!(r#"dragoman_delivery_refused_total{{delivery="guests",reason="{reason}"}}"#);
        assert_eq!(figure(&gateway, &series).await, 1, "{reason}");
    }
    assert!(gateway.log().contains("code 131047"), "the operator reads the number in the log");
    // What is counted is noted.
    figure_is(&[&gateway], TOLD, 1).await;
    gateway.kill_and_restart().await;
    let mut staff = Staff::at(&gateway).await;
    staff.say(ROOM, "after a restart").await;
    assert_eq!(texts(&api.taken(2).await), ["good", "after a restart"]);
    assert_eq!(api.calls(), 6);
    assert_discreet(&gateway, &["a word too late", "is nobody there"]).await;
}

/// The gateway is killed while one message is not taken yet and others were; then it goes on where it was.
#[tokio::test]
async fn a_gateway_that_is_killed_says_what_it_had_not_said() {
    let mut api = Api::start().await;
    let mut gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    for text in ["1", "2", "3"] {
        staff.say(OTHER_ROOM, text).await;
    }
    api.taken(3).await;
    // What is counted is noted.
    figure_is(&[&gateway], TOLD, 3).await;
    api.kill().await;
    staff.say(ROOM, "not said yet").await;
    figure_is(&[&gateway], FAILED, 1).await;
    gateway.kill().await;
    api.come_back().await;
    gateway.restart().await;
    let mut staff = Staff::at(&gateway).await;
    staff.say(OTHER_ROOM, "4").await;
    let taken = api.taken(5).await;
    let mut told = texts(&taken);
    told.sort_unstable();
    assert_eq!(told, ["1", "2", "3", "4", "not said yet"]);
    staff.say(ROOM, "the end").await;
    assert_eq!(texts(&api.taken(6).await)[5], "the end");
}

/// What cannot be said for longer than the config wants to try is given up, and the conversation goes on.
#[tokio::test]
async fn an_answer_that_never_comes_is_waited_for_so_long() {
    let mut api = Api::start().await;
    let gateway = open_with(&api, "timeout = \"1s\"").await;
    let mut staff = Staff::at(&gateway).await;
    api.expect([Mood::Hold]);
    staff.say(ROOM, "unanswered").await;
    staff.say(OTHER_ROOM, "meanwhile").await;
    assert_eq!(texts(&api.taken(1).await), ["meanwhile"], "it holds up no other conversation");
    assert_eq!(texts(&api.taken(2).await), ["meanwhile", "unanswered"]);
}

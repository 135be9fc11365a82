//! What goes wrong while all talk, and when: at shares of the messages confirmed, so that each meets traffic. In: a plan.
//! Out: the faults, done and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::harness::{Gateway, http};
use super::record::Gap;
use super::servers::Servers;
use super::talk::Shared;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every subscription is cut.
    CutSubscriptions,
    /// Redis is killed and started again on its append-only file.
    RestartRedis,
    /// Another Redis is made leader, as an operator should ask for it.
    FailOver,
    /// The same with writes going on at the old one.
    FailOverAtOnce,
    /// The leading Redis is killed, and comes back once another one leads.
    KillLeader,
    /// The slot that has everything of ours goes to another master.
    MoveSlot,
    /// Replicas of Redis are cut off; once so many messages more are confirmed all subscriptions are cut too, and the leader
    /// is killed: the next one has none of these messages.
    KillLeaderAhead(usize),
    /// A replica is killed, and started again.
    Kill(usize),
    /// A replica takes another config.
    Reload(usize),
    /// A replica is asked to stop, and started again.
    Roll(usize),
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    pub cut: usize,
    pub restarts: usize,
    /// Each time when another Redis came to lead: from when until when that was so.
    pub failovers: Vec<Gap>,
    pub moves: usize,
    pub kills: usize,
    pub reloads: usize,
    /// Of each replica that was asked to stop, when its sockets closed, from then on.
    pub rolls: Vec<Vec<Duration>>,
}

/// Does one after the other, each when this share (in thousandths) of `total` is confirmed.
pub async fn inflict(
    plan: &[(usize, Fault)],
    total: usize,
    shared: &Arc<Shared>,
    gateways: &mut [Gateway],
    servers: &mut Servers,
) -> Done {
    let mut done = Done::default();
    for (share, fault) in plan {
        confirmed(shared, total * share / 1000, 2 * shared.patience).await;
        let began = shared.began.elapsed();
        println!("{:>6} confirmed: {fault:?}", shared.confirmed.load(Ordering::Relaxed));
        match *fault {
            Fault::CutSubscriptions => done.cut += servers.cut_subscriptions(),
            Fault::RestartRedis => {
                servers.restart();
                done.restarts += 1;
            }
            Fault::FailOver => {
                servers.fail_over();
                done.failovers.push(Gap { from: began, until: shared.began.elapsed() });
            }
            Fault::FailOverAtOnce => {
                servers.fail_over_at_once();
                done.failovers.push(Gap { from: began, until: shared.began.elapsed() });
            }
            Fault::KillLeader => {
                servers.kill_leader();
                done.failovers.push(Gap { from: began, until: shared.began.elapsed() });
            }
            Fault::MoveSlot => {
                servers.move_slot();
                done.moves += 1;
            }
            Fault::KillLeaderAhead(messages) => {
                servers.cut_replication();
                let now = shared.confirmed.load(Ordering::Relaxed);
                // Before the sentinels mend it.
                confirmed(shared, now + messages, Duration::from_secs(1)).await;
                done.cut += servers.cut_subscriptions();
                servers.kill_leader_ahead();
                done.failovers.push(Gap { from: began, until: shared.began.elapsed() });
            }
            Fault::Kill(number) => {
                shared.replicas.lock().expect("whole")[number] = None;
                gateways[number].kill().await;
                gateways[number].restart().await;
                shared.replicas.lock().expect("whole")[number] = Some(gateways[number].address);
                done.kills += 1;
            }
            Fault::Reload(number) => {
                let gateway = &gateways[number];
                let file = gateway.folder().join("routes.toml");
                let text = std::fs::read_to_string(&file).expect("readable");
                let (plain, other) = ("replay_window = \"", "limits = { upload = \"3MiB\" }\nreplay_window = \"");
                let changed =
                    if text.contains(other) { text.replace(other, plain) } else { text.replace(plain, other) };
                assert!(changed != text, "the config is another");
                std::fs::write(file, changed).expect("written");
                let taken = http::send(gateway.admin, &http::request("POST", "/api/reload", &[], b"")).await;
                assert_eq!(taken.status, 200, "{taken:?}");
                done.reloads += 1;
            }
            Fault::Roll(number) => {
                let (began, known) = (Instant::now(), shared.closes.lock().expect("whole").len());
                shared.replicas.lock().expect("whole")[number] = None;
                gateways[number].terminate();
                let status = gateways[number].ended().await;
                assert!(status.success(), "{status}\n{}", gateways[number].log());
                done.rolls
                    .push(shared.closes.lock().expect("whole")[known..].iter().map(|(at, _)| *at - began).collect());
                gateways[number].restart().await;
                shared.replicas.lock().expect("whole")[number] = Some(gateways[number].address);
            }
        }
    }
    done
}

/// Waits until so many are confirmed. Messages may be refused or cut off: who waits for more than there are goes on.
async fn confirmed(shared: &Shared, wanted: usize, patience: Duration) {
    let (mut before, mut since) = (0, Instant::now());
    loop {
        let confirmed = shared.confirmed.load(Ordering::Relaxed);
        if confirmed >= wanted || since.elapsed() > patience {
            return;
        }
        if confirmed != before {
            (before, since) = (confirmed, Instant::now());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

//! What goes wrong while all talk, and when: at shares of the messages confirmed, so that each meets traffic. In: a plan.
//! Out: the faults, done and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::harness::{Gateway, http};
use super::redis::RedisServer;
use super::talk::Shared;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every subscription is cut.
    CutSubscriptions,
    /// Redis is killed and started again on its append-only file.
    RestartRedis,
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
    redis: &mut RedisServer,
) -> Done {
    let mut done = Done::default();
    for (share, fault) in plan {
        let wanted = total * share / 1000;
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let confirmed = shared.confirmed.load(Ordering::Relaxed);
            // Messages may be refused or cut off: who waits for more than there are goes on.
            if confirmed >= wanted || since.elapsed() > Duration::from_secs(20) {
                break;
            }
            if confirmed != before {
                (before, since) = (confirmed, Instant::now());
            }
            sleep(Duration::from_millis(5)).await;
        }
        println!("{:>6} confirmed: {fault:?}", shared.confirmed.load(Ordering::Relaxed));
        match *fault {
            Fault::CutSubscriptions => {
                let answer = redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                done.cut += answer.strip_prefix(':').and_then(|count| count.parse().ok()).unwrap_or(0);
            }
            Fault::RestartRedis => {
                redis.restart();
                done.restarts += 1;
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

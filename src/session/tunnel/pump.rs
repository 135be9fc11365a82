//! The two ways of a tunnel, polled by one task: what is ready is handed over, and flushed when nothing more is there; a
//! side that takes nothing holds up its own way only, and not for long.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::socket::{Duplex, Frame, Gone, Received, Text};

use super::Tunnel;
use super::farewell::Farewells;

/// Messages of one way before the other has its turn.
const BATCH: usize = 64;

/// One socket and how it is doing.
struct Side<S> {
    socket: S,
    /// When something came from it.
    heard: Instant,
    pinged: Instant,
    /// Since when it takes nothing, if it does not.
    blocked: Option<Instant>,
    /// It took not even one message more when last asked.
    full: bool,
    unflushed: bool,
    /// Messages from it that were passed on and not yet counted.
    passed: usize,
}

impl<S: Duplex> Side<S> {
    fn new(socket: S, now: Instant) -> Self {
        Side { socket, heard: now, pinged: now, blocked: None, full: false, unflushed: false, passed: 0 }
    }

    /// Whether one more message may be handed over.
    fn poll_ready(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<Result<(), Gone>> {
        let ready = self.socket.poll_ready(context);
        match ready {
            // It has read since. That there is room alone says nothing: what was handed over may still wait.
            Poll::Ready(_) if self.full => self.blocked = None,
            Poll::Ready(_) => {}
            Poll::Pending => _ = self.blocked.get_or_insert(now),
        }
        self.full = ready.is_pending();
        ready
    }

    fn start(&mut self, frame: Frame) -> Result<(), Gone> {
        self.unflushed = true;
        self.socket.start(frame)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>, now: Instant) -> Result<(), Gone> {
        if self.unflushed {
            match self.socket.poll_flush(context) {
                Poll::Ready(flushed) => {
                    flushed?;
                    self.unflushed = false;
                    self.blocked = None;
                }
                Poll::Pending => _ = self.blocked.get_or_insert(now),
            }
        }
        Ok(())
    }
}

pub struct Pump<'a, C, U> {
    tunnel: &'a Tunnel,
    client: Side<C>,
    upstream: Side<U>,
    /// What the client is told before more of it is read.
    reply: Option<Text>,
    watch: Pin<Box<Sleep>>,
}

impl<'a, C: Duplex, U: Duplex> Pump<'a, C, U> {
    pub fn new(tunnel: &'a Tunnel, client: C, upstream: U) -> Self {
        let now = Instant::now();
        let watch = Box::pin(sleep_until(now + tunnel.settings.ping_every));
        Pump { tunnel, client: Side::new(client, now), upstream: Side::new(upstream, now), reply: None, watch }
    }

    pub fn into_sockets(mut self) -> (C, U) {
        self.count();
        (self.client.socket, self.upstream.socket)
    }

    /// Passes on what there is; ready at the end.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Farewells> {
        match self.poll_all(context) {
            Ok(()) => Poll::Pending,
            Err(farewells) => Poll::Ready(farewells),
        }
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Result<(), Farewells> {
        let now = Instant::now();
        self.poll_up(context, now)?;
        self.poll_down(context, now)?;
        // Both at last, as either way may have said something to either side.
        self.upstream.poll_flush(context, now).map_err(|_| self.upstream_lost())?;
        self.client.poll_flush(context, now).map_err(|_| Farewells::client_gone())?;
        self.poll_watch(context, now)
    }

    fn upstream_lost(&self) -> Farewells {
        Farewells::of_upstream(self.tunnel, Received::Lost)
    }

    /// From the client to the backend.
    fn poll_up(&mut self, context: &mut Context<'_>, now: Instant) -> Result<(), Farewells> {
        for _ in 0..BATCH {
            if let Some(reply) = self.reply.take() {
                match self.client.poll_ready(context, now) {
                    Poll::Ready(Ok(())) => {
                        self.client.start(Frame::Text(reply)).map_err(|_| Farewells::client_gone())?;
                    }
                    Poll::Ready(Err(_)) => return Err(Farewells::client_gone()),
                    Poll::Pending => {
                        self.reply = Some(reply);
                        return Ok(());
                    }
                }
            }
            match self.upstream.poll_ready(context, now) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Err(self.upstream_lost()),
                Poll::Pending => return Ok(()),
            }
            let Poll::Ready(received) = self.client.socket.poll_receive(context) else { return Ok(()) };
            self.client.heard = now;
            match received {
                Received::Frame(frame) => match self.permitted(&frame) {
                    Ok(()) => {
                        self.upstream.start(frame).map_err(|_| self.upstream_lost())?;
                        self.client.passed += 1;
                    }
                    Err(fault) => self.refuse(&fault)?,
                },
                Received::Alive => {}
                ended => return Err(Farewells::of_client(ended)),
            }
        }
        context.waker().wake_by_ref();
        Ok(())
    }

    /// From the backend to the client.
    fn poll_down(&mut self, context: &mut Context<'_>, now: Instant) -> Result<(), Farewells> {
        for _ in 0..BATCH {
            match self.client.poll_ready(context, now) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Err(Farewells::client_gone()),
                Poll::Pending => return Ok(()),
            }
            let Poll::Ready(received) = self.upstream.socket.poll_receive(context) else { return Ok(()) };
            self.upstream.heard = now;
            match received {
                Received::Frame(frame) => {
                    if let Some(frame) = self.to_be_heard(frame) {
                        self.client.start(frame).map_err(|_| Farewells::client_gone())?;
                        self.upstream.passed += 1;
                    }
                }
                Received::Alive => {}
                ended => return Err(Farewells::of_upstream(self.tunnel, ended)),
            }
        }
        context.waker().wake_by_ref();
        Ok(())
    }

    fn permitted(&self, frame: &Frame) -> Result<(), Fault> {
        if let Some(rate) = &self.tunnel.rate {
            rate.check(&self.tunnel.principal)?;
        }
        match frame {
            Frame::Binary(_) if self.tunnel.contract.is_some() => Err(Fault::new(Reason::Binary)),
            Frame::Text(_) | Frame::Binary(_) => Ok(()),
        }
    }

    fn refuse(&mut self, fault: &Fault) -> Result<(), Farewells> {
        tracing::debug!(route = %self.tunnel.route, %fault, "frame refused");
        metrics::count_refused(&self.tunnel.route, fault.reason.as_str());
        let Some((dialect, socket)) = &self.tunnel.contract else {
            return Err(Farewells::refused(fault.reason, 1008, fault.reason.words().to_owned()));
        };
        let refused = dialect.refuse_frame(&dialect.sockets[*socket], fault);
        self.reply = refused.frame.map(Text::from);
        match refused.close {
            Some(code) => Err(Farewells::refused(fault.reason, code, refused.text)),
            None => Ok(()),
        }
    }

    /// What the client hears of a message of the backend.
    fn to_be_heard(&self, frame: Frame) -> Option<Frame> {
        let text = match &frame {
            Frame::Text(text) => text,
            Frame::Binary(_) if self.tunnel.contract.is_none() => return Some(frame),
            Frame::Binary(_) => {
                metrics::count_refused(&self.tunnel.route, Reason::Binary.as_str());
                return None;
            }
        };
        match self.tunnel.redaction.apply(text) {
            Ok(None) => Some(frame),
            Ok(Some(left)) => Some(Frame::Text(left.into())),
            Err(fault) => {
                tracing::warn!(route = %self.tunnel.route, %fault, "a frame of the upstream is not passed on");
                metrics::count_refused(&self.tunnel.route, fault.reason.as_str());
                None
            }
        }
    }

    /// Looks after both sides when it is time, and sees to be woken for the next time.
    fn poll_watch(&mut self, context: &mut Context<'_>, now: Instant) -> Result<(), Farewells> {
        let blocked = [self.client.blocked, self.upstream.blocked].into_iter().flatten().min();
        let due = blocked.map(|since| since + self.tunnel.settings.write_timeout);
        if let Some(due) = due.filter(|due| *due < self.watch.deadline()) {
            self.watch.as_mut().reset(due);
        }
        while self.watch.as_mut().poll(context).is_ready() {
            let now = now.max(Instant::now());
            self.count();
            let next = self.check(now)?;
            self.watch.as_mut().reset(next);
            // Pings are few and small; that they are written now is what they are for.
            self.client.poll_flush(context, now).map_err(|_| Farewells::client_gone())?;
            self.upstream.poll_flush(context, now).map_err(|_| self.upstream_lost())?;
        }
        Ok(())
    }

    /// Whether both sides live and read; when to look again.
    fn check(&mut self, now: Instant) -> Result<Instant, Farewells> {
        let settings = &self.tunnel.settings;
        let is_over = |since: Option<Instant>| since.is_some_and(|since| now >= since + settings.write_timeout);
        if is_over(self.client.blocked) {
            return Err(Farewells::overflowed(self.tunnel));
        }
        if is_over(self.upstream.blocked) || now >= self.upstream.heard + settings.dead_after {
            return Err(Farewells::upstream_dead(self.tunnel));
        }
        if now >= self.client.heard + settings.dead_after {
            return Err(Farewells::client_dead());
        }
        let client = keep_alive(&mut self.client, now, settings).map_err(|_| Farewells::client_gone())?;
        let upstream = keep_alive(&mut self.upstream, now, settings).map_err(|_| self.upstream_lost())?;
        Ok(client.min(upstream))
    }

    fn count(&mut self) {
        self.tunnel.frames.came(std::mem::take(&mut self.client.passed));
        self.tunnel.frames.went(std::mem::take(&mut self.upstream.passed));
    }
}

/// Pings a side that has been silent; says when to look again, which is after `now`.
fn keep_alive<S: Duplex>(side: &mut Side<S>, now: Instant, settings: &super::Settings) -> Result<Instant, Gone> {
    let quiet_since = side.heard.max(side.pinged);
    // One that takes nothing has its own deadline; a ping would only wait behind the rest.
    if side.blocked.is_none() && now >= quiet_since + settings.ping_every {
        side.pinged = now;
        side.unflushed = true;
        side.socket.start_ping()?;
    }
    let ping = side.heard.max(side.pinged) + settings.ping_every;
    let write = side.blocked.map(|since| since + settings.write_timeout);
    let next = ping.min(side.heard + settings.dead_after).min(write.unwrap_or(ping));
    Ok(next.max(now + std::time::Duration::from_millis(10)))
}

//! Everything that leaves the server leaves through here, in one order.
//!
//! A response that overtakes the notifications sent before it shows a job's end before its last
//! step, so responses, notifications and our own requests share one queue. The queue never makes
//! anybody wait: a client that stops reading costs memory up to a limit, then its session.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tower_lsp::jsonrpc::Response;

/// How many bytes may wait for a client that does not read.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Above this, messages that may be lost are.
    drop_above: usize,
    /// Above this the client is taken for dead.
    give_up_above: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            drop_above: 16 << 20,
            give_up_above: 256 << 20,
        }
    }
}

/// Written at once. Small enough that the count of unsent bytes stays honest in a large batch.
const PIECE: usize = 256 << 10;

/// A batch buffer larger than this is given back after use.
const KEEP_CAPACITY: usize = 1 << 20;

/// The sending side, for anybody who has something to tell the client. Sending never waits.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// The other end of an [`Outbox`]: what [`serve`](super::serve) writes from.
#[derive(Debug)]
pub struct OutboxDrain {
    shared: Arc<Shared>,
}

/// Makes an outbox and the drain that belongs to it.
pub fn outbox() -> (Outbox, OutboxDrain) {
    with_limits(Limits::default())
}

fn with_limits(limits: Limits) -> (Outbox, OutboxDrain) {
    let shared = Arc::new(Shared {
        limits,
        ..Shared::default()
    });
    let outbox = Outbox {
        shared: Arc::clone(&shared),
    };
    (outbox, OutboxDrain { shared })
}

#[derive(Debug, Default)]
struct Shared {
    limits: Limits,
    queue: Mutex<Queue>,
    /// Wakes the writer.
    filled: Condvar,
    /// Tells that everything has been written, or never will be.
    drained: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whole frames, ready to be written.
    waiting: Vec<u8>,
    /// Frames that wait for the answer to `initialize`: before it a server says nothing of its own.
    held: Option<Vec<u8>>,
    /// Bytes that the writer has taken and not yet written.
    in_hand: usize,
    /// The writer sleeps: a system call to wake it is needed only then.
    writer_sleeps: bool,
    /// The client cannot be written to any more.
    lost: bool,
    dropped: u64,
    last_id: i64,
    /// Requests of ours that the client has not answered.
    unanswered: HashSet<i64>,
    on_loss: Option<OnLoss>,
}

struct OnLoss(Box<dyn Fn() + Send>);

impl std::fmt::Debug for OnLoss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnLoss")
    }
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    method: &'a str,
    /// Absent where a method has none: JSON-RPC knows no `null` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a P>,
}

impl<'a, P> Call<'a, P> {
    fn notification(method: &'a str, params: &'a P) -> Self {
        Self {
            jsonrpc: "2.0",
            id: None,
            method,
            params: Some(params),
        }
    }
}

/// What becomes of a message when the client does not read, or is not greeted yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Needed,
    /// The client can do without it.
    Droppable,
    /// An answer to one of its requests.
    Answer {
        is_ok: bool,
    },
}

impl Outbox {
    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &impl Serialize) {
        self.send(&Call::notification(method, params), method, Kind::Needed);
    }

    /// Sends a notification that the client can do without, such as a log line or a progress
    /// report. It is left out while more than 16 MiB wait to be read.
    pub fn notify_droppable(&self, method: &str, params: &impl Serialize) {
        self.send(&Call::notification(method, params), method, Kind::Droppable);
    }

    /// Sends a request and returns its id. The answer comes as
    /// [`Signal::Response`](super::Signal::Response), or never: the caller keeps the time.
    pub fn request(&self, method: &str, params: &impl Serialize) -> i64 {
        self.call(method, Some(params))
    }

    /// As [`request`](Self::request), for a method that has no parameters.
    pub fn bare_request(&self, method: &str) -> i64 {
        self.call::<()>(method, None)
    }

    fn call<P: Serialize>(&self, method: &str, params: Option<&P>) -> i64 {
        let id = {
            let mut queue = self.shared.lock();
            queue.last_id += 1;
            let id = queue.last_id;
            queue.unanswered.insert(id);
            id
        };
        self.send(
            &Call {
                jsonrpc: "2.0",
                id: Some(id),
                method,
                params,
            },
            method,
            Kind::Needed,
        );
        id
    }

    /// Answers one of the client's requests.
    pub(super) fn respond(&self, response: &Response) {
        let is_ok = response.is_ok();
        self.send(response, "response", Kind::Answer { is_ok });
    }

    /// Keeps what is not an answer until a request is answered well, which only `initialize` can be at first.
    pub(super) fn hold(&self) {
        self.shared.lock().held = Some(Vec::new());
    }

    /// Whether `id` is one of our requests that has had no answer until now.
    pub(super) fn settle(&self, id: i64) -> bool {
        self.shared.lock().unanswered.remove(&id)
    }

    /// Waits until everything has been written, or the client has read nothing for `patience`.
    pub(super) async fn flush(&self, patience: Duration) {
        let mut left = usize::MAX;
        loop {
            let drained = self.shared.drained.notified();
            let unsent = {
                let queue = self.shared.lock();
                if queue.lost { 0 } else { queue.unsent() }
            };
            if unsent == 0 {
                return;
            }
            if unsent >= left {
                tracing::warn!(
                    unsent,
                    "the client does not read: the last messages are lost"
                );
                return;
            }
            left = unsent;
            // Timed out: look whether it moves.
            let _ = tokio::time::timeout(patience, drained).await;
        }
    }

    /// Ends the writing. What is sent from now on goes nowhere.
    pub(super) fn close(&self) {
        let mut queue = self.shared.lock();
        queue.on_loss = None;
        queue.lose(&self.shared.drained);
        self.shared.filled.notify_one();
    }

    fn send(&self, message: &impl Serialize, what: &str, kind: Kind) {
        let body = match serde_json::to_vec(message) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, what, "a message could not be encoded and was not sent");
                return;
            }
        };
        let mut queue = self.shared.lock();
        if queue.lost {
            return;
        }
        if kind == Kind::Droppable && queue.unsent() > self.shared.limits.drop_above {
            queue.dropped += 1;
            if queue.dropped.is_power_of_two() {
                let dropped = queue.dropped;
                tracing::warn!(dropped, what, "the client does not read: messages left out");
            }
            return;
        }
        let Queue { waiting, held, .. } = &mut *queue;
        let frames = match held {
            Some(held) if !matches!(kind, Kind::Answer { .. }) => held,
            _ => waiting,
        };
        // Writing to memory cannot fail.
        let _ = write!(frames, "Content-Length: {}\r\n\r\n", body.len());
        frames.extend_from_slice(&body);
        if kind == (Kind::Answer { is_ok: true })
            && let Some(held) = queue.held.take()
        {
            queue.waiting.extend_from_slice(&held);
        }
        if queue.unsent() > self.shared.limits.give_up_above {
            let unsent = queue.unsent();
            tracing::error!(
                unsent,
                "the client does not read what it is sent: giving up on it"
            );
            queue.lose(&self.shared.drained);
        }
        self.shared.wake(&mut queue);
    }
}

impl OutboxDrain {
    /// Starts the thread that writes. `on_loss` is called once if the client can no longer be
    /// written to.
    pub(super) fn start(
        self,
        mut writer: impl Write + Send + 'static,
        on_loss: impl Fn() + Send + 'static,
    ) -> std::io::Result<()> {
        self.shared.lock().on_loss = Some(OnLoss(Box::new(on_loss)));
        let write = move || {
            let mut batch = Vec::new();
            while self.shared.take(&mut batch) {
                if let Err(error) = self.write(&batch, &mut writer) {
                    tracing::warn!(%error, "the client cannot be written to any more");
                    self.shared.lock().lose(&self.shared.drained);
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("pleach-writer".into())
            .spawn(write)?;
        Ok(())
    }

    fn write(&self, batch: &[u8], writer: &mut impl Write) -> std::io::Result<()> {
        for piece in batch.chunks(PIECE) {
            writer.write_all(piece)?;
            let mut queue = self.shared.lock();
            queue.in_hand = queue.in_hand.saturating_sub(piece.len());
        }
        writer.flush()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nobody panics while holding the lock; if so, the queue is still whole frames.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, queue: &mut Queue) {
        if std::mem::take(&mut queue.writer_sleeps) {
            self.filled.notify_one();
        }
    }

    /// Takes everything that waits, or sleeps until there is something. False when the client is
    /// lost.
    fn take(&self, batch: &mut Vec<u8>) -> bool {
        batch.clear();
        batch.shrink_to(KEEP_CAPACITY);
        let mut queue = self.lock();
        while queue.waiting.is_empty() && !queue.lost {
            self.drained.notify_waiters();
            queue.writer_sleeps = true;
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut queue.waiting, batch);
        queue.in_hand = batch.len();
        !queue.lost
    }
}

impl Queue {
    fn unsent(&self) -> usize {
        self.waiting.len() + self.in_hand
    }

    fn lose(&mut self, drained: &Notify) {
        self.lost = true;
        self.waiting = Vec::new();
        drained.notify_waiters();
        if let Some(OnLoss(tell)) = self.on_loss.take() {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::ErrorKind;
    use std::sync::mpsc;

    /// Passes on what is written, when it is allowed to.
    struct Gate {
        open: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.open
                .recv()
                .map_err(|_| std::io::Error::from(ErrorKind::BrokenPipe))?;
            self.written.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    struct Rig {
        outbox: Outbox,
        open: mpsc::Sender<()>,
        written: mpsc::Receiver<Vec<u8>>,
        lost: mpsc::Receiver<()>,
    }

    fn rig() -> Rig {
        let (outbox, drain) = with_limits(Limits {
            drop_above: 2000,
            give_up_above: 5000,
        });
        let (open, gate) = mpsc::channel();
        let (tx, written) = mpsc::channel();
        let (on_loss, lost) = mpsc::channel();
        let writer = Gate {
            open: gate,
            written: tx,
        };
        drain
            .start(writer, move || on_loss.send(()).unwrap())
            .unwrap();
        Rig {
            outbox,
            open,
            written,
            lost,
        }
    }

    #[test]
    fn nothing_is_said_before_the_answer_to_initialize() {
        let rig = rig();
        rig.outbox.hold();
        rig.outbox.notify("early", &1);
        let refused = Response::from_error(1.into(), tower_lsp::jsonrpc::Error::invalid_request());
        rig.outbox.respond(&refused);
        rig.outbox.respond(&Response::from_ok(
            2.into(),
            serde_json::json!("initialized"),
        ));
        let mut written = String::new();
        while !written.contains("early") {
            rig.open.send(()).unwrap();
            written.push_str(std::str::from_utf8(&rig.written.recv().unwrap()).unwrap());
        }
        let at = |text: &str| written.find(text).unwrap();
        assert!(
            at("error") < at("initialized") && at("initialized") < at("early"),
            "{written}"
        );
    }

    #[test]
    fn messages_leave_in_order_and_in_batches() {
        let rig = rig();
        rig.outbox.notify("first", &1);
        // The writer has the first in hand and waits at the gate: the rest gathers.
        while !rig.outbox.shared.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(rig.outbox.request("second", &2), 1);
        rig.outbox.notify("third", &3);
        rig.open.send(()).unwrap();
        rig.open.send(()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(rig.written.recv().unwrap()),
            "Content-Length: 45\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"first\",\"params\":1}"
        );
        let batch = text(rig.written.recv().unwrap());
        assert!(batch.find("second").unwrap() < batch.find("third").unwrap());
    }

    #[test]
    fn an_answer_counts_once() {
        let (outbox, _drain) = outbox();
        let id = outbox.request("workspace/applyEdit", &());
        assert!(outbox.settle(id));
        assert!(!outbox.settle(id));
        assert!(!outbox.settle(99));
    }

    #[test]
    fn a_client_that_does_not_read_loses_reports_and_then_the_session() {
        let rig = rig();
        let long = "x".repeat(1000);
        for _ in 0..2 {
            rig.outbox.notify("important", &long);
        }
        let before = rig.outbox.shared.lock().unsent();
        rig.outbox.notify_droppable("report", &long);
        assert_eq!(rig.outbox.shared.lock().unsent(), before);
        assert_eq!(rig.outbox.shared.lock().dropped, 1);
        assert!(rig.lost.try_recv().is_err());
        for _ in 0..3 {
            rig.outbox.notify("important", &long);
        }
        rig.lost.recv().unwrap();
        assert_eq!(rig.outbox.shared.lock().waiting.len(), 0);
    }

    #[test]
    fn a_closed_pipe_is_told_once() {
        let rig = rig();
        drop(rig.open);
        rig.outbox.notify("anything", &());
        rig.lost.recv().unwrap();
        rig.outbox.notify("anything", &());
        assert!(rig.lost.recv().is_err());
    }
}

//! On which thread does a connection live? On one of a few, each with a loop of its own, from its first byte to its last:
//! both directions wake the same thread, which nothing has to be handed to. Measured against work stealing, that is less
//! time per statement and fewer threads woken.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// PostgreSQL's grammar recurses as deeply as a statement nests.
const STACK_BYTES: usize = 8 << 20;
/// More threads would not help: what they do is short.
const WORKERS_MAX: usize = 16;

/// A connection on its way to its thread.
type Accepted<T> = (std::net::TcpStream, T);

/// The threads. Dropping them ends their connections.
#[derive(Debug)]
pub(crate) struct Workers<T> {
    queues: Vec<mpsc::UnboundedSender<Accepted<T>>>,
    next: AtomicUsize,
}

impl<T: Send + 'static> Workers<T> {
    /// Starts as many threads as there are cores. `serve` runs on them, once for each connection.
    pub(crate) fn start<F, S>(serve: S) -> io::Result<Self>
    where
        S: Fn(TcpStream, T) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + 'static,
    {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
        let queues = (0..count).map(|_| worker(serve.clone())).collect::<io::Result<_>>()?;
        Ok(Self { queues, next: AtomicUsize::new(0) })
    }

    /// Gives a connection to the next thread in turn.
    pub(crate) fn take(&self, stream: TcpStream, with: T) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.queues.len()).unwrap_or(0);
        let given =
            stream.into_std().map(|stream| self.queues.get(turn).map(|queue| queue.send((stream, with))));
        if !matches!(given, Ok(Some(Ok(())))) {
            tracing::warn!("a connection was lost on the way to its thread");
        }
    }
}

fn worker<T, F, S>(serve: S) -> io::Result<mpsc::UnboundedSender<Accepted<T>>>
where
    T: Send + 'static,
    S: Fn(TcpStream, T) -> F + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    let (queue, mut accepted) = mpsc::unbounded_channel::<Accepted<T>>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            while let Some((stream, with)) = accepted.recv().await {
                match TcpStream::from_std(stream) {
                    Ok(stream) => drop(tokio::task::spawn_local(serve(stream, with))),
                    Err(error) => tracing::debug!(%error, "a connection was gone at once"),
                }
            }
        });
    };
    std::thread::Builder::new().name("postgres".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
    Ok(queue)
}

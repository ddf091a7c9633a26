//! Session-level behaviour over real sockets, a real gate and a real store.

mod attacks;
mod door;
mod held;
mod relayed;
mod stateless;
mod tasks;

//! Does the whole gateway keep its promises? The only integration binary: real store, real sockets, a clock that
//! the tests move.
#![cfg(test)]

mod crash;
mod erase;
mod gate;
mod ledger;
mod postgres;
mod receipts;
mod resources;
mod sealed;
mod tidy;

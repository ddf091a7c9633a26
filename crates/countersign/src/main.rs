//! `countersign`: the one binary. Subcommands parse here and act in their own files.

mod cli;
mod client;
mod config;
mod demo;
mod export;
mod kept;
mod listen;
mod out;
mod policy_watch;
mod serve;
mod system;

use std::process::ExitCode;

use clap::Parser as _;

/// Each statement makes and frees a few dozen small pieces; glibc's allocator took a tenth of the time on that path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// PostgreSQL's grammar recurses as deeply as a statement nests. Memory that nobody touches costs nothing.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let args = cli::Cli::parse();
    cli::start_log();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            out::note(format_args!("error: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli::run(args));
    // What still runs holds nothing that isn't recorded.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

//! Is the configuration right? Every mistake of it and of the policies, without starting anything.

use super::{ConfigArgs, Failure};
use crate::{out, serve};

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.read()?;
    let bundle = serve::bundle(&config)?;
    for warning in bundle.warnings() {
        out::note(format_args!("warning: {warning}"));
    }
    out::line(format_args!(
        "ok: {} resource(s), {} policies, bundle {}",
        config.resources.len() + config.databases.len(),
        bundle.ids().count(),
        bundle.hash()
    ));
    Ok(())
}

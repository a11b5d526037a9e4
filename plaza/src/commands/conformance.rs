//! `plaza conformance`

use mock::conformance;
use mock::spec::Spec;

use crate::cli::ConformanceArgs;
use crate::exit::{Exit, Stopped};
use crate::progress;

pub async fn conformance(args: &ConformanceArgs) -> Result<(), Stopped> {
    let spec = Spec::load(None, args.asyncapi.as_deref())
        .map_err(|error| Stopped::new(Exit::Config, format_args!("The spec cannot be used: {error}.")))?;
    let report = conformance::run(&spec, &args.address, &args.token, &args.exceptions)
        .await
        .map_err(|broken| Stopped::new(Exit::Differs, format_args!("The server cannot be driven: {broken}.")))?;
    for (exception, times) in &report.excepted {
        progress::result(format_args!("excepted  {exception}  {times} times"));
    }
    for difference in &report.differences {
        progress::result(format_args!("differs   {difference}"));
    }
    progress::result(format_args!("{} frames answered as declared", report.passed));
    match report.differences.len() {
        0 => Ok(()),
        count => Err(Stopped::new(Exit::Differs, format_args!("{count} answers differ from the spec."))),
    }
}

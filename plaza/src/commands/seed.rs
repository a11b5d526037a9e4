//! `plaza seed`

use crate::cli::SeedArgs;
use crate::config::Config;
use crate::exit::{Exit, Stopped};

pub async fn seed(_config: &Config, _args: &SeedArgs) -> Result<(), Stopped> {
    Err(Stopped::new(Exit::Unexpected, "There is nothing to fill yet."))
}

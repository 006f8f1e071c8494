//! `faxgate serve`: runs the gateway until it is told to stop.

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, runtime};
use crate::app::App;
use crate::config::Config;
use crate::observe;

pub(super) fn run(config: Config) -> Result<(), Failure> {
    observe::log_to_stderr("info");
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
        let app = App::start(config).await.map_err(Failure::failed)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        app.stop().await;
        Ok(())
    });
    // A call that outlasts the grace is cut off: the store knows how far it came.
    runtime.shutdown_background();
    result
}

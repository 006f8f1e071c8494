//! `faxgate serve`: runs the gateway until it is told to stop.

use std::sync::Arc;

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
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::failed)?;
        let workers = super::workers(&config)?;
        workers.office().start_ahead();
        let mut app = App::start(config, Arc::clone(&workers) as _).await.map_err(Failure::failed)?;
        let result = loop {
            tokio::select! {
                _ = terminate.recv() => break Ok(()),
                _ = interrupt.recv() => break Ok(()),
                _ = hangup.recv() => {
                    tracing::info!("SIGHUP: a new certificate is taken now; all else in the configuration, at the next start");
                    app.look_again();
                }
                () = app.part_failed() => {
                    break Err(Failure::failed("a part of the gateway failed; the log says which"));
                }
            }
        };
        tracing::info!("stopping");
        app.stop().await;
        workers.office().stop();
        result
    });
    // A call that outlasts the grace is cut off: the store knows how far it came.
    runtime.shutdown_background();
    result
}

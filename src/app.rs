//! Puts the gateway together: the one place, with `config`, that names the adapters.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::address::{Classes, DialPlan, FaxAddress, Number, Policy};
use crate::blob::{BlobError, Blobs, FsBlobs};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, LineConfig};
use crate::door::control::Control;
use crate::door::{milter, smtp};
use crate::job::{Job, ReceivedFax};
use crate::line::pool::Pool;
use crate::line::serial::profiles::Profiles;
use crate::line::serial::{self, ModemLine};
use crate::line::sim::Exchange;
use crate::line::{Answering, Line, virtual_modem};
use crate::mailauth::MailAuth;
use crate::mailer::Identity;
use crate::post::{Post, PostSettings};
use crate::queue::{self, Queue};
use crate::received::Intake;
use crate::received::answer::Answerer;
use crate::render::{RenderError, Renderer};
use crate::status::Status;
use crate::store::{SledStore, Store, StoreConfig, StoreError};
use crate::submit::{Reason, Refusal, Rules, Submit};
use crate::users::Users;

/// How long a claim on a job holds without being renewed.
const LEASE: Duration = Duration::from_secs(600);
/// How long the queue waits after its store failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How long calls in progress may go on after the gateway was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// How often what is old enough is forgotten.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// How often the faxes of the month are counted anew.
const LEDGER_EVERY: Duration = Duration::from_secs(300);
/// How many are forgotten at a time.
const PURGE_MAX: usize = 200;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct StartError {
    what: &'static str,
    cause: String,
}

fn cannot<E: Display>(what: &'static str) -> impl FnOnce(E) -> StartError {
    move |cause| StartError { what, cause: cause.to_string() }
}

/// A running gateway.
pub struct App {
    /// Where the SMTP listener listens.
    pub smtp: Vec<SocketAddr>,
    /// What can be seen of it.
    pub status: Status,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    store: SledStore,
    pool: Pool,
    refresh: Arc<Notify>,
}

/// What every part is built on.
struct Ground {
    config: Config,
    zone: TimeZone,
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    renderer: Arc<dyn Renderer>,
    clock: Arc<dyn Clock>,
    /// There may be something to dial.
    wake: Arc<Notify>,
    /// There may be something to mail.
    mail_wake: Arc<Notify>,
}

impl App {
    /// Opens the store, mends what an earlier end left, opens the doors and begins to work; `renderer` makes the pages.
    ///
    /// # Errors
    /// [`StartError`] says which part cannot start, and why.
    pub async fn start(config: Config, renderer: Arc<dyn Renderer>) -> Result<Self, StartError> {
        let (store, ground) = Ground::lay(config, renderer).await?;
        let intake = Arc::new(ground.intake());
        let broken_off = intake.recover(ground.clock.now()).await.map_err(cannot("received faxes"))?;
        if broken_off > 0 {
            ground.mail_wake.notify_one();
        }
        let pool = ground.lines(&intake)?;
        let submit = Arc::new(ground.submit()?);
        submit.read_ledger().await.map_err(cannot("what was faxed"))?;
        let status = Status::new(Arc::clone(&ground.store), pool.clone());
        let control = ground.control(&submit, &status)?;
        let smtp = ground.smtp(&submit).await?;
        let (addresses, refresh) = (smtp.local_addrs(), smtp.refresh());
        let milter = ground.milter(&submit).await?;
        let places = milter.places();
        let post = ground.post()?;
        let queue = Arc::new(ground.queue(pool.clone()));

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(control.run(stopped.clone()));
        tasks.spawn(smtp.run(stopped.clone()));
        if !places.is_empty() {
            tasks.spawn(milter.run(stopped.clone()));
        }
        tasks.spawn(queue.run(stopped.clone()));
        let (clock, mail_wake) = (Arc::clone(&ground.clock), Arc::clone(&ground.mail_wake));
        let mail_stopped = stopped.clone();
        tasks.spawn(async move { post.run(&*clock, mail_stopped, &mail_wake).await });
        tasks.spawn(keep_the_ledger(submit, stopped.clone()));
        tasks.spawn(ground.forget_the_old(stopped));
        for place in &places {
            tracing::info!("the milter listens at {place}");
        }
        for address in &addresses {
            tracing::info!("SMTP listens on {address}");
        }
        Ok(Self { smtp: addresses, status, stop, tasks, store, pool, refresh })
    }

    /// Takes a new certificate at once, and not when it looks for one the next time.
    pub fn look_again(&self) {
        self.refresh.notify_one();
    }

    /// Waits until a part of the gateway ends though nobody told it to: it has failed, and the gateway with it.
    pub async fn part_failed(&mut self) {
        match self.tasks.join_next().await {
            Some(Err(error)) => tracing::error!(%error, "a part of the gateway failed"),
            _ => tracing::error!("a part of the gateway ended by itself"),
        }
    }

    /// Takes nothing more in, lets calls in progress end for a while, and closes the store.
    pub async fn stop(mut self) {
        // Nobody is left to tell where every task has ended by itself.
        let _ = self.stop.send(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a part of the gateway failed");
            }
        }
        // Lines write down what they have of a call before they end, so they do before the store is closed.
        let lines = self.pool.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || lines.stop()).await {
            tracing::error!(%error, "the lines do not stop");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(%error, "the store does not close");
        }
    }
}

impl Ground {
    async fn lay(config: Config, renderer: Arc<dyn Renderer>) -> Result<(SledStore, Self), StartError> {
        let zone = config.zone().map_err(cannot("time_zone"))?;
        let store_config = StoreConfig { dir: config.data_dir.join("store"), ..config.store.clone() };
        let blob_dir = config.data_dir.join("blobs");
        let opened = tokio::task::spawn_blocking(move || {
            let (store, report) = SledStore::open(store_config).map_err(cannot("store"))?;
            let blobs = FsBlobs::open(blob_dir).map_err(cannot("blobs"))?;
            Ok((store, report, blobs))
        });
        let (store, report, blobs) = opened.await.map_err(cannot("store"))??;
        if report.damaged.is_empty() && report.index_rebuilt.is_none() {
            tracing::info!(?report, "the store is open");
        } else {
            tracing::error!(?report, "the store is open, and was mended");
        }
        let ground = Self {
            zone,
            store: Arc::new(store.clone()),
            blobs: Arc::new(blobs),
            renderer,
            clock: Arc::new(SystemClock),
            wake: Arc::new(Notify::new()),
            mail_wake: Arc::new(Notify::new()),
            config,
        };
        Ok((store, ground))
    }

    fn identity(&self) -> Identity {
        Identity {
            host: self.config.smtp.hostname.clone(),
            postmaster: self.config.postmaster(),
            zone: self.zone.clone(),
        }
    }

    fn intake(&self) -> Intake {
        let config = self.config.received.clone();
        Intake::new(Arc::clone(&self.store), Arc::clone(&self.blobs), config, self.config.postmaster())
    }

    fn lines(&self, intake: &Arc<Intake>) -> Result<Pool, StartError> {
        let (clock, mail_wake) = (Arc::clone(&self.clock), Arc::clone(&self.mail_wake));
        let answerer = Answerer::new(Arc::clone(intake), clock, Handle::current(), mail_wake);
        let answering: Arc<dyn Answering> = Arc::new(answerer);
        let mut lines = self.simulated_lines(&answering)?;
        lines.extend(self.modem_lines(answering)?);
        // Earlier lines are preferred, whatever their kind.
        let place = |name: &str| self.config.line.iter().position(|line| line.name() == name);
        lines.sort_by_key(|line| place(line.name()));
        Ok(Pool::new(lines))
    }

    fn simulated_lines(&self, answering: &Arc<dyn Answering>) -> Result<Vec<Arc<dyn Line>>, StartError> {
        let simulated = self.config.line.iter().filter_map(|line| match line {
            LineConfig::Simulated(line) => Some(line.clone()),
            LineConfig::Modem(_) => None,
        });
        let simulated: Vec<_> = simulated.collect();
        let simulation = self.config.simulation.clone();
        Exchange::build(simulation, &simulated, Arc::clone(answering), &self.dial_rules()?, &self.wake)
            .map_err(cannot("line"))
    }

    /// What programs at virtual modems may dial: what anybody may send to.
    fn dial_rules(&self) -> Result<virtual_modem::Rules, StartError> {
        let policy = Policy::new(self.config.policy.clone()).map_err(cannot("policy"))?;
        let classes = Classes::new(&self.config.dial_plan);
        let plan = self.plan()?;
        Ok(Arc::new(move |text| {
            let number = plan.dialled(text).map_err(|error| error.to_string())?;
            policy.destination(&number, classes.of(&number)).map_err(|denial| denial.to_string())?;
            Ok(number)
        }))
    }

    fn modem_lines(&self, answering: Arc<dyn Answering>) -> Result<Vec<Arc<dyn Line>>, StartError> {
        let around = serial::Surroundings {
            profiles: Arc::new(Profiles::load(&self.config.modems_dir).map_err(cannot("modems_dir"))?),
            plan: Arc::new(self.plan()?),
            answering,
            rules: self.dial_rules()?,
            wake: Arc::clone(&self.wake),
        };
        let modems = self.config.line.iter().filter_map(|line| match line {
            LineConfig::Modem(line) => Some(ModemLine::start((**line).clone(), &around)),
            LineConfig::Simulated(_) => None,
        });
        modems.map(|line| line.map(|line| line as Arc<dyn Line>).map_err(cannot("line"))).collect()
    }

    fn submit(&self) -> Result<Submit, StartError> {
        let Config { address, dial_plan, policy, submit, .. } = self.config.clone();
        let rules = Rules::new(address, dial_plan, policy, submit).map_err(cannot("settings"))?;
        let limits = self.config.render.limits.clone();
        let renderer = Arc::clone(&self.renderer);
        let survey = move |message: &[u8]| renderer.survey(message, &limits).map_err(|error| refusal(&error));
        let (store, clock, wake) = (Arc::clone(&self.store), Arc::clone(&self.clock), Arc::clone(&self.wake));
        let submit = Submit::new(rules, Arc::new(survey), store, clock, wake)
            .in_zone(self.zone.clone())
            .with_dispositions(self.config.report.dispositions)
            .with_users(Arc::new(Users::at(self.config.users_path())));
        if !submit.has_authors() {
            return Ok(submit);
        }
        let authors = MailAuth::new(self.config.mail_auth.clone()).map_err(cannot("mail_auth"))?;
        Ok(submit.with_authors(Arc::new(authors)))
    }

    fn plan(&self) -> Result<DialPlan, StartError> {
        DialPlan::new(self.config.dial_plan.clone()).map_err(cannot("dial_plan"))
    }

    fn control(&self, submit: &Arc<Submit>, status: &Status) -> Result<Control, StartError> {
        let bytes_max = self.config.render.limits.message_bytes_max;
        let (submit, clock) = (Arc::clone(submit), Arc::clone(&self.clock));
        Control::bind(&self.config.data_dir, submit, status.clone(), clock, bytes_max)
            .map_err(cannot("control socket"))
    }

    async fn milter(&self, submit: &Arc<Submit>) -> Result<milter::Server, StartError> {
        let (submit, clock) = (Arc::clone(submit), Arc::clone(&self.clock));
        milter::Server::bind(self.config.milter.clone(), submit, clock).await.map_err(cannot("milter.listen"))
    }

    async fn smtp(&self, submit: &Arc<Submit>) -> Result<smtp::Server, StartError> {
        let (submit, clock) = (Arc::clone(submit), Arc::clone(&self.clock));
        let users = Users::at(self.config.users_path());
        let own_dir = self.config.data_dir.join("tls");
        smtp::Server::bind(self.config.smtp.clone(), &own_dir, Arc::new(users), submit, clock)
            .await
            .map_err(cannot("smtp"))
    }

    fn post(&self) -> Result<Post, StartError> {
        let identity = self.identity();
        let mailer = self.config.mailer.build(&identity.host).map_err(cannot("mailer"))?;
        let plan = self.plan()?;
        let settings = PostSettings {
            identity,
            report: self.config.report.clone(),
            received: self.config.received.clone(),
            fax_domain: self.config.address.domains.first().cloned().unwrap_or_default(),
            expires_after: self.config.retry.expires_after,
            number_of: Arc::new(move |text| number_of(&plan, text)),
        };
        Ok(Post::new(Arc::clone(&self.store), Arc::clone(&self.blobs), mailer, settings))
    }

    fn queue(&self, pool: Pool) -> Queue {
        Queue {
            store: Arc::clone(&self.store),
            blobs: Arc::clone(&self.blobs),
            renderer: Arc::clone(&self.renderer),
            pool,
            clock: Arc::clone(&self.clock),
            wake: Arc::clone(&self.wake),
            mail_wake: Arc::clone(&self.mail_wake),
            settings: queue::Settings {
                node: self.config.node.clone(),
                rules: self.config.retry.rules(),
                lease: LEASE,
                store_pause: STORE_PAUSE,
                stop_grace: STOP_GRACE,
                render: self.config.render.clone(),
                header_from: self.config.header_from.clone(),
                zone: self.zone.clone(),
            },
        }
    }

    /// Forgets submissions and received faxes that are old enough, with their pages and traces.
    async fn forget_the_old(self, mut stop: watch::Receiver<bool>) {
        let mut timer = tokio::time::interval(PURGE_EVERY);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = timer.tick() => {}
            }
            if let Err(error) = self.forget(self.clock.now()).await {
                tracing::error!(%error, "cannot forget what is old");
            }
        }
    }

    async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        let keep = &self.config.store;
        while let Ok(before) = now.checked_sub(keep.keep_done) {
            let submissions = self.store.purge(before, PURGE_MAX).await?;
            self.delete_all(submissions.iter().map(Job::folder_of)).await;
            if submissions.len() < PURGE_MAX {
                break;
            }
        }
        if let Ok(before) = now.checked_sub(keep.keep_done)
            && let Err(error) = queue::peer::forget(&*self.blobs, before).await
        {
            tracing::error!(%error, "what is known of numbers stays");
        }
        while let Ok(before) = now.checked_sub(keep.keep_received) {
            let faxes = self.store.purge_received(before, PURGE_MAX).await?;
            self.delete_all(faxes.iter().map(ReceivedFax::folder_of)).await;
            if faxes.len() < PURGE_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Deletes the files of what the store has forgotten. One folder that resists must not keep the others.
    async fn delete_all(&self, folders: impl Iterator<Item = String>) {
        for folder in folders {
            if let Err(error) = self.delete_below(&folder).await {
                tracing::error!(folder, %error, "files of what was forgotten stay");
            }
        }
    }

    async fn delete_below(&self, folder: &str) -> Result<(), BlobError> {
        for key in self.blobs.list(folder).await? {
            self.blobs.delete(&key).await?;
        }
        Ok(())
    }
}

/// Reads from time to time how many pages the faxes of this month had, and which of them failed.
async fn keep_the_ledger(submit: Arc<Submit>, mut stop: watch::Receiver<bool>) {
    if !submit.has_quotas() && !submit.has_authors() {
        // Nothing is counted then.
        let _ = stop.changed().await;
        return;
    }
    let mut timer = tokio::time::interval(LEDGER_EVERY);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = timer.tick() => {}
        }
        if let Err(error) = submit.read_ledger().await {
            tracing::error!(%error, "what was faxed cannot be read; the quotas go by what is known");
        }
    }
}

/// What the survey of a message says, as a refusal at the door.
fn refusal(error: &RenderError) -> Refusal {
    let reason = match error {
        RenderError::TooLarge { .. } => Reason::TooLarge,
        // Something of ours is wrong, and not the message.
        RenderError::Cover { .. } | RenderError::Unavailable { .. } => Reason::Trouble,
        _ => Reason::Unconvertible,
    };
    Refusal::new(reason, error.to_string(), &format!("{error:?}"))
}

/// The number that a station ID stands for.
fn number_of(plan: &DialPlan, text: &str) -> Option<Number> {
    let address = FaxAddress::parse(text).ok()?;
    plan.number(&address.phone).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::render::InProcess;

    async fn start(dir: &std::path::Path) -> App {
        let mut config = Config::embedded(dir).unwrap();
        config.smtp.listen = vec!["127.0.0.1:0".parse().unwrap()];
        App::start(config, Arc::new(InProcess)).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_part_that_fails_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut app = start(dir.path()).await;
        app.tasks.spawn(async { panic!("a part fails") });
        tokio::time::timeout(Duration::from_secs(60), app.part_failed()).await.unwrap();
        app.stop().await;
        start(dir.path()).await.stop().await;
    }

    #[tokio::test]
    async fn what_is_old_goes_with_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let (store, ground) =
            Ground::lay(Config::embedded(dir.path()).unwrap(), Arc::new(InProcess)).await.unwrap();
        let intake = ground.intake();
        let now = ground.clock.now();
        let id = intake.begin("line", None, None, now).await.unwrap();
        let page = fax::page::Page::white(1728, 10, fax::page::Resolution::R204x98);
        intake.page(&id, 1, &page).await.unwrap();
        intake.recover(now).await.unwrap();
        let notices = store.notices_due(now, 10).await.unwrap();
        let month = ground.config.store.keep_received;
        ground.forget(now + month * 2).await.unwrap();
        assert!(store.received(&id).await.is_ok(), "its mail has not left");
        store.notice_done(&notices[0].id).await.unwrap();
        ground.forget(now + month / 2).await.unwrap();
        assert_eq!(ground.blobs.list("received/").await.unwrap().len(), 1);
        ground.forget(now + month * 2).await.unwrap();
        assert!(store.received(&id).await.is_err());
        assert_eq!(ground.blobs.list("received/").await.unwrap(), Vec::<String>::new());
    }
}

//! Office documents become PDF through LibreOffice, a program that is run and never linked.
//!
//! Each document gets a process of its own, which is gone when it is done, so that no document ever sees another's;
//! a process is started ahead for the next one, so that nobody waits for the start (`resident`). It is shut in before
//! it begins (`confine`): no network, no files but the system's programs and fonts and a folder of its own (`folder`),
//! so much memory; and it has so much time. A process of ours stands beside it (`keeper`) and ends it with the
//! gateway, however that ends. `pipe` is how LibreOffice is spoken to, `profile` what it is told about macros and links.
//!
//! SEAM: `Converter`, for the worker that meets such a document and may start no program, and so asks the gateway.

mod confine;
mod folder;
mod format;
mod keeper;
mod pipe;
mod profile;
mod resident;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::error::{Failure, RenderError};
use super::worker::Confine;
use crate::clock::Stopwatch;
use folder::Root;
pub use format::Format;
pub use keeper::{inside, keep};
use resident::{Lost, Resident};

/// Makes a PDF of an office document.
pub(super) trait Converter {
    /// Whether it can be done here at all.
    fn is_there(&self) -> bool;

    /// The PDF.
    ///
    /// # Errors
    /// Where the document cannot be read or passes a limit, and where no process can be had.
    fn to_pdf(&self, format: Format, name: &str, bytes: &[u8]) -> Result<Vec<u8>, RenderError>;
}

/// There is no LibreOffice.
impl Converter for () {
    fn is_there(&self) -> bool {
        false
    }

    fn to_pdf(&self, format: Format, name: &str, _: &[u8]) -> Result<Vec<u8>, RenderError> {
        Err(RenderError::part(name, format.no_program()))
    }
}

/// The `[render.office]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfficeConfig {
    /// LibreOffice, by its path or by a name that is looked for in `PATH`; empty: office documents are refused.
    pub program: String,
    /// How many documents are converted at a time; each has a process of its own, started ahead.
    pub count: usize,
    /// Megabytes of memory that one document may take.
    pub memory_mb_max: u64,
    /// Seconds that one document may take.
    pub document_seconds_max: u64,
}

impl Default for OfficeConfig {
    fn default() -> Self {
        Self { program: "soffice".into(), count: 1, memory_mb_max: 1024, document_seconds_max: 60 }
    }
}

impl OfficeConfig {
    /// Finds a limit of nothing.
    ///
    /// # Errors
    /// The name of the setting.
    pub fn check(&self) -> Result<(), &'static str> {
        let least = [
            ("count", self.count as u64, 1),
            ("memory_mb_max", self.memory_mb_max, MEMORY_MB_LEAST),
            ("document_seconds_max", self.document_seconds_max, 1),
        ];
        least.iter().find(|(_, value, least)| value < least).map_or(Ok(()), |(name, ..)| Err(name))
    }
}

/// With less LibreOffice does not start.
const MEMORY_MB_LEAST: u64 = 128;

/// LibreOffice's own program, beside the script that people start: it is run without the script, so that no shell and no
/// other program needs to be let in.
const PROGRAM_ITSELF: &str = "soffice.bin";

/// LibreOffice on this machine, or that there is none.
#[derive(Debug)]
pub struct Office {
    found: Result<Arc<Pool>, String>,
}

impl Office {
    /// Looks for the program; nothing is started yet.
    #[must_use]
    pub fn new(config: &OfficeConfig, confine: Confine) -> Self {
        let found = find(&config.program).map(|program| Arc::new(Pool::new(config, confine, program)));
        Self { found }
    }

    /// Says in the log whether office documents can be faxed, and starts the first processes ahead. Whoever calls this
    /// stays for a while: a program that runs once starts one when it needs one.
    pub fn start_ahead(&self) {
        match &self.found {
            Ok(pool) => {
                let pool = Arc::clone(pool);
                // It takes seconds, and no mail needs to wait for it.
                let started = std::thread::Builder::new().name("office".into()).spawn(move || pool.try_out());
                if let Err(error) = started {
                    tracing::error!(%error, "no process for office documents can be started ahead");
                }
            }
            Err(reason) => tracing::info!(reason, "office documents cannot be faxed, and are refused"),
        }
    }
}

impl Office {
    /// Ends all processes and removes their folder.
    pub fn stop(&self) {
        let Ok(pool) = &self.found else { return };
        let (idle, root) = {
            let mut state = pool.lock();
            state.ahead = false;
            let idle: Vec<_> = state.idle.iter_mut().map(Option::take).collect();
            (idle, state.root.take())
        };
        drop(idle);
        drop(root);
    }
}

impl Converter for Office {
    fn is_there(&self) -> bool {
        self.found.is_ok()
    }

    fn to_pdf(&self, format: Format, name: &str, bytes: &[u8]) -> Result<Vec<u8>, RenderError> {
        match &self.found {
            Ok(pool) => pool.to_pdf(format, name, bytes),
            Err(_) => ().to_pdf(format, name, bytes),
        }
    }
}

/// The program behind the name of the configuration, with all links followed.
fn find(program: &str) -> Result<PathBuf, String> {
    if program.is_empty() {
        return Err("render.office.program is empty".into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = match program.contains('/') {
        true => vec![PathBuf::from(program)],
        false => std::env::split_paths(&path).map(|folder| folder.join(program)).collect(),
    };
    candidates.retain(|candidate| candidate.is_file());
    let script = candidates.first().ok_or_else(|| format!("there is no {program}"))?;
    let script = script.canonicalize().map_err(|error| format!("{}: {error}", script.display()))?;
    let program = script.parent().unwrap_or(Path::new("/")).join(PROGRAM_ITSELF);
    if program.is_file() { Ok(program) } else { Err(format!("there is no {}", program.display())) }
}

/// So many processes, and whoever needs one waits for it.
#[derive(Debug)]
struct Pool {
    config: OfficeConfig,
    confine: Confine,
    program: PathBuf,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    /// A place for each process; `None` where none has been started.
    idle: Vec<Option<Resident>>,
    /// Whether the next one is started ahead.
    ahead: bool,
    /// The folder of all, made when it is first needed. It goes after the processes.
    root: Option<Arc<Root>>,
}

impl Pool {
    fn new(config: &OfficeConfig, confine: Confine, program: PathBuf) -> Self {
        let idle = (0..config.count).map(|_| None).collect();
        let state = Mutex::new(State { idle, ahead: false, root: None });
        Self { config: config.clone(), confine, program, state, freed: Condvar::new() }
    }

    fn try_out(self: &Arc<Self>) {
        self.lock().ahead = true;
        let mut place = self.place();
        match self.start() {
            Ok(resident) => {
                tracing::info!(
                    program = %self.program.display(),
                    version = profile::version(&self.program),
                    confined = resident.confined(),
                    "office documents can be faxed"
                );
                place.resident = Some(resident);
            }
            Err(cause) => tracing::error!(
                program = %self.program.display(),
                cause,
                "LibreOffice is here and does not start; its documents wait until it does"
            ),
        }
        drop(place);
        for _ in 1..self.config.count {
            let place = self.place();
            if place.resident.is_none() {
                Self::refill(place);
            }
        }
    }

    fn to_pdf(self: &Arc<Self>, format: Format, name: &str, bytes: &[u8]) -> Result<Vec<u8>, RenderError> {
        let mut place = self.place();
        let (watch, was_ahead) = (Stopwatch::start(), place.resident.is_some());
        let mut done = self.attempt(&mut place, format, bytes);
        if matches!(done, Err(Lost::Outside { .. })) {
            // It was not the document that ended it, as far as one can tell: once more, and no more than once.
            done = self.attempt(&mut place, format, bytes);
        }
        let took_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(part = name, ?format, took_ms, was_ahead, "LibreOffice was given a document");
        if self.lock().ahead {
            Self::refill(place);
        }
        done.map_err(|lost| self.error(lost, format, name))
    }

    fn attempt(&self, place: &mut Place, format: Format, bytes: &[u8]) -> Result<Vec<u8>, Lost> {
        let resident = match place.resident.take() {
            Some(resident) => resident,
            None => self.start().map_err(|cause| Lost::NotStarted { cause })?,
        };
        resident.convert(format, bytes, &self.config)
    }

    fn error(&self, lost: Lost, format: Format, name: &str) -> RenderError {
        let (words, memory_mb_max) = (format.words(), self.config.memory_mb_max);
        let (reason, cause) = match lost {
            Lost::NotStarted { cause } | Lost::Outside { cause } => {
                return RenderError::Unavailable { cause: format!("LibreOffice: {cause}") };
            }
            // Where it runs out of memory it mostly says no more than that it cannot load the document.
            Lost::Unreadable { cause } => {
                let memory = format!("takes more than {memory_mb_max} MB of memory");
                (format!("the {words} is damaged, protected with a password, or {memory}"), cause)
            }
            Lost::Time => {
                let seconds = self.config.document_seconds_max;
                (format!("it takes longer than {seconds} seconds to convert"), "it was ended".into())
            }
            Lost::Memory { cause } => {
                (format!("it takes more than {memory_mb_max} MB of memory to convert"), cause)
            }
            Lost::TooLarge { bytes_max } => {
                let mb = bytes_max / 1024 / 1024;
                (format!("its pages take more than {mb} MB"), "the PDF is too large".into())
            }
            Lost::Broken { cause } => ("it is damaged, or made to break converters".into(), cause),
        };
        tracing::warn!(part = name, ?format, reason, cause, "LibreOffice made no pages of a document");
        RenderError::part(name, Failure::caused(reason, cause))
    }

    fn start(&self) -> Result<Resident, String> {
        let root = self.root().map_err(|error| format!("no folder for it can be made: {error}"))?;
        Resident::start(&root, &self.program, &self.config, self.confine)
    }

    fn root(&self) -> std::io::Result<Arc<Root>> {
        let mut state = self.lock();
        match &state.root {
            Some(root) => Ok(Arc::clone(root)),
            None => Ok(Arc::clone(state.root.insert(Arc::new(Root::make()?)))),
        }
    }

    /// Starts a process for the next document while nobody waits.
    fn refill(place: Place) {
        // Where there is no thread the place comes back empty, and the next document starts its own process.
        let _ = std::thread::Builder::new().name("office".into()).spawn(move || place.fill());
    }

    /// A free place, the one with a process if there is one.
    fn place(self: &Arc<Self>) -> Place {
        let mut state = self.lock();
        while state.idle.is_empty() {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let warm = state.idle.iter().position(Option::is_some).unwrap_or(0);
        Place { resident: state.idle.swap_remove(warm), pool: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is given back, whatever happens.
struct Place {
    resident: Option<Resident>,
    pool: Arc<Pool>,
}

impl Place {
    fn fill(mut self) {
        match self.pool.start() {
            Ok(resident) => self.resident = Some(resident),
            Err(cause) => tracing::error!(cause, "LibreOffice does not start"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let resident = self.resident.take();
        self.pool.lock().idle.push(resident);
        self.pool.freed.notify_one();
    }
}

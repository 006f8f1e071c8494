//! `kill -9` at moments nobody chose.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use faxgate::clock::Timestamp;
use faxgate::job::{About, Job, JobId, State};
use faxgate::store::{JobFilter, OpenReport, SledStore, Store};

use super::child::{self, Acknowledged, JOBS};

const KILLS: usize = 60;
/// After so many kills the index is lost too.
const INDEX_LOST_EVERY: usize = 7;

#[test]
fn every_answer_survives_kill_9_and_nothing_is_half() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    let mut seen = BTreeMap::new();
    let mut total = OpenReport::default();
    for kill in 1..=KILLS {
        let before = acknowledged.jobs.len();
        run_and_kill(dir.path(), &mut acknowledged);
        if kill % INDEX_LOST_EVERY == 0 {
            std::fs::remove_dir_all(dir.path().join("store/index")).unwrap();
        }
        let report = check(dir.path(), &acknowledged, &mut seen);
        assert_eq!(report.damaged, Vec::<String>::new(), "kill {kill}");
        assert_eq!(report.index_rebuilt, None, "kill {kill}");
        total.leftovers += report.leftovers;
        total.replayed += report.replayed;
        total.torn.extend(report.torn);
        assert!(acknowledged.jobs.len() >= before);
    }
    println!(
        "{KILLS} kills, {} jobs answered for, {} found; mended: {} replayed, {} torn, {} left over",
        acknowledged.jobs.len(),
        seen.len(),
        total.replayed,
        total.torn.len(),
        total.leftovers,
    );
    assert!(acknowledged.jobs.len() > KILLS, "the child did hardly anything");
    assert!(seen.len() < acknowledged.jobs.len(), "nothing was ever forgotten");
}

/// Lets the child work for some acknowledgements and a moment more, and kills it.
fn run_and_kill(dir: &Path, acknowledged: &mut Acknowledged) {
    let mut child = child::start(dir, "crowd", &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let wanted = fastrand::usize(0..60);
    let mut heard = 0;
    while heard < wanted {
        let line = lines.next().expect("the child ended by itself");
        heard += usize::from(acknowledged.read(&line));
    }
    // The moment is what is drawn here: it falls anywhere in the work of the next verbs.
    std::thread::sleep(std::time::Duration::from_micros(fastrand::u64(0..5000)));
    child.kill().unwrap();
    for line in lines {
        acknowledged.read(&line);
    }
    child.wait().unwrap();
}

/// Opens the store and compares it with what was acknowledged and with what was seen before.
pub(crate) fn check(dir: &Path, acknowledged: &Acknowledged, seen: &mut BTreeMap<JobId, u64>) -> OpenReport {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, report) = SledStore::open(child::config(dir)).unwrap();
        let jobs = store.jobs(&JobFilter::default()).await.unwrap();
        let jobs: BTreeMap<JobId, Job> = jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
        let purgeable: BTreeSet<_> = acknowledged.report_sent.iter().collect();
        for (id, (submission, version)) in &acknowledged.jobs {
            let Some(job) = jobs.get(id) else {
                // Only what is over may be forgotten, and then all of it, which `whole` sees to.
                assert!(purgeable.contains(id), "job {id} was answered for and is gone");
                continue;
            };
            assert_eq!(job.submission, *submission);
            assert!(job.version >= *version, "{id} was at {version} and is at {}", job.version);
        }
        for (id, version) in seen.iter() {
            let now = jobs.get(id).map_or(u64::MAX, |job| job.version);
            assert!(now >= *version, "{id} went back from {version} to {now}");
        }
        *seen = jobs.values().map(|job| (job.id.clone(), job.version)).collect();
        whole(&store, &jobs).await;
        reports(&store, &jobs, acknowledged).await;
        store.close().await.unwrap();
        report
    })
}

/// A submission has its message and all its jobs, answered for or not.
async fn whole(store: &SledStore, jobs: &BTreeMap<JobId, Job>) {
    let mut submissions = BTreeMap::new();
    for job in jobs.values() {
        *submissions.entry(job.submission.clone()).or_insert(0) += 1;
    }
    for (id, count) in submissions {
        assert_eq!(count, JOBS, "{id} is half");
        assert!(store.message(&id).await.unwrap() == child::message(&id), "{id} has another message");
    }
}

/// A job's end and its report are there together, until the report went out.
async fn reports(store: &SledStore, jobs: &BTreeMap<JobId, Job>, acknowledged: &Acknowledged) {
    let owed = store.notices_due(Timestamp::MAX, usize::MAX).await.unwrap();
    let owed: Vec<JobId> = owed
        .into_iter()
        .map(|notice| match notice.about {
            About::Report { job, .. } | About::Disposition { job, .. } => job,
            About::Received(fax) => panic!("nobody received {fax}"),
        })
        .collect();
    for job in &owed {
        assert!(matches!(jobs[job].state, State::Done { .. }), "{job} is reported before its end");
    }
    let sent: BTreeSet<_> = acknowledged.report_sent.iter().collect();
    let owed: BTreeSet<_> = owed.iter().collect();
    for job in jobs.values().filter(|job| job.due().is_none()) {
        let known = owed.contains(&job.id) || sent.contains(&job.id);
        assert!(known, "{} ended, and its report was lost", job.id);
    }
}

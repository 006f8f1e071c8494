//! Random lives of a store, compared with a model of it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::job::State;

/// What a store should hold, in the simplest form.
#[derive(Default)]
struct Model {
    jobs: BTreeMap<JobId, Job>,
    notices: BTreeMap<NoticeId, (SubmissionId, Notice)>,
}

impl Model {
    fn a_job(&self) -> Option<Job> {
        let nth = fastrand::usize(..self.jobs.len().max(1));
        self.jobs.values().nth(nth).cloned()
    }

    fn a_notice(&self) -> Option<(SubmissionId, Notice)> {
        let nth = fastrand::usize(..self.notices.len().max(1));
        self.notices.values().nth(nth).cloned()
    }

    fn take(&mut self, job: Job, notice: Option<Notice>) {
        if let Some(notice) = notice {
            self.notices.insert(notice.id.clone(), (job.submission.clone(), notice));
        }
        self.jobs.insert(job.id.clone(), job);
    }

    fn purge(&mut self, before: Timestamp) -> BTreeSet<SubmissionId> {
        let over = |job: &Job| matches!(job.state, State::Done { at, .. } if at < before);
        let open = self.jobs.values().filter(|job| !over(job)).map(|job| job.submission.clone());
        let owing = self.notices.values().filter(|(_, notice)| notice.next_try.is_some());
        let kept: BTreeSet<_> = open.chain(owing.map(|(id, _)| id.clone())).collect();
        let gone =
            self.jobs.values().map(|job| job.submission.clone()).filter(|id| !kept.contains(id)).collect();
        self.jobs.retain(|_, job| kept.contains(&job.submission));
        self.notices.retain(|_, (id, _)| kept.contains(id));
        gone
    }
}

/// One random verb on the store and on the model.
async fn step(store: &SledStore, model: &mut Model, now: i64) {
    match fastrand::u32(0..10) {
        0..3 => {
            let (submission, jobs) = submission(at(now), fastrand::usize(1..4));
            store.accept(&submission, b"x", &jobs).await.unwrap();
            jobs.into_iter().for_each(|job| model.take(job, None));
        }
        3..7 => {
            let Some(job) = model.a_job() else { return };
            let changed = match job.claim("one", at(now), Duration::from_secs(60)) {
                Some(claimed) if fastrand::bool() => claimed,
                _ => done(&job, at(now)),
            };
            let notice = fastrand::bool().then(|| report(&job, at(now)));
            let written = store.update(&changed, notice.as_slice()).await.unwrap();
            assert!(matches!(store.update(&changed, &[]).await, Err(StoreError::Conflict(_))));
            model.take(written, notice);
        }
        7 => {
            let Some((submission, mut notice)) = model.a_notice() else {
                return;
            };
            notice.tries += 1;
            notice.next_try = fastrand::bool().then(|| at(now + 60));
            store.notice_retry(&notice).await.unwrap();
            model.notices.insert(notice.id.clone(), (submission, notice));
        }
        8 => {
            let Some((_, notice)) = model.a_notice() else {
                return;
            };
            store.notice_done(&notice.id).await.unwrap();
            model.notices.remove(&notice.id);
        }
        _ => {
            let purged = store.purge(at(now - 50), usize::MAX).await.unwrap();
            assert_eq!(purged.into_iter().collect::<BTreeSet<_>>(), model.purge(at(now - 50)));
        }
    }
}

async fn compare(store: &SledStore, model: &Model) {
    let held = everything(store).await;
    let mut jobs: Vec<Job> = model.jobs.values().cloned().collect();
    jobs.reverse();
    assert_eq!(held.jobs, jobs);
    let mut due: Vec<_> = jobs.iter().filter_map(|job| Some((job.due()?, job.id.clone()))).collect();
    due.sort();
    assert_eq!(held.due.iter().map(|job| (job.due().unwrap(), job.id.clone())).collect::<Vec<_>>(), due);
    let waiting = model.notices.values().map(|(_, notice)| notice.clone());
    let mut waiting: Vec<_> = waiting.filter(|notice| notice.next_try.is_some()).collect();
    waiting.sort_by_key(|notice| (notice.next_try, notice.id.clone()));
    assert_eq!(held.notices, waiting);
    let next = due.first().map(|(at, _)| *at).into_iter().chain(waiting.first().and_then(|n| n.next_try));
    assert_eq!(held.next_due, next.min());
}

#[tokio::test]
async fn any_life_of_a_store_is_as_the_model_says_with_or_without_its_index() {
    for seed in 0..6 {
        fastrand::seed(seed);
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = open(dir.path());
        let mut model = Model::default();
        for now in 0..150 {
            step(&store, &mut model, now).await;
            if now % 50 == 49 {
                compare(&store, &model).await;
                store.close().await.unwrap();
                if fastrand::bool() {
                    fs::remove_dir_all(dir.path().join("store/index")).unwrap();
                }
                store = open(dir.path()).0;
                compare(&store, &model).await;
            }
        }
    }
}

//! The control socket of a running gateway: what a client gets that asks well, badly, too much, or only half.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use std::sync::Arc;

use faxgate::app::App;
use faxgate::config::Config;
use faxgate::door::control::{Request, Response, Why, ask, socket_path};
use faxgate::job::{JobId, Options};
use faxgate::render::InProcess;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nOne page.\r\n";

async fn gateway(change: impl FnOnce(&mut Config)) -> (App, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(dir.path()).unwrap();
    config.smtp.listen = vec!["127.0.0.1:0".parse().unwrap()];
    change(&mut config);
    (App::start(config, Arc::new(InProcess)).await.unwrap(), dir)
}

fn send(to: &[&str], message_bytes: usize) -> Request {
    Request::Send {
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        from: None,
        options: Options::default(),
        message_bytes: message_bytes as u64,
    }
}

/// Says these bytes, and nothing more where `is_all`; gives the answer.
async fn say(dir: &Path, bytes: &[u8], is_all: bool) -> Response {
    let mut stream = UnixStream::connect(socket_path(dir)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    if is_all {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

fn refusal(response: Response) -> (Why, String) {
    match response {
        Response::Refused { text, why } => (why, text),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_well_is_answered() {
    let (app, dir) = gateway(|_| {}).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket_path(dir.path())), 0o660);
    let request = send(&["+12125550123"], MESSAGE.len());
    let Response::Accepted(jobs) = ask(dir.path(), &request, MESSAGE).await.unwrap() else {
        panic!("not accepted")
    };
    let Response::Job(job) = ask(dir.path(), &Request::Job { id: jobs[0].clone() }, b"").await.unwrap()
    else {
        panic!("no job")
    };
    assert_eq!((&job.id, job.recipient.number.as_str()), (&jobs[0], "+12125550123"));
    let Response::Overview(overview) = ask(dir.path(), &Request::Status, b"").await.unwrap() else {
        panic!("no overview")
    };
    assert_eq!((overview.lines.len(), &overview.jobs[0].id), (2, &jobs[0]));
    let strange = JobId::parse("0000000000000").unwrap();
    let (why, text) = refusal(ask(dir.path(), &Request::Job { id: strange }, b"").await.unwrap());
    assert_eq!(why, Why::Failed);
    assert!(text.contains("0000000000000"), "{text}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_in_words() {
    let (app, dir) = gateway(|_| {}).await;
    for (bytes, says) in [
        (&b"garbage\n"[..], "not understood"),
        (b"\xff\xfe\x00\n", "not understood"),
        (b"{\"do\":\"dance\"}\n", "not understood"),
        (b"{\"do\":\"job\",\"id\":\"../../etc\"}\n", "not an id"),
        (b"", "not understood"),
    ] {
        let (why, text) = refusal(say(dir.path(), bytes, true).await);
        assert!(why == Why::Failed && text.contains(says), "{bytes:?}: {text}");
    }
    let (_, text) = refusal(say(dir.path(), &vec![b'x'; 1 << 20], true).await);
    assert!(text.contains("longer than"), "{text}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_half_too_large_or_for_nobody_makes_no_job() {
    let bytes_max = 4 << 20;
    let (app, dir) = gateway(|config| config.render.limits.message_bytes_max = bytes_max).await;
    let mut half = serde_json::to_vec(&send(&["+12125550123"], 1000)).unwrap();
    half.extend(b"\nSubject: only half");
    assert_eq!(refusal(say(dir.path(), &half, true).await).0, Why::Later);

    // The client is still sending when it is refused, and hears it all the same.
    let large = vec![b'x'; usize::try_from(bytes_max).unwrap() + 1];
    let refused = ask(dir.path(), &send(&["+12125550123"], large.len()), &large).await.unwrap();
    let (why, text) = refusal(refused);
    assert!(why == Why::Failed && text.contains("limit"), "{text}");

    let (why, _) = refusal(ask(dir.path(), &send(&[], MESSAGE.len()), MESSAGE).await.unwrap());
    assert_eq!(why, Why::Failed);
    assert_eq!(app.status.overview().await.unwrap().jobs, []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_fax_is_told_so() {
    let (app, dir) = gateway(|config| config.policy.destinations = vec!["+1212".into()]).await;
    let request = send(&["+12125550123", "+19005550123"], MESSAGE.len());
    assert_eq!(refusal(ask(dir.path(), &request, MESSAGE).await.unwrap()).0, Why::NotPermitted);
    assert_eq!(app.status.overview().await.unwrap().jobs, [], "all of it or nothing");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_keep_neither_each_other_nor_the_stop_waiting() {
    let (app, dir) = gateway(|_| {}).await;
    let mut slow = Vec::new();
    for _ in 0..31 {
        let mut stream = UnixStream::connect(socket_path(dir.path())).await.unwrap();
        stream.write_all(b"{\"do\":").await.unwrap();
        slow.push(stream);
    }
    assert!(matches!(ask(dir.path(), &Request::Status, b"").await.unwrap(), Response::Overview(_)));
    for _ in 0..5 {
        slow.push(UnixStream::connect(socket_path(dir.path())).await.unwrap());
    }
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(30), app.stop());
    stopped.await.unwrap();
}

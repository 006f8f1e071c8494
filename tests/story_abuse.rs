//! The SMTP listener of the real program against clients that mean harm or know no better, over raw sockets: each gets the
//! right reply or is sent away, the memory of the process stays within a bound, nothing is faxed that nobody sent, and an
//! honest client beside them is served all the time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::{Gateway, Smtp, lines};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const FAX: &str = "+12125550123@fax.example.com";
/// Where the honest client is, and where the others are.
const HONEST: [u8; 4] = [127, 0, 0, 9];
const OTHER: [u8; 4] = [127, 0, 0, 66];
/// What the process may grow by under any of this. A message in flight may be 1 MiB here, and eight may be.
const GROWTH_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// How long the honest client may have to wait for its worst mail, on a machine that has other work.
const WAIT_MAX: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// Mails before the mischief begins.
const WARMING_MAILS: usize = 1;

struct Stage {
    gateway: Gateway,
    _dir: tempfile::TempDir,
}

impl Stage {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let far_away = "[[simulation.number]]\nnumber = \"+12125550123\"\nanswers = [\"busy\"]\n";
        support::write_config(dir.path(), &format!("{far_away}{}", lines(&[("out", "+12125550100")])));
        let file = dir.path().join("faxgate.toml");
        let limits = "message_bytes_max = 1048576\nconnections_per_minute_max = 0\nmessages_per_hour_max = 0\n\
                      recipients_per_hour_max = 0\nsessions_max = 100\nsessions_per_client_max = 50\n\
                      command_timeout = \"2s\"\ndata_timeout = \"2s\"\nsession_timeout = \"8s\"\n";
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("[smtp]\n", &format!("[smtp]\n{limits}"), 1)).unwrap();
        let stage = Self { gateway: Gateway::restart(dir.path()), _dir: dir };
        stage.warm();
        stage
    }

    /// What the first mail and the first call take for good (numbering plans, fonts, threads) is nobody's mischief.
    fn warm(&self) {
        let mut client = Smtp::connect(self.gateway.smtp).unwrap();
        let answer = client.send("anna@example.com", &[FAX.to_owned()], "Subject: first\n\nhello").unwrap();
        assert!(answer.starts_with("250"), "{answer}");
        support::wait_for("the first call to end", || {
            self.gateway.log().contains("call ended").then_some(())
        });
    }

    /// Memory of its own that the process has, in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// How many mails the log knows of.
    fn accepted(&self) -> usize {
        self.gateway.log().lines().filter(|line| line.contains(" accepted submission=")).count()
    }
}

async fn connect(to: SocketAddr, from: [u8; 4]) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(to).await
}

/// Sends all of it, while it reads all that comes, until the server closes or has nothing more to say.
async fn talk(to: SocketAddr, bytes: Vec<u8>) -> String {
    let (mut read, mut write) = connect(to, OTHER).await.unwrap().into_split();
    let writing = tokio::spawn(async move {
        let sent = write.write_all(&bytes).await;
        // The write side stays open: the server ends it.
        (sent, write)
    });
    let mut said = Vec::new();
    let read_all = tokio::time::timeout(PATIENCE, read.read_to_end(&mut said)).await;
    assert!(read_all.is_ok(), "the server neither says anything nor closes");
    let _ = writing.await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

/// The codes of the replies, in order.
fn codes_of(said: &str) -> Vec<u16> {
    let last = |line: &&str| line.as_bytes().get(3) != Some(&b'-');
    said.lines().filter(last).filter_map(|line| line.get(..3)?.parse().ok()).collect()
}

/// An honest client that mails again and again; the longest that one of its mails took.
async fn honest(to: SocketAddr, over: Arc<AtomicBool>) -> (usize, Duration) {
    let (mut mails, mut worst) = (0, Duration::ZERO);
    while !over.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let mut stream = connect(to, HONEST).await.unwrap();
        let mail =
            format!("EHLO honest.example\r\nMAIL FROM:<anna@example.com>\r\nRCPT TO:<{FAX}>\r\nDATA\r\n");
        stream.write_all(mail.as_bytes()).await.unwrap();
        let mut said = String::new();
        let mut sent = false;
        while !said.contains("221 ") {
            let mut chunk = [0; 2048];
            let octets = tokio::time::timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap().unwrap();
            assert!(octets > 0, "sent away: {said}");
            said.push_str(&String::from_utf8_lossy(&chunk[..octets]));
            if said.contains("\r\n354 ") && !sent {
                sent = true;
                stream.write_all(b"Subject: honest\r\n\r\nhello\r\n.\r\nQUIT\r\n").await.unwrap();
            }
        }
        assert!(said.contains("250 2.0.0 accepted for faxing"), "{said}");
        (mails, worst) = (mails + 1, worst.max(begun.elapsed()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (mails, worst)
}

/// Does some mischief, which gives how many mails of its own were accepted, with the honest client beside it.
fn beside_an_honest_client<F: Future<Output = usize>>(mischief: impl FnOnce(SocketAddr) -> F) {
    let stage = Stage::start();
    let address = stage.gateway.smtp;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (accepted, mails, worst, grown) = runtime.block_on(async {
        let client = tokio::spawn(honest(address, Arc::clone(&over)));
        let before = stage.memory();
        let accepted = mischief(address).await;
        let grown = stage.memory().saturating_sub(before);
        over.store(true, Ordering::SeqCst);
        let (mails, worst) = client.await.unwrap();
        (accepted, mails, worst, grown)
    });
    assert!(mails > 0 && worst < WAIT_MAX, "{mails} mails, the worst took {worst:?}");
    assert!(grown < GROWTH_BYTES_MAX, "grown by {grown} bytes");
    println!("{mails} mails beside it, the worst took {worst:?}; grown by {} kB", grown / 1024);
    assert_eq!(stage.accepted(), WARMING_MAILS + mails + accepted, "nothing is faxed that nobody sent");
}

fn envelope() -> String {
    format!("EHLO x.example\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<{FAX}>\r\n")
}

/// What some servers take for the end of a message, with a message behind it that nobody sent.
#[test]
fn no_message_is_smuggled_in_another() {
    const ENDS: [&str; 14] = [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\r\n.\r\r\n",
        "\n.\r",
        "\r\r\n.\r\r\n",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\0\r\n.\0\n",
        "\x0b.\x0b",
        "\u{85}.\u{85}",
    ];
    beside_an_honest_client(|to| async move {
        let mut accepted = 0;
        for end in ENDS {
            let inner =
                format!("MAIL FROM:<ceo@example.com>\r\nRCPT TO:<{FAX}>\r\nDATA\r\nSubject: forged\r\n");
            // DATA is waited for, then the text comes in one piece.
            let mut stream = connect(to, OTHER).await.unwrap();
            stream.write_all(format!("{}DATA\r\n", envelope()).as_bytes()).await.unwrap();
            let mut said = String::new();
            while !said.contains("\r\n354 ") {
                let mut chunk = [0; 1024];
                let octets = stream.read(&mut chunk).await.unwrap();
                said.push_str(&String::from_utf8_lossy(&chunk[..octets]));
            }
            let text = format!("Subject: a\r\n\r\nhello{end}{inner}\r\n.\r\nQUIT\r\n");
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
            let rest = String::from_utf8_lossy(&rest).into_owned();
            let codes = codes_of(&rest);
            // One reply to one message: taken as it is, or refused; and then goodbye.
            assert!(matches!(codes.as_slice(), [250 | 554 | 500, 221] | [554 | 500]), "{end:?}: {rest}");
            let is_plain = end.starts_with(['\x0b', '\u{85}']);
            assert_eq!(codes[0] == 250, is_plain, "{end:?}: {rest}");
            accepted += usize::from(is_plain);

            // In a chunk whose size is given nothing ends it, and what is no line of mail is refused all the same.
            let chunk = format!("Subject: a\r\n\r\nhello{end}{inner}\r\n.\r\n");
            let said =
                talk(to, format!("{}BDAT {} LAST\r\n{chunk}QUIT\r\n", envelope(), chunk.len()).into_bytes())
                    .await;
            let codes = codes_of(&said).split_off(4);
            assert!(matches!(codes.as_slice(), [250 | 554, 221]), "{end:?}: {said}");
            accepted += usize::from(codes[0] == 250);
        }
        accepted
    });
}

#[test]
fn nothing_crosses_into_tls() {
    beside_an_honest_client(|to| async move {
        let said = talk(to, b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<eve@example.com>\r\nNOOP\r\n".to_vec()).await;
        assert_eq!(codes_of(&said), [220, 250, 554], "{said}");
        0
    });
}

#[test]
fn lines_that_are_none_and_lines_without_end() {
    beside_an_honest_client(|to| async move {
        for (bytes, wanted) in [
            (b"NOOP\nQUIT\r\n".to_vec(), &[220, 500][..]),
            (b"NOOP\rQUIT\r\n".to_vec(), &[220, 500]),
            (b"NO\0OP\r\nQUIT\r\n".to_vec(), &[220, 500, 221]),
            (b"EHLO x\xff\r\nQUIT\r\n".to_vec(), &[220, 500, 221]),
            ([vec![b'A'; 1024 * 1024], b"\r\nQUIT\r\n".to_vec()].concat(), &[220, 500, 221]),
            (
                [b"MAIL FROM:<".to_vec(), vec![b'a'; 1024 * 1024], b">\r\nQUIT\r\n".to_vec()].concat(),
                &[220, 500, 221],
            ),
            // It never ends, and the server's patience does.
            (vec![b'A'; 64 * 1024], &[220, 421]),
        ] {
            let said = talk(to, bytes).await;
            assert_eq!(codes_of(&said), wanted, "{said}");
        }
        // A header line of half a megabyte is long, and harmless.
        let text = format!("Subject: {}\r\n\r\nhello\r\n", "x".repeat(512 * 1024));
        let said =
            talk(to, format!("{}BDAT {} LAST\r\n{text}QUIT\r\n", envelope(), text.len()).into_bytes()).await;
        assert_eq!(codes_of(&said)[4] / 100 % 3, 2, "250 or 5xx: {said}");
        usize::from(codes_of(&said)[4] == 250)
    });
}

#[test]
fn a_hundred_thousand_recipients() {
    beside_an_honest_client(|to| async move {
        let recipients: String = (0..100_000)
            .map(|n| format!("RCPT TO:<+1212555{:04}@fax.example.com>\r\n", n % 10_000))
            .collect();
        let said =
            talk(to, format!("EHLO x\r\nMAIL FROM:<eve@example.com>\r\n{recipients}QUIT\r\n").into_bytes())
                .await;
        let codes = codes_of(&said);
        assert_eq!(&codes[..3], [220, 250, 250]);
        let count = |wanted: u16| codes[3..].iter().filter(|code| **code == wanted).count();
        assert_eq!(count(250), 100, "as many as are taken");
        // To the end, or as far as the time of a session goes.
        assert_eq!(count(250) + count(452) + count(221) + count(421) + 3, codes.len());
        assert!(count(452) > 1000, "{}", count(452));
        0
    });
}

/// Commands without end in one go: EHLO over and over, names looked up, wrong commands.
#[test]
fn floods_of_commands() {
    beside_an_honest_client(|to| async move {
        let said = talk(to, ["EHLO x\r\n".repeat(10_000), "QUIT\r\n".into()].concat().into_bytes()).await;
        assert!(codes_of(&said).iter().all(|code| [220, 250, 221, 421].contains(code)));
        let names: String = (0..1000).map(|n| format!("VRFY user{n}\r\n")).collect();
        let said = talk(to, format!("EHLO x\r\n{names}EXPN staff\r\nQUIT\r\n").into_bytes()).await;
        let codes = codes_of(&said);
        assert_eq!(codes[2..1002], [252; 1000], "neither yes nor no");
        assert!([500, 502].contains(&codes[1002]), "{}", codes[1002]);
        let said = talk(to, "XYZZY\r\n".repeat(1000).into_bytes()).await;
        let codes = codes_of(&said);
        assert_eq!((codes.len(), codes.last()), (22, Some(&421)), "{said}");
        0
    });
}

#[test]
fn chunks_that_lie() {
    beside_an_honest_client(|to| async move {
        let after = |commands: &str| {
            let bytes = format!("{}{commands}", envelope()).into_bytes();
            async move {
                let said = talk(to, bytes).await;
                (codes_of(&said).split_off(4), said)
            }
        };
        for (commands, wanted) in [
            ("BDAT 1000000000000 LAST\r\n", &[552][..]),
            // What follows such a command nobody can know.
            ("BDAT 99999999999999999999999999 LAST\r\nQUIT\r\n", &[421]),
            ("BDAT -5 LAST\r\nQUIT\r\n", &[421]),
            ("BDAT five\r\nQUIT\r\n", &[421]),
            ("BDAT 5\r\nab\r\n\r\nDATA\r\nQUIT\r\n", &[250, 500]),
            ("BDAT 4\r\nab\r\nDATA\r\nQUIT\r\n", &[250, 503, 221]),
            // With nothing in it, it is refused, and it is over.
            ("BDAT 4 LAST\r\nab\r\nBDAT 4 LAST\r\nab\r\nQUIT\r\n", &[554, 503, 221]),
            // Less than was said, and then nothing.
            ("BDAT 100 LAST\r\nabc", &[421]),
        ] {
            let (codes, said) = after(commands).await;
            let codes: Vec<u16> = codes.into_iter().collect();
            // Some of these may be ended at once; what comes must be the beginning of this.
            assert_eq!(codes, wanted, "{commands:?}: {said}");
        }
        0
    });
}

#[test]
fn other_protocols_and_cut_connections() {
    beside_an_honest_client(|to| async move {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: fax.example.com\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\nContent-Length: 60\r\n\r\nEHLO x\r\nMAIL FROM:<eve@example.com>\r\nQUIT\r\n",
        ] {
            let said = talk(to, bytes.to_vec()).await;
            assert_eq!(codes_of(&said), [220, 421], "{said}");
        }
        let said = talk(to, b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
        assert!(codes_of(&said).iter().skip(1).all(|code| *code >= 400), "{said}");
        // A TLS hello where nobody asked for one.
        let said = talk(to, [vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], vec![7; 500]].concat()).await;
        assert!(codes_of(&said).iter().skip(1).all(|code| *code >= 400), "{said}");
        for n in 0..200 {
            let mut stream = connect(to, OTHER).await.unwrap();
            let half = &envelope()[..10 + n % 60];
            let _ = stream.write_all(half.as_bytes()).await;
            match n % 3 {
                // Reset, half closed, closed.
                0 => stream.set_zero_linger().unwrap(),
                1 => stream.shutdown().await.unwrap(),
                _ => {}
            }
        }
        // All their places are free again.
        let said = talk(to, b"NOOP\r\nQUIT\r\n".to_vec()).await;
        assert_eq!(codes_of(&said), [220, 250, 221], "{said}");
        0
    });
}

/// Those who say a letter now and then, and those who never read.
#[test]
fn the_slow_are_not_waited_for() {
    beside_an_honest_client(|to| async move {
        let slow = async {
            let (mut read, mut write) = connect(to, OTHER).await.unwrap().into_split();
            let begun = Instant::now();
            let drip = tokio::spawn(async move {
                while write.write_all(b"A").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
            let mut said = String::new();
            let _ = tokio::time::timeout(PATIENCE, read.read_to_string(&mut said)).await.unwrap();
            drip.abort();
            assert!(said.contains("421 4.4.2"), "{said}");
            begun.elapsed()
        };
        let deaf = async {
            let mut stream = connect(to, OTHER).await.unwrap();
            let flood = "HELP\r\n".repeat(64 * 1024 * 1024 / 6);
            let begun = Instant::now();
            // The server takes no more than it can answer, and gives up.
            let sent = tokio::time::timeout(PATIENCE, stream.write_all(flood.as_bytes())).await;
            assert!(sent.is_ok_and(|sent| sent.is_err()), "it was all taken, or it hangs");
            begun.elapsed()
        };
        let (slow, deaf) = tokio::join!(slow, deaf);
        println!("the slow one was sent away after {slow:?}, the deaf one after {deaf:?}");
        0
    });
}

/// More than there are places for: those from one address take theirs, and the rest hears so.
#[test]
fn five_hundred_connections() {
    beside_an_honest_client(|to| async move {
        let mut all = Vec::new();
        for _ in 0..500 {
            all.push(connect(to, OTHER).await.unwrap());
        }
        let mut greeted = 0;
        for stream in &mut all {
            let mut first = [0; 3];
            tokio::time::timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap().unwrap();
            match &first {
                b"220" => greeted += 1,
                b"421" => {}
                other => panic!("{}", String::from_utf8_lossy(other)),
            }
        }
        assert!((50..=500).contains(&greeted), "{greeted} of one client");
        println!("{greeted} of 500 were greeted");
        0
    });
}

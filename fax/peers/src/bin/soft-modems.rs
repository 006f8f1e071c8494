//! Starts soft modems by hand, joined by a small telephone exchange, for trying Faxgate, HylaFAX or efax on them.
//!
//! ```text
//! cargo run -p fax-peers --bin soft-modems -- /tmp/modems 2
//! ```
//!
//! gives /tmp/modems/modem101 and /tmp/modems/modem102 (they dial one another by 101 and 102). Beside them are: 200 a fax
//! machine that receives into the folder, 201 busy, 202 nobody answers, 203 somebody says hello, 204 silence, 205 a data
//! modem. Ends at the end of its input, or by a signal.

use fax_peers::exchange::{Answer, Exchange, Pace};
use fax_peers::spandsp_t30::Config;
use fax_proto::carrier::Modulation;
use fax_proto::session::PageCoding;
use std::io::Read as _;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let count: u32 =
        arguments.next().and_then(|count| count.to_str().and_then(|count| count.parse().ok())).unwrap_or(2);
    std::fs::create_dir_all(&folder)?;
    let exchange = Exchange::start(&folder, Pace::Real)?;
    for number in 101..101 + count {
        println!("{number}  {}", exchange.plug(&number.to_string())?.display());
    }
    let fax = Config {
        calling: false,
        send: None,
        receive: None,
        ecm: true,
        modulations: vec![Modulation::V27ter, Modulation::V29, Modulation::V17],
        codings: vec![PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr],
        scan_time_ms: 0,
        not_ready: 0,
        t38_version: 0,
        t38_unpaced: false,
        address: None,
    };
    exchange.with(|office| {
        office.put_answer("200", Answer::Fax { config: Box::new(fax), folder: folder.clone() });
        office.put_busy("201");
        office.put_ringing("202");
        office.put_answer("203", Answer::Voice { for_ms: 15_000 });
        office.put_answer("204", Answer::Silence);
        office.put_answer("205", Answer::DataModem);
    });
    println!(
        "200  fax machine, 201 busy, 202 no answer, 203 voice, 204 silence, 205 data modem; Ctrl-D ends it"
    );
    // At the end of the input, or for ever where there is none.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    print!("{}", exchange.with(|office| office.history()));
    Ok(())
}

//! A client that leaves in the middle of something, time and again.

use std::io::Result;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::prober;
use crate::random::Random;
use crate::request::{Kind, Place, Request};
use crate::site::Site;
use crate::verdict::Failures;
use crate::wire::Wire;

/// Between two connections, on average.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest that one waits for an answer which it then does not wait for.
const SHORT_WHILE: Duration = Duration::from_millis(200);

const MANNERS: [&str; 7] = [
    "having said nothing",
    "in the middle of a request",
    "in the middle of a body",
    "as soon as it has asked",
    "having asked for ten things at once",
    "in the middle of an answer",
    "while its token waits for a key",
];

pub async fn go_on(site: Arc<Site>, number: u64) {
    let mut random = Random::seeded(number);
    for turn in number.. {
        if !site.is_open() {
            return;
        }
        sleep(random.gap(PAUSE)).await;
        let manner = MANNERS[turn as usize % MANNERS.len()];
        match come_and_go(&site, manner, &mut random).await {
            Ok(()) => *site.tally().departures.entry(manner).or_default() += 1,
            Err(error) => site.complain(format!("{manner}: the connection fails: {}", error.kind())),
        }
    }
}

async fn come_and_go(site: &Site, manner: &str, random: &mut Random) -> Result<()> {
    let key = site.provider.signer(random);
    let number = site.number();
    let token = key.repeated(number);
    let good = Request::with_token(Kind::Repeated, key, token, Place::Header);
    let mut wire = Wire::connect(site.port).await?;
    match manner {
        "having said nothing" => {}
        "in the middle of a request" => {
            wire.send(&good.text[..(good.text.len() as f64 * random.fraction()) as usize]).await?;
        }
        "in the middle of a body" => {
            let text = String::from_utf8_lossy(&good.text).replacen("GET", "POST", 1);
            let head = text.replacen("host: ", "content-length: 5000\r\nhost: ", 1);
            wire.send(head.as_bytes()).await?;
            wire.send(&[b'a'; 2500]).await?;
        }
        "as soon as it has asked" => wire.send(&good.text).await?,
        "having asked for ten things at once" => wire.send(&good.text.repeat(10)).await?,
        "in the middle of an answer" => {
            // Not the first of this connection, whose answer is judged.
            let mut open = Some(wire);
            if let Some((reply, times)) = site.ask(&mut open, &good).await {
                site.judge(&good, &reply, times, Failures::default());
            }
            let Some(mut wire) = open else { return Ok(()) };
            wire.send(&good.text).await?;
            wire.read_some().await?;
        }
        _ => {
            wire.send(&prober::request(site, random).text).await?;
            sleep(SHORT_WHILE.mul_f64(random.fraction())).await;
        }
    }
    Ok(())
}

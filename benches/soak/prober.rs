//! A client whose tokens have a key that the server may not have: it asks before and after whether refreshes fail.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::test_util::Flaw;

use crate::random::Random;
use crate::request::{Kind, Place, Request};
use crate::site::Site;
use crate::verdict::Failures;
use crate::wire::Wire;

/// Between two requests, on average: those that wait for a key are not to be the load.
const PAUSE: Duration = Duration::from_millis(50);

pub async fn go_on(site: Arc<Site>, number: u64) {
    let mut random = Random::seeded(number);
    let mut wire = Wire::connect(site.port).await.ok();
    while site.is_open() {
        sleep(random.gap(PAUSE)).await;
        let request = request(&site, &mut random);
        let before = site.failures(&mut wire).await;
        let Some((reply, times)) = site.ask(&mut wire, &request).await else { continue };
        let after = site.failures(&mut wire).await;
        site.judge(&request, &reply, times, Failures { before, after });
        let mut tally = site.tally();
        tally.longest_wait = tally.longest_wait.max(times.answered - times.sent);
    }
}

pub fn request(site: &Site, random: &mut Random) -> Request {
    let number = site.number();
    let place = Place::at_random(random.fraction());
    match (random.fraction(), site.provider.withdrawn(random)) {
        (..0.2, _) => Request::flawed(flaw(number), site.provider.signer(random), place),
        (..0.3, _) => {
            Request::of_a_strange_key(site.provider.signer(random), &format!("key-of-nobody-{number}"))
        }
        (..0.6, Some(key)) => {
            let token = key.repeated(number);
            Request::with_token(Kind::WithdrawnKey, key, token, place)
        }
        _ => {
            let key = site.provider.newest();
            let token = if number.is_multiple_of(2) { key.repeated(number) } else { key.new_token(number) };
            Request::with_token(Kind::NewestKey, key, token, place)
        }
    }
}

/// Those that make the server ask for a key, each in its turn.
fn flaw(number: u64) -> Flaw {
    let flaws = Flaw::ALL.iter().filter(|flaw| flaw.refused_as() == AuthErrorKind::KeyUnknown);
    *flaws.clone().nth(number as usize % flaws.count()).expect("there are some")
}

//! A client that asks, waits for the answer, and asks again: what makes the load.

use std::sync::Arc;

use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::test_util::Flaw;

use crate::plant::Plant;
use crate::random::Random;
use crate::request::{Kind, Place, Request};
use crate::site::Site;
use crate::verdict::Failures;

/// The share of bad tokens.
const BAD: f64 = 0.01;

/// The share of requests with no token, or with more than one may have.
const MISSHAPEN: f64 = 0.003;

/// The share of tokens that nobody has seen.
const NEW: f64 = 0.17;

/// The share of tokens that expire in the course of things.
const AGING: f64 = 0.02;

pub async fn go_on(site: Arc<Site>, number: u64) {
    let mut random = Random::seeded(number);
    let mut wire = None;
    while site.is_open() {
        let request = request(&site, &mut random);
        if let Some((reply, times)) = site.ask(&mut wire, &request).await {
            site.judge(&request, &reply, times, Failures::default());
            site.tally().note_latency(times.answered - times.sent);
        }
    }
}

/// One whose verdict needs nothing but what the server has.
fn request(site: &Site, random: &mut Random) -> Request {
    let key = site.provider.signer(random);
    let place = Place::at_random(random.fraction());
    let number = site.number();
    let mut share = random.fraction();
    let mut is_among = |part: f64| {
        share -= part;
        share < 0.0
    };
    if is_among(BAD) {
        if site.plant == Some(Plant::Verdict) && number.is_multiple_of(16) {
            // A model that takes a good token for a bad one stands for a server that takes a bad one for good.
            let token = key.repeated(number);
            return Request {
                kind: Kind::Flawed(Flaw::Forged),
                ..Request::with_token(Kind::New, key, token, place)
            };
        }
        Request::flawed(flaw(number), key, place)
    } else if is_among(MISSHAPEN) {
        let token = key.repeated(number).text;
        match number % 3 {
            0 => Request::missing(),
            1 => Request::twice(&token),
            _ => Request::cross_site(&token),
        }
    } else if is_among(NEW) {
        let token = key.new_token(number);
        Request::with_token(Kind::New, key, token, place)
    } else if is_among(AGING) {
        let token = key.aging();
        Request::with_token(Kind::Aging, key, token, place)
    } else {
        let token = key.repeated(number);
        Request::with_token(Kind::Repeated, key, token, place)
    }
}

/// Each in its turn, but for those that make the server ask for a key.
fn flaw(number: u64) -> Flaw {
    let flaws = Flaw::ALL.iter().filter(|flaw| flaw.refused_as() != AuthErrorKind::KeyUnknown);
    *flaws.clone().nth(number as usize % flaws.count()).expect("there are some")
}

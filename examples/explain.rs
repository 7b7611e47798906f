//! Why a token is refused, or not: every check of it, in words.
//!
//! ```sh
//! cargo run --example explain             # reports of a good, an expired and a forged token of a demo issuer inside
//!
//! export OIDC_ISSUER=https://login.example.com AUDIENCE=my-api                                     # your own provider
//! export JWKS_URL=https://login.example.com/keys ISSUER=https://login.example.com AUDIENCE=my-api  # or this way
//! cargo run --example explain -- - < token.txt      # reads the token from there
//! wl-paste | cargo run --example explain -- -       # or from the clipboard: pbpaste, xclip -o
//! cargo run --example explain -- "$TOKEN"           # stays in lists of processes; typed out, in the shell's history too
//! ```
//!
//! Exits with 0 if the token is accepted, with 1 if it is refused, and with 2 if it could not be looked at.
//!
//! A token is a credential: until it expires, whoever has it is its user. The report shows what it says of that user, but
//! nothing that lets anybody in.

mod demo_issuer;

use std::error::Error;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use demo_issuer::DemoIssuer;
use tower_jwt_auth::{Jwks, Verifier};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let token = match std::env::args().nth(1).as_deref() {
        None => None,
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Some(text.trim().to_owned())
        }
        Some(token) => Some(token.to_owned()),
    };
    match (token, verifier_from_env().await?) {
        (None, None) => {
            explain_demo().await?;
            Ok(ExitCode::SUCCESS)
        }
        (Some(token), Some(verifier)) => {
            let explanation = verifier.explain(&token).await.with_values();
            println!("{explanation}");
            Ok(if explanation.verdict().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        (Some(_), None) => {
            Err("Set OIDC_ISSUER and AUDIENCE, or JWKS_URL, ISSUER and AUDIENCE: whose is this token to be?"
                .into())
        }
        (None, Some(_)) => {
            Err("Give a token, or - and the token on standard input; without settings, a demo runs.".into())
        }
    }
}

/// None if nothing is set.
async fn verifier_from_env() -> Result<Option<Verifier>, Box<dyn Error>> {
    let (issuer, audience, jwks) =
        match (setting("OIDC_ISSUER"), setting("JWKS_URL"), setting("ISSUER"), setting("AUDIENCE")) {
            (None, None, None, None) => return Ok(None),
            (Some(issuer), None, None, Some(audience)) => {
                (issuer.clone(), audience, Jwks::discover(&issuer)?)
            }
            (None, Some(url), Some(issuer), Some(audience)) => (issuer, audience, Jwks::remote(&url)?),
            _ => return Err("Set either OIDC_ISSUER and AUDIENCE, or JWKS_URL, ISSUER and AUDIENCE.".into()),
        };
    Ok(Some(verifier_with(issuer, audience, jwks).await?))
}

/// With the keys in hand, so that the signature is judged even of a token that is refused before: if they do not come, the
/// report says so.
async fn verifier_with(issuer: String, audience: String, jwks: Jwks) -> Result<Verifier, Box<dyn Error>> {
    _ = tokio::time::timeout(Duration::from_secs(5), jwks.ready()).await;
    Ok(Verifier::new(issuer, audience, jwks)?)
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn explain_demo() -> Result<(), Box<dyn Error>> {
    let demo = DemoIssuer::start().await?;
    let audience = demo_issuer::AUDIENCE.to_owned();
    let verifier = verifier_with(demo.url.clone(), audience, Jwks::discover(&demo.url)?).await?;
    for (name, token) in [
        ("A good token", demo.good_token()),
        ("An expired one", demo.expired_token()),
        ("A forged one", demo.forged_token()),
    ] {
        println!("{name} is {}\n", verifier.explain(&token).await.with_values());
    }
    Ok(())
}

//! Tokens that others made, each file whole: `tests/vectors/README.md` says whose they are.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::Authority;

use crate::support::app::{ACCEPTED, Canned, outcome};
use crate::support::issuer::decode;

/// A case that is answered otherwise than its file says, on purpose.
struct Exception {
    file: &'static str,
    case: &'static str,
    ours: &'static str,
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    unsigned("rfc7515.json", "A.5: an unsecured JWS"),
    unsigned("jose.json", "the token is not signed at all"),
    unsigned("joserfc.json", "the token is not signed at all"),
    unsigned("jwcrypto.json", "the token is not signed at all"),
    unsigned("pyjwt.json", "the token is not signed at all"),
    Exception {
        file: "rfc7520.json",
        case: "4.8: general JSON with three signatures is not a compact JWS",
        ours: "token_encrypted",
        why: "there happen to be four dots in it, as in a JWE, and nothing but dots is looked at",
    },
];

const fn unsigned(file: &'static str, case: &'static str) -> Exception {
    Exception {
        file,
        case,
        ours: "token_malformed",
        why: "an empty part is refused before the header is looked at",
    }
}

/// The RSA key of a file is for this algorithm, which it does not say itself.
const TOLD: &[(&str, Algorithm)] = &[("rfc7520_section6.json", Algorithm::Ps256)];

#[derive(Deserialize)]
struct File {
    issuer: Option<String>,
    audience: Option<String>,
    #[serde(flatten)]
    vectors: Vectors,
    after_rotation: Option<Vectors>,
}

#[derive(Deserialize)]
struct Vectors {
    now: u32,
    jwks: Value,
    secrets: Vec<Secret>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Secret {
    alg: String,
    k: String,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    alg: String,
    token: String,
    verdict: String,
    reason: Option<String>,
    claims: Option<Value>,
}

impl Vectors {
    async fn jwks(&self, file: &str) -> Result<Jwks, ConfigError> {
        let document = self.jwks.to_string();
        let Some((_, algorithm)) = TOLD.iter().find(|(told, _)| *told == file) else {
            return Jwks::from_json(document);
        };
        let builder = Jwks::builder("https://issuer.example/keys")?
            .with_algorithms([*algorithm])?
            .with_fetch(Canned(document));
        let jwks = builder.spawn()?;
        jwks.ready().await.expect("a key set");
        Ok(jwks)
    }

    /// The secret for the algorithm that a case names, where it is a MAC.
    fn secret(&self, alg: &str) -> Option<SharedSecret> {
        let algorithm = Algorithm::from_name(alg).filter(|algorithm| algorithm.is_symmetric())?;
        let secret = self.secrets.iter().find(|secret| secret.alg == alg)?;
        Some(SharedSecret::new(algorithm, decode(&secret.k)).expect("a long secret"))
    }
}

impl File {
    fn verifier(&self, keys: impl Into<Authority>, now: u32) -> Verifier {
        let issuer = self.issuer.as_deref().unwrap_or("any");
        let audience = self.audience.as_deref().unwrap_or("any");
        let mut verifier =
            Verifier::new(issuer, audience, keys).expect("a policy").with_clock(FixedClock::at_unix(now));
        if self.issuer.is_none() {
            verifier = verifier.insecure_accept_any_issuer();
        }
        if self.audience.is_none() {
            verifier = verifier.insecure_accept_any_audience();
        }
        verifier
    }

    /// What is wrong with the answers to the cases of `vectors`.
    async fn judge(
        &self,
        name: &str,
        vectors: &Vectors,
        met: &mut HashSet<(&'static str, &'static str)>,
    ) -> Vec<String> {
        let jwks = vectors.jwks(name).await.expect("a key set");
        let by_key = self.verifier(jwks, vectors.now);
        let mut wrong = Vec::new();
        for case in &vectors.cases {
            let by_secret = vectors.secret(&case.alg).map(|secret| self.verifier(secret, vectors.now));
            let verifier = by_secret.as_ref().unwrap_or(&by_key);
            let got = outcome(verifier, &case.token);
            let theirs = match &*case.verdict {
                ACCEPTED => ACCEPTED,
                _ => case.reason.as_deref().expect("a reason to refuse"),
            };
            let exception =
                EXCEPTIONS.iter().find(|exception| (exception.file, exception.case) == (name, &*case.name));
            let want = exception.map_or(theirs, |exception| {
                met.insert((exception.file, exception.case));
                exception.ours
            });
            let label = format!("{name}: {}", case.name);
            if got != want {
                wrong.push(format!("{label}: {got}, not {want}"));
            }
            if let Some(Exception { ours, why, .. }) = exception
                && *ours == theirs
            {
                wrong.push(format!("{label}: no exception any more ({why})"));
            }
            if by_secret.is_some() && outcome(&by_key, &case.token) == ACCEPTED {
                wrong.push(format!("{label}: a MAC is accepted by a key set"));
            }
            if let (ACCEPTED, Some(claims)) = (got, &case.claims) {
                let token = verifier.verify(&case.token).expect("accepted before");
                if *token.claims::<Value>().expect("any JSON") != *claims {
                    wrong.push(format!("{label}: other claims"));
                }
            }
        }
        wrong
    }
}

#[tokio::test]
async fn every_vector_is_answered_as_its_source_says_but_for_the_exceptions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut met = HashSet::new();
    let (mut wrong, mut files, mut cases) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a text");
        let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        files += 1;
        for vectors in std::iter::once(&file.vectors).chain(&file.after_rotation) {
            cases += vectors.cases.len();
            wrong.extend(file.judge(&name, vectors, &mut met).await);
        }
    }
    for exception in EXCEPTIONS {
        if !met.contains(&(exception.file, exception.case)) {
            wrong.push(format!("{}: there is no {:?}", exception.file, exception.case));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files >= 9 && cases >= 307, "{files} files, {cases} cases");
}

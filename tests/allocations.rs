//! What a hopeless token costs in memory: nothing. What a request costs is counted by `.ci/paths`.

use allocation_counter::measure;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm;

#[test]
fn a_token_of_a_mebibyte_takes_no_memory_to_refuse() {
    let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
    let verifier = Verifier::new("https://issuer.example", "api", secret).expect("a verifier");
    for (name, token) in [("dots", ".".repeat(1 << 20)), ("letters", "A".repeat(1 << 20))] {
        let mut refused = None;
        let allocations = measure(|| refused = verifier.verify(&token).err());
        assert_eq!(refused.map(|error| error.code()), Some("token_too_large"), "{name}");
        assert_eq!(allocations.bytes_total, 0, "{name}");
    }
}

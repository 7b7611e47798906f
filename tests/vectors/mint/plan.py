"""What every Python library here is asked to mint; the libraries differ only in the functions they hand to `vectors`."""

import base64
import json

ISSUER, AUDIENCE, NOW = "https://issuer.example", "api", 1800000000


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(position=0, **changes):
    """Every second token names two audiences."""
    return {
        "iss": ISSUER, "aud": ["api", "other"] if position % 2 else "api", "sub": "alice",
        "iat": 1700000000, "nbf": 1700000000, "exp": 4102444800,
        "big": 9007199254740993, "nested": {"roles": ["reader", "writer"], "deep": {"null": None, "half": 0.5}},
        "text": "naïve – 測試", "emoji": "🔑",
    } | changes


def tampered(token):
    """The same length, another subject, the old signature."""
    header, payload, signature = token.split(".")
    return ".".join([header, b64(unb64(payload).replace(b'"alice"', b'"admin"')), signature])


def truncated(token):
    """The last byte is gone; what is left is canonical base64url."""
    head, signature = token.rsplit(".", 1)
    return head + "." + b64(unb64(signature)[:-1])


def vectors(provenance, licence, algorithms, new_key, public, sign, extra):
    """Prints the file. `new_key(alg, kid)` makes a key, `public(key)` its JWK (of a MAC key: all of it),
    `sign(alg, kid, key, claims, own)` a token whose claims the library writes its own way, or the other way:
    non-ASCII either as raw UTF-8 or as \\u escapes. `extra` are refused tokens: name, alg, token, reason."""
    keys = {alg: new_key(alg, alg.lower()) for alg in algorithms}
    strangers = {alg: new_key(alg, alg.lower()) for alg in algorithms}
    cases = []

    def case(name, alg, token, reason=None, signature="valid", kid="", claims=None):
        kid = alg.lower() if kid == "" else kid
        verdict = "refused" if reason else "accepted"
        cases.append(dict(name=name, alg=alg, kid=kid, token=token, verdict=verdict, signature=signature,
                          reason=reason, claims=claims))

    for position, alg in enumerate(algorithms):
        kid, mine, own = alg.lower(), claims(position), position % 4 < 2
        token = sign(alg, kid, keys[alg], mine, own)
        spelling = "escaped to ASCII" if unb64(token.split(".")[1]).isascii() else "in raw UTF-8"
        case(f"a token signed with {alg}, its claims {spelling}", alg, token, claims=mine)
        case(f"{alg}: the payload was tampered with", alg, tampered(token), "signature_invalid", "invalid")
        case(f"{alg}: the signature was truncated", alg, truncated(token), "signature_invalid", "invalid")
        case(f"{alg}: another key signed under a kid of the set", alg,
             sign(alg, kid, strangers[alg], mine, own), "signature_invalid", "invalid")
    refusals = [
        ("the token has expired", {"exp": 1700000600}, "token_expired"),
        ("the token is not valid yet", {"nbf": 4102444000}, "token_not_yet_valid"),
        ("the token is for another audience", {"aud": "other"}, "audience_mismatch"),
        ("the token is for several other audiences", {"aud": ["other", "api.example"]}, "audience_mismatch"),
        ("the token is of another issuer", {"iss": "https://other.example"}, "issuer_mismatch"),
        ("the issuer has a slash too many", {"iss": ISSUER + "/"}, "issuer_mismatch"),
    ]
    for position, (name, changes, reason) in enumerate(refusals):
        alg = algorithms[position * 2]
        token = sign(alg, alg.lower(), keys[alg], claims(**changes), True)
        case(f"{alg}: {name}", alg, token, reason)
    token = sign("ES256", "nobody", strangers["ES256"], claims(), True)
    case("ES256: the kid is not in the set", "ES256", token, "key_unknown", "invalid", "nobody")
    for name, alg, token, reason in extra:
        case(name, alg, token, reason, "invalid", None)
    jwks, secrets = [], []
    for alg in algorithms:
        jwk = public(keys[alg])
        if alg.startswith("HS"):
            secrets.append({"kid": alg.lower(), "alg": alg, "k": jwk["k"]})
        else:
            jwks.append(jwk)
    print(json.dumps(dict(provenance=provenance, licence=licence, issuer=ISSUER, audience=AUDIENCE, now=NOW,
                          jwks={"keys": jwks}, secrets=secrets, cases=cases), indent=2, ensure_ascii=False))

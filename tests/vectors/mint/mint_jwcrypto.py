"""Mints jwcrypto.json on standard output."""

import json
from importlib.metadata import version

from jwcrypto import jwe, jwk, jws, jwt

from plan import claims, vectors

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
              "EdDSA", "Ed25519", "HS256", "HS384", "HS512"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1"}


def new_key(alg, kid):
    names = {"kid": kid, "use": "sig", "alg": alg}
    if alg in CURVES:
        return jwk.JWK.generate(kty="EC", crv=CURVES[alg], **names)
    if alg.startswith("Ed"):
        return jwk.JWK.generate(kty="OKP", crv="Ed25519", **names)
    if alg.startswith("HS"):
        return jwk.JWK.generate(kty="oct", size=int(alg[2:]), **names)
    return jwk.JWK.generate(kty="RSA", size=2048, **names)


def public(key):
    return key.export(as_dict=True) if key["kty"] == "oct" else key.export_public(as_dict=True)


def sign(alg, kid, key, content, own):
    header = {"alg": alg, "kid": kid}
    if not own:
        token = jws.JWS(json.dumps(content, ensure_ascii=False).encode())
        token.add_signature(key, alg=alg, protected=json.dumps(header))
        return token.serialize(compact=True)
    token = jwt.JWT(header=header, claims=content)
    token.make_signed_token(key)
    return token.serialize()


def unsecured():
    token = jws.JWS(json.dumps(claims()))
    token.allowed_algs = ["none"]
    token.add_signature(jwk.JWK.generate(kty="oct", size=256), alg="none", protected=json.dumps({"alg": "none"}))
    return token.serialize(compact=True)


def encrypted():
    key = jwk.JWK.generate(kty="RSA", size=2048)
    token = jwe.JWE(json.dumps(claims()), json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM"}), recipient=key)
    return token.serialize(compact=True)


vectors(f"minted with jwcrypto {version('jwcrypto')} (PyPI) by mint/mint_jwcrypto.py; throw-away keys",
        "output only, no copyright claimed; jwcrypto itself is LGPL-3.0-or-later and not part of this",
        ALGORITHMS, new_key, public, sign,
        [("the token is not signed at all", "none", unsecured(), "algorithm_unsupported"),
         ("the token is encrypted", "RSA-OAEP-256", encrypted(), "token_encrypted")])

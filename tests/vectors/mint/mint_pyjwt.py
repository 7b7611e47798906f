"""Mints pyjwt.json on standard output."""

import json
import secrets
from importlib.metadata import version

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from plan import b64, claims, vectors

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
              "EdDSA", "HS256", "HS384", "HS512"]
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1, "ES256K": ec.SECP256K1}


def new_key(alg, kid):
    if alg in CURVES:
        return alg, kid, ec.generate_private_key(CURVES[alg]())
    if alg == "EdDSA":
        return alg, kid, ed25519.Ed25519PrivateKey.generate()
    if alg.startswith("HS"):
        return alg, kid, secrets.token_bytes(int(alg[2:]) // 8)
    return alg, kid, rsa.generate_private_key(65537, 2048)


def public(key):
    alg, kid, secret = key
    if isinstance(secret, bytes):
        return {"k": b64(secret)}
    jwk = jwt.get_algorithm_by_name(alg).to_jwk(secret.public_key(), as_dict=True)
    return jwk | {"kid": kid, "use": "sig", "alg": alg}


def sign(alg, kid, key, content, own):
    if not own:
        payload = json.dumps(content, ensure_ascii=False).encode()
        return jwt.PyJWS().encode(payload, key[2], algorithm=alg, headers={"kid": kid})
    return jwt.encode(content, key[2], algorithm=alg, headers={"kid": kid})


vectors(f"minted with PyJWT {version('PyJWT')} and cryptography {version('cryptography')} (PyPI) "
        "by mint/mint_pyjwt.py; throw-away keys",
        "output only, no copyright claimed; PyJWT itself is MIT, cryptography Apache-2.0 OR BSD-3-Clause",
        ALGORITHMS, new_key, public, sign,
        [("the token is not signed at all", "none", jwt.encode(claims(), None, algorithm="none"),
          "algorithm_unsupported")])

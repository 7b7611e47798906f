"""Mints joserfc.json on standard output."""

import json
from importlib.metadata import version

from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from plan import claims, vectors

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
              "EdDSA", "Ed25519", "HS256", "HS384", "HS512"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1"}


def new_key(alg, kid):
    names = {"kid": kid, "use": "sig", "alg": alg}
    if alg in CURVES:
        return ECKey.generate_key(CURVES[alg], names)
    if alg.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", names)
    if alg.startswith("HS"):
        return OctKey.generate_key(int(alg[2:]), names)
    return RSAKey.generate_key(2048, names)


def public(key):
    return key.as_dict(private=isinstance(key, OctKey))


def sign(alg, kid, key, content, own):
    header = {"alg": alg, "kid": kid}
    if not own:
        return jws.serialize_compact(header, json.dumps(content), key, algorithms=[alg])
    return jwt.encode(header, content, key, algorithms=[alg])


def unsecured():
    return jwt.encode({"alg": "none"}, claims(), OctKey.generate_key(256), algorithms=["none"])


def encrypted():
    header, key = {"alg": "ECDH-ES", "enc": "A128GCM"}, ECKey.generate_key("P-256")
    return jwe.encrypt_compact(header, json.dumps(claims()), key, algorithms=["ECDH-ES", "A128GCM"])


vectors(f"minted with joserfc {version('joserfc')} (PyPI) by mint/mint_joserfc.py; throw-away keys",
        "output only, no copyright claimed; joserfc itself is BSD-3-Clause",
        ALGORITHMS, new_key, public, sign,
        [("the token is not signed at all", "none", unsecured(), "algorithm_unsupported"),
         ("the token is encrypted", "ECDH-ES", encrypted(), "token_encrypted")])

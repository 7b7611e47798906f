// Mints jose.json on standard output. The cases are those of plan.py.

import { readFileSync } from "node:fs";
import { CompactEncrypt, CompactSign, SignJWT, UnsecuredJWT } from "jose";
import { base64url, exportJWK, generateKeyPair, generateSecret } from "jose";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.resolve("jose"))));
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
  "Ed25519", "HS256", "HS384", "HS512"];
const ISSUER = "https://issuer.example";

// JavaScript has no such integer: it is a string until the JSON text is made.
const BIG = "9007199254740993";
const json = (value, indent) => JSON.stringify(value, null, indent).replaceAll(`"${BIG}"`, BIG);
const escape = (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
const bytes = (text) => new TextEncoder().encode(text);

const claims = (position = 0, changes = {}) => ({
  iss: ISSUER, aud: position % 2 ? ["api", "other"] : "api", sub: "alice",
  iat: 1700000000, nbf: 1700000000, exp: 4102444800,
  big: BIG, nested: { roles: ["reader", "writer"], deep: { null: null, half: 0.5 } },
  text: "naïve – 測試", emoji: "🔑", ...changes,
});

async function newKey(alg) {
  const symmetric = alg.startsWith("HS");
  const pair = symmetric ? {} : await generateKeyPair(alg);
  const secret = pair.privateKey ?? await generateSecret(alg, { extractable: true });
  const jwk = await exportJWK(pair.publicKey ?? secret);
  return { secret, symmetric, jwk: { ...jwk, kid: alg.toLowerCase(), use: "sig", alg } };
}

const sign = (alg, kid, key, text) =>
  new CompactSign(bytes(text)).setProtectedHeader({ alg, kid }).sign(key.secret);

function tampered(token) {
  const [header, payload, signature] = token.split(".");
  const text = new TextDecoder().decode(base64url.decode(payload));
  return [header, base64url.encode(text.replace('"alice"', '"admin"')), signature].join(".");
}

function truncated(token) {
  const [header, payload, signature] = token.split(".");
  return [header, payload, base64url.encode(base64url.decode(signature).subarray(0, -1))].join(".");
}

const keys = {}, strangers = {}, cases = [];
for (const alg of ALGORITHMS) {
  keys[alg] = await newKey(alg);
  strangers[alg] = await newKey(alg);
}

function add(name, alg, token, { kid = alg.toLowerCase(), reason = null, signature = "valid", claims = null } = {}) {
  cases.push({ name, alg, kid, token, verdict: reason ? "refused" : "accepted", signature, reason, claims });
}

const forged = { reason: "signature_invalid", signature: "invalid" };
for (const [position, alg] of ALGORITHMS.entries()) {
  const mine = claims(position), raw = position % 4 < 2, kid = alg.toLowerCase();
  const text = raw ? json(mine) : json(mine).replace(/[^\x00-\x7f]/g, escape);
  const token = await sign(alg, kid, keys[alg], text);
  const spelling = raw ? "in raw UTF-8" : "escaped to ASCII";
  add(`a token signed with ${alg}, its claims ${spelling}`, alg, token, { claims: mine });
  add(`${alg}: the payload was tampered with`, alg, tampered(token), forged);
  add(`${alg}: the signature was truncated`, alg, truncated(token), forged);
  add(`${alg}: another key signed under a kid of the set`, alg, await sign(alg, kid, strangers[alg], text), forged);
}

const rounded = claims(0, { big: Number(BIG) });
const jwt = new SignJWT(rounded).setProtectedHeader({ alg: "ES256", kid: "es256", typ: "JWT" });
add("ES256: a claims set that SignJWT wrote, its integer rounded by JavaScript", "ES256",
  await jwt.sign(keys.ES256.secret), { claims: rounded });

const refusals = [
  ["the token has expired", { exp: 1700000600 }, "token_expired"],
  ["the token is not valid yet", { nbf: 4102444000 }, "token_not_yet_valid"],
  ["the token is for another audience", { aud: "other" }, "audience_mismatch"],
  ["the token is for several other audiences", { aud: ["other", "api.example"] }, "audience_mismatch"],
  ["the token is of another issuer", { iss: "https://other.example" }, "issuer_mismatch"],
  ["the issuer has a slash too many", { iss: ISSUER + "/" }, "issuer_mismatch"],
];
for (const [position, [name, changes, reason]] of refusals.entries()) {
  const alg = ALGORITHMS[position * 2];
  add(`${alg}: ${name}`, alg, await sign(alg, alg.toLowerCase(), keys[alg], json(claims(0, changes))), { reason });
}
add("ES256: the kid is not in the set", "ES256", await sign("ES256", "nobody", strangers.ES256, json(claims())),
  { kid: "nobody", reason: "key_unknown", signature: "invalid" });
add("the token is not signed at all", "none", new UnsecuredJWT(rounded).encode(),
  { kid: null, reason: "algorithm_unsupported", signature: "invalid" });
const jwe = new CompactEncrypt(bytes(json(claims()))).setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" });
add("the token is encrypted", "RSA-OAEP-256", await jwe.encrypt((await generateKeyPair("RSA-OAEP-256")).publicKey),
  { kid: null, reason: "token_encrypted", signature: "invalid" });

console.log(json({
  provenance: `minted with jose ${version} (npm) on Node.js ${process.version} by mint/mint_jose.mjs; throw-away keys`,
  licence: "output only, no copyright claimed; jose itself is MIT",
  issuer: ISSUER, audience: "api", now: 1800000000,
  jwks: { keys: Object.values(keys).filter((key) => !key.symmetric).map((key) => key.jwk) },
  secrets: Object.values(keys).filter((key) => key.symmetric).map(({ jwk: { kid, alg, k } }) => ({ kid, alg, k })),
  cases,
}, 2));

// A certified OpenID provider on loopback whose keys rotate and whose key set endpoint breaks on demand.

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { Provider } from 'oidc-provider';

export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** What a client may prove its key with. */
export const PROOF_ALGORITHMS = ['ES256', 'Ed25519', 'PS256', 'RS256'];

export const AUDIENCE = 'urn:example:api';

// What a token may be asked for, whatever the resource.
const SCOPES = 'notes:read notes:write';

export const SECRET = 'a-secret-that-never-leaves-loopback';

const KEY_PAIRS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

const JSON_TYPE = { 'content-type': 'application/json' };

// What the key set endpoint can answer instead of the key set. `keySet` is the text it should have answered.
export const FAULTS = {
  unavailable: (response) => response.writeHead(503).end(),
  hanging: () => {},
  empty: (response) => response.writeHead(200, JSON_TYPE).end('{"keys":[]}'),
  html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Down for maintenance</h1>'),
  truncated: (response, keySet) => response.writeHead(200, JSON_TYPE).end(keySet.slice(0, -10)),
  'cut off': (response, keySet) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': keySet.length });
    response.write(keySet.slice(0, -10), () => response.destroy());
  },
};

export class OpenIdProvider {
  /** Starts a provider with one new key per algorithm, or with the keys of another provider. */
  static async start({ algorithms = ['ES256'], keys = algorithms.map(newKey) } = {}) {
    const provider = new OpenIdProvider();
    provider.#keys = keys;
    await provider.listen();
    return provider;
  }

  /** How many times the key set was asked for, faults included. */
  keySetFetches = 0;

  /** How many milliseconds the key set endpoint takes to answer. */
  delay = 0;

  /** One of the names in `FAULTS` while the key set endpoint is broken. */
  fault = undefined;

  #keys;
  #port = 0;
  #server;
  #callback;

  get issuer() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Private keys as JWKs, newest first. */
  get keys() {
    return this.#keys;
  }

  /** Opens the port, the same one again after `close`. */
  async listen() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = this.#server.address().port;
    this.#configure();
  }

  /** Closes the port, and every connection with it. */
  async close() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** An access token from the client-credentials grant, signed by the newest key of the algorithm. */
  async token({ algorithm = 'ES256', audience = AUDIENCE, scope } = {}) {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${algorithm}:${SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience, ...(scope && { scope }) }),
    });
    const answer = await response.json();
    if (!response.ok) {
      throw new Error(`the provider minted no ${algorithm} token: ${JSON.stringify(answer)}`);
    }
    return answer.access_token;
  }

  /** The name and the secret of the client whose tokens are signed so. */
  client(algorithm = 'ES256') {
    return { id: algorithm, secret: SECRET };
  }

  /** Publishes one more key and signs with it from now on. */
  addKey(algorithm = 'ES256') {
    this.#rotate([newKey(algorithm), ...this.#keys]);
  }

  /** Withdraws the oldest key. */
  retireKey() {
    this.#rotate(this.#keys.slice(0, -1));
  }

  /** Withdraws every key and publishes as many new ones. */
  replaceKeys() {
    this.#rotate(this.#keys.map(({ alg }) => newKey(alg)));
  }

  #rotate(keys) {
    this.#keys = keys;
    this.#configure();
  }

  // oidc-provider takes its keys once, at construction: other keys are another instance behind the same port.
  #configure() {
    this.#callback = new Provider(this.issuer, {
      adapter: NoStorage,
      clients: [...new Set(this.#keys.map(({ alg }) => alg))].map(clientSigningWith),
      enabledJWA: { idTokenSigningAlgValues: ALGORITHMS, dPoPSigningAlgValues: PROOF_ALGORITHMS },
      features: {
        clientCredentials: { enabled: true },
        dPoP: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
      },
      jwks: { keys: this.#keys },
      ttl: { ClientCredentials: 600 },
    }).callback();
  }

  async #answer(request, response) {
    if (request.url === '/jwks') {
      this.keySetFetches += 1;
      await sleep(this.delay);
      if (this.fault) {
        FAULTS[this.fault](response, JSON.stringify({ keys: this.#keys.map(publicPart) }));
        return;
      }
    }
    this.#callback(request, response);
  }
}

let keysMade = 0;

function newKey(algorithm) {
  keysMade += 1;
  const jwk = KEY_PAIRS[algorithm]().privateKey.export({ format: 'jwk' });
  return { ...jwk, alg: algorithm, use: 'sig', kid: `${algorithm}-${keysMade}` };
}

function publicPart({ d, p, q, dp, dq, qi, ...rest }) {
  return rest;
}

// One client per algorithm, named after it: the client a token is for decides how it is signed.
function clientSigningWith(algorithm) {
  return {
    client_id: algorithm,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: algorithm,
    redirect_uris: [],
    response_types: [],
  };
}

function resourceServer(_context, resource, client) {
  return {
    accessTokenFormat: 'jwt',
    audience: resource,
    jwt: { sign: { alg: client.clientId } },
    scope: SCOPES,
  };
}

// Clients are configured and tokens carry themselves, so there is nothing to store. It asks whether a proof of DPoP came
// before: none does here.
class NoStorage {
  async find() {}

  async upsert() {}
}

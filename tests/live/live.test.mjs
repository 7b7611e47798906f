import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';

import { SignJWT, decodeJwt } from 'jose';

import { ALGORITHMS, AUDIENCE, FAULTS, OpenIdProvider } from './provider.mjs';
import { ProtectedServer, eventually, freePort, runToEnd } from './server.mjs';

// Milliseconds: all requests that are sent meanwhile wait for it together, and none for longer than it may.
const FETCH_WORTH_WAITING_FOR = 500;

describe('a token of the provider', () => {
  for (const algorithm of ALGORITHMS) {
    test(`is accepted when signed with ${algorithm}, from header, cookie and query`, async (t) => {
      const { provider, server } = await running(t, { algorithms: [algorithm] });
      const token = await provider.token({ algorithm });

      const ways = {
        header: await server.me(token),
        cookie: await server.get('/me', { cookie: `__Host-jwt=${token}` }),
        query: await server.get(`/me?jwt=${token}`),
      };

      for (const [way, answer] of Object.entries(ways)) {
        accepted(answer, `${algorithm} token in the ${way}`);
        const { iss, sub, aud } = answer.body;
        assert.deepEqual({ iss, sub, aud }, { iss: provider.issuer, sub: algorithm, aud: AUDIENCE });
      }
    });
  }

  test('is needed on /me, optional on /maybe and ignored on /healthz', async (t) => {
    const { provider, server } = await running(t);
    const bearer = { authorization: `Bearer ${await provider.token()}` };
    const garbage = { authorization: 'Bearer garbage' };

    accepted(await server.send('POST', '/me', bearer), 'POST with a token');
    refused(await server.send('POST', '/me'), 'POST without a token', 'token_missing');
    refused(await server.get('/me'), 'GET without a token', 'token_missing');
    accepted(await server.get('/maybe', bearer), 'optional route with a token');
    accepted(await server.get('/maybe'), 'optional route without a token');
    refused(await server.get('/maybe', garbage), 'optional route with a bad token', 'token_malformed');
    accepted(await server.get('/healthz', garbage), 'open route with a bad token');
  });

  test('is accepted when the key set is named directly instead of discovered', async (t) => {
    const provider = await startProvider(t);
    const server = await startServer(t, { JWKS_URL: `${provider.issuer}/jwks`, ISSUER: provider.issuer, AUDIENCE });
    await server.ready();
    accepted(await server.me(await provider.token()), 'token of the provider with a named key set');
  });
});

test('a proxy of the environment does not see keys on this machine', async (t) => {
  const provider = await startProvider(t);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const proxies = { HTTP_PROXY: nobody, http_proxy: nobody, ALL_PROXY: nobody };
  const server = await startServer(t, { OIDC_ISSUER: provider.issuer, AUDIENCE, ...proxies });
  await server.ready();
  accepted(await server.me(await provider.token()), 'token of a provider on this machine, whatever the proxy');
});

describe('a token is refused', () => {
  test('with a tampered signature or tampered claims', async (t) => {
    const { provider, server } = await running(t, { algorithms: ALGORITHMS });
    for (const algorithm of ALGORITHMS) {
      const token = await provider.token({ algorithm });
      const [header, claims, signature] = token.split('.');
      const raised = Buffer.from(JSON.stringify({ ...decodeJwt(token), sub: 'admin' })).toString('base64url');

      const resigned = `${header}.${claims}.${swapFirstCharacter(signature)}`;
      refused(await server.me(resigned), `${algorithm} token with another signature`, 'signature_invalid');
      const promoted = `${header}.${raised}.${signature}`;
      refused(await server.me(promoted), `${algorithm} token with other claims`, 'signature_invalid');
      refused(await server.me(`${header}.${claims}.`), `${algorithm} token without a signature`, 'token_malformed');
      accepted(await server.me(token), `untouched ${algorithm} token`);
    }
  });

  test('when it is for another audience', async (t) => {
    const { provider, server } = await running(t);
    const stray = await provider.token({ audience: 'urn:example:other-api' });
    refused(await server.me(stray), 'token for another audience', 'audience_mismatch');
    accepted(await server.me(await provider.token()), 'token for this audience');
  });

  test('when another issuer made it, even with the same keys', async (t) => {
    const { provider, server } = await running(t);
    const twin = await startProvider(t, { keys: provider.keys });
    const stranger = await startProvider(t);
    const before = provider.keySetFetches;

    refused(await server.me(await twin.token()), 'token of another issuer with the same keys', 'issuer_mismatch');
    refused(await server.me(await stranger.token()), 'token of another issuer with other keys', 'issuer_mismatch');
    accepted(await server.me(await provider.token()), 'token of this issuer');
    assert.equal(provider.keySetFetches, before, 'a token of another issuer must not make the server fetch keys');
  });
});

describe('when keys rotate', () => {
  test('an added key is picked up under load without refusing one good token', async (t) => {
    const { provider, server } = await running(t);
    const tokens = [await provider.token()];
    const load = sendForever(server, tokens);

    provider.delay = FETCH_WORTH_WAITING_FOR;
    provider.addKey();
    tokens.push(await provider.token(), await provider.token());
    await load.rounds(50);
    await load.stop();

    accepted(await server.me(tokens[0]), 'token of the old key');
    accepted(await server.me(tokens[1]), 'token of the new key');
    assert.equal(provider.keySetFetches, 2, 'one fetch at start and one for the new key');
  });

  test('a retired key stops being accepted with the next refresh', async (t) => {
    const { provider, server } = await running(t, { algorithms: ['ES256', 'EdDSA'] });
    const lasting = await provider.token({ algorithm: 'ES256' });
    const retired = await provider.token({ algorithm: 'EdDSA' });
    accepted(await server.me(lasting), 'token of the lasting key before');
    accepted(await server.me(retired), 'token of the retired key before');

    provider.retireKey();
    provider.addKey('ES256');
    accepted(await server.me(await provider.token()), 'token of the key that makes the server refresh');

    accepted(await server.me(lasting), 'token of the lasting key after');
    refused(await server.me(retired), 'token of the retired key after', 'key_unknown');
  });

  test('new keys all at once are accepted without a restart, and the old ones no longer', async (t) => {
    const { provider, server } = await running(t);
    const old = await provider.token();
    accepted(await server.me(old), 'token of the old key before');
    const { generation } = (await readiness(server)).body;

    provider.delay = FETCH_WORTH_WAITING_FOR;
    provider.replaceKeys();
    const token = await provider.token();
    const answers = await Promise.all(Array.from({ length: 200 }, () => server.me(token)));

    for (const answer of answers) accepted(answer, 'token of the new key');
    refused(await server.me(old), 'token of the old key after', 'key_unknown');
    assert.equal(provider.keySetFetches, 2, 'one fetch at start and one for the new key');
    assert.equal((await readiness(server)).body.generation, generation + 1, 'the keys have changed once');
  });
});

test('10,000 tokens of unknown keys cost one fetch and refuse no good token', async (t) => {
  const { provider, server } = await running(t);
  const token = await provider.token();
  const forgeries = await forgeriesOfUnknownKeys(10_000, decodeJwt(token));
  const load = sendForever(server, [token], 2);

  provider.delay = FETCH_WORTH_WAITING_FOR;
  const client = async () => {
    while (forgeries.length > 0) {
      refused(await server.me(forgeries.pop()), 'token of an unknown key', 'key_unknown');
    }
  };
  await Promise.all(Array.from({ length: 100 }, client));

  await load.stop();
  assert.equal(provider.keySetFetches, 2, 'one fetch at start and one for all the unknown keys');
});

// At the same time, for each waits up to a minute for the server to try again.
describe('when the key set endpoint breaks after a good start', { concurrency: true }, () => {
  for (const fault of Object.keys(FAULTS)) {
    test(`(${fault}) known keys stay good, new ones wait for the recovery`, async (t) => {
      const { provider, server } = await running(t);
      const known = await provider.token();
      provider.addKey();
      const unknown = await provider.token();

      provider.fault = fault;
      putOff(await server.me(unknown), 'token of a new key, which makes the server fetch', 'keys_unavailable');
      await eventually('the fetch has failed', 7_000, async () => (await readiness(server)).body.failures > 0);
      putOff(await server.me(unknown), 'token of a new key after the failed fetch', 'keys_unavailable');
      accepted(await server.me(known), 'token of a known key after the failed fetch');
      assert.equal((await readiness(server)).status, 200, 'a server with its last good keys is ready');

      provider.fault = undefined;
      await eventually('a fetch has succeeded', 75_000, async () => (await readiness(server)).body.failures === 0);
      accepted(await server.me(unknown), 'token of the new key after the recovery');
      accepted(await server.me(known), 'token of the known key after the recovery');
    });
  }
});

describe('when there are no keys at the start', () => {
  test('a provider that is down is waited for', async (t) => {
    const provider = await startProvider(t);
    const token = await provider.token();
    await provider.close();
    const server = await startServer(t, { OIDC_ISSUER: provider.issuer, AUDIENCE });
    await healsByItself(server, token, () => provider.listen());
  });

  test('an empty key set does not count as keys', async (t) => {
    const provider = await startProvider(t);
    const token = await provider.token();
    provider.fault = 'empty';
    const server = await startServer(t, { OIDC_ISSUER: provider.issuer, AUDIENCE });
    await healsByItself(server, token, () => {
      provider.fault = undefined;
    });
  });

  async function healsByItself(server, token, repair) {
    assert.equal((await server.get('/healthz')).status, 200, 'a server without keys is alive');
    const { status, body } = await readiness(server);
    assert.deepEqual([status, body.state], [503, 'cold'], 'a server without keys is not ready');

    const asked = performance.now();
    putOff(await server.me(token), 'token nobody can check yet', 'keys_pending');
    const waited = performance.now() - asked;
    assert.ok(waited < 2_000, `the answer took ${waited} ms, more than the second it may wait`);

    await repair();
    await server.ready(60_000);
    accepted(await server.me(token), 'the same token once there are keys');
  }
});

describe('settings', () => {
  const ISSUER = 'http://127.0.0.1:1';
  const JWKS_URL = `${ISSUER}/jwks`;
  const incomplete = {
    'an issuer without an audience': [{ OIDC_ISSUER: ISSUER }, 'AUDIENCE'],
    'an audience without an issuer': [{ AUDIENCE }, 'OIDC_ISSUER'],
    'a key set without its issuer': [{ AUDIENCE, JWKS_URL }, 'ISSUER'],
    'an issuer of no key set': [{ AUDIENCE, ISSUER }, 'JWKS_URL'],
  };

  for (const [given, [settings, missing]] of Object.entries(incomplete)) {
    test(`are asked for in one sentence: ${given}`, async () => {
      const { code, stderr } = await runToEnd(settings);
      assert.equal(code, 2, `exit code 2 was expected; stderr: ${stderr}`);
      assert.equal(stderr.trimEnd().split('\n').length, 1, `one line was expected: ${stderr}`);
      assert.match(stderr, new RegExp(`\\b${missing}\\b`), `${missing} is missing`);
    });
  }

  test('are enough with an issuer and an audience', async (t) => {
    await startServer(t, { OIDC_ISSUER: ISSUER, AUDIENCE });
  });
});

/** A provider and a server that holds its keys. */
async function running(t, keys) {
  const provider = await startProvider(t, keys);
  const server = await startServer(t, { OIDC_ISSUER: provider.issuer, AUDIENCE });
  await server.ready();
  return { provider, server };
}

async function startProvider(t, keys) {
  const provider = await OpenIdProvider.start(keys);
  t.after(() => provider.close());
  return provider;
}

async function startServer(t, settings) {
  const server = await ProtectedServer.start(settings);
  t.after(() => server.stop());
  return server;
}

function readiness(server) {
  return server.get('/readyz');
}

function accepted(answer, what) {
  assert.equal(answer.status, 200, `${what} must be accepted; the answer was ${described(answer)}`);
}

function refused(answer, what, code) {
  assert.equal(answer.status, 401, `${what} must be refused; the answer was ${described(answer)}`);
  assert.match(answer.headers['www-authenticate'] ?? 'none', /^Bearer\b/, `challenge for ${what}`);
  assert.match(answer.headers['content-type'] ?? 'none', /^application\/problem\+json/, `content type for ${what}`);
  assert.equal(answer.body.code, code, `code for ${what}`);
}

function putOff(answer, what, code) {
  assert.equal(answer.status, 503, `${what} must be put off; the answer was ${described(answer)}`);
  assert.match(answer.headers['retry-after'] ?? 'none', /^[1-9]\d*$/, `Retry-After for ${what}`);
  assert.equal(answer.body.code, code, `code for ${what}`);
}

function described({ status, body }) {
  return `${status} ${JSON.stringify(body)}`;
}

function swapFirstCharacter(text) {
  return (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
}

/** Sends the tokens in turn from several clients until stopped; every single one must be accepted. */
function sendForever(server, tokens, clients = 32) {
  const answers = [];
  let stopped = false;

  const client = async () => {
    for (let turn = 0; !stopped; turn += 1) {
      answers.push(await server.me(tokens[turn % tokens.length]));
    }
  };
  const clientsDone = Promise.all(Array.from({ length: clients }, client));
  // A client's error is for `stop` to throw, not for the process when the test has failed before.
  clientsDone.catch(() => {});

  return {
    async rounds(count) {
      const enough = answers.length + count * clients;
      await eventually('the load has done its rounds', 10_000, () => answers.length >= enough);
    },
    async stop() {
      stopped = true;
      await clientsDone;
      assert.ok(answers.length >= clients, 'the load never got going');
      for (const answer of answers) accepted(answer, 'good token under load');
    },
  };
}

/** Tokens that are right in every claim, each signed for a key id that nobody published. */
async function forgeriesOfUnknownKeys(count, claims) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forge = () => new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: randomUUID() })
    .sign(privateKey);
  return Promise.all(Array.from({ length: count }, forge));
}

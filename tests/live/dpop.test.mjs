// Tokens that are bound to a key of their sender: the provider binds them, and the client of another library proves it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';

import { AUDIENCE, OpenIdProvider, PROOF_ALGORITHMS } from './provider.mjs';
import { ProtectedServer } from './server.mjs';

// The provider and the server are on this machine, and so without TLS.
const ON_LOOPBACK = { [oauth.allowInsecureRequests]: true };

for (const algorithm of PROOF_ALGORITHMS) {
  test(`a token that is bound to a key is accepted with proofs by ${algorithm}`, async (t) => {
    const { provider, server } = await running(t);
    const holder = await clientOf(provider, algorithm);
    const { access_token: token, token_type: type } = await holder.token();
    assert.equal(type, 'dpop');
    assert.equal(decodeJwt(token).cnf.jkt, await holder.handle.calculateThumbprint());

    for (const [method, path] of [['GET', '/me'], ['POST', '/me'], ['GET', '/me?a=b&c=%20d']]) {
      const answer = await holder.call(server, method, path, token);
      assert.equal(answer.status, 200, `${method} ${path}`);
      assert.equal((await answer.json()).cnf.jkt, decodeJwt(token).cnf.jkt);
    }
  });
}

test('the client is told what it lacks in challenges that it reads, and gets in once it has it', async (t) => {
  const { provider, server } = await running(t);
  const holder = await clientOf(provider, 'ES256');
  const { access_token: token } = await holder.token();

  const first = await challengesTo(() => holder.callOnce(server, 'GET', '/me', token));
  const asked = first.find(({ scheme }) => scheme === 'dpop');
  assert.equal(asked.parameters.error, 'use_dpop_nonce');
  assert.ok(asked.parameters.algs.split(' ').includes('ES256'), asked.parameters.algs);
  const bearer = first.find(({ scheme }) => scheme === 'bearer');
  assert.equal(bearer.parameters.error, undefined, 'the error is in the one challenge that it belongs to');
  assert.equal((await holder.callOnce(server, 'GET', '/me', token)).status, 200, 'with the nonce that came with it');
});

test('a bound token is refused as a bearer, and with proofs of another key', async (t) => {
  const { provider, server } = await running(t);
  const holder = await clientOf(provider, 'ES256');
  const thief = await clientOf(provider, 'ES256');
  const { access_token: token } = await holder.token();
  assert.equal((await holder.call(server, 'GET', '/me', token)).status, 200);

  const asBearer = await server.me(token);
  assert.deepEqual([asBearer.status, asBearer.body.code], [401, 'token_bound']);
  const stolen = await challengesTo(() => thief.call(server, 'GET', '/me', token));
  assert.equal(stolen.find(({ scheme }) => scheme === 'dpop').parameters.error, 'invalid_token');
});

test('a plain token is accepted as the bearer token that it is, and under DPoP it is not', async (t) => {
  const { provider, server } = await running(t);
  const token = await provider.token();
  assert.equal(decodeJwt(token).cnf, undefined);
  assert.equal((await server.me(token)).status, 200);

  const holder = await clientOf(provider, 'ES256');
  const refused = await challengesTo(() => holder.call(server, 'GET', '/me', token));
  assert.equal(refused.find(({ scheme }) => scheme === 'dpop').parameters.error, 'invalid_token');
});

test('a proof that was seen counts for nobody else', async (t) => {
  const { provider, server } = await running(t);
  const holder = await clientOf(provider, 'ES256');
  const { access_token: token } = await holder.token();
  const sent = [];
  const answer = await holder.call(server, 'GET', '/me', token, (headers) => sent.push(Object.fromEntries(headers)));
  assert.equal(answer.status, 200);

  const seen = sent.at(-1);
  assert.equal(decodeProtectedHeader(seen.dpop).typ, 'dpop+jwt');
  const lines = { authorization: seen.authorization, dpop: seen.dpop };
  const again = await server.get('/me', lines);
  assert.deepEqual([again.status, again.body.code], [401, 'dpop_proof_replayed']);
  const elsewhere = await server.send('POST', '/me', lines);
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [401, 'dpop_proof_invalid']);
});

async function running(t) {
  const provider = await OpenIdProvider.start();
  t.after(() => provider.close());
  const server = await ProtectedServer.start({ OIDC_ISSUER: provider.issuer, AUDIENCE }, 'dpop');
  t.after(() => server.stop());
  await server.ready();
  return { provider, server };
}

/** A client with a key of its own. */
async function clientOf(provider, algorithm) {
  const { id, secret } = provider.client();
  const client = { client_id: id };
  const issuer = new URL(provider.issuer);
  const discovered = await oauth.discoveryRequest(issuer, ON_LOOPBACK);
  const server = await oauth.processDiscoveryResponse(issuer, discovered);
  const handle = oauth.DPoP(client, await oauth.generateKeyPair(algorithm));

  const callOnce = (app, method, path, token, watch) => {
    const options = { ...ON_LOOPBACK, DPoP: handle };
    if (watch) {
      options[oauth.customFetch] = (url, init) => {
        watch(new Headers(init.headers));
        return fetch(url, init);
      };
    }
    return oauth.protectedResourceRequest(token, method, new URL(path, app.origin), new Headers(), null, options);
  };

  return {
    handle,
    async token() {
      const parameters = new URLSearchParams({ resource: AUDIENCE });
      const options = { ...ON_LOOPBACK, DPoP: handle };
      const auth = oauth.ClientSecretBasic(secret);
      const response = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, options);
      return oauth.processClientCredentialsResponse(server, client, response);
    },
    callOnce,
    /** The same, and once more with the nonce that was asked for. */
    async call(...request) {
      try {
        return await callOnce(...request);
      } catch (error) {
        if (!oauth.isDPoPNonceError(error)) throw error;
        return callOnce(...request);
      }
    },
  };
}

/** The challenges that a request is refused with, as the client reads them. */
async function challengesTo(request) {
  try {
    await request();
  } catch (error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.cause;
    throw error;
  }
  return assert.fail('the request was not refused');
}

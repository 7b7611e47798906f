// The example `mcp_server` as a client of the MCP TypeScript SDK finds and uses it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  Client, ClientCredentialsProvider, StreamableHTTPClientTransport,
  discoverAuthorizationServerMetadata, discoverOAuthProtectedResourceMetadata, extractWWWAuthenticateParams,
} from '@modelcontextprotocol/client';

import { McpUser } from './mcp_client.mjs';
import { OpenIdProvider, SECRET } from './provider.mjs';
import { ProtectedServer, eventually } from './server.mjs';

const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

describe('a client of the SDK', () => {
  test('finds the authorization server by the challenge, and by the well-known places', async (t) => {
    const server = await startServer(t);
    const resource = `${server.origin}/mcp`;
    const response = await fetch(resource, { method: 'POST' });
    assert.equal(response.status, 401);
    const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(response);
    assert.equal(resourceMetadataUrl.href, `${server.origin}${METADATA_PATH}`);
    assert.deepEqual({ scope, error }, { scope: 'notes:read', error: undefined });

    const found = {
      'the challenge': await discoverOAuthProtectedResourceMetadata(resource, { resourceMetadataUrl }),
      'the path of the resource': await discoverOAuthProtectedResourceMetadata(resource),
      'the root of the host': await discoverOAuthProtectedResourceMetadata(`${server.origin}/`),
    };
    for (const [by, metadata] of Object.entries(found)) {
      assert.equal(metadata.resource, resource, by);
      assert.deepEqual(metadata.bearer_methods_supported, ['header'], by);
      assert.deepEqual(metadata.scopes_supported, ['notes:read'], by);
      const [issuer] = metadata.authorization_servers;
      assert.equal((await discoverAuthorizationServerMetadata(issuer)).issuer, issuer, by);
    }
  });

  for (const [mode, version] of [['legacy', '2025-11-25'], ['auto', '2026-07-28']]) {
    test(`signs in, calls a tool, and gets a further scope for another (${version})`, async (t) => {
      const server = await startServer(t);
      const user = new McpUser(`${server.origin}/mcp`, mode);
      t.after(() => user.close());

      await user.connect();
      assert.equal(user.protocolVersion, version);
      assert.deepEqual(user.authorizations.map(asked), [{ scope: 'notes:read', resource: `${server.origin}/mcp` }]);
      assert.deepEqual(await user.tools(), ['list_notes', 'add_note']);
      assert.equal(await user.call('list_notes'), '');
      assert.equal(user.authorizations.length, 1, 'one scope was enough so far');

      assert.equal(await user.call('add_note', { text: 'hello' }), 'noted');
      const [, further] = user.authorizations.map(asked);
      assert.deepEqual(further, { scope: 'notes:read notes:write', resource: `${server.origin}/mcp` });
      assert.equal(await user.call('list_notes'), 'ada: hello');
      assert.equal(user.authorizations.length, 2, 'both scopes are enough for everything');
    });
  }

  test('uses a certified provider with credentials of its own', async (t) => {
    const provider = await OpenIdProvider.start();
    t.after(() => provider.close());
    const server = await startServer(t, { OIDC_ISSUER: provider.issuer });
    const credentials = new ClientCredentialsProvider({
      clientId: 'ES256', clientSecret: SECRET, expectedIssuer: provider.issuer,
    });
    const client = new Client({ name: 'live test', version: '1' });
    t.after(() => client.close());
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.origin}/mcp`), { authProvider: credentials }));
    const call = async (name, args) => (await client.callTool({ name, arguments: args })).content[0].text;

    assert.equal(await call('list_notes', {}), '');
    assert.equal(credentials.tokens().scope, 'notes:read');
    assert.equal(await call('add_note', { text: 'hello' }), 'noted');
    assert.equal(credentials.tokens().scope, 'notes:read notes:write');
    assert.equal(await call('list_notes', {}), 'ES256: hello');
  });
});

describe('the server', () => {
  test('takes tokens that are for it only, and never from the query', async (t) => {
    const provider = await OpenIdProvider.start();
    t.after(() => provider.close());
    const server = await startServer(t, { OIDC_ISSUER: provider.issuer });
    const audience = `${server.origin}/mcp`;
    const token = await provider.token({ audience, scope: 'notes:read' });
    const list = (headers, path = '/mcp') => server.send('POST', path, { 'content-type': 'application/json', ...headers },
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }));
    const bearer = (text) => ({ authorization: `Bearer ${text}` });
    await eventually('the server has keys', 10_000, async () => (await list(bearer(token))).status === 200);

    const elsewhere = await provider.token({ audience: `${server.origin}/other`, scope: 'notes:read' });
    const unscoped = await provider.token({ audience });
    for (const [what, answer, status, error] of [
      ['a token for another resource', await list(bearer(elsewhere)), 401, 'invalid_token'],
      ['a token in the query', await list({}, `/mcp?access_token=${token}`), 401, undefined],
      ['a token in a cookie', await list({ cookie: `__Host-jwt=${token}` }), 401, undefined],
      ['garbage', await list(bearer('garbage')), 401, 'invalid_token'],
      ['a header that is none', await list({ authorization: 'Bearer' }), 400, 'invalid_request'],
      ['a token without the scope', await list(bearer(unscoped)), 403, 'insufficient_scope'],
    ]) {
      const { resourceMetadataUrl, ...rest } = challengeOf(answer);
      assert.equal(answer.status, status, what);
      assert.equal(rest.error, error, what);
      assert.equal(rest.scope, status === 400 ? undefined : 'notes:read', what);
      assert.equal(resourceMetadataUrl.href, `${server.origin}${METADATA_PATH}`, what);
    }
  });

  test('keeps the pages of other origins out', async (t) => {
    const server = await startServer(t);
    for (const [origin, status] of [['http://rebound.example', 403], ['null', 403], [server.origin, 401]]) {
      assert.equal((await server.send('POST', '/mcp', { origin })).status, status, origin);
    }
    const document = await server.get(METADATA_PATH, { origin: 'http://rebound.example' });
    assert.equal(document.status, 200, 'the metadata is for every page');
  });
});

async function startServer(t, settings) {
  const server = await ProtectedServer.start(settings, 'mcp_server', METADATA_PATH);
  t.after(() => server.stop());
  return server;
}

/** What an authorization request asks for. */
function asked({ searchParams }) {
  return { scope: searchParams.get('scope'), resource: searchParams.get('resource') };
}

function challengeOf({ headers }) {
  return extractWWWAuthenticateParams({ headers: new Headers({ 'www-authenticate': headers['www-authenticate'] }) });
}

// A client of the MCP TypeScript SDK, whose user says yes wherever a browser would ask.

import assert from 'node:assert/strict';

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const REDIRECT_URI = 'http://127.0.0.1:9/callback';

export class McpUser {
  /** Every authorization request that a browser was sent to. */
  authorizations = [];

  #url;
  #versions;
  #tokens;
  #transport;
  #client;

  /** For the server at `url`, in one of the SDK's modes of finding the version to speak. */
  constructor(url, mode, scope) {
    this.#url = new URL(url);
    this.#versions = { mode };
    this.clientMetadata = { client_name: 'live test', redirect_uris: [REDIRECT_URI], scope };
  }

  // What the SDK asks its OAuthClientProvider for.
  get redirectUrl() { return REDIRECT_URI; }
  clientInformation() { return this.information; }
  saveClientInformation(information) { this.information = information; }
  tokens() { return this.#tokens; }
  saveTokens(tokens) { this.#tokens = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  discoveryState() { return this.discovery; }
  saveDiscoveryState(discovery) { this.discovery = discovery; }
  state() { return 'state-of-this-test'; }
  redirectToAuthorization(url) { this.authorizations.push(url); }

  /** Connects, by way of the authorization server. */
  async connect() {
    await this.#authorized(async () => {
      this.#client = new Client({ name: 'live test', version: '1' }, { versionNegotiation: this.#versions });
      this.#transport = new StreamableHTTPClientTransport(this.#url, { authProvider: this });
      await this.#client.connect(this.#transport);
    });
  }

  get protocolVersion() { return this.#client.getNegotiatedProtocolVersion(); }

  async tools() {
    return (await this.#client.listTools()).tools.map(({ name }) => name);
  }

  /** The text that a tool answers with. */
  async call(name, args = {}) {
    const result = await this.#authorized(() => this.#client.callTool({ name, arguments: args }));
    return result.content[0].text;
  }

  close() {
    return this.#client?.close();
  }

  /** Does it; if a browser is asked for, goes there, and does it again. */
  async #authorized(doing) {
    try {
      return await doing();
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    const response = await fetch(this.authorizations.at(-1), { redirect: 'manual' });
    assert.equal(response.status, 303, 'the authorization server sends the browser back');
    const answer = new URL(response.headers.get('location'));
    assert.equal(`${answer.origin}${answer.pathname}`, REDIRECT_URI);
    assert.equal(answer.searchParams.get('state'), this.state());
    await this.#transport.finishAuth(answer.searchParams);
    return doing();
  }
}

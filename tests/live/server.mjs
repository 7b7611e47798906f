// The example server as a child process, and the client that talks to it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** An example that was built, or another binary that the environment names. */
const binary = (name) => process.env[`${name.toUpperCase()}_BIN`]
  ?? fileURLToPath(new URL(`../../target/debug/examples/${name}`, import.meta.url));

export class ProtectedServer {
  /** Starts the server on a free port and waits until it answers, with keys or without. */
  static async start(settings, example = 'protected', alive = '/healthz') {
    const server = new ProtectedServer(await freePort(), settings, example);
    await Promise.race([
      eventually('the server is up', 10_000, async () => (await server.get(alive)).status === 200),
      server.#failure(),
    ]);
    return server;
  }

  #port;
  #child;
  #stderr;
  #agent = new Agent({ keepAlive: true });

  constructor(port, settings, example) {
    this.#port = port;
    this.#child = launch({ BIND: `127.0.0.1:${port}`, ...settings }, {}, example);
    this.#stderr = text(this.#child.stderr);
  }

  /** Where clients reach it. */
  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Waits until the server holds keys to check tokens with. */
  async ready(milliseconds = 10_000) {
    await eventually('the server has keys', milliseconds, async () => (await this.get('/readyz')).status === 200);
  }

  /** `GET /me` with the token in the `Authorization` header. */
  me(token) {
    return this.get('/me', { authorization: `Bearer ${token}` });
  }

  get(path, headers) {
    return this.send('GET', path, headers);
  }

  /** One exchange: `{ status, headers, body }`, where a JSON body is parsed. */
  async send(method, path, headers = {}, content) {
    const sent = request({ host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path, headers }).end(content);
    sent.setTimeout(10_000, () => sent.destroy(new Error(`no answer to ${method} ${path} within 10 s`)));
    const [response] = await once(sent, 'response');
    const body = await text(response);
    const isJson = /^application\/(\w+\+)?json\b/.test(response.headers['content-type']);
    return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(body) : body };
  }

  /** Ends the server, which must neither have ended nor have panicked before. */
  async stop() {
    this.#agent.destroy();
    const wasRunning = this.#child.kill('SIGKILL');
    const stderr = await this.#stderr;
    assert.ok(wasRunning, `the server ended by itself: ${stderr}`);
    assert.doesNotMatch(stderr, /panicked/);
  }

  async #failure() {
    const [code] = await once(this.#child, 'exit');
    throw new Error(`the server ended with code ${code}: ${await this.#stderr}`);
  }
}

/** Runs the server to its own end, for 10 seconds at most: `{ code, stderr }`, `code` being null after that. */
export async function runToEnd(settings) {
  const child = launch({ BIND: '127.0.0.1:0', ...settings }, { timeout: 10_000, killSignal: 'SIGKILL' });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, stderr };
}

/** Asks until the answer is yes; an error is a no, and the last one the cause of giving up. */
export async function eventually(what, milliseconds, question) {
  const deadline = performance.now() + milliseconds;
  let cause;
  while (performance.now() < deadline) {
    try {
      if (await question()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${milliseconds} ms: ${what}`, { cause });
}

// Only the given settings: whatever the shell has set, a proxy or an issuer, stays outside.
function launch(settings, options, example = 'protected') {
  return spawn(binary(example), { env: settings, stdio: ['ignore', 'ignore', 'pipe'], ...options });
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

// An example as a child process, on a free port that it tells, and the clients that are no browser.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const BINARIES = process.env.EXAMPLES_DIR ?? fileURLToPath(new URL('../../target/debug/examples', import.meta.url));

export class Example {
  /** Starts the example `name` with the given settings only, and waits until it says where it listens. */
  static async start(name, settings = {}) {
    const child = spawn(`${BINARIES}/${name}`, { env: { BIND: '127.0.0.1:0', ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
    const example = new Example(child);
    for await (const line of createInterface({ input: child.stdout })) {
      example.said.push(line);
      if (line.startsWith('listening on ')) {
        example.origin = line.slice('listening on '.length);
        return example;
      }
    }
    throw new Error(`${name} ended: ${await example.#stderr}`);
  }

  /** Where it listens: `http://127.0.0.1:1234`. */
  origin;
  said = [];
  #child;
  #stderr;

  constructor(child) {
    this.#child = child;
    this.#stderr = text(child.stderr);
  }

  /** The settings of another instance with the same stand-in, as the example prints them. */
  settingsOfAnother() {
    const line = this.said.find((said) => said.startsWith('BIND='));
    const pairs = line.matchAll(/(\w+)=(\S+)/g);
    return Object.fromEntries(Array.from(pairs, ([, name, value]) => [name, value]));
  }

  /** Ends the example, which must neither have ended nor have panicked before, nor have put a token into its log. */
  async stop() {
    const wasRunning = this.#child.kill('SIGKILL');
    const stderr = await this.#stderr;
    assert.ok(wasRunning, `the example ended by itself: ${stderr}`);
    assert.doesNotMatch(stderr, /panicked|eyJ/);
  }
}

/** Runs an example that cannot start to its end: `{ code, stderr }`. */
export async function runToEnd(name, settings) {
  const env = { BIND: '127.0.0.1:0', ...settings };
  const child = spawn(`${BINARIES}/${name}`, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000 });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, stderr };
}

/** One exchange without a browser, redirects not followed: `{ status, headers, body }`. */
export async function send(method, url, headers = {}, payload = '') {
  const sent = request(url, { method, headers, timeout: 10_000 }).end(payload);
  const [response] = await once(sent, 'response');
  const body = await text(response);
  const isJson = /^application\/(\w+\+)?json\b/.test(response.headers['content-type']);
  return { status: response.statusCode, headers: response.headers, body: isJson && body ? JSON.parse(body) : body };
}
